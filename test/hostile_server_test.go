package test

import (
	"errors"
	"fmt"
	"maps"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gannet-io/nats"
)

func withSID(text, sid string) string { return strings.ReplaceAll(text, "%s", sid) }

// victim is a client of a peer, and what shows that it is alive.
type victim struct {
	t   *testing.T
	p   *peer
	nc  *nats.Conn
	got chan string
	j   journal
	end chan struct{}
}

func newVictim(t *testing.T, p *peer, opts ...nats.Option) *victim {
	t.Helper()
	v := &victim{t: t, p: p, got: make(chan string, 1000), end: make(chan struct{})}
	opts = append([]nats.Option{
		quickly(), v.j.handler(), nats.IgnoreAuthErrorAbort(), nats.Timeout(patience), nats.RetryOnFailedConnect(true), nats.IgnoreDiscoveredServers(),
		nats.ClosedHandler(func(*nats.Conn) { close(v.end) }),
	}, opts...)
	v.nc = dial(t, p.url(), opts...)
	_, err := v.nc.Subscribe("probe", func(m *nats.Msg) { v.got <- string(m.Data) })
	must(t, err)
	return v
}

// alive has a good connection deliver a message, and returns it: the next one if the client has given c up after all.
func (v *victim) alive(c *peerConn, name string) *peerConn {
	v.t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		c.send("MSG probe " + c.sid("probe") + " " + fmt.Sprint(len(name)) + "\r\n" + name + "\r\n")
		for gone := false; !gone; {
			select {
			case text := <-v.got:
				if text == name {
					return c
				}
			case <-c.gone:
				gone = true
			case <-limit.C:
				v.t.Fatalf("waited %v in vain: a message after %s", patience, name)
			}
		}
		c = v.p.next()
	}
}

// afterwards is the connection that works after a hostile input on c: c itself if the client took no offence and still answers, else the
// next one. The server cuts c when the client has swallowed its PING.
func (v *victim) afterwards(c *peerConn, name string) *peerConn {
	v.t.Helper()
	n := len(c.sent())
	c.send("PING\r\n")
	answered := func() bool {
		for _, op := range c.sent()[n:] {
			if op == "PONG" {
				return true
			}
		}
		return false
	}
	end := time.Now().Add(100 * time.Millisecond)
	for ; time.Now().Before(end); pause() {
		select {
		case <-c.gone:
			return v.p.next()
		default:
		}
		// A PONG says that PING was read as such; whoever is about to give the link up does so soon.
		if answered() {
			return c
		}
	}
	_ = c.Close()
	return v.p.next()
}

// shards is how many clients share the hostile inputs among them where most of the time is waiting.
const shards = 6

// sharded runs f with parts of the inputs, at the same time. The heap's growth is that of all of them.
func sharded(t *testing.T, inputs map[string]string, f func(t *testing.T, part map[string]string)) {
	t.Helper()
	parts := make([]map[string]string, shards)
	for i := range parts {
		parts[i] = map[string]string{}
	}
	for i, name := range slices.Sorted(maps.Keys(inputs)) {
		parts[i%shards][name] = inputs[name]
	}
	t.Logf("%d inputs", len(inputs))
	t.Run("all", func(t *testing.T) {
		for i, part := range parts {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				f(t, part)
			})
		}
	})
}

// After each hostile input in the middle of a good connection the client works on, on that link or the next.
func TestHostileServerConnected(t *testing.T) {
	checkLeaks(t)
	p := newPeer(t)
	v := newVictim(t, p)
	c := p.next()
	got[*nats.Subscription](t)(v.nc.SubscribeSync("a"))
	for name, input := range hostileInputs() {
		before := allocatedSoFar()
		c.send(withSID(input, c.sid("a")))
		c = v.alive(v.afterwards(c, name), name)
		if took := allocatedSoFar() - before; took > 64<<20 {
			t.Errorf("%s: %d MiB were allocated", name, took>>20)
		}
	}
	for _, input := range truncations(c.sid("a")) {
		c.send(input)
		_ = c.Close()
		c = p.next()
		c.sid("a")
	}
	v.alive(c, "the end")
	if faults := p.allFaults(); len(faults) > 0 {
		t.Errorf("the client sent %q", faults)
	}
}

