package stage

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"
)

// Tap passes the frames of a client's connections on, and remembers them. It can leave some out.
type Tap struct {
	stage  *Stage
	target string
	ln     net.Listener
	wg     sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	conns   map[net.Conn]bool
	clients []*lockedWriter // one for each connection of a client so far
	frames  []Frame
	drop    func(Frame) bool
	changed chan struct{} // closed at the next frame
}

func newTap(s *Stage, target string) *Tap {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatalf("tap: %v", err)
	}
	tap := &Tap{stage: s, target: target, ln: ln, conns: map[net.Conn]bool{}, changed: make(chan struct{})}
	tap.wg.Go(tap.accept)
	s.t.Cleanup(tap.close)
	return tap
}

func (tap *Tap) url() string { return "nats://" + tap.ln.Addr().String() }

func (tap *Tap) close() {
	_ = tap.ln.Close()
	tap.closeConns()
	tap.wg.Wait()
}

func (tap *Tap) closeConns() {
	tap.mu.Lock()
	defer tap.mu.Unlock()
	tap.closed = true
	for c := range tap.conns {
		_ = c.Close()
	}
}

func (tap *Tap) accept() {
	for {
		client, err := tap.ln.Accept()
		if err != nil {
			return
		}
		tap.wg.Go(func() { tap.serve(client) })
	}
}

// serve ends when either side does.
func (tap *Tap) serve(client net.Conn) {
	defer client.Close()
	server, err := net.DialTimeout("tcp", tap.target, patience)
	if err != nil {
		return
	}
	defer server.Close()
	if !tap.keep(client, server) {
		return
	}
	defer tap.forget(client, server)
	toClient := &lockedWriter{w: bufio.NewWriterSize(client, 64<<10)}
	tap.meet(toClient)
	var pumps sync.WaitGroup
	pumps.Go(func() {
		tap.pump(client, &lockedWriter{w: bufio.NewWriterSize(server, 64<<10)}, true)
		_ = server.Close()
		_ = client.Close()
	})
	pumps.Go(func() { tap.pump(server, toClient, false); _ = server.Close(); _ = client.Close() })
	pumps.Wait()
}

func (tap *Tap) keep(conns ...net.Conn) bool {
	tap.mu.Lock()
	defer tap.mu.Unlock()
	for _, c := range conns {
		tap.conns[c] = true
	}
	return !tap.closed
}

func (tap *Tap) forget(conns ...net.Conn) {
	tap.mu.Lock()
	defer tap.mu.Unlock()
	for _, c := range conns {
		delete(tap.conns, c)
	}
}

func (tap *Tap) meet(w *lockedWriter) {
	tap.mu.Lock()
	defer tap.mu.Unlock()
	tap.clients = append(tap.clients, w)
}

func (tap *Tap) pump(from io.Reader, to *lockedWriter, fromClient bool) {
	r := bufio.NewReaderSize(from, 64<<10)
	for {
		f, err := readFrame(r, fromClient)
		if err != nil {
			return
		}
		raw := f.raw
		if !tap.note(f) {
			raw = nil
		}
		if err := to.write(raw, r.Buffered() == 0); err != nil {
			return
		}
	}
}

// lockedWriter lets frames in between those of the server.
type lockedWriter struct {
	mu sync.Mutex
	w  *bufio.Writer
}

func (l *lockedWriter) write(b []byte, flush bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := l.w.Write(b); err != nil || !flush {
		return err
	}
	return l.w.Flush()
}

// Inject hands a message to the newest connection, as if the server had sent it: on a subscription that the client has made,
// with a reply subject that no client may use.
func (tap *Tap) Inject(sid, subject, reply, data string) {
	tap.stage.t.Helper()
	frame := fmt.Sprintf("MSG %s %s %s %d\r\n%s\r\n", subject, sid, reply, len(data), data)
	if err := tap.newest().write([]byte(frame), true); err != nil {
		tap.stage.t.Errorf("tap: inject: %v", err)
	}
}

func (tap *Tap) newest() *lockedWriter {
	tap.mu.Lock()
	defer tap.mu.Unlock()
	return tap.clients[len(tap.clients)-1]
}

const (
	keptFrames = 20_000
	keptBytes  = 4 << 10 // of a payload
)

// note remembers the frame and tells whether it is to be passed on.
func (tap *Tap) note(f Frame) bool {
	tap.mu.Lock()
	defer tap.mu.Unlock()
	f.At = time.Now()
	pass := tap.drop == nil || !tap.drop(f)
	f.raw = nil
	f.Data = strings.Clone(f.Data[:min(len(f.Data), keptBytes)])
	if len(tap.frames) < keptFrames {
		tap.frames = append(tap.frames, f)
	}
	close(tap.changed)
	tap.changed = make(chan struct{})
	return pass
}

// Drop leaves out frames from now on, in both directions; they are remembered all the same. nil ends it. which must not call
// the Tap.
func (tap *Tap) Drop(which func(Frame) bool) {
	tap.mu.Lock()
	defer tap.mu.Unlock()
	tap.drop = which
}

// Frames returns the frames so far that match, in the order of their times.
func (tap *Tap) Frames(match func(Frame) bool) []Frame {
	tap.mu.Lock()
	defer tap.mu.Unlock()
	var found []Frame
	for _, f := range tap.frames {
		if match(f) {
			found = append(found, f)
		}
	}
	return found
}

// Published returns the publishes so far on subjects that begin with prefix.
func (tap *Tap) Published(prefix string) []Frame { return tap.Frames(PublishedOn(prefix)) }

// PublishedOn matches publishes on subjects that begin with prefix.
func PublishedOn(prefix string) func(Frame) bool {
	return func(f Frame) bool { return f.Published() && strings.HasPrefix(f.Subject, prefix) }
}

// Await waits until n frames match, and returns the last of them. If that takes too long the scenario ends.
func (tap *Tap) Await(n int, match func(Frame) bool) Frame {
	tap.stage.t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		next := tap.next()
		if found := tap.Frames(match); len(found) >= n {
			return found[n-1]
		}
		select {
		case <-next:
		case <-limit.C:
			tap.stage.t.Fatalf("tap: %d frames after %v, want %d", len(tap.Frames(match)), patience, n)
		}
	}
}

func (tap *Tap) next() <-chan struct{} {
	tap.mu.Lock()
	defer tap.mu.Unlock()
	return tap.changed
}
