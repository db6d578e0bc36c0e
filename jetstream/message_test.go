package jetstream

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/internal/engine"
)

// raceEnabled is set by race_test.go: the race detector allocates, so allocation gates are off then.
var raceEnabled bool

// acks is a connection that records acknowledgements.
type acks struct {
	mu      sync.Mutex
	sent    []string // body, and where to
	err     error    // of the next calls
	budgets []time.Duration
	errs    []error // set as the last error
}

func (a *acks) add(subject string, data []byte) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != nil {
		return a.err
	}
	a.sent = append(a.sent, string(data)+" to "+subject)
	return nil
}

func (a *acks) PublishNow(subject, _ string, _, data []byte) error { return a.add(subject, data) }

func (a *acks) Request(ctx context.Context, timeout time.Duration, subject string, _, data []byte) (engine.Reply, error) {
	a.budgets = append(a.budgets, timeout)
	return engine.Reply{}, a.add(subject, append([]byte("double "), data...))
}

func (a *acks) Callback(fn func())     { fn() }
func (a *acks) SetLastError(err error) { a.errs = append(a.errs, err) }

const ackReply = "$JS.ACK.S.c.1.2.3.1700000000000000000.4"

func received(a *acks, reply string) *message {
	js := &jetStream{conn: a, nc: &nats.Conn{}, opts: JetStreamOptions{DefaultTimeout: 7 * time.Second}}
	return &message{from: &source{js: js, stream: "S", consumer: "other"}, reply: reply}
}

func TestAckBodies(t *testing.T) {
	t.Parallel()
	for want, ack := range map[string]func(m Msg) error{
		"+ACK":                  Msg.Ack,
		"-NAK":                  Msg.Nak,
		`-NAK {"delay": 1000}`:  func(m Msg) error { return m.NakWithDelay(time.Microsecond) },
		"+WPI":                  Msg.InProgress,
		"+TERM":                 Msg.Term,
		"+TERM no good\r\nline": func(m Msg) error { return m.TermWithReason("no good\r\nline") },
		"double +ACK":           func(m Msg) error { return m.DoubleAck(t.Context()) },
	} {
		a := &acks{}
		if err := ack(received(a, ackReply)); err != nil || !slices.Equal(a.sent, []string{want + " to " + ackReply}) {
			t.Errorf("got %q, %v, want %q", a.sent, err, want)
		}
	}
	for name, ack := range map[string]func(m Msg) error{
		"no delay":       func(m Msg) error { return m.NakWithDelay(0) },
		"negative delay": func(m Msg) error { return m.NakWithDelay(-time.Hour) },
	} {
		a := &acks{}
		if err := ack(received(a, ackReply)); err != nil || !slices.Equal(a.sent, []string{"-NAK to " + ackReply}) {
			t.Errorf("%s: got %q, %v, want a plain nak", name, a.sent, err)
		}
	}
}

// finals are the acknowledgements that are final.
func finals(ctx context.Context) map[string]func(m Msg) error {
	return map[string]func(m Msg) error{
		"Ack":            Msg.Ack,
		"Nak":            Msg.Nak,
		"NakWithDelay":   func(m Msg) error { return m.NakWithDelay(time.Second) },
		"Term":           Msg.Term,
		"TermWithReason": func(m Msg) error { return m.TermWithReason("why") },
		"DoubleAck":      func(m Msg) error { return m.DoubleAck(ctx) },
	}
}

func TestAckOnce(t *testing.T) {
	t.Parallel()
	for name, first := range finals(t.Context()) {
		a := &acks{}
		m := received(a, ackReply)
		for range 3 {
			if err := m.InProgress(); err != nil {
				t.Fatalf("progress before %s: %v", name, err)
			}
		}
		if err := first(m); err != nil {
			t.Fatalf("%s after progress: %v", name, err)
		}
		sent := len(a.sent)
		for again, second := range finals(t.Context()) {
			if err := second(m); err != ErrMsgAlreadyAckd {
				t.Errorf("%s after %s: got %v, want %v", again, name, err, ErrMsgAlreadyAckd)
			}
		}
		if err := m.InProgress(); err != ErrMsgAlreadyAckd {
			t.Errorf("progress after %s: got %v, want %v", name, err, ErrMsgAlreadyAckd)
		}
		if len(a.sent) != sent {
			t.Errorf("after %s was sent all the same: %q", name, a.sent[sent:])
		}
	}
}

// TestAckAgainAfterFailure: what was not sent does not count.
func TestAckAgainAfterFailure(t *testing.T) {
	t.Parallel()
	for name, ack := range finals(t.Context()) {
		a := &acks{err: nats.ErrReconnectBufExceeded}
		m := received(a, ackReply)
		if err := ack(m); err != nats.ErrReconnectBufExceeded {
			t.Errorf("%s: got %v, want %v", name, err, nats.ErrReconnectBufExceeded)
		}
		a.err = nil
		if err := ack(m); err != nil || len(a.sent) != 1 {
			t.Errorf("%s once more: got %v and %q, want it sent", name, err, a.sent)
		}
	}
}

