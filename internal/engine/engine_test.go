package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/natserr"
	"github.com/gannet-io/nats/internal/proto"
	"github.com/gannet-io/nats/internal/session"
)

func TestPublishSubscribe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t)
		c, srv := s.connect(Events{})
		defer c.Close()
		k := newCollector()
		if _, err := c.Subscribe("a.*", "q", k); err != nil {
			t.Fatal(err)
		}
		srv.expect("SUB a.* q 1")
		if err := c.Publish("a.b", "r", nil, []byte("hello")); err != nil {
			t.Fatal(err)
		}
		srv.expect("PUB a.b r 5 hello")
		srv.send("MSG a.b 1 2\r\nhi\r\nMSG a.c 1 0\r\n\r\nMSG a.c 9 1\r\nx\r\nPING\r\n")
		srv.expect("PONG")
		k.await(t, func() bool { return slices.Equal(k.msgs, []string{"a.b hi", "a.c "}) })
		if got := c.Stats(); got.InMsgs != 3 || got.OutMsgs != 1 || got.OutBytes != 5 || got.InBytes != 3 {
			t.Errorf("Stats() = %+v", got)
		}
	})
}

func TestAutoUnsubscribeIsReplayedWithWhatIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t)
		c, srv := s.connect(Events{})
		defer c.Close()
		k := newCollector()
		sub, _ := c.Subscribe("a", "", k)
		if err := c.UnsubscribeAfter(sub, 3); err != nil {
			t.Fatal(err)
		}
		srv.expect("SUB a 1")
		srv.expect("UNSUB 1 3")
		srv.send("MSG a 1 1\r\n1\r\n")
		k.await(t, func() bool { return len(k.msgs) == 1 })
		srv.Conn.Close()
		srv = s.next()
		srv.expect("SUB a 1")
		srv.expect("UNSUB 1 2")
		srv.send("MSG a 1 1\r\n2\r\nMSG a 1 1\r\n3\r\nMSG a 1 1\r\n4\r\n")
		k.await(t, func() bool { return k.closed != nil })
		if want := []string{"a 1", "a 2", "a 3"}; !slices.Equal(k.msgs, want) || k.closed != natserr.MaxMessages {
			t.Errorf("got %q, closed %v, want %q, %v", k.msgs, k.closed, want, natserr.MaxMessages)
		}
		if n := c.NumSubscriptions(); n != 0 {
			t.Errorf("NumSubscriptions() = %d, want 0", n)
		}
	})
}

func TestRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t)
		c, srv := s.connect(Events{})
		defer c.Close()
		go func() {
			prefix := ""
			for line := range srv.lines {
				f := strings.Fields(line)
				switch {
				case f[0] == "SUB":
					prefix = strings.TrimSuffix(f[1], "*")
				case f[0] == "PUB" && !strings.HasPrefix(f[2], prefix):
					t.Errorf("reply subject %q is not below %q", f[2], prefix)
				case f[0] == "PUB" && f[1] == "echo":
					srv.send(fmt.Sprintf("MSG %s 1 %d\r\n%s\r\n", f[2], len(f[4]), f[4]))
					srv.send(fmt.Sprintf("MSG %s 1 4\r\nlate\r\n", f[2]))
				case f[0] == "PUB" && f[1] == "nobody":
					srv.send(fmt.Sprintf("HMSG %s 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n", f[2]))
				}
			}
		}()
		for i := range 3 {
			text := fmt.Sprint("text", i)
			r, err := c.Request(t.Context(), time.Second, "echo", nil, []byte(text))
			if err != nil || string(r.Data) != text {
				t.Fatalf("Request = %q, %v, want %q", r.Data, err, text)
			}
		}
		if _, err := c.Request(t.Context(), time.Second, "nobody", nil, nil); err != natserr.NoResponders {
			t.Errorf("nobody there: got %v, want %v", err, natserr.NoResponders)
		}
		began := time.Now()
		if _, err := c.Request(t.Context(), time.Second, "silent", nil, nil); err != natserr.Timeout {
			t.Errorf("silence: got %v, want %v", err, natserr.Timeout)
		}
		if d := time.Since(began); d < time.Second || d > 1020*time.Millisecond {
			t.Errorf("timed out after %v, want 1s and at most 2%% more", d)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		if _, err := c.Request(ctx, 0, "silent", nil, nil); err != context.DeadlineExceeded {
			t.Errorf("context: got %v", err)
		}
		if n := c.mux.outstanding(); n != 0 {
			t.Errorf("%d slots are still taken", n)
		}
		done := make(chan error)
		go func() { _, err := c.Request(t.Context(), time.Minute, "silent", nil, nil); done <- err }()
		synctest.Wait()
		c.Close()
		if err := <-done; err != natserr.ConnectionClosed {
			t.Errorf("at Close: got %v, want %v", err, natserr.ConnectionClosed)
		}
	})
}

func TestReconnectReplaysInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t)
		var mu sync.Mutex
		var events []string
		note := func(e string) func() {
			return func() { mu.Lock(); defer mu.Unlock(); events = append(events, e) }
		}
		c, srv := s.connect(Events{
			Connected: note("connected"), Reconnected: note("reconnected"), Closed: note("closed"),
			Disconnected: func(err error) { note(fmt.Sprint("disconnected ", err))() },
		})
		k := newCollector()
		if _, err := c.Subscribe("a", "", k); err != nil {
			t.Fatal(err)
		}
		srv.expect("SUB a 1")
		s.stop()
		synctest.Wait()
		if got := c.Status(); got != session.Reconnecting {
			t.Fatalf("status %d, want %d", got, session.Reconnecting)
		}
		for i := range 3 {
			if err := c.Publish("p", "", nil, fmt.Append(nil, i)); err != nil {
				t.Fatal(err)
			}
		}
		flushed := make(chan error, 1)
		if err := c.OnPong(func(err error) { flushed <- err }); err != nil {
			t.Fatal(err)
		}
		s.start()
		srv = s.next()
		srv.expect("SUB a 1")
		for i := range 3 {
			srv.expect(fmt.Sprintf("PUB p 1 %d", i))
		}
		srv.expect("PING")
		srv.send("PONG\r\n")
		if err := <-flushed; err != nil {
			t.Errorf("flush across the reconnect: %v", err)
		}
		c.Close()
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		want := []string{"connected", "disconnected EOF", "reconnected", "disconnected <nil>", "closed"}
		if !slices.Equal(events, want) {
			t.Errorf("events %q, want %q", events, want)
		}
		if k.closed != natserr.ConnectionClosed {
			t.Errorf("sink closed with %v, want %v", k.closed, natserr.ConnectionClosed)
		}
	})
}

// A payload of any size arrives whole, however the stream is cut; memory is not taken by announced size.
func TestLargePayloads(t *testing.T) {
	for _, size := range []int{0, 1, 4 << 10, 15 << 10, 16 << 10, 64 << 10, 65<<10 + 7, 1 << 20} {
		for _, step := range []int{1 << 20, 4096, 1000} {
			t.Run(fmt.Sprintf("%d by %d", size, step), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newScript(t)
					c, srv := s.connect(Events{})
					defer c.Close()
					k := newCollector()
					if _, err := c.Subscribe("a", "", k); err != nil {
						t.Fatal(err)
					}
					body := strings.Repeat("x", size)
					text := fmt.Sprintf("MSG a 1 1\r\n1\r\nMSG a 1 %d\r\n%s\r\nMSG a 1 %d\r\n%s\r\nMSG a 1 1\r\n2\r\n", size, body, size, body)
					for len(text) > 0 {
						n := min(step, len(text))
						srv.send(text[:n])
						text = text[n:]
					}
					k.await(t, func() bool { return len(k.msgs) == 4 })
					want := []string{"a 1", "a " + body, "a " + body, "a 2"}
					for i := range want {
						if k.msgs[i] != want[i] {
							t.Errorf("message %d has %d bytes, want %d", i, len(k.msgs[i]), len(want[i]))
						}
					}
				})
			})
		}
	}
}

