//go:build linux && !race && !386 && !s390x && !gannet_announce_syscalls

package transport

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// leanPair is a lean connection whose first calls are over, and its peer.
func leanPair(t *testing.T) (client net.Conn, server *net.TCPConn) {
	t.Helper()
	plain, peer := pair(t)
	client = new(Lean).Over(plain)
	warm(t, client, peer)
	return client, peer.(*net.TCPConn)
}

func plainPair(t *testing.T) (client net.Conn, server *net.TCPConn) {
	t.Helper()
	client, peer := pair(t)
	return client, peer.(*net.TCPConn)
}

// warm makes so many calls that those which follow are lean.
func warm(t *testing.T, client, server net.Conn) {
	t.Helper()
	var b [1]byte
	for range 2 * leanFrom {
		exchange(t, client, server, b[:])
		exchange(t, server, client, b[:])
	}
}

func exchange(t *testing.T, from, to net.Conn, b []byte) {
	t.Helper()
	if _, err := from.Write(b); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(to, b); err != nil {
		t.Fatal(err)
	}
}

// TestLeanIsLikeTCP does the same to a lean connection and to a plain one, and compares what came of it.
func TestLeanIsLikeTCP(t *testing.T) {
	t.Parallel()
	past := time.Unix(1, 0)
	for _, tt := range []struct {
		name string
		do   func(t *testing.T, client net.Conn, server *net.TCPConn) string
		want string // a part of it
	}{
		{"nothing to read into", func(_ *testing.T, c net.Conn, _ *net.TCPConn) string { return said(c.Read(nil)) }, "0 <nil>"},
		{"end", func(_ *testing.T, c net.Conn, s *net.TCPConn) string {
			_ = s.Close()
			return said(c.Read(make([]byte, 8)))
		}, "0 EOF"},
		{"reset", func(_ *testing.T, c net.Conn, s *net.TCPConn) string {
			_ = s.SetLinger(0)
			_ = s.Close()
			return said(c.Read(make([]byte, 8)))
		}, "read: connection reset by peer"},
		{"write after a reset", func(_ *testing.T, c net.Conn, s *net.TCPConn) string {
			_ = s.SetLinger(0)
			_ = s.Close()
			_, _ = c.Read(make([]byte, 8))
			return said(c.Write([]byte("x")))
		}, "write: broken pipe"},
		{"late read", func(_ *testing.T, c net.Conn, _ *net.TCPConn) string {
			_ = c.SetReadDeadline(past)
			return said(c.Read(make([]byte, 8)))
		}, "i/o timeout"},
		{"late write", func(_ *testing.T, c net.Conn, _ *net.TCPConn) string {
			_ = c.SetWriteDeadline(past)
			return said(c.Write([]byte("x")))
		}, "0 write tcp"},
		{"read, then time again", func(t *testing.T, c net.Conn, s *net.TCPConn) string {
			_ = c.SetReadDeadline(past)
			first := said(c.Read(make([]byte, 8)))
			_ = c.SetReadDeadline(time.Time{})
			exchange(t, s, c, []byte("x"))
			return first
		}, "i/o timeout"},
		{"closed", func(_ *testing.T, c net.Conn, _ *net.TCPConn) string {
			_ = c.Close()
			return said(c.Read(make([]byte, 8))) + said(c.Write([]byte("x"))) + fmt.Sprint(errors.Is(c.Close(), net.ErrClosed))
		}, "use of closed network connection"},
		{"closed by another goroutine", func(_ *testing.T, c net.Conn, _ *net.TCPConn) string {
			go c.Close()
			return said(c.Read(make([]byte, 8)))
		}, "use of closed network connection"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			outcome := func(make func(*testing.T) (net.Conn, *net.TCPConn)) string {
				client, server := make(t)
				got := tt.do(t, client, server)
				got = strings.ReplaceAll(got, client.LocalAddr().String(), "client")
				return strings.ReplaceAll(got, client.RemoteAddr().String(), "server")
			}
			lean, plain := outcome(leanPair), outcome(plainPair)
			if lean != plain || !strings.Contains(lean, tt.want) {
				t.Errorf("got  %s\nplain TCP has %s, want %q in it", lean, plain, tt.want)
			}
		})
	}
}

func said(n int, err error) string { return fmt.Sprintln(n, err) }

// TestLeanMovesBytes: nothing is lost, doubled or reordered, also where writes have to wait.
func TestLeanMovesBytes(t *testing.T) {
	t.Parallel()
	client, server := leanPair(t)
	data := make([]byte, 4<<20)
	for i := range data {
		data[i] = byte(i * i >> 7)
	}
	go func() {
		_, _ = io.Copy(server, server)
	}()
	wrote := make(chan error, 1)
	go func() {
		for rest := data; len(rest) > 0; {
			piece := rest[:min(len(rest), 65_160)]
			rest = rest[len(piece):]
			if n, err := client.Write(piece); n != len(piece) || err != nil {
				wrote <- fmt.Errorf("wrote %d of %d: %w", n, len(piece), err)
				return
			}
		}
		wrote <- nil
	}()
	got := make([]byte, len(data))
	if _, err := io.ReadFull(client, got); err != nil {
		t.Fatal(err)
	}
	if err := <-wrote; err != nil || !bytes.Equal(got, data) {
		t.Errorf("write: %v; the same came back: %v", err, bytes.Equal(got, data))
	}
}