func TestAckWithoutReply(t *testing.T) {
	t.Parallel()
	a := &acks{}
	m := received(a, "")
	for name, ack := range finals(t.Context()) {
		if err := ack(m); err != ErrMsgNoReply {
			t.Errorf("%s: got %v, want %v", name, err, ErrMsgNoReply)
		}
	}
	if err := m.InProgress(); err != ErrMsgNoReply {
		t.Errorf("InProgress: got %v, want %v", err, ErrMsgNoReply)
	}
	if _, err := m.Metadata(); err != ErrMsgNoReply {
		t.Errorf("Metadata: got %v, want %v", err, ErrMsgNoReply)
	}
}

func TestDoubleAckContexts(t *testing.T) {
	t.Parallel()
	a := &acks{}
	m := received(a, ackReply)
	if err := m.DoubleAck(nil); err != nats.ErrInvalidContext {
		t.Errorf("nil context: got %v, want %v", err, nats.ErrInvalidContext)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := m.DoubleAck(over); err != context.Canceled {
		t.Errorf("cancelled context: got %v, want %v", err, context.Canceled)
	}
	if len(a.sent) > 0 {
		t.Errorf("was sent: %q, want nothing", a.sent)
	}
	a.err = nats.ErrTimeout
	if err := m.DoubleAck(context.Background()); err != context.DeadlineExceeded {
		t.Errorf("own timeout: got %v, want %v", err, context.DeadlineExceeded)
	}
	a.err = nil
	bounded, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := m.DoubleAck(bounded); err != nil {
		t.Errorf("got %v, want no error", err)
	}
	if want := []time.Duration{7 * time.Second, 0}; !slices.Equal(a.budgets, want) {
		t.Errorf("got budgets %v, want %v: the default, and the context's own", a.budgets, want)
	}
}

// TestConcurrentAcks: of many, one is sent.
func TestConcurrentAcks(t *testing.T) {
	t.Parallel()
	a := &acks{}
	m := received(a, ackReply)
	var good, again atomic.Int32
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			switch err := m.Ack(); err {
			case nil:
				good.Add(1)
			case ErrMsgAlreadyAckd:
				again.Add(1)
			}
		})
	}
	wg.Wait()
	if good.Load() != 1 || again.Load() != 15 || len(a.sent) != 1 {
		t.Errorf("got %d good, %d repeated, %d sent, want 1, 15 and 1", good.Load(), again.Load(), len(a.sent))
	}
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	at := time.Unix(0, 1700000000000000000)
	for reply, want := range map[string]*MsgMetadata{
		ackReply: {Sequence: SequencePair{Consumer: 3, Stream: 2}, NumDelivered: 1, NumPending: 4, Timestamp: at, Stream: "S", Consumer: "c"},
		"$JS.ACK.hub.hash.S.c.1.2.3.1700000000000000000.4":      {Sequence: SequencePair{Consumer: 3, Stream: 2}, NumDelivered: 1, NumPending: 4, Timestamp: at, Stream: "S", Consumer: "c", Domain: "hub"},
		"$JS.ACK._.hash.S.c.1.2.3.1700000000000000000.4.random": {Sequence: SequencePair{Consumer: 3, Stream: 2}, NumDelivered: 1, NumPending: 4, Timestamp: at, Stream: "S", Consumer: "c"},
		"$JS.ACK._.hash.S.c.1.2.3.1700000000000000000":          nil, // ten tokens
		"_INBOX.x":       nil,
		"$JS.ACK.":       nil,
		ackReply + "9x":  nil,
		"$JS.ACK.S.c.1.": nil,
	} {
		got, err := received(&acks{}, reply).Metadata()
		if want == nil {
			if err != ErrNotJSMessage || got != nil {
				t.Errorf("%s: got %+v, %v, want %v", reply, got, err, ErrNotJSMessage)
			}
			continue
		}
		if err != nil || *got != *want {
			t.Errorf("%s: got %+v, %v, want %+v", reply, got, err, want)
		}
	}
}

func TestHeadersAreDecodedOnce(t *testing.T) {
	t.Parallel()
	m := received(&acks{}, ackReply)
	if h := m.Headers(); h != nil {
		t.Errorf("without a block: got %v, want nil", h)
	}
	m = received(&acks{}, ackReply)
	m.fill([]byte("NATS/1.0\r\nK: v\r\nK: w\r\nl:  x \r\n\r\n"), nil)
	var wg sync.WaitGroup
	all := make([]nats.Header, 8)
	for i := range all {
		wg.Go(func() { all[i] = m.Headers() })
	}
	wg.Wait()
	if h := all[0]; len(h) != 2 || !slices.Equal(h.Values("K"), []string{"v", "w"}) || h.Get("l") == "" {
		t.Errorf("got %v", h)
	}
	all[0].Set("new", "1")
	for _, h := range all {
		if h.Get("new") != "1" {
			t.Error("different maps, want always the same one")
		}
	}
}

func TestUnreadableHeaders(t *testing.T) {
	t.Parallel()
	a := &acks{}
	m := received(a, ackReply)
	m.fill([]byte("NATS/1.0\r\nno colon\r\n\r\n"), nil)
	for range 3 {
		if h := m.Headers(); h != nil {
			t.Errorf("got %v, want nil", h)
		}
	}
	if len(a.errs) != 1 || !errors.Is(a.errs[0], nats.ErrBadHeaderMsg) {
		t.Errorf("told %v, want %v once", a.errs, nats.ErrBadHeaderMsg)
	}
}
