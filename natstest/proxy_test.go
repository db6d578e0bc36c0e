package natstest

import (
	"bytes"
	"errors"
	"io"
	"math"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// peer is a plain TCP server of a test. Connections come out of a channel, in order.
type peer struct {
	addr  string
	conns chan net.Conn
}

func newPeer(t *testing.T) *peer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{addr: l.Addr().String(), conns: make(chan net.Conn, 16)}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			p.conns <- conn
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		wg.Wait()
		close(p.conns)
		for c := range p.conns {
			_ = c.Close()
		}
	})
	return p
}

// pair connects through the proxy and returns both ends.
func (p *peer) pair(t *testing.T, proxy *Proxy) (client, server net.Conn) {
	t.Helper()
	client, err := net.DialTimeout("tcp", proxy.Addr(), patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	select {
	case server = <-p.conns:
	case <-time.After(patience):
		t.Fatal("the proxy did not connect to its target")
	}
	t.Cleanup(func() { _ = server.Close() })
	return client, server
}

func write(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	_ = conn.SetWriteDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatalf("write %q: %v", text, err)
	}
}

// expect reads exactly what text is long.
func expect(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	buf := make([]byte, len(text))
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	if n, err := io.ReadFull(conn, buf); err != nil || string(buf) != text {
		t.Fatalf("got %q, %v, want %q", buf[:n], err, text)
	}
}

// expectSilence allows nothing to arrive for a moment. The wait is the point: there is no event for "nothing".
func expectSilence(t *testing.T, conn net.Conn) {
	t.Helper()
	buf := make([]byte, 1)
	_ = conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if n, err := conn.Read(buf); n > 0 || !isTimeout(err) {
		t.Fatalf("got %q, %v, want silence", buf[:n], err)
	}
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

// expectEnd reads until the connection ends, and returns what came before and how it ended: nil is an orderly end.
func expectEnd(t *testing.T, conn net.Conn) (string, error) {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	b, err := io.ReadAll(conn)
	if isTimeout(err) {
		t.Fatalf("the connection did not end; got %q", b)
	}
	return string(b), err
}

func TestProxyPassesEverything(t *testing.T) {
	t.Parallel()
	target := newPeer(t)
	p := NewProxy(t, target.addr)
	client, server := target.pair(t, p)
	big := strings.Repeat("0123456789abcdef", 64<<10) // 1 MiB, more than any buffer on the way
	for _, way := range [][2]net.Conn{{client, server}, {server, client}} {
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = io.WriteString(way[0], big)
		}()
		expect(t, way[1], big)
		<-done
	}
	want := Stats{Accepted: 1, ToServer: int64(len(big)), ToClient: int64(len(big))}
	if !poll(patience, func() bool { return p.Stats() == want }) {
		t.Errorf("stats: got %+v, want %+v", p.Stats(), want)
	}
	_ = client.Close()
	if _, err := expectEnd(t, server); err != nil {
		t.Errorf("end: got %v, want an orderly one", err)
	}
	if !poll(patience, func() bool { return p.Conns() == 0 }) {
		t.Errorf("connections: got %d, want 0", p.Conns())
	}
}

func TestProxyURL(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]string{
		"127.0.0.1:4222":                "nats://%",
		"tls://127.0.0.1:4222":          "tls://%",
		"ws://u:p@127.0.0.1:80/path?x=": "ws://u:p@%/path?x=",
	} {
		p := NewProxy(t, target)
		if want := strings.Replace(want, "%", p.Addr(), 1); p.URL() != want {
			t.Errorf("%s: got %s, want %s", target, p.URL(), want)
		}
	}
	for _, bad := range []string{"", "127.0.0.1", "nats://host", "://", "nats://%zz:1"} {
		if p, err := StartProxy(bad); err == nil {
			p.Close()
			t.Errorf("target %q: got no error", bad)
		}
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	target := newPeer(t)
	p := NewProxy(t, target.addr)
	client, server := target.pair(t, p)
	p.Cut()
	for _, conn := range []net.Conn{client, server} {
		if got, err := expectEnd(t, conn); got != "" || !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("got %q, %v, want a reset", got, err)
		}
	}
	client, server = target.pair(t, p)
	write(t, client, "again")
	expect(t, server, "again")
	if got := p.Stats().Cut; got != 1 {
		t.Errorf("cut connections: got %d, want 1", got)
	}
}