// The same in place of INFO, and in place of the PONG that ends the handshake: the next server that behaves is used.
func TestHostileServerHandshake(t *testing.T) {
	checkLeaks(t)
	inputs := hostileInputs()
	inputs["silence"] = ""
	inputs["a message too early"] = "MSG a 1 1\r\nx\r\n"
	inputs["a lame duck at once"] = "INFO " + `{"ldm":true}` + "\r\n"
	for i, input := range truncations("1") {
		inputs[fmt.Sprintf("truncation %d", i)] = input
	}
	for stage, greet := range map[string]func(c *peerConn, input string){
		"for INFO": func(c *peerConn, input string) { c.send(input) },
		"for PONG": func(c *peerConn, input string) {
			if c.send("INFO "+plainInfo+"\r\n") && c.awaitConnect() {
				c.send(input)
			}
		},
	} {
		t.Run(stage, func(t *testing.T) {
			sharded(t, inputs, func(t *testing.T, part map[string]string) { hostileHandshakes(t, part, greet) })
		})
	}
}

// hostileHandshakes has a client meet each input in the handshake, and then a server that behaves.
func hostileHandshakes(t *testing.T, inputs map[string]string, greet func(c *peerConn, input string)) {
	p := newPeer(t)
	v := newVictim(t, p)
	c := p.next()
	for name, input := range inputs {
		var hostile atomic.Bool
		hostile.Store(true)
		p.setGreet(func(c *peerConn) bool {
			if !hostile.CompareAndSwap(true, false) {
				return c.shake()
			}
			greet(c, withSID(input, "1"))
			// A client that waits for more learns that there is none.
			_ = c.SetReadDeadline(time.Now().Add(5 * time.Millisecond))
			_, _ = c.in.WriteTo(discard{})
			return false
		})
		before := allocatedSoFar()
		_ = c.Close()
		c = v.alive(p.next(), name)
		if took := allocatedSoFar() - before; took > 64<<20 {
			t.Errorf("%s: %d MiB were allocated", name, took>>20)
		}
	}
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

// The same while the connection drains, which cannot reconnect: it ends.
func TestHostileServerDraining(t *testing.T) {
	checkLeaks(t)
	inputs := hostileInputs()
	for i, input := range truncations("2") {
		inputs[fmt.Sprintf("truncation %d", i)] = input
	}
	sharded(t, inputs, hostileDrains)
}

func hostileDrains(t *testing.T, inputs map[string]string) {
	p := newPeer(t)
	for name, input := range inputs {
		before := allocatedSoFar()
		v := newVictim(t, p)
		c := p.next()
		release, entered := make(chan struct{}), make(chan struct{}, 10)
		got[*nats.Subscription](t)(v.nc.Subscribe("a", func(*nats.Msg) { entered <- struct{}{}; <-release }))
		sid := c.sid("a")
		c.send("MSG a " + sid + " 1\r\nx\r\n")
		await(t, "the callback", entered)
		must(t, v.nc.Drain())
		c.send(withSID(input, sid))
		close(release)
		// The flush of the drain may wait for a PONG that the input has swallowed: the server goes away then.
		for done, cut := false, time.After(50*time.Millisecond); !done; {
			select {
			case <-v.end:
				done = true
			case <-cut:
				_ = c.Close()
			case <-time.After(patience):
				t.Fatalf("%s: the connection does not end: %v", name, v.nc.Status())
			}
		}
		if took := allocatedSoFar() - before; took > 64<<20 {
			t.Errorf("%s: %d MiB were allocated", name, took>>20)
		}
	}
}

// allocatedSoFar is the number of bytes that were ever allocated: what the collector has swept in the meantime counts as well.
func allocatedSoFar() int64 { return readMetric("/gc/heap/allocs:bytes") }

func readMetric(name string) int64 {
	s := []metrics.Sample{{Name: name}}
	metrics.Read(s)
	return int64(s[0].Value.Uint64())
}

// peak runs f and returns how far the live heap grew meanwhile. f holds the gate while it makes others allocate: what is allocated while the
// collector is at work counts as live, which on a busy machine is a lot.
func peak(f func(gate sync.Locker)) int64 {
	var gate sync.Mutex
	live := func() int64 {
		gate.Lock()
		defer gate.Unlock()
		runtime.GC()
		return readMetric("/gc/heap/live:bytes")
	}
	before := live()
	done, top := make(chan struct{}), make(chan int64)
	go func() {
		most := int64(0)
		tick := time.NewTicker(30 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				most = max(most, live()-before)
			case <-done:
				top <- max(most, live()-before)
				return
			}
		}
	}()
	f(&gate)
	close(done)
	return <-top
}

