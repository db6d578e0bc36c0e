package ingest

import (
	"time"

	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
)

// Times that do not depend on the user.
const (
	// keepAlive is less than half of the 10 s for which a server keeps a batch without messages.
	keepAlive = 4 * time.Second
	// overdue is how long an answer may take before the server is asked what it has.
	overdue = time.Second
	// firstPause and lastPause bound the time between two questions that got no useful answer.
	firstPause = 10 * time.Millisecond
	lastPause  = time.Second
)

// window is how many ack intervals may be under way.
const window = 2

// Config of a Machine.
type Config struct {
	Every  uint64        // messages between two acks, at most: the server chooses
	Repeat bool          // all messages have ids, so that the stream drops second copies
	GiveUp time.Duration // without any progress, while something waits
}

// Phase is where the machine stands.
type Phase uint8

// The phases of the picture in the package's documentation.
const (
	Idle Phase = iota
	Starting
	Open
	Asking // pinged, or about to
	Ending // the server has ended the batch; its ack says what is stored
	Committing
	Over
)

// Kind of an [Action].
type Kind uint8

// What the shell has to do.
const (
	// Begin a new batch with the message From as its first. The shell chooses an id.
	Begin Kind = iota
	// Send the messages From to To.
	Send
	// Commit the batch without a further message.
	Commit
	// Ping asks what the server has.
	Ping
	// Release the messages up to To: they are stored.
	Release
	// Doubt the link: questions stay unanswered.
	Doubt
	// Finish: nothing more will be done. Code says why, wire.OK after a commit.
	Finish
)

// Action is one thing to do, in order.
type Action struct {
	Kind     Kind
	From, To uint64
	Code     wire.Code
	Refused  *wire.APIError
}

// Machine is one ingest. The zero value is not in use; see [New].
type Machine struct {
	cfg   Config
	phase Phase
	up    bool
	held  bool // closing: no more messages will be accepted

	accepted, sent, acked uint64
	base                  uint64 // messages before the current batch
	risk                  uint64 // the highest message that a batch which was forgotten may have stored
	every                 uint64 // the server's choice, in the current batch

	asked    mono.Time // when the last question, or the first message, went out, or a flow ack came
	spoke    mono.Time // when the last frame went out
	progress mono.Time // when something was last acked, or began to wait, or the server said that it may
	again    mono.Time // when to ask again; Never: not waiting for that
	pause    time.Duration
	asks     int            // questions since the last answer
	refused  *wire.APIError // what the stream said of the message badMsg, which ends the batch
	badMsg   uint64
	out      []Action
}

// New returns a machine whose link is up or not.
func New(cfg Config, up bool) *Machine {
	if cfg.Every == 0 {
		cfg.Every = 1
	}
	return &Machine{cfg: cfg, up: up, again: mono.Never}
}

// Phase is where the machine stands.
func (m *Machine) Phase() Phase { return m.phase }

// Acked is how many messages are known to be stored.
func (m *Machine) Acked() uint64 { return m.acked }

// MayBeStored is the highest message that may be stored.
func (m *Machine) MayBeStored() uint64 { return max(m.sent, m.risk) }

// Room is how many more messages should be accepted before acks arrive. It can be negative.
func (m *Machine) Room() int {
	if m.phase == Over || m.held {
		return 0
	}
	return int(m.limit()) - int(m.accepted)
}

// limit is the highest message that may be under way.
func (m *Machine) limit() uint64 {
	every := m.every
	if every == 0 {
		every = m.cfg.Every
	}
	return m.acked + window*every
}

// Accept takes n more messages from the caller.
func (m *Machine) Accept(now mono.Time, n int) []Action {
	m.out = m.out[:0]
	if m.phase == Over || m.held || n <= 0 {
		return m.out
	}
	if m.accepted == m.acked {
		m.progress = now
	}
	m.accepted += uint64(n)
	m.goOn(now)
	return m.out
}

// Close says that no more messages will come: what has been accepted is to be stored, and the batch committed.
func (m *Machine) Close(now mono.Time) []Action {
	m.out = m.out[:0]
	if m.phase == Over || m.held {
		return m.out
	}
	m.held, m.progress = true, now
	m.goOn(now)
	return m.out
}

// goOn sends what may be sent.
func (m *Machine) goOn(now mono.Time) {
	switch m.phase {
	case Idle:
		switch {
		case m.accepted > m.acked && m.up:
			m.begin(now)
		case m.accepted == m.acked && m.held:
			m.finish(wire.OK, nil)
		}
	case Open:
		if last := min(m.accepted, m.limit()); last > m.sent {
			m.do(Action{Kind: Send, From: m.sent + 1, To: last})
			m.sent, m.spoke = last, now
		}
		if m.held && m.sent == m.accepted {
			m.do(Action{Kind: Commit, From: m.sent + 1})
			m.phase, m.asked, m.spoke = Committing, now, now
		}
	}
}

func (m *Machine) do(a Action) { m.out = append(m.out, a) }

// begin starts a batch behind what is stored.
func (m *Machine) begin(now mono.Time) {
	m.base, m.sent, m.every = m.acked, m.acked+1, 0
	m.do(Action{Kind: Begin, From: m.sent, To: m.sent})
	m.phase, m.asked, m.spoke, m.again, m.refused = Starting, now, now, mono.Never, nil
}

// finish is the end.
func (m *Machine) finish(code wire.Code, refused *wire.APIError) {
	m.phase, m.again = Over, mono.Never
	m.do(Action{Kind: Finish, Code: code, Refused: refused})
}

// store notes that the messages of the batch up to n are stored.
func (m *Machine) store(now mono.Time, n uint64) {
	to := m.base + n
	if to <= m.acked || to > m.sent {
		return
	}
	m.acked, m.progress, m.pause = to, now, 0
	m.do(Action{Kind: Release, To: to})
}