func TestCutAfter(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name           string
		n              int64
		dir            Direction
		server, client string // what arrives there
	}{
		{"middle", 4, ClientToServer, "abcd", "123456"},
		{"other way", 4, ServerToClient, "abcdef", "1234"},
		{"both count", 7, Both, "a", "123456"},
		{"nothing may pass", 0, ServerToClient, "abcdef", ""},
		{"negative", math.MinInt64, ServerToClient, "abcdef", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			target := newPeer(t)
			p := NewProxy(t, target.addr)
			client, server := target.pair(t, p)
			p.CutAfter(tt.n, tt.dir)
			// The direction that is not cut goes first and is waited for.
			if tt.dir == ServerToClient {
				write(t, client, "abcdef")
				expect(t, server, tt.server)
				write(t, server, "123456")
				if got, err := expectEnd(t, client); got != tt.client || err != nil {
					t.Errorf("client: got %q, %v, want %q and an orderly end", got, err, tt.client)
				}
			} else {
				write(t, server, "123456")
				expect(t, client, tt.client)
				write(t, client, "abcdef")
				if got, err := expectEnd(t, server); got != tt.server || err != nil {
					t.Errorf("server: got %q, %v, want %q and an orderly end", got, err, tt.server)
				}
			}
			client, server = target.pair(t, p)
			write(t, client, "abcdef")
			expect(t, server, "abcdef")
		})
	}
}

func TestHole(t *testing.T) {
	t.Parallel()
	for _, dir := range []Direction{ClientToServer, ServerToClient, Both} {
		t.Run(dir.String(), func(t *testing.T) {
			t.Parallel()
			target := newPeer(t)
			p := NewProxy(t, target.addr)
			client, server := target.pair(t, p)
			p.Hole(dir)
			write(t, client, "to server")
			write(t, server, "to client")
			if dir.includes(ClientToServer) {
				expectSilence(t, server)
			} else {
				expect(t, server, "to server")
			}
			if dir.includes(ServerToClient) {
				expectSilence(t, client)
			} else {
				expect(t, client, "to client")
			}
			if err := p.Heal(); err != nil {
				t.Fatal(err)
			}
			if _, err := expectEnd(t, client); err == nil {
				t.Error("a connection that lost bytes lived on, or ended orderly")
			}
			client, server = target.pair(t, p)
			write(t, client, "x")
			expect(t, server, "x")
		})
	}
}

// What crosses no hole is the news of an end, either.
func TestHoleSwallowsTheEnd(t *testing.T) {
	t.Parallel()
	target := newPeer(t)
	p := NewProxy(t, target.addr)
	client, server := target.pair(t, p)
	p.Hole(ClientToServer)
	reset(client.(*net.TCPConn))
	expectSilence(t, server)
	for range 3 { // the client is gone, and still nobody tells the server
		write(t, server, strings.Repeat("x", 1000))
		expectSilence(t, server)
	}
	if !poll(patience, func() bool { return p.Stats().Lost > 0 }) {
		t.Errorf("stats: got %+v, want lost bytes", p.Stats())
	}
	if err := p.Heal(); err != nil {
		t.Fatal(err)
	}
	if _, err := expectEnd(t, server); err == nil {
		t.Error("got an orderly end, want a reset")
	}
}

func TestHealKeepsWholeConnections(t *testing.T) {
	t.Parallel()
	target := newPeer(t)
	p := NewProxy(t, target.addr)
	client, server := target.pair(t, p)
	p.Hole(Both)
	p.Delay(time.Hour, time.Hour)
	p.Rate(1)
	if err := p.Heal(); err != nil {
		t.Fatal(err)
	}
	write(t, client, "still here")
	expect(t, server, "still here")
}