// Memory follows the bytes that come, not the sizes that are announced, and floods do not fill it: also when nobody takes what
// they lead to.
func TestHostileServerFloods(t *testing.T) {
	checkLeaks(t)
	const mib = 1 << 20
	for name, tc := range map[string]struct {
		once   string // sent once
		repeat string // sent again and again
		bytes  int    // so many in all
		deaf   bool   // the server does not read
		bound  int64  // of what is kept on purpose; 64 MiB come on top
	}{
		"announced payload":    {once: "MSG a %s 67108864\r\nx", bound: -48 * mib},
		"announced header":     {once: "HMSG a %s 1048576 67108864\r\nNATS/1.0\r\n", bound: -48 * mib},
		"endless message line": {once: "MSG ", repeat: strings.Repeat("a", 1000), bytes: 200 * mib, bound: -48 * mib},
		"endless error":        {once: "-ERR '", repeat: strings.Repeat("a", 1000), bytes: 200 * mib, bound: -48 * mib},
		"endless INFO":         {once: "INFO {", repeat: strings.Repeat(" ", 1000), bytes: 200 * mib, bound: -48 * mib},
		"PINGs, nobody reads":  {repeat: "PING\r\n", bytes: 60 * mib, deaf: true, bound: 32 * mib},
		"PONGs":                {repeat: "PONG\r\n", bytes: 30 * mib},
		"INFOs":                {repeat: "INFO " + plainInfo + "\r\n", bytes: 30 * mib},
		"INFOs with many URLs": {repeat: `INFO {"connect_urls":["` + strings.Repeat(`10.0.0.1:4222","`, 500) + `x:1"]}` + "\r\n", bytes: 30 * mib},
		"lame ducks":           {repeat: `INFO {"ldm":true}` + "\r\n" + `INFO {"ldm":false}` + "\r\n", bytes: 5 * mib},
		"permission errors":    {repeat: "-ERR 'Permissions Violation for Publish to \"" + strings.Repeat("a", 2000) + "\"'\r\n", bytes: 200 * mib},
		"small errors":         {repeat: "-ERR 'Permissions Violation'\r\n", bytes: 30 * mib},
		"unreadable headers":   {repeat: "HMSG b 4242 12 12\r\nNOTS/1.0\r\n\r\n\r\nHMSG a %s 12 12\r\nNOTS/1.0\r\n\r\n\r\n", bytes: 30 * mib, bound: 200 * mib},
		"unknown SIDs":         {repeat: "MSG a 4242 1\r\nx\r\n", bytes: 30 * mib},
		"slow consumer":        {repeat: "MSG a %s 1000\r\n" + strings.Repeat("x", 1000) + "\r\n", bytes: 300 * mib, bound: 100 * mib},
		"slow consumer, empty": {repeat: "MSG a %s 0\r\n\r\n", bytes: 30 * mib, bound: 64 * mib},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPeer(t)
			release := make(chan struct{})
			blocked := func(*nats.Conn) { <-release }
			v := newVictim(t, p, nats.LameDuckModeHandler(blocked), nats.DiscoveredServersHandler(blocked),
				nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) { <-release }))
			c := p.next()
			got[*nats.Subscription](t)(v.nc.Subscribe("a", func(*nats.Msg) { <-release }))
			sid := c.sid("a")
			c.deaf.Store(tc.deaf)
			grown := peak(func(gate sync.Locker) {
				send := func(block string) bool {
					gate.Lock()
					defer gate.Unlock()
					return c.send(block)
				}
				c.send(withSID(tc.once, sid))
				block := strings.Repeat(withSID(tc.repeat, sid), 1+65536/(len(tc.repeat)+1))
				for sent := 0; sent < tc.bytes/slower; sent += len(block) {
					if !send(block) {
						break // the client has given the link up, which is fine
					}
				}
				if tc.repeat == "" {
					<-time.After(150 * time.Millisecond) // there is nothing to wait for: it has this time to grow
				} else {
					v.afterwards(c, name)
				}
			})
			if grown > tc.bound+64*mib {
				t.Errorf("the heap grew by %d MiB, want %d at most", grown/mib, (tc.bound/mib)+64)
			}
			t.Logf("the heap grew by %d MiB", grown/mib)
			close(release)
			v.nc.Close()
		})
	}
}

