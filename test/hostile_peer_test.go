package test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// peer is a server made by hand on a loopback socket. It reads what clients send as strictly as a server does and records it.
type peer struct {
	t        testing.TB
	ln       net.Listener
	accepted chan *peerConn // after the handshake, or after what replaced it
	over     chan struct{}  // closed at the end
	done     sync.WaitGroup

	mu        sync.Mutex
	greet     func(c *peerConn) bool // replaces the handshake; false: the connection is over
	info      string
	conns     []*peerConn
	count     int
	faults    []string // breaches of the protocol by clients
	ignorePub bool     // publishes are read and not recorded
}

// peerConn is one connection to a peer.
type peerConn struct {
	net.Conn
	p   *peer
	in  *bufio.Reader
	num int

	mu   sync.Mutex
	ops  []string // what the client sent, one operation each, payloads behind a space
	subs map[string]string
	gone chan struct{} // closed when the client is gone

	deaf   atomic.Bool // nothing is read any more
	noPong bool
	answer func(c *peerConn, subject, reply string, data []byte) // for publishes
}

const plainInfo = `{"server_id":"P","server_name":"peer","version":"2.15.2","proto":1,"headers":true,"jetstream":true,` +
	`"max_payload":1048576,"host":"127.0.0.1","port":4222,"client_id":7,"client_ip":"127.0.0.1"}`

func newPeer(t testing.TB) *peer {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	p := &peer{t: t, ln: ln, info: plainInfo, accepted: make(chan *peerConn, 1<<16), over: make(chan struct{})}
	p.done.Add(1)
	go p.serve()
	t.Cleanup(p.close)
	return p
}

func (p *peer) url() string { return "nats://" + p.ln.Addr().String() }

func (p *peer) close() {
	close(p.over)
	_ = p.ln.Close()
	p.cut()
	p.done.Wait()
}

// cut closes all connections.
func (p *peer) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		_ = c.Close()
	}
}

// stopListening refuses new connections.
func (p *peer) stopListening() { _ = p.ln.Close() }

// send sends to every connection.
func (p *peer) send(text string) {
	for _, c := range p.all() {
		c.send(text)
	}
}

// sendMsg sends an empty message to whoever has subscribed to subject; it waits for that.
func (p *peer) sendMsg(subject string) {
	for _, c := range p.all() {
		c.send("MSG " + subject + " " + c.sid(subject) + " 0\r\n\r\n")
	}
}

func (p *peer) all() []*peerConn {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.conns)
}

// with changes the peer's settings.
func (p *peer) with(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

func (p *peer) setGreet(greet func(c *peerConn) bool) { p.with(func() { p.greet = greet }) }

func (p *peer) serve() {
	defer p.done.Done()
	for {
		conn, err := p.ln.Accept()
		if err != nil {
			return
		}
		c := &peerConn{Conn: conn, p: p, in: bufio.NewReader(conn), subs: make(map[string]string), gone: make(chan struct{})}
		greet := p.register(c)
		p.done.Add(1)
		go c.run(greet)
	}
}

func (p *peer) register(c *peerConn) (greet func(c *peerConn) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count++
	c.num = p.count
	p.conns = append(p.conns, c)
	return p.greet
}

func (p *peer) forget(c *peerConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns = slices.DeleteFunc(p.conns, func(x *peerConn) bool { return x == c })
}

func (p *peer) fault(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = append(p.faults, fmt.Sprintf(format, args...))
}

func (p *peer) allFaults() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.faults)
}

// next is the next connection that got through its handshake.
func (p *peer) next() *peerConn {
	p.t.Helper()
	return await(p.t, "a connection to the peer", p.accepted)
}

func (c *peerConn) run(greet func(*peerConn) bool) {
	defer c.p.done.Done()
	defer c.p.forget(c)
	defer close(c.gone)
	defer func() { _ = c.Close() }()
	if greet == nil {
		greet = (*peerConn).shake
	}
	if !greet(c) {
		return
	}
	c.p.accepted <- c
	for c.op() {
		if c.deaf.Load() {
			<-c.p.over
		}
	}
}

// shake is the handshake of a well-behaved server.
func (c *peerConn) shake() bool {
	return c.send("INFO "+c.p.info+"\r\n") && c.awaitConnect() && c.send("PONG\r\n")
}

// awaitConnect reads CONNECT and PING.
func (c *peerConn) awaitConnect() bool {
	for _, want := range []string{"CONNECT ", "PING"} {
		line, err := c.in.ReadString('\n')
		if err != nil {
			return false
		}
		if strings.HasPrefix(line, "\x16\x03") {
			return false // the client begins with TLS, which this server does not speak
		}
		if !strings.HasPrefix(line, want) || !strings.HasSuffix(line, "\r\n") {
			c.p.fault("handshake: got %q, want %s", line, want)
			return false
		}
		if text, ok := strings.CutPrefix(line, "CONNECT "); ok && !json.Valid([]byte(text)) {
			c.p.fault("CONNECT without valid JSON: %q", line)
		}
		c.record(strings.TrimSpace(line))
	}
	return true
}

// send writes to the client; false when the connection is gone.
func (c *peerConn) send(text string) bool {
	_ = c.SetWriteDeadline(time.Now().Add(patience))
	_, err := io.WriteString(c.Conn, text)
	return err == nil
}