func TestStall(t *testing.T) {
	t.Parallel()
	target := newPeer(t)
	p := NewProxy(t, target.addr)
	client, server := target.pair(t, p)
	p.Stall(ClientToServer)
	write(t, client, "held")
	expectSilence(t, server)
	write(t, server, "free")
	expect(t, client, "free")

	// A sender that goes on finds its socket full.
	sent := int64(len("held"))
	chunk := bytes.Repeat([]byte("x"), 64<<10)
	_ = client.SetWriteDeadline(time.Now().Add(500 * time.Millisecond))
	for {
		n, err := client.Write(chunk)
		sent += int64(n)
		if isTimeout(err) {
			break
		}
		if err != nil || sent > 64<<20 {
			t.Fatalf("after %d bytes: got %v, want the write to block", sent, err)
		}
	}
	if err := p.Heal(); err != nil {
		t.Fatal(err)
	}
	expect(t, server, "held")
	_ = server.SetReadDeadline(time.Now().Add(patience))
	if n, err := io.CopyN(io.Discard, server, sent-4); err != nil {
		t.Errorf("after Heal: got %d of %d bytes: %v", n, sent-4, err)
	}
}

func TestDelay(t *testing.T) {
	t.Parallel()
	target := newPeer(t)
	p := NewProxy(t, target.addr)
	client, server := target.pair(t, p)
	const latency = 60 * time.Millisecond
	p.Delay(latency, 20*time.Millisecond)
	began := time.Now()
	for _, part := range []string{"a", "b", "c"} {
		write(t, client, part)
	}
	expect(t, server, "abc")
	write(t, server, "d")
	expect(t, client, "d")
	if took := time.Since(began); took < 2*latency {
		t.Errorf("there and back: got %v, want at least %v", took, 2*latency)
	}
	p.Delay(time.Hour, 0)
	write(t, client, "late")
	expectSilence(t, server)
	if err := p.Heal(); err != nil {
		t.Fatal(err)
	}
	expect(t, server, "late")
}

func TestRate(t *testing.T) {
	t.Parallel()
	target := newPeer(t)
	p := NewProxy(t, target.addr)
	client, server := target.pair(t, p)
	p.Rate(1000)
	began := time.Now()
	text := strings.Repeat("x", 200)
	write(t, client, text)
	expect(t, server, text)
	if took := time.Since(began); took < 150*time.Millisecond {
		t.Errorf("200 bytes at 1,000 a second: got %v, want about 200 ms", took)
	}
}

// Garbling depends on the seed and the place in the stream, not on how reads happen to fall.
func TestGarble(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("abcdefgh", 4096)
	garbled := func(seed uint64, chunk, oneIn int) string {
		target := newPeer(t)
		p := NewProxy(t, target.addr, WithSeed(seed))
		client, server := target.pair(t, p)
		p.Garble(oneIn, ClientToServer)
		buf := make([]byte, len(text))
		_ = server.SetReadDeadline(time.Now().Add(patience))
		for i := 0; i < len(text); i += chunk {
			write(t, client, text[i:i+chunk])
			if _, err := io.ReadFull(server, buf[i:i+chunk]); err != nil {
				t.Fatal(err)
			}
		}
		write(t, server, text)
		expect(t, client, text) // the other way is left alone
		if err := p.Heal(); err != nil {
			t.Fatal(err)
		}
		if _, err := expectEnd(t, client); err == nil {
			t.Error("a garbled connection survived Heal")
		}
		return string(buf)
	}
	changed := func(s string) (n int) {
		for i := range len(s) {
			if s[i] != text[i] {
				n++
			}
		}
		return n
	}
	a, b, c := garbled(1, 1024, 100), garbled(1, len(text), 100), garbled(2, 1024, 100)
	if a != b {
		t.Error("the same seed gave different bytes")
	}
	if a == c {
		t.Error("different seeds gave the same bytes")
	}
	if got, want := changed(a), len(text)/100; got < want/2 || got > want*2 {
		t.Errorf("changed bytes: got %d, want about %d", got, want)
	}
	if got := changed(garbled(3, 1024, 1)); got != len(text) {
		t.Errorf("changed with one of one: got %d, want all %d", got, len(text))
	}
}

func TestRefuse(t *testing.T) {
	t.Parallel()
	target := newPeer(t)
	p := NewProxy(t, target.addr)
	client, server := target.pair(t, p)
	p.Refuse()
	p.Refuse()
	if !poll(patience, func() bool { return refused(p.Addr()) }) {
		t.Error("a connection was not refused")
	}
	write(t, client, "still here")
	expect(t, server, "still here")
	if err := errors.Join(p.Heal(), p.Heal()); err != nil {
		t.Fatal(err)
	}
	target.pair(t, p)
}

