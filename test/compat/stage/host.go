package stage

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"
)

// plainInfo is what a host says about itself where a scenario does not care.
const plainInfo = `{"server_id":"HOST","version":"2.15.2","proto":1,"headers":true,"max_payload":1048576}`

// Host is a server made by hand: it says what a scenario wants, and remembers what it hears. It routes no messages. All methods may be
// called from any goroutine.
type Host struct {
	stage *Stage
	ln    net.Listener
	wg    sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	info     string
	greet    func(n int) string
	mute     bool
	conns    []net.Conn
	attempts []time.Time
	frames   []Frame
	news     chan struct{} // closed at the next attempt, frame or end
}

// Host starts a server that says info, "" for one without surprises. It ends with the scenario.
func (s *Stage) Host(info string) *Host {
	s.t.Helper()
	if info == "" {
		info = plainInfo
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatalf("host: %v", err)
	}
	h := &Host{stage: s, ln: ln, info: info, news: make(chan struct{})}
	h.wg.Go(h.accept)
	s.t.Cleanup(h.close)
	return h
}

// Addr is where it listens.
func (h *Host) Addr() string { return h.ln.Addr().String() }

// URL is where clients connect.
func (h *Host) URL() string { return "nats://" + h.Addr() }

func (h *Host) close() {
	_ = h.ln.Close()
	h.with(func() { h.closed = true })
	h.Cut()
	h.wg.Wait()
}

func (h *Host) with(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
	close(h.news)
	h.news = make(chan struct{})
}

// Greet changes what follows CONNECT: answer gets the number of the connection, from 1, and returns the text that takes the place of PONG.
// A text that is not a PONG is the last word. answer must not call the Host.
func (h *Host) Greet(answer func(n int) string) { h.with(func() { h.greet = answer }) }

// Inform changes the INFO of later connections.
func (h *Host) Inform(info string) { h.with(func() { h.info = info }) }

// Mute lets PINGs go unanswered from now on, except the first one of a connection.
func (h *Host) Mute() { h.with(func() { h.mute = true }) }

// Cut closes all connections.
func (h *Host) Cut() {
	h.with(func() {
		for _, c := range h.conns {
			_ = c.Close()
		}
	})
}

// Send sends text on the newest connection.
func (h *Host) Send(text string) {
	h.stage.t.Helper()
	h.mu.Lock()
	c := h.conns[len(h.conns)-1]
	h.mu.Unlock() // writing may wait
	if _, err := c.Write([]byte(text)); err != nil {
		h.stage.t.Errorf("host: send: %v", err)
	}
}

// Attempts are the times at which clients connected.
func (h *Host) Attempts() []time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]time.Time(nil), h.attempts...)
}

// AwaitAttempts waits for n connections in all. If they do not come the scenario ends.
func (h *Host) AwaitAttempts(n int) []time.Time {
	h.stage.t.Helper()
	h.await(fmt.Sprintf("%d connections", n), func() bool { return len(h.attempts) >= n })
	return h.Attempts()
}

// Frames are what it has heard that matches, of all connections.
func (h *Host) Frames(match func(Frame) bool) (found []Frame) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return matching(h.frames, match)
}

func matching(frames []Frame, match func(Frame) bool) (found []Frame) {
	for _, f := range frames {
		if match(f) {
			found = append(found, f)
		}
	}
	return found
}

// Await waits until n frames match, and returns the last of them.
func (h *Host) Await(n int, match func(Frame) bool) Frame {
	h.stage.t.Helper()
	h.await(fmt.Sprintf("%d frames", n), func() bool { return len(matching(h.frames, match)) >= n })
	return h.Frames(match)[n-1]
}

func (h *Host) await(what string, okLocked func() bool) {
	h.stage.t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		h.mu.Lock()
		ok, news := okLocked(), h.news
		h.mu.Unlock() // waiting follows
		if ok {
			return
		}
		select {
		case <-news:
		case <-limit.C:
			h.stage.t.Fatalf("host: no %s after %v", what, patience)
		}
	}
}

func (h *Host) accept() {
	for {
		c, err := h.ln.Accept()
		if err != nil {
			return
		}
		var n int
		var open bool
		h.with(func() {
			h.attempts = append(h.attempts, time.Now())
			h.conns = append(h.conns, c)
			n, open = len(h.attempts), !h.closed
		})
		if !open {
			_ = c.Close()
			return
		}
		h.wg.Go(func() { h.serve(c, n) })
	}
}

// serve ends with the connection.
func (h *Host) serve(c net.Conn, n int) {
	defer c.Close()
	h.mu.Lock()
	info, greet := h.info, h.greet
	h.mu.Unlock() // writing may wait
	if _, err := fmt.Fprintf(c, "INFO %s\r\n", info); err != nil {
		return
	}
	r := bufio.NewReaderSize(c, 64<<10)
	for shaken := false; ; {
		f, err := readFrame(r, true)
		if err != nil {
			return
		}
		f.At, f.raw = time.Now(), nil
		muted := false
		h.with(func() {
			h.frames = append(h.frames, f)
			muted = h.mute
		})
		answer := "PONG\r\n"
		switch {
		case f.Op != "PING", shaken && muted:
			continue
		case !shaken && greet != nil:
			answer = greet(n)
		}
		if _, err := c.Write([]byte(answer)); err != nil || !strings.HasSuffix(answer, "PONG\r\n") {
			return
		}
		shaken = true
	}
}
