//go:build linux && !race && !386 && !s390x && !gannet_announce_syscalls

package transport

import (
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// Lean is a TCP connection most of whose system calls are not announced to Go's scheduler. It is told of calls that may block, so that
// it can give their processor to others. These never block: whoever has to wait does so in the network poller, here as in package net.
//
// In a process that was idle the announcement wakes the runtime's monitor, a thread that then looks every 20 us until the process is idle again.
// A client that gets some hundred messages at a time, acknowledges them and rests spent a quarter of its CPU time on that, serial requests a third.
//
// The monitor is there to interrupt goroutines that compute for longer than a time slice while others wait. When it goes to sleep it
// asks to be woken for the next timer. So a read that was announced starts one, and until it has fired further calls need not be announced: the monitor
// looks within a time slice anyway. It is started only where reads follow each other closely: else it would wake the process for nothing.
//
// Programs that are built with the tag gannet_announce_syscalls have plain calls instead. The zero value becomes a connection by Over.
type Lean struct {
	*net.TCPConn
	in, out lane
	watch   watch
}

// lane is one direction of a Lean.
type lane struct {
	mu    sync.Mutex // held while a call waits, as package net does
	calls int
	raw   syscall.RawConn
	try   func(fd uintptr) (done bool)

	// Of the call under way.
	rest  []byte
	moved int
	errno syscall.Errno
}

const (
	leanFrom  = 8                     // calls after which a direction is worth its objects
	timeSlice = 10 * time.Millisecond // of Go's scheduler
)

// Over returns l as nc if nc is plain TCP, else nc. l must not be in use.
func (l *Lean) Over(nc net.Conn) net.Conn {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return nc
	}
	l.TCPConn = tcp
	return l
}

// Read is that of net.TCPConn.
func (l *Lean) Read(p []byte) (int, error) {
	in := &l.in
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(p) == 0 || !in.ready(l.TCPConn) {
		return l.TCPConn.Read(p)
	}
	if in.try == nil {
		in.try = l.tryRead
	}
	in.rest, in.moved, in.errno = p, 0, 0
	err := in.raw.Read(in.try)
	in.rest = nil
	switch {
	case err != nil: // it is closed, or it is too late: said in the usual words
		return l.TCPConn.Read(p)
	case in.errno != 0:
		return 0, l.failed("read", in.errno)
	case in.moved == 0:
		return 0, io.EOF
	}
	return in.moved, nil
}

func (l *Lean) tryRead(fd uintptr) (done bool) {
	announced := l.in.call(syscall.SYS_RECVFROM, fd, &l.watch)
	if announced && l.in.errno == 0 {
		l.watch.start()
	}
	return l.in.errno != syscall.EAGAIN
}

// Write is that of net.TCPConn.
func (l *Lean) Write(p []byte) (int, error) {
	out := &l.out
	out.mu.Lock()
	defer out.mu.Unlock()
	if !out.ready(l.TCPConn) {
		return l.TCPConn.Write(p)
	}
	if out.try == nil {
		out.try = l.tryWrite
	}
	out.rest, out.moved, out.errno = p, 0, 0
	err := out.raw.Write(out.try)
	out.rest = nil
	switch {
	case err != nil:
		n, err := l.TCPConn.Write(p[out.moved:])
		return out.moved + n, err
	case out.errno != 0:
		return out.moved, l.failed("write", out.errno)
	}
	return out.moved, nil
}

func (l *Lean) tryWrite(fd uintptr) (done bool) {
	out := &l.out
	for len(out.rest) > 0 {
		out.call(syscall.SYS_SENDTO, fd, &l.watch)
		if out.errno != 0 {
			return out.errno != syscall.EAGAIN
		}
	}
	return true
}

// Close is that of net.TCPConn.
func (l *Lean) Close() error {
	l.watch.stop()
	return l.TCPConn.Close()
}

// failed is the error of package net.
func (l *Lean) failed(op string, errno syscall.Errno) error {
	return &net.OpError{Op: op, Net: network, Source: l.LocalAddr(), Addr: l.RemoteAddr(), Err: os.NewSyscallError(op, errno)}
}

// ready counts a call, and reports whether it is to be lean.
func (h *lane) ready(tcp *net.TCPConn) bool {
	if h.calls < leanFrom {
		h.calls++
		return false
	}
	if h.raw == nil {
		h.raw, _ = tcp.SyscallConn() // nil for a connection that was never open
	}
	return h.raw != nil
}

// noWait says that a call is not to wait, whatever mode the socket is in: whoever asks a net.TCPConn for its file may have changed it.
const noWait = syscall.MSG_DONTWAIT | syscall.MSG_NOSIGNAL

// call moves bytes of rest, once.
func (h *lane) call(trap, fd uintptr, w *watch) (announced bool) {
	announce := !w.on.Load()
	for again := true; again; again = h.errno == syscall.EINTR {
		var n uintptr
		if announce {
			n, _, h.errno = syscall.Syscall6(trap, fd, uintptr(unsafe.Pointer(unsafe.SliceData(h.rest))), uintptr(len(h.rest)), noWait, 0, 0)
		} else {
			n, _, h.errno = syscall.RawSyscall6(trap, fd, uintptr(unsafe.Pointer(unsafe.SliceData(h.rest))), uintptr(len(h.rest)), noWait, 0, 0)
		}
		if h.errno == 0 {
			h.moved += int(n)
			h.rest = h.rest[n:]
		}
	}
	return announce
}

// watch is the timer for which the monitor wakes. While it is on it fires within a time slice, and the monitor has been awake since it was started, or
// is to be woken for it.
type watch struct {
	on     atomic.Bool
	mu     sync.Mutex
	last   time.Time // of an announced read, or its own end
	timer  *time.Timer
	closed bool
}

// closely is how soon after the last one a read has to come.
const closely = timeSlice / 2

// start is called behind an announced read, which has woken the monitor: it cannot go to sleep before the caller does.
func (w *watch) start() {
	w.mu.Lock()
	defer w.mu.Unlock()
	before := w.last
	w.last = time.Now()
	switch {
	case w.closed || w.last.Sub(before) > closely:
	case w.timer == nil:
		w.on.Store(true)
		w.timer = time.AfterFunc(timeSlice, w.end)
	default:
		w.on.Store(true)
		w.timer.Reset(timeSlice)
	}
}

func (w *watch) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = time.Now()
	w.on.Store(false)
}

func (w *watch) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	if w.timer != nil {
		w.timer.Stop()
	}
}