func TestTargetIsDown(t *testing.T) {
	t.Parallel()
	port, err := takePort()
	if err != nil {
		t.Fatal(err)
	}
	defer freePort(port)
	p := NewProxy(t, hostPort(port))
	conn, err := net.Dial("tcp", p.Addr())
	if errors.Is(err, syscall.ECONNRESET) {
		return // so quick
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := expectEnd(t, conn); err == nil {
		t.Error("got an orderly end, want a reset")
	}
}

func TestHalfHandshake(t *testing.T) {
	t.Parallel()
	s := Run(t)
	p := NewProxy(t, s.URL())
	before := connect(t, p.Addr(), "")

	p.HalfHandshake(NoInfo)
	c := open(t, p.Addr())
	c.send("CONNECT {}\r\nPING\r\n")
	expectSilence(t, c.conn)

	p.HalfHandshake(NoPong)
	d := open(t, p.Addr())
	d.readInfo()
	d.send("CONNECT {\"verbose\":false}\r\nPING\r\n")
	expectSilence(t, d.conn)

	before.ping()
	if err := p.Heal(); err != nil {
		t.Fatal(err)
	}
	for _, half := range []*client{c, d} {
		if line, err := half.tryLine(patience); err == nil || isTimeout(err) {
			t.Errorf("after Heal: got %q, %v, want the end", line, err)
		}
	}
	before.ping()
	connect(t, p.Addr(), "").ping()
}

func TestLifetime(t *testing.T) {
	t.Parallel()
	target := newPeer(t)
	p := NewProxy(t, target.addr)
	open, _ := target.pair(t, p)
	p.Lifetime(20*time.Millisecond, 40*time.Millisecond)
	later, _ := target.pair(t, p)
	for _, conn := range []net.Conn{open, later} {
		if _, err := expectEnd(t, conn); err == nil {
			t.Error("got an orderly end, want a reset")
		}
	}
	if !poll(patience, func() bool { return p.Stats().Cut == 2 }) {
		t.Errorf("cut: got %d, want 2", p.Stats().Cut)
	}
	p.Lifetime(time.Hour, 0)
	client, server := target.pair(t, p)
	expectSilence(t, server)
	write(t, client, "x")
	expect(t, server, "x")
}

func TestInject(t *testing.T) {
	t.Parallel()
	s := Run(t)
	p := NewProxy(t, s.URL())
	c := connect(t, p.Addr(), "")
	p.Inject([]byte("MSG inbox 9 2\r\nhi\r\n"), ServerToClient)
	if got := c.message(); got != "hi" {
		t.Errorf("message: got %q, want hi", got)
	}
	p.Inject([]byte("NONSENSE\r\n"), ClientToServer)
	if got, want := c.line(), "-ERR 'Unknown Protocol Operation'"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Arguments without sense are taken for the nearest ones that have some.
func TestOddArguments(t *testing.T) {
	t.Parallel()
	target := newPeer(t)
	p, err := StartProxy(target.addr, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []time.Duration{math.MinInt64, -1, 0, math.MaxInt64} {
		for _, e := range []time.Duration{math.MinInt64, -1, 0, math.MaxInt64} {
			p.Delay(d, e)
			p.Lifetime(d, e)
		}
	}
	p.Delay(-1, -1)
	for _, n := range []int{math.MinInt, -1, 0, math.MaxInt} {
		p.Garble(n, Direction(n))
		p.Rate(n)
		p.HalfHandshake(Handshake(n))
	}
	p.CutAfter(math.MaxInt64, Direction(-7))
	p.OnMatch(nil, Both, nil)
	p.OnMatch([]byte("x"), Both, nil)
	p.Inject(nil, Both)
	client, server := target.pair(t, p)
	write(t, client, "xyz")
	expect(t, server, "xyz")
	p.Close()
	p.Close()
	if err := p.Heal(); !errors.Is(err, errClosed) {
		t.Errorf("heal a closed proxy: got %v, want %v", err, errClosed)
	}
}
