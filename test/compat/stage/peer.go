package stage

import (
	"bufio"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Peer is a plain connection to the server, past the tap and the proxy. It makes streams and consumers, and plays the other
// side: silent or odd responders.
type Peer struct {
	stage *Stage
	conn  net.Conn
	end   chan struct{} // closed when the reader has ended

	mu     sync.Mutex
	sids   int
	subs   map[string]func(Frame)
	pongs  chan struct{}
	inbox  string
	asked  int
	waiter map[string]chan Frame
}

// newPeer connects. user is what CONNECT says besides the usual, such as `"user":"a","pass":"b"`.
func newPeer(s *Stage, addr string) *Peer {
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		s.t.Fatalf("peer: %v", err)
	}
	p := &Peer{
		stage: s, conn: conn, end: make(chan struct{}), subs: map[string]func(Frame){}, pongs: make(chan struct{}, 16),
		inbox: fmt.Sprintf("_PEER.%d", time.Now().UnixNano()), waiter: map[string]chan Frame{},
	}
	go p.read()
	s.t.Cleanup(func() { _ = conn.Close(); <-p.end })
	p.write("CONNECT {\"verbose\":false,\"protocol\":1,\"headers\":true,\"no_responders\":true}\r\n")
	p.Subscribe(p.inbox+".*", p.answered)
	return p
}

func (p *Peer) read() {
	defer close(p.end)
	r := bufio.NewReader(p.conn)
	for {
		f, err := readFrame(r, false)
		if err != nil {
			return
		}
		f.At = time.Now()
		switch f.Op {
		case "PING":
			p.write("PONG\r\n")
		case "PONG":
			p.pongs <- struct{}{}
		case "MSG", "HMSG":
			if deliver := p.sub(f.SID); deliver != nil {
				deliver(f)
			}
		}
	}
}

func (p *Peer) sub(sid string) func(Frame) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.subs[sid]
}

func (p *Peer) write(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.conn.SetWriteDeadline(time.Now().Add(patience))
	_, _ = fmt.Fprintf(p.conn, format, args...) // who waits for an answer notices
}

// Raw sends text as it is.
func (p *Peer) Raw(text string) { p.write("%s", text) }

// Flush returns when the server has worked off what the peer has sent.
func (p *Peer) Flush() {
	p.stage.t.Helper()
	p.write("PING\r\n")
	select {
	case <-p.pongs:
	case <-time.After(patience):
		p.stage.t.Fatalf("peer: no PONG after %v", patience)
	}
}

// Subscribe calls deliver, which must not wait, for each message. The server knows the subscription when it returns.
func (p *Peer) Subscribe(subject string, deliver func(Frame)) {
	p.stage.t.Helper()
	sid := p.listen(deliver)
	p.write("SUB %s %s\r\n", subject, sid)
	p.Flush()
}

func (p *Peer) listen(deliver func(Frame)) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sids++
	sid := strconv.Itoa(p.sids)
	p.subs[sid] = deliver
	return sid
}

// Respond answers every message on subject with what answer returns, unless it is "-".
func (p *Peer) Respond(subject string, answer func(Frame) string) {
	p.stage.t.Helper()
	p.Subscribe(subject, func(f Frame) {
		if body := answer(f); body != "-" && f.Reply != "" {
			p.Publish(f.Reply, "", "", body)
		}
	})
}

// Silence listens on subject and never says a word.
func (p *Peer) Silence(subject string) {
	p.stage.t.Helper()
	p.Subscribe(subject, func(Frame) {})
}

// Publish sends a message. header is "" or lines as "Key: value"; a first line that begins with a digit is a status.
func (p *Peer) Publish(subject, reply, header, data string) {
	if reply != "" {
		reply = " " + reply
	}
	if header == "" {
		p.write("PUB %s%s %d\r\n%s\r\n", subject, reply, len(data), data)
		return
	}
	block := "NATS/1.0"
	if header[0] >= '0' && header[0] <= '9' {
		block += " " + header
	} else {
		block += "\r\n" + header
	}
	block = strings.ReplaceAll(block, "\n", "\r\n")
	block = strings.ReplaceAll(block, "\r\r", "\r") + "\r\n\r\n"
	p.write("HPUB %s%s %d %d\r\n%s%s\r\n", subject, reply, len(block), len(block)+len(data), block, data)
}

// Request returns the first answer. If there is none the scenario ends.
func (p *Peer) Request(subject, data string) string {
	p.stage.t.Helper()
	reply, answer := p.ask()
	p.Publish(subject, reply, "", data)
	select {
	case f := <-answer:
		return f.Data
	case <-time.After(patience):
		p.stage.t.Fatalf("peer: %s: no answer after %v", subject, patience)
		return ""
	}
}

func (p *Peer) ask() (reply string, answer chan Frame) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked++
	reply, answer = fmt.Sprintf("%s.%d", p.inbox, p.asked), make(chan Frame, 1)
	p.waiter[reply] = answer
	return reply, answer
}

func (p *Peer) answered(f Frame) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if answer := p.waiter[f.Subject]; answer != nil {
		delete(p.waiter, f.Subject)
		answer <- f
	}
}

// API calls JetStream. An error ends the scenario.
func (p *Peer) API(verb, payload string) string {
	p.stage.t.Helper()
	reply := p.Request("$JS.API."+verb, payload)
	if strings.Contains(reply, `"error"`) || !strings.HasPrefix(reply, "{") {
		p.stage.t.Fatalf("peer: %s: %s", verb, reply)
	}
	return reply
}

// Stream makes a stream in memory. more are further fields, as `"allow_direct":true`.
func (p *Peer) Stream(name, subject string, more ...string) {
	p.stage.t.Helper()
	fields := append([]string{fmt.Sprintf(`"name":%q,"subjects":[%q],"storage":"memory"`, name, subject)}, more...)
	p.API("STREAM.CREATE."+name, "{"+strings.Join(fields, ",")+"}")
}

// Consumer makes a durable pull consumer that wants explicit acks, unless more says otherwise.
func (p *Peer) Consumer(stream, name string, more ...string) {
	p.stage.t.Helper()
	fields := []string{fmt.Sprintf(`"durable_name":%q,"name":%q`, name, name)}
	if !strings.Contains(strings.Join(more, ","), `"ack_policy"`) {
		fields = append(fields, `"ack_policy":"explicit"`)
	}
	p.API("CONSUMER.CREATE."+stream+"."+name,
		fmt.Sprintf(`{"stream_name":%q,"config":{%s}}`, stream, strings.Join(append(fields, more...), ",")))
}

// Store publishes messages into a stream and waits for the acks.
func (p *Peer) Store(subject string, data ...string) {
	p.stage.t.Helper()
	for _, d := range data {
		if reply := p.Request(subject, d); !strings.Contains(reply, `"seq"`) {
			p.stage.t.Fatalf("peer: store on %s: %s", subject, reply)
		}
	}
}

// AwaitPull returns when a pull request waits at the consumer.
func (p *Peer) AwaitPull(stream, consumer string) {
	p.stage.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if info := p.API("CONSUMER.INFO."+stream+"."+consumer, ""); !strings.Contains(info, `"num_waiting":0`) {
			return
		}
	}
	p.stage.t.Errorf("peer: no pull request at %s after %v", consumer, patience)
}
