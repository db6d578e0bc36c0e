package natstest

import (
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// socketBuffer keeps the operating system from swallowing megabytes on behalf of a stalled receiver.
const socketBuffer = 64 << 10

// dialTimeout bounds the wait for a target that neither accepts nor refuses, also when the proxy is closed meanwhile.
const dialTimeout = 2 * time.Second

// link is a client's connection and the one to the server that belongs to it. Two streams carry the bytes, one each way.
type link struct {
	proxy  *Proxy
	number uint64 // counts from 1, and makes the random numbers of each link its own
	half   Handshake
	done   chan struct{} // closed when the link is over
	client *net.TCPConn

	// Guarded by proxy.mu.
	server  *net.TCPConn // nil before it is dialled
	streams []*stream    // none or two
	timer   *time.Timer  // of its lifetime
	over    bool
	damaged bool // lost or changed bytes: cannot go on once the faults are over
}

// newLink is called with the proxy's lock.
func newLink(p *Proxy, conn *net.TCPConn, number uint64) *link {
	_ = conn.SetReadBuffer(socketBuffer)
	return &link{proxy: p, number: number, half: p.faults.handshake, done: make(chan struct{}), client: conn}
}

// run carries bytes until the link is over, and leaves nothing behind.
func (l *link) run() {
	defer l.close(true, true)
	if l.half == NoInfo {
		l.markDamaged()
		_, _ = io.Copy(io.Discard, l.client)
		return
	}
	server, err := l.dial()
	if err != nil || !l.connect(server) {
		return
	}
	var wg sync.WaitGroup
	for _, s := range l.streams { // set by connect, and not changed after
		wg.Go(s.read)
		wg.Go(s.write)
	}
	wg.Wait()
}

// dial is not cut short when the link ends: a cancelled dial would show the server an orderly end instead of a reset.
func (l *link) dial() (*net.TCPConn, error) {
	conn, err := net.DialTimeout("tcp", l.proxy.target.Host, dialTimeout)
	if err != nil {
		return nil, err
	}
	return conn.(*net.TCPConn), nil
}

// connect joins the two connections; it returns false, and closes the server's, if the link is over.
func (l *link) connect(server *net.TCPConn) bool {
	_ = server.SetReadBuffer(socketBuffer)
	l.proxy.mu.Lock()
	defer l.proxy.mu.Unlock()
	if l.over {
		reset(server)
		return false
	}
	l.server = server
	l.streams = []*stream{
		newStream(l, ClientToServer, l.client, server),
		newStream(l, ServerToClient, server, l.client),
	}
	return true
}

// random returns the link's own random numbers for a direction.
func (l *link) random(dir Direction) *rand.Rand {
	return rand.New(rand.NewPCG(l.proxy.seed, 2*l.number+uint64(dir)))
}

// limitLocked sets or removes the end of the link's life.
func (l *link) limitLocked() {
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
	f := &l.proxy.faults
	if f.maxLife > 0 {
		life := f.minLife + time.Duration(l.proxy.rng.Int64N(int64(f.maxLife-f.minLife)+1))
		l.timer = time.AfterFunc(life, l.cut)
	}
}

// cut resets both connections, as a fault.
func (l *link) cut() {
	if l.close(true, true) {
		l.countCut()
	}
}

func (l *link) countCut() {
	l.proxy.mu.Lock()
	defer l.proxy.mu.Unlock()
	l.proxy.stats.Cut++
}

// close ends the link: each side sees a reset, or else an orderly end. It returns false if the link was over already.
func (l *link) close(resetClient, resetServer bool) bool {
	server, first := l.leave()
	if !first {
		return false
	}
	hangUp(l.client, resetClient)
	if server != nil {
		hangUp(server, resetServer)
	}
	return true
}

func (l *link) leave() (server *net.TCPConn, first bool) {
	l.proxy.mu.Lock()
	defer l.proxy.mu.Unlock()
	if l.over {
		return nil, false
	}
	l.over = true
	if l.timer != nil {
		l.timer.Stop()
	}
	delete(l.proxy.links, l)
	close(l.done)
	return l.server, true
}

func hangUp(conn *net.TCPConn, hard bool) {
	if hard {
		reset(conn)
		return
	}
	_ = conn.Close()
}

func (l *link) markDamaged() {
	l.proxy.mu.Lock()
	defer l.proxy.mu.Unlock()
	l.damaged = true
}
