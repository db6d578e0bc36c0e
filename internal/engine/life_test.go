package engine

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/natserr"
)

// deafPeer is a connection whose writes fail from a moment on, while what the peer sent can still be read.
type deafPeer struct {
	net.Conn
	broken *atomic.Bool
}

var errBroken = errors.New("write: broken pipe")

func (d *deafPeer) Write(b []byte) (int, error) {
	if d.broken.Load() {
		return 0, errBroken
	}
	return d.Conn.Write(b)
}

type deafDialer struct {
	*script
	broken atomic.Bool
}

func (d *deafDialer) Dial(network, address string) (net.Conn, error) {
	nc, err := d.script.Dial(network, address)
	if err != nil {
		return nil, err
	}
	d.broken.Store(false)
	return &deafPeer{Conn: nc, broken: &d.broken}, nil
}

// When writing fails, what the server had sent is read before the link is given up, and no longer than 0.1 s when there is no end of it.
func TestReadsOnWhenWritingFails(t *testing.T) {
	for name, ends := range map[string]bool{"the server closes": true, "it does not": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScript(t)
				d := &deafDialer{script: s}
				cfg := s.config()
				cfg.Net.Custom = d
				lost := make(chan error, 1)
				c, err := Connect(context.Background(), cfg, Events{Disconnected: func(err error) {
					select {
					case lost <- err:
					default:
					}
				}})
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				far := s.next()
				k := newCollector()
				if _, err := c.Subscribe("a", "", k); err != nil {
					t.Fatal(err)
				}
				far.expect("SUB a 1")
				d.broken.Store(true)
				began := mono.Now()
				_ = c.Publish("b", "", nil, nil)
				synctest.Wait() // the write has failed
				far.send("MSG a 1 1\r\n1\r\nMSG a 1 1\r\n2\r\n")
				if ends {
					_ = far.Close()
				}
				if err := <-lost; err != errBroken {
					t.Errorf("disconnected by %v, want %v", err, errBroken)
				}
				want := time.Duration(0)
				if !ends {
					want = lastWords
				}
				if took := mono.Now().Sub(began); took != want {
					t.Errorf("given up after %v, want %v", took, want)
				}
				k.await(t, func() bool { return slices.Equal(k.msgs, []string{"a 1", "a 2"}) })
			})
		})
	}
}

// A link on which nothing comes any more is found dead by the rules of its configuration.
func TestDeadLinks(t *testing.T) {
	ask := func(c *Conn) {
		go func() { _, _ = c.Request(context.Background(), time.Hour, "a", nil, nil) }()
	}
	publish := func(c *Conn) { _ = c.Publish("a", "", nil, []byte("x")) }
	eager := func(cfg *Config) {
		cfg.Session.DoubtAfter, cfg.Session.DoubtFor, cfg.OwedPublish = time.Second, 2*time.Second, true
	}
	pings := func(d time.Duration, more ...func(*Config)) func(*Config) {
		return func(cfg *Config) {
			cfg.Session.PingInterval = d
			for _, set := range more {
				set(cfg)
			}
		}
	}
	for name, tc := range map[string]struct {
		set     func(*Config)
		traffic func(*Conn)
		want    time.Duration
	}{
		"a request":        {nil, ask, 15 * time.Second},
		"a pull":           {nil, func(c *Conn) { c.Owe(1) }, 15 * time.Second},
		"a flush":          {nil, func(c *Conn) { _ = c.OnPong(func(error) {}) }, 15 * time.Second},
		"publishes":        {nil, publish, 2*time.Minute + 15*time.Second}, // a PING of the timer is owed an answer as well
		"nothing":          {nil, func(*Conn) {}, 2*time.Minute + 15*time.Second},
		"eager, a request": {eager, ask, 3 * time.Second},
		"eager, publishes": {eager, publish, 3 * time.Second},
		"eager, nothing":   {eager, func(*Conn) {}, 2*time.Minute + 3*time.Second},
		// Who pings often is in a hurry where an answer is outstanding; the timer's own PINGs have their number.
		"pings of 1 s, a request":        {pings(time.Second), ask, 1400 * time.Millisecond},
		"pings of 1 s, a pull":           {pings(time.Second), func(c *Conn) { c.Owe(1) }, 1400 * time.Millisecond},
		"pings of 1 s, a flush":          {pings(time.Second), func(c *Conn) { _ = c.OnPong(func(error) {}) }, 1400 * time.Millisecond},
		"pings of 1 s, publishes":        {pings(time.Second), publish, 3 * time.Second},
		"pings of 1 s, eager, publishes": {pings(time.Second, eager), publish, 1400 * time.Millisecond},
		"pings of 1 s, nothing":          {pings(time.Second), func(*Conn) {}, 3 * time.Second},
		"pings of 100 ms, a request":     {pings(100 * time.Millisecond), ask, 300 * time.Millisecond},
		"pings of 3 s, a request":        {pings(3 * time.Second), ask, 4200 * time.Millisecond},
		"pings of 6 s, a request":        {pings(6 * time.Second), ask, 15 * time.Second},
		"confirmed, publishes":           {func(cfg *Config) { cfg.ConfirmAfter = 100 * time.Millisecond }, publish, 15 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScript(t)
				cfg := s.config()
				if tc.set != nil {
					tc.set(&cfg)
				}
				lost := make(chan error, 1)
				c, err := Connect(context.Background(), cfg, Events{Disconnected: func(err error) {
					select {
					case lost <- err:
					default:
					}
				}})
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				s.next()
				began := mono.Now()
				tc.traffic(c)
				if err := <-lost; err != natserr.StaleConnection {
					t.Errorf("disconnected by %v, want %v", err, natserr.StaleConnection)
				}
				if took := mono.Now().Sub(began); took < tc.want || took > tc.want+50*time.Millisecond {
					t.Errorf("found after %v, want %v", took, tc.want)
				}
			})
		})
	}
}

