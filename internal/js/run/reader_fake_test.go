package run

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/js/api"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/proto"
)

// pushServer is the API of a server that makes consumers; the test delivers.
type pushServer struct {
	l *fakeLink

	mu     sync.Mutex
	made   []pushConsumer
	fault  func(n int) (answer string, err error) // of the n-th request to make one, from 0; "" and nil: none
	n      int
	stream string // the answer to STREAM.INFO
	info   string // of further fields of an answer
	slow   time.Duration

	slowLook  time.Duration // of answers to STREAM.INFO
	lostLooks int           // the first ones, which nobody answers
	looks     int
}

// pushConsumer is what is read of a request.
type pushConsumer struct {
	Name   string    `json:"name"`
	Inbox  string    `json:"deliver_subject"`
	Policy string    `json:"deliver_policy"`
	Seq    uint64    `json:"opt_start_seq"`
	Time   time.Time `json:"opt_start_time"`
	target string
}

var errSilent = fmt.Errorf("silent")

func (s *pushServer) Done() <-chan struct{} { return nil }

func (s *pushServer) Request(ctx context.Context, _ time.Duration, subject string, _, data []byte) (engine.Reply, error) {
	answer, slow, err := s.answer(subject, data)
	if slow > 0 {
		select {
		case <-time.After(slow):
		case <-ctx.Done():
			return engine.Reply{}, ctx.Err()
		}
	}
	if err == errSilent {
		<-ctx.Done()
		return engine.Reply{}, ctx.Err()
	}
	return engine.Reply{Data: []byte(answer)}, err
}

func (s *pushServer) answer(subject string, data []byte) (string, time.Duration, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if strings.Contains(subject, "STREAM.INFO") {
		if s.stream == "" {
			return `{"error":{"code":403,"err_code":1,"description":"not permitted"}}`, 0, nil
		}
		if s.looks++; s.looks <= s.lostLooks {
			return "", 0, errSilent
		}
		return s.stream, s.slowLook, nil
	}
	var req struct{ Config pushConsumer }
	if err := json.Unmarshal(data, &req); err != nil {
		return "", 0, err
	}
	req.Config.target = subject
	s.n++
	s.made = append(s.made, req.Config)
	if s.fault != nil {
		if answer, err := s.fault(s.n - 1); answer != "" || err != nil {
			return answer, s.slow, err
		}
	}
	return fmt.Sprintf(`{"stream_name":"S","name":%q,"num_pending":%d%s}`, req.Config.Name, 0, s.info), s.slow, nil
}

// consumer is the n-th that was asked for, from 0, negative ones from the end.
func (s *pushServer) consumer(t *testing.T, n int) pushConsumer {
	t.Helper()
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if n < 0 {
		n += len(s.made)
	}
	if n < 0 || n >= len(s.made) {
		t.Fatalf("%d consumers were asked for", len(s.made))
	}
	return s.made[n]
}

func (s *pushServer) asked() int {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.made)
}

// PublishNow notes answers to flow control.
func (l *fakeLink) PublishNow(subject, _ string, _, _ []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = append(l.asked, fakeAsk{Subject: subject})
	return nil
}

// published are the subjects that were published to, of those with the prefix.
func (l *fakeLink) published(prefix string) string {
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []string
	for _, a := range l.asked {
		if rest, ok := strings.CutPrefix(a.Subject, prefix); ok {
			all = append(all, rest)
		}
	}
	return strings.Join(all, " ")
}

