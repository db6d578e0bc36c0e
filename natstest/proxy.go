package natstest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// listenPatience is how long a proxy tries to get its port back.
const listenPatience = 5 * time.Second

// Proxy is a TCP proxy between clients and one server, with faults. It starts as a plain proxy and goes back to that with
// [Proxy.Heal]. Faults may be combined and changed at any time, from any goroutine; if nothing else is said, they concern the
// connections that are open as well as those to come.
//
// Random decisions follow the seed ([WithSeed]) and the order of connections. A proxy that belongs to a test logs its seed when
// the test has failed.
type Proxy struct {
	target url.URL
	tb     testing.TB // nil if made by StartProxy
	port   int
	seed   uint64
	wg     sync.WaitGroup // accept loop and links

	mu       sync.Mutex
	listener net.Listener // nil while connections are refused
	release  func()       // lets go of the port that is held meanwhile
	closed   bool
	faults   faults
	triggers []*trigger
	links    map[*link]struct{}
	rng      *rand.Rand
	stats    Stats
}

// Stats are a proxy's counters. Bytes count when they have been handed on or thrown away.
type Stats struct {
	Accepted int64 // connections of clients, half handshakes included
	Cut      int64 // connections that a fault has ended
	ToServer int64 // bytes
	ToClient int64
	Lost     int64 // bytes swallowed, both ways
}

// ProxyOption changes how a proxy is started.
type ProxyOption func(*Proxy)

// WithSeed makes the proxy's random decisions repeatable. Without it the seed is random.
func WithSeed(seed uint64) ProxyOption { return func(p *Proxy) { p.seed = seed } }

// NewProxy starts a proxy in front of target, a URL or host:port that does not have to listen yet. The test's cleanup closes it.
// If it does not start, the test ends at once (Fatal).
func NewProxy(t testing.TB, target string, opts ...ProxyOption) *Proxy {
	t.Helper()
	p, err := startProxy(t, target, opts)
	if err != nil {
		t.Fatalf("natstest: proxy: %v", err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("natstest: the proxy for %s had seed %d", target, p.seed)
		}
		p.Close()
	})
	return p
}

// StartProxy is [NewProxy] outside of tests. The caller has to call Close.
func StartProxy(target string, opts ...ProxyOption) (*Proxy, error) {
	return startProxy(nil, target, opts)
}

func startProxy(tb testing.TB, target string, opts []ProxyOption) (*Proxy, error) {
	u, err := parseTarget(target)
	if err != nil {
		return nil, err
	}
	p := &Proxy{target: *u, tb: tb, seed: rand.Uint64(), links: map[*link]struct{}{}, release: func() {}}
	for _, o := range opts {
		if o != nil {
			o(p)
		}
	}
	p.rng = rand.New(rand.NewPCG(p.seed, 0))
	if p.port, err = takePort(); err != nil {
		return nil, err
	}
	if err := p.keepListening(); err != nil {
		freePort(p.port)
		return nil, err
	}
	return p, nil
}

func parseTarget(target string) (*url.URL, error) {
	if !strings.Contains(target, "://") {
		target = "nats://" + target
	}
	u, err := url.Parse(target)
	if err != nil {
		return nil, err
	}
	if _, _, err := net.SplitHostPort(u.Host); err != nil {
		return nil, fmt.Errorf("target: %w", err)
	}
	return u, nil
}

// URL is where clients connect: the target's URL with the proxy's address in it.
func (p *Proxy) URL() string {
	u := p.target
	u.Host = p.Addr()
	return u.String()
}

// Addr is host:port of [Proxy.URL].
func (p *Proxy) Addr() string { return hostPort(p.port) }

// Seed is what [WithSeed] has to be given to repeat the random decisions.
func (p *Proxy) Seed() uint64 { return p.seed }

// Conns counts the open connections of clients.
func (p *Proxy) Conns() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.links)
}

// Stats returns the counters since the start.
func (p *Proxy) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stats
}

// Close cuts all connections, stops listening and waits for the proxy's goroutines. Only a function given to
// [Proxy.OnMatch] may not call it. Closing twice does nothing.
func (p *Proxy) Close() {
	if !p.markClosed() {
		return
	}
	p.Refuse()
	p.letPortGo()
	for _, l := range p.openLinks() {
		l.close(true, true)
	}
	p.wg.Wait()
	freePort(p.port)
}

// markClosed returns false if the proxy was closed already. From here on it does not listen again.
func (p *Proxy) markClosed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	first := !p.closed
	p.closed = true
	return first
}

func (p *Proxy) letPortGo() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.release()
}

// keepListening tries for a while: a port that was free a moment ago soon is again.
func (p *Proxy) keepListening() (err error) {
	poll(listenPatience, func() bool {
		err = p.listen()
		return !portInUse(err)
	})
	return err
}

// listen starts to accept connections, if that is not so already.
func (p *Proxy) listen() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return errClosed
	}
	if p.listener != nil {
		return nil
	}
	// Letting go of the port and listening belong together; neither waits for anybody.
	p.release()
	l, err := net.Listen("tcp", p.Addr())
	if err != nil {
		p.release = holdPort(p.port)
		return err
	}
	p.listener = l
	p.wg.Go(func() { p.accept(l) })
	return nil
}

func (p *Proxy) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			p.admit(conn.(*net.TCPConn))
		case errors.Is(err, net.ErrClosed):
			return
		default:
			time.Sleep(pollEvery) // out of file descriptors, most likely
		}
	}
}

// admit makes a link of a new connection.
func (p *Proxy) admit(conn *net.TCPConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener == nil { // refused meanwhile
		reset(conn)
		return
	}
	p.stats.Accepted++
	l := newLink(p, conn, uint64(p.stats.Accepted))
	p.links[l] = struct{}{}
	l.limitLocked()
	p.wg.Go(l.run)
}

// openLinks is a copy, for what has to happen outside of the lock.
func (p *Proxy) openLinks() []*link {
	p.mu.Lock()
	defer p.mu.Unlock()
	links := make([]*link, 0, len(p.links))
	for l := range p.links {
		links = append(links, l)
	}
	return links
}

// reset closes a connection so that its peer sees a reset instead of an orderly end.
func reset(conn *net.TCPConn) {
	_ = conn.SetLinger(0)
	_ = conn.Close()
}
