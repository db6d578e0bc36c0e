package outbox

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// tcpPair is a client's socket and its server's.
func tcpPair(t testing.TB) (client, server *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		s.Close()
	})
	return c.(*net.TCPConn), s.(*net.TCPConn)
}

// Eight publishers over a socket: everything arrives, each publisher's messages in order.
func TestPublishersOverTCP(t *testing.T) {
	t.Parallel()
	for _, exact := range []bool{true, false} {
		t.Run(fmt.Sprint("exact=", exact), func(t *testing.T) {
			t.Parallel()
			client, server := tcpPair(t)
			received := make(chan string)
			go func() {
				all, _ := io.ReadAll(server)
				received <- string(all)
			}()
			b := New(testConfig())
			wait := start(t, b, client, exact, "")
			const publishers, n = 8, 3000
			var all sync.WaitGroup
			for p := range publishers {
				all.Go(func() {
					for i := range n {
						if err := b.PublishData(fmt.Sprintf("s.%d.%d", p, i), make([]byte, i%300)); err != nil {
							t.Errorf("publisher %d: %v", p, err)
						}
					}
				})
			}
			all.Wait()
			if loss := b.Close(time.Second, 10*time.Second); loss != (Loss{}) {
				t.Errorf("Close: got %+v, want no loss", loss)
			}
			wait()
			client.Close()
			var next [publishers]int
			for _, line := range ops(t, <-received) {
				var p, i, size int
				if _, err := fmt.Sscanf(line, "PUB s.%d.%d %d", &p, &i, &size); err != nil || i != next[p] || size != i%300 {
					t.Fatalf("got %q of publisher %d, want number %d (%v)", line, p, next[p], err)
				}
				next[p]++
			}
			for p, got := range next {
				if got != n {
					t.Errorf("publisher %d: got %d messages, want %d", p, got, n)
				}
			}
		})
	}
}

// A peer that reads nothing: nobody waits for it until Keep is used up, and what the kernel took is known exactly.
func TestStalledPeer(t *testing.T) {
	t.Parallel()
	client, server := tcpPair(t)
	b := New(testConfig())
	wait := start(t, b, client, true, "")
	data := bytes.Repeat([]byte("x"), 1000)
	n, longest := 0, time.Duration(0)
	for b.Buffered() < 2<<20 {
		began := time.Now()
		if err := b.Publish(fmt.Sprint("s", n), "", nil, data); err != nil {
			t.Fatalf("message %d: %v", n, err)
		}
		longest = max(longest, time.Since(began))
		n++
	}
	if longest > 500*time.Millisecond { // 10 ms on a quiet machine
		t.Errorf("longest Publish: got %v", longest)
	}
	settle := b.Hold()
	client.CloseWrite() // ends the write under way, and lets the server read what was taken
	loss := settle()
	wait()
	first, err := io.ReadAll(server)
	if err != nil {
		t.Fatal(err)
	}
	arrived := len(ops(t, string(first)))
	if loss != (Loss{Unconfirmed: arrived}) {
		t.Errorf("loss: got %+v, want %d unconfirmed", loss, arrived)
	}
	next := newScript(-1)
	wait = start(t, b, next, true, "")
	b.Close(time.Second, 10*time.Second)
	wait()
	replayed := ops(t, next.text())
	if arrived+len(replayed) != n || len(replayed) == 0 || !strings.HasPrefix(replayed[0], fmt.Sprintf("PUB s%d ", arrived)) {
		t.Errorf("got %d messages, then %d that begin with %q; want %d in all", arrived, len(replayed), replayed[:min(1, len(replayed))], n)
	}
}

// Links come and go under eight publishers; nothing may race, hang, or be lost.
func TestLinksComeAndGo(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	cfg.Keep = 64 << 20
	b := New(cfg)
	const publishers, n = 8, 4000
	var all sync.WaitGroup
	for p := range publishers {
		all.Go(func() {
			for i := range n {
				var err error
				if i%5 == 0 {
					err = b.PublishNow(fmt.Sprint("p", p), "", nil, fmt.Append(nil, i, " "))
				} else {
					err = b.PublishData(fmt.Sprint("p", p), fmt.Append(nil, i, " ", string(make([]byte, i%700))))
				}
				if err != nil {
					t.Errorf("publisher %d: %v", p, err)
				}
				b.Control([]byte("PING\r\n"))
				b.PublishVolatile("volatile", "r", nil, nil)
				b.Confirm(b.Mark())
				b.Stats()
				b.Buffered()
			}
		})
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		all.Wait()
	}()
	r := &replay{t: t, taken: map[string][]string{}}
	for over := false; !over; {
		l := newScript(-1)
		wait := start(t, b, l, true, "")
		select {
		case <-done:
			over = true
		case <-time.After(3 * time.Millisecond):
		}
		if over {
			b.Close(time.Second, 10*time.Second)
		} else {
			cut(b, l)
		}
		wait()
		r.took(l.text())
	}
	for p := range publishers {
		name := fmt.Sprint("p", p)
		if got := len(r.taken[name]); got != n {
			t.Errorf("%s: got %d messages, want %d", name, got, n)
		}
		for i, got := range r.taken[name] {
			if got != fmt.Sprint(i) {
				t.Fatalf("%s: got number %s in place %d", name, got, i)
			}
		}
	}
}
