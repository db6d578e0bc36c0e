package nats

import (
	"errors"
	"testing"
	"time"
)

// streamMsg is a message as a subscription of an unconnected Conn would have it.
func streamMsg(reply string) *Msg {
	return &Msg{Subject: "s", Reply: reply, Sub: &Subscription{conn: &Conn{}}}
}

const ackReply = "$JS.ACK.S.c.1.20.3.1700000000123456789.4"

func TestMetadata(t *testing.T) {
	t.Parallel()
	want := MsgMetadata{
		Sequence: SequencePair{Stream: 20, Consumer: 3}, NumDelivered: 1, NumPending: 4,
		Timestamp: time.Unix(0, 1700000000123456789), Stream: "S", Consumer: "c",
	}
	if got, err := streamMsg(ackReply).Metadata(); err != nil || *got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	for name, tc := range map[string]struct {
		m    *Msg
		want error
	}{
		"not received": {&Msg{Reply: ackReply}, ErrMsgNotBound},
		"no reply":     {streamMsg(""), ErrMsgNoReply},
		"core message": {streamMsg("_INBOX.x"), ErrNotJSMessage},
		"ten tokens":   {streamMsg("$JS.ACK.d.S.c.1.20.3.1700000000123456789.4"), ErrNotJSMessage},
	} {
		if got, err := tc.m.Metadata(); got != nil || err != tc.want {
			t.Errorf("%s: got %v, %v, want %v", name, got, err, tc.want)
		}
	}
}

// What is refused before anything is sent: the Conn has no engine to send with.
func TestAckRefused(t *testing.T) {
	t.Parallel()
	done := streamMsg(ackReply)
	done.acked = 1
	for _, tc := range []struct {
		name string
		m    *Msg
		opts []AckOpt
		want error
	}{
		{"nil message", nil, nil, ErrMsgNotBound},
		{"not received", &Msg{Reply: ackReply}, nil, ErrMsgNotBound},
		{"no reply", streamMsg(""), nil, ErrMsgNoReply},
		{"acknowledged", done, nil, ErrMsgAlreadyAckd},
		{"acknowledged, nil option", done, []AckOpt{nil}, ErrMsgAlreadyAckd},
		{"reply that injects", streamMsg("a\r\nPUB x 0\r\n"), nil, ErrBadSubject},
		{"nil context", streamMsg(ackReply), []AckOpt{Context(nil)}, ErrInvalidContext},
		{"negative wait", streamMsg(ackReply), []AckOpt{AckWait(-1)}, ErrInvalidArg},
		{"context and wait", streamMsg(ackReply), []AckOpt{Context(t.Context()), AckWait(1)}, ErrContextAndTimeout},
	} {
		for name, ack := range map[string]func(*Msg, ...AckOpt) error{
			"Ack": (*Msg).Ack, "AckSync": (*Msg).AckSync, "Nak": (*Msg).Nak, "Term": (*Msg).Term, "InProgress": (*Msg).InProgress,
			"NakWithDelay": func(m *Msg, opts ...AckOpt) error { return m.NakWithDelay(time.Second, opts...) },
		} {
			if err := ack(tc.m, tc.opts...); !errors.Is(err, tc.want) {
				t.Errorf("%s, %s: got %v, want %v", tc.name, name, err, tc.want)
			}
		}
	}
}

func TestSequenceMismatchText(t *testing.T) {
	t.Parallel()
	err := &ErrConsumerSequenceMismatch{StreamResumeSequence: 1, ConsumerSequence: 2, LastConsumerSequence: 3}
	const want = "nats: sequence mismatch for consumer at sequence 2 (1 sequences behind), should restart consumer from stream sequence 1"
	if got := err.Error(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAckOptionsAllocs(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	if got := testing.AllocsPerRun(1000, func() { _, _ = newAckOpts(nil) }); got != 0 {
		t.Errorf("an ack without options: %v allocations, want none", got)
	}
}