// op reads one operation.
func (c *peerConn) op() bool {
	line, err := c.in.ReadString('\n')
	if err != nil {
		return false
	}
	text, ok := strings.CutSuffix(line, "\r\n")
	if !ok {
		c.p.fault("a line that ends without CRLF: %q", line)
		return false
	}
	verb, rest, _ := strings.Cut(text, " ")
	args := strings.Split(rest, " ")
	switch verb {
	case "PING", "PONG":
		if rest != "" {
			c.p.fault("an argument: %q", text)
		}
		if verb == "PING" && !c.noPong && !c.send("PONG\r\n") {
			return false
		}
	case "SUB":
		return c.sub(text, args)
	case "UNSUB":
		if !c.numbers(text, args, 1, 2) {
			return false
		}
	case "PUB":
		return c.pub(text, args, 1)
	case "HPUB":
		return c.pub(text, args, 2)
	default:
		c.p.fault("an unknown operation: %q", text)
		return false
	}
	c.record(text)
	return true
}

// numbers checks that there are so many arguments and that all are numbers.
func (c *peerConn) numbers(text string, args []string, least, most int) bool {
	for _, a := range args {
		if _, err := strconv.ParseUint(a, 10, 64); err != nil {
			c.p.fault("not a number: %q", text)
			return false
		}
	}
	if len(args) < least || len(args) > most {
		c.p.fault("%d arguments: %q", len(args), text)
		return false
	}
	return true
}

func (c *peerConn) sub(text string, args []string) bool {
	if len(args) < 2 || len(args) > 3 || !c.numbers(text, args[len(args)-1:], 1, 1) || slices.Contains(args, "") {
		c.p.fault("not a subscription: %q", text)
		return false
	}
	c.record(text)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.subs[args[0]] = args[len(args)-1]
	return true
}

// pub reads a publish with so many sizes.
func (c *peerConn) pub(text string, args []string, sizes int) bool {
	if n := len(args) - sizes; n < 1 || n > 2 || slices.Contains(args, "") || !c.numbers(text, args[n:], sizes, sizes) {
		c.p.fault("not a publish: %q", text)
		return false
	}
	size, _ := strconv.Atoi(args[len(args)-1])
	body := make([]byte, size+2)
	if _, err := io.ReadFull(c.in, body); err != nil {
		return false
	}
	if !bytes.HasSuffix(body, []byte("\r\n")) {
		c.p.fault("a payload without CRLF: %q", text)
		return false
	}
	if sizes == 2 {
		block, _ := strconv.Atoi(args[len(args)-2])
		c.checkHeader(body[:min(block, size)])
	}
	if !c.p.ignorePub {
		c.record(text + " " + string(body[:size]))
	}
	if c.answer != nil {
		reply := ""
		if len(args)-sizes == 2 {
			reply = args[1]
		}
		c.answer(c, args[0], reply, body[:size])
	}
	return true
}

// checkHeader looks for lines that are no header, and for ones that a test tried to smuggle in.
func (c *peerConn) checkHeader(block []byte) {
	lines := strings.Split(string(block), "\r\n")
	if lines[0] != "NATS/1.0" || len(lines) < 3 || lines[len(lines)-1] != "" || lines[len(lines)-2] != "" {
		c.p.fault("a broken header block: %q", block)
		return
	}
	for _, line := range lines[1 : len(lines)-2] {
		key, _, ok := strings.Cut(line, ":")
		if !ok || key == "" || strings.ContainsAny(line, "\r\n") || strings.EqualFold(strings.TrimSpace(key), smuggled) {
			c.p.fault("a broken header line: %q", line)
		}
	}
}

// smuggled is the word that nothing a client sends may begin with; see the hostile arguments.
const smuggled = "smuggled"

func (c *peerConn) record(op string) {
	if strings.Contains(op, " "+smuggled) && !strings.HasPrefix(op, "CONNECT ") {
		verb, rest, _ := strings.Cut(op, " ")
		if strings.HasPrefix(rest, smuggled) {
			c.p.fault("smuggled: %s %q", verb, rest)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ops = append(c.ops, op)
}

// sent is what the client has sent so far.
func (c *peerConn) sent() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.ops)
}

// sid is the SID under which the client has subscribed to subject; it waits for the SUB.
func (c *peerConn) sid(subject string) string {
	c.p.t.Helper()
	var sid string
	eventually(c.p.t, "SUB "+subject, func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		sid = c.subs[subject]
		return sid != ""
	})
	return sid
}

// sidOf is the SID under which the client gets what is sent to subject, "" for none.
func (c *peerConn) sidOf(subject string) (sid string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for pattern, s := range c.subs {
		if prefix, ok := strings.CutSuffix(pattern, "*"); subject != "" && (pattern == subject || ok && strings.HasPrefix(subject, prefix)) {
			sid = s
		}
	}
	return sid
}

// awaitOp waits for an operation with this beginning.
func (c *peerConn) awaitOp(prefix string) string {
	c.p.t.Helper()
	var found string
	eventually(c.p.t, "operation "+prefix, func() bool {
		for _, op := range c.sent() {
			if strings.HasPrefix(op, prefix) {
				found = op
				return true
			}
		}
		return false
	})
	return found
}

// mute lets PINGs go unanswered.
func (p *peer) mute() { p.setGreet(func(c *peerConn) bool { c.noPong = true; return c.shake() }) }