// push delivers to an inbox in one run: "1/10 x" is a message with consumer sequence 1, stream sequence 10 and payload x; "beat 3" a heartbeat,
// "stall 3 r" one that waits for r, "control r" a flow control request.
func (l *fakeLink) push(inbox string, lines ...string) {
	f := l.find(inbox)
	if f == nil {
		return
	}
	l.reader.Lock()
	defer l.reader.Unlock()
	for _, line := range lines {
		words := strings.Fields(line)
		status := proto.Frame{Subject: []byte(inbox)}
		switch words[0] {
		case "beat":
			status.Header = fmt.Appendf(nil, "NATS/1.0 100 Idle Heartbeat\r\nNats-Last-Consumer: %s\r\nNats-Last-Stream: 9\r\n\r\n", words[1])
		case "stall":
			status.Header = fmt.Appendf(nil, "NATS/1.0 100 Idle Heartbeat\r\nNats-Last-Consumer: %s\r\nNats-Consumer-Stalled: %s\r\n\r\n", words[1], words[2])
		case "control":
			status.Header, status.Reply = []byte("NATS/1.0 100 FlowControl Request\r\n\r\n"), []byte(words[1])
		default:
			seqs := strings.Split(words[0], "/")
			f.sink.Deliver(&proto.Frame{
				Subject: []byte("s.a"), Data: []byte(words[1]),
				Reply: fmt.Appendf(nil, "$JS.ACK.S.C.1.%s.%s.1700000000000000000.5", seqs[1], seqs[0]),
			})
			continue
		}
		f.sink.Deliver(&status)
	}
	f.sink.Settle()
}

// readerUser is what a test knows of a reader: what was handled and told.
type readerUser struct {
	l *fakeLink
	s *pushServer
	r *Reader[string]

	mu      sync.Mutex
	handled []string
	told    []string
}

func newReaderUser(change func(u *readerUser, cfg *ReaderConfig[string])) *readerUser {
	u := &readerUser{l: newFakeLink()}
	u.s = &pushServer{l: u.l}
	cfg := ReaderConfig[string]{
		API:  &api.Client{Conn: u.s, Prefix: wire.DefaultPrefix},
		Link: u.l, Stream: "S", Heartbeat: time.Second,
		Build:   func(f *proto.Frame, _ wire.Place) string { return string(f.Data) },
		Handle:  u.handle,
		Started: func(pending uint64) { u.handle(fmt.Sprint("+", pending)) },
		Tell:    u.tell,
	}
	if change != nil {
		change(u, &cfg)
	}
	u.r = NewReader(cfg)
	return u
}

// start is newReaderUser that has been started.
func startReader(t *testing.T, change func(u *readerUser, cfg *ReaderConfig[string])) *readerUser {
	t.Helper()
	u := newReaderUser(change)
	if err := u.r.Start(t.Context()); err != nil {
		t.Fatalf("Start: %v", err)
	}
	return u
}

func (u *readerUser) handle(m string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.handled = append(u.handled, m)
}

func (u *readerUser) tell(code wire.Code, words string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.told = append(u.told, strings.TrimSpace(code.String()+" "+words))
}

// want waits until nothing moves, and compares what was handled and told.
func (u *readerUser) want(t *testing.T, handled, told string) {
	t.Helper()
	synctest.Wait()
	u.mu.Lock()
	defer u.mu.Unlock()
	if got := strings.Join(u.handled, " "); got != handled {
		t.Errorf("handled %q, want %q", got, handled)
	}
	if got := strings.Join(u.told, ", "); got != told {
		t.Errorf("told %q, want %q", got, told)
	}
}

// over wants the end, with nothing left behind.
func (u *readerUser) over(t *testing.T, code wire.Code) {
	t.Helper()
	synctest.Wait()
	select {
	case <-u.r.Over():
	default:
		t.Error("not over")
	}
	if got, _ := u.r.Result(); got != code {
		t.Errorf("ended with %v, want %v", got, code)
	}
	if subs, watchers, _, _ := u.l.counts(); subs != 0 || watchers != 0 {
		t.Errorf("%d subscriptions and %d watchers left", subs, watchers)
	}
	if owed := u.l.owed.Load(); owed != 0 {
		t.Errorf("owes %d answers", owed)
	}
}

func appendAck(dst []byte, consumer, stream uint64) []byte {
	return fmt.Appendf(dst, "$JS.ACK.S.C.1.%d.%d.1700000000000000000.5", stream, consumer)
}