// tooMuch is more than the kernel takes for a peer who does not read.
func tooMuch() []byte { return bytes.Repeat([]byte("x"), 32<<20) }

// TestLeanCountsAreExact: what a write says that it took has arrived, and nothing else, when its time is over in the middle.
func TestLeanCountsAreExact(t *testing.T) {
	t.Parallel()
	client, server := leanPair(t)
	if !Exact(client) {
		t.Error("Exact: got false, want true")
	}
	data := tooMuch()
	_ = client.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
	wrote, err := client.Write(data)
	if !errors.Is(err, os.ErrDeadlineExceeded) || wrote == 0 {
		t.Errorf("got %d, %v, want some bytes and %v", wrote, err, os.ErrDeadlineExceeded)
	}
	_ = client.Close()
	if arrived, err := io.Copy(io.Discard, server); arrived != int64(wrote) || err != nil {
		t.Errorf("%d bytes arrived (%v), %d were written", arrived, err, wrote)
	}
}

// TestLeanNeverBlocks: not even on a socket in blocking mode, which is what is left behind by those who ask for its file.
func TestLeanNeverBlocks(t *testing.T) {
	t.Parallel()
	plain, server := pair(t)
	client := new(Lean).Over(plain)
	warm(t, client, server)
	file, err := plain.(*net.TCPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := syscall.SetNonblock(int(file.Fd()), false); err != nil {
		t.Fatal(err)
	}
	_ = client.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	if n, err := client.Read(make([]byte, 8)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read: got %d, %v, want %v", n, err, os.ErrDeadlineExceeded)
	}
	data := tooMuch()
	_ = client.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
	if n, err := client.Write(data); n == 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("write: got %d, %v, want some bytes and %v", n, err, os.ErrDeadlineExceeded)
	}
}

func TestLeanIsPlainTCPOnly(t *testing.T) {
	t.Parallel()
	a, b := net.Pipe()
	defer b.Close()
	if got := new(Lean).Over(a); got != a {
		t.Errorf("got %T over a pipe, want the pipe", got)
	}
}

func TestLeanAllocations(t *testing.T) {
	client, server := leanPair(t)
	out, in := []byte("x"), make([]byte, 8)
	if got := testing.AllocsPerRun(200, func() {
		exchange(t, client, server, out)
		exchange(t, server, client, in[:1])
	}); got > 0.1 { // the watch's timer
		t.Errorf("got %v allocations a round, want none", got)
	}
}

// TestLeanWatch: where reads come now and then the process is not woken for them once more.
func TestLeanWatch(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		last time.Time
		want bool
	}{
		{"the first read", time.Time{}, false},
		{"a read long after the last one", time.Now().Add(-2 * closely), false},
		{"a read soon after the last one", time.Now().Add(time.Hour), true},
	} {
		w := watch{last: tt.last}
		w.start()
		if got := w.on.Load(); got != tt.want || w.last == tt.last {
			t.Errorf("%s: on %v, want %v; noted %v", tt.name, got, tt.want, w.last != tt.last)
		}
		w.end()
		if w.on.Load() {
			t.Errorf("%s: on behind its end", tt.name)
		}
		w.stop()
		w.start()
		if w.on.Load() {
			t.Errorf("%s: on although it was stopped", tt.name)
		}
	}
}

// leanPeer makes this program the peer of TestLeanLetsOthersIn.
const leanPeer = "TRANSPORT_TEST_LEAN_PEER"

// TestLeanLetsOthersIn: who computes behind a call that nobody was told of, on the only processor, is interrupted all the same. The peer is a process
// of its own: its system calls would wake the monitor.
func TestLeanLetsOthersIn(t *testing.T) {
	if address := os.Getenv(leanPeer); address != "" {
		actPeer(t, address)
		return
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // no other test runs beside this one
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	cmd := exec.Command(os.Args[0], "-test.run=^TestLeanLetsOthersIn$")
	cmd.Env = append(os.Environ(), leanPeer+"="+listener.Addr().String())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Wait() }()
	accepted, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	lean := new(Lean)
	client := lean.Over(accepted)
	defer client.Close()
	var b [1]byte
	for quiet := false; !quiet; {
		before := lean.watch.on.Load()
		if _, err := io.ReadFull(client, b[:]); err != nil {
			t.Fatalf("no call was left out: %v", err)
		}
		quiet = before && lean.watch.on.Load()
	}
	const most = time.Second
	var turn atomic.Bool
	go turn.Store(true)
	began := time.Now()
	for !turn.Load() && time.Since(began) < most {
	}
	if took := time.Since(began); took > most/4 {
		t.Errorf("the other goroutine had its turn after %v", took)
	} else {
		t.Logf("the other goroutine had its turn after %v", took)
	}
}

// actPeer sends a byte now and then, so that the client is idle between them.
func actPeer(t *testing.T, address string) {
	nc, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	tick := time.NewTicker(closely / 3)
	defer tick.Stop()
	for range 5000 {
		<-tick.C
		if _, err := nc.Write([]byte("a")); err != nil {
			return // the client has seen enough
		}
	}
}