// The outbox asks for confirmation by bytes and by time, once for what there is, and its PONGs are nobody else's.
func TestConfirmsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t)
		cfg := s.config()
		cfg.ConfirmBytes, cfg.ConfirmAfter = 20, 50*time.Millisecond
		c, err := Connect(context.Background(), cfg, Events{})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		far := s.next()
		began := mono.Now()
		_ = c.Publish("a", "", nil, []byte("1")) // 12 bytes
		far.expect("PUB a 1 1")
		far.expect("PING")
		if took := mono.Now().Sub(began); took != cfg.ConfirmAfter {
			t.Errorf("asked after %v, want %v", took, cfg.ConfirmAfter)
		}
		began = mono.Now()
		_ = c.Publish("a", "", nil, []byte("2"))
		_ = c.Publish("a", "", nil, []byte("3"))
		far.expect("PUB a 1 2")
		far.expect("PUB a 1 3")
		far.expect("PING")
		if took := mono.Now().Sub(began); took != 0 {
			t.Errorf("asked after %v, want at once", took)
		}
		// A flush behind them waits for its own answer.
		flushed := make(chan error, 1)
		go func() {
			_, err := c.Flush(context.Background())
			flushed <- err
		}()
		far.expect("PING")
		far.send("PONG\r\nPONG\r\n")
		synctest.Wait()
		select {
		case <-flushed:
			t.Error("the flush ended by the answer to another PING")
		default:
		}
		if c.Health().Unconfirmed {
			t.Error("not confirmed")
		}
		far.send("PONG\r\n")
		if err := <-flushed; err != nil {
			t.Errorf("flush: %v", err)
		}
	})
}

// A lame duck is left when the next link is ready; what is published meanwhile goes there.
func TestLeavesALameDuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t)
		cfg := s.config()
		cfg.URLs = append(cfg.URLs, "nats://127.0.0.1:4223")
		cfg.Session.LeaveWithin = time.Second
		cfg.Session.Rand = func(n int64) int64 { return n / 2 }
		told := make(chan error, 10)
		lost := make(chan error, 10)
		c, err := Connect(context.Background(), cfg, Events{
			Error: func(_ Sink, err error) { told <- err }, Disconnected: func(err error) { lost <- err },
		})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		far := s.next()
		k := newCollector()
		if _, err := c.Subscribe("a", "", k); err != nil {
			t.Fatal(err)
		}
		far.expect("SUB a 1")
		if _, err := c.Subscribe("work", "group", newCollector()); err != nil {
			t.Fatal(err)
		}
		far.expect("SUB work group 2")
		began := mono.Now()
		far.send("INFO " + plainInfo[:len(plainInfo)-1] + `,"ldm":true}` + "\r\n")
		near := s.next()
		if took := mono.Now().Sub(began); took != 500*time.Millisecond {
			t.Errorf("left after %v, want half a second", took)
		}
		near.expect("SUB work group 2") // first here, then no more there: no message of the group passes between
		far.expect("UNSUB 2")
		far.expect("PING")
		if took := mono.Now().Sub(began); took != 500*time.Millisecond+known {
			t.Errorf("said so after %v, want %v behind the SUB", took, known)
		}
		_ = c.Publish("b", "", nil, []byte("new"))
		far.send("MSG a 1 4\r\nlast\r\nPONG\r\n")
		near.expect("SUB a 1")
		near.expect("PUB b 3 new")
		if err := <-lost; err != natserr.LameDuck {
			t.Errorf("disconnected by %v, want %v", err, natserr.LameDuck)
		}
		k.await(t, func() bool { return slices.Equal(k.msgs, []string{"a last"}) })
		if len(told) != 0 {
			t.Errorf("told of %v", <-told)
		}
	})
}