// An error that the client does not know is told, and costs the link only.
func TestUnknownServerError(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	p := newPeer(t)
	v := newVictim(t, p)
	c := p.next()
	c.send("-ERR 'Flux Capacitor Exhausted'\r\n")
	c = p.next()
	v.alive(c, "the next link")
	told := func() bool {
		for _, err := range v.j.errors() {
			if strings.Contains(err.Error(), "Flux Capacitor Exhausted") {
				return true
			}
		}
		return false
	}
	eventually(t, "the error handler", told)
	select {
	case <-v.end:
		t.Error("the connection was closed")
	default:
	}

	once := newVictim(t, p, nats.NoReconnect())
	p.next().send("-ERR 'Flux Capacitor Exhausted'\r\n")
	await(t, "the end of a connection that may not reconnect", once.end)
	if err := once.nc.LastError(); err == nil || !strings.Contains(err.Error(), "Flux Capacitor") {
		t.Errorf("last error %v", err)
	}
}

// Errors that are known have their effect: told only, or a new link.
func TestKnownServerErrors(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	for text, tc := range map[string]struct {
		want  error
		stays bool
	}{
		"'Permissions Violation for Publish to \"a\"'":  {nats.ErrPermissionViolation, true},
		"'maximum subscriptions exceeded'":              {nats.ErrMaxSubscriptionsExceeded, true},
		"'Stale Connection'":                            {nats.ErrStaleConnection, false},
		"'maximum connections exceeded'":                {nats.ErrMaxConnectionsExceeded, false},
		"'maximum account active connections exceeded'": {nats.ErrMaxAccountConnectionsExceeded, false},
	} {
		p := newPeer(t)
		var j journal
		lost := make(chan error, 10)
		nc := dial(t, p.url(), quickly(), j.handler(), nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { lost <- err }))
		c := p.next()
		c.send("-ERR " + text + "\r\n")
		if tc.stays {
			eventually(t, text, func() bool { return j.hasErr(tc.want) })
			must(t, nc.Flush())
			if len(lost) > 0 {
				t.Errorf("%s cost the link: %v", text, <-lost)
			}
		} else {
			if err := await(t, text, lost); !errors.Is(err, tc.want) {
				t.Errorf("%s: disconnected by %v, want %v", text, err, tc.want)
			}
			p.next()
		}
		nc.Close()
	}
}