func TestProtocolErrorReconnects(t *testing.T) {
	for name, bad := range map[string]string{
		"huge payload":   "MSG a 1 99999999999\r\n",
		"overflow":       "MSG a 1 9223372036854775808\r\n",
		"negative":       "MSG a 1 -5\r\n",
		"no CRLF":        "MSG a 1 3\r\nabcdef\r\n",
		"header > total": "HMSG a 1 20 10\r\n",
		"junk":           "\x00\x01\x02\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScript(t)
				cause := make(chan error, 1)
				c, srv := s.connect(Events{Disconnected: func(err error) {
					select {
					case cause <- err:
					default:
					}
				}})
				defer c.Close()
				srv.send(bad)
				s.next()
				var perr *proto.Error
				if err := <-cause; !errors.As(err, &perr) {
					t.Errorf("disconnected by %v, want a protocol error", err)
				}
			})
		})
	}
}

func TestCloseResolvesEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t)
		c, _ := s.connect(Events{})
		failed := make(chan error, 3)
		w := waiterFunc(func(err error) { failed <- err })
		for _, d := range []time.Duration{time.Hour, time.Second} {
			if _, err := c.Ask("x", nil, nil, w, mono.Now().Add(d), AskOpts{}); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.OnPong(func(err error) { failed <- err }); err != nil {
			t.Fatal(err)
		}
		c.Close()
		c.Close()
		for range 3 {
			if err := <-failed; err != natserr.ConnectionClosed {
				t.Errorf("got %v, want %v", err, natserr.ConnectionClosed)
			}
		}
		for name, err := range map[string]error{
			"Publish":        c.Publish("a", "", nil, nil),
			"OnPong":         c.OnPong(func(error) { t.Error("called after Close") }),
			"ForceReconnect": c.ForceReconnect(),
			"Subscribe":      second(c.Subscribe("a", "", newCollector())),
			"Ask":            second(c.Ask("a", nil, nil, w, mono.Never, AskOpts{})),
			"Request":        second(c.Request(t.Context(), time.Second, "a", nil, nil)),
			"BeginDrain":     second(c.BeginDrain()),
		} {
			if err != natserr.ConnectionClosed {
				t.Errorf("%s after Close: %v, want %v", name, err, natserr.ConnectionClosed)
			}
		}
	})
}

// A server that swallows everything is found out when something is owed: 5 s of silence, then 10 s behind a PING.
func TestSilentLinkIsDoubted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t)
		c, srv := s.connect(Events{})
		defer c.Close()
		began := time.Now()
		go func() { _, _ = c.Request(t.Context(), time.Minute, "x", nil, nil) }()
		for line := range srv.lines {
			if line == "PING" {
				break
			}
		}
		if d := time.Since(began); d > 6*time.Second {
			t.Errorf("PING after %v, want about 5s", d)
		}
		s.next()
		if d := time.Since(began); d > 16*time.Second {
			t.Errorf("reconnected after %v, want about 15s", d)
		}
	})
}

func TestCallbacksMayCloseAndGoexit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t)
		closed := make(chan struct{})
		var c *Conn
		ready := make(chan struct{})
		c, srv := s.connect(Events{
			Disconnected: func(err error) {
				<-ready
				if err != nil {
					c.Close()
				}
			},
			Closed: func() { close(closed) },
		})
		close(ready)
		srv.Conn.Close()
		<-closed
	})
}

type waiterFunc func(error)

func (f waiterFunc) Reply(*proto.Frame) { f(io.EOF) }
func (f waiterFunc) Fail(err error)     { f(err) }

func second[T any](_ T, err error) error { return err }
