package engine

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gannet-io/nats/internal/proto"
	"github.com/gannet-io/nats/internal/session"
	"github.com/gannet-io/nats/internal/transport"
)

// script is a server made by hand: the engine dials it through a pipe, so that it works under a fake clock.
type script struct {
	t    *testing.T
	info string

	mu     sync.Mutex
	refuse bool
	conns  []*conversation
	accept chan *conversation
}

// conversation is one connection to the script. Lines and payloads that the client sent are in got, in order.
type conversation struct {
	net.Conn
	s     *script
	lines chan string
}

const plainInfo = `{"server_id":"S","server_name":"s","version":"2.15.2","proto":1,"headers":true,"max_payload":1048576,"host":"127.0.0.1","port":4222}`

func newScript(t *testing.T) *script {
	return &script{t: t, info: plainInfo, accept: make(chan *conversation, 16)}
}

// Dial makes the script a custom dialer.
func (s *script) Dial(network, address string) (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse {
		return nil, &net.OpError{Op: "dial", Net: network, Err: fmt.Errorf("refused")}
	}
	near, far := net.Pipe()
	c := &conversation{Conn: far, s: s, lines: make(chan string, 1<<16)}
	s.conns = append(s.conns, c)
	go c.read()
	go func() {
		if c.send("INFO " + s.info + "\r\n") {
			s.accept <- c
		}
	}()
	return near, nil
}

// send writes to the client; false when the connection is gone.
func (c *conversation) send(text string) bool {
	_, err := io.WriteString(c.Conn, text)
	return err == nil
}

// read answers CONNECT's PING and records everything else. A payload is appended to its line after a space.
func (c *conversation) read() {
	defer close(c.lines)
	in := bufio.NewReader(c.Conn)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		op, _, _ := strings.Cut(line, " ")
		switch op {
		case "CONNECT":
			if next, _ := in.ReadString('\n'); strings.TrimSpace(next) == "PING" && !c.send("PONG\r\n") {
				return
			}
		case "PUB", "HPUB":
			var size int
			fmt.Sscanf(line[strings.LastIndexByte(line, ' ')+1:], "%d", &size)
			body := make([]byte, size+2)
			if _, err := io.ReadFull(in, body); err != nil {
				return
			}
			line += " " + string(body[:size])
		}
		c.lines <- line
	}
}

// expect waits for the next line, skipping CONNECT, and compares it.
func (c *conversation) expect(want string) {
	c.s.t.Helper()
	for {
		select {
		case line, ok := <-c.lines:
			if !ok {
				c.s.t.Fatalf("connection over, want %q", want)
			}
			if strings.HasPrefix(line, "CONNECT") {
				continue
			}
			if line != want {
				c.s.t.Fatalf("got line %q, want %q", line, want)
			}
			return
		case <-time.After(time.Minute):
			c.s.t.Fatalf("no line, want %q", want)
		}
	}
}

// next is the script's next connection that got as far as INFO.
func (s *script) next() *conversation {
	s.t.Helper()
	select {
	case c := <-s.accept:
		return c
	case <-time.After(time.Minute):
		s.t.Fatal("no connection")
		return nil
	}
}

// stop refuses new connections and cuts the existing ones.
func (s *script) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = true
	for _, c := range s.conns {
		_ = c.Conn.Close()
	}
}

func (s *script) start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = false
}

func (s *script) config() Config {
	return Config{
		URLs: []string{"nats://127.0.0.1:4222"},
		Session: session.Config{
			AllowReconnect: true, MaxReconnect: 60, Wait: 2 * time.Second, Jitter: 0, QuickFirst: true,
			PingInterval: 2 * time.Minute, MaxPingsOut: 2, DoubtAfter: 5 * time.Second, DoubtFor: 10 * time.Second,
		},
		Net:          transport.Config{Custom: s, Timeout: 2 * time.Second, SkipHostLookup: true},
		Keep:         8 << 20,
		WriteTimeout: time.Minute,
		Hello: greeter(func(*proto.Info, *url.URL) (proto.Connect, error) {
			return proto.Connect{Lang: "go", Version: "0"}, nil
		}),
		InboxPrefix: "_INBOX",
		Counters:    new(Counters),
	}
}

// connect returns a connection to the script, closed with the test.
func (s *script) connect(ev Events) (*Conn, *conversation) {
	s.t.Helper()
	c, err := Connect(context.Background(), s.config(), ev)
	if err != nil {
		s.t.Fatal(err)
	}
	return c, s.next()
}

// collector is a sink that keeps copies.
type collector struct {
	mu      sync.Mutex
	msgs    []string
	settled int
	closed  error
	more    chan struct{}
}

func newCollector() *collector { return &collector{more: make(chan struct{}, 1)} }

func (k *collector) Deliver(f *proto.Frame) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.msgs = append(k.msgs, string(f.Subject)+" "+string(f.Data))
}

func (k *collector) Settle() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.settled++
	k.poke()
}

func (k *collector) Closed(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.closed = err
	k.poke()
}

func (k *collector) poke() {
	select {
	case k.more <- struct{}{}:
	default:
	}
}

// await waits until ok says so.
func (k *collector) await(t *testing.T, ok func() bool) {
	t.Helper()
	timeout := time.After(time.Minute)
	for {
		k.mu.Lock()
		done := ok()
		k.mu.Unlock()
		if done {
			return
		}
		select {
		case <-k.more:
		case <-timeout:
			t.Fatalf("got %q, closed %v", k.msgs, k.closed)
		}
	}
}
