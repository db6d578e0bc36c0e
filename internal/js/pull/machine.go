package pull

import (
	"time"

	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
)

// Config describes one batch. It does not change after [Machine.Reset].
type Config struct {
	// Request is the template of every request: Batch and MaxBytes count for the whole batch, Expires from Start. A later
	// request of the same batch asks for what is left of each. Without Expires and NoWait, a request expires a tenth of the
	// time (at most 5 s) before Deadline; without a Deadline either, after 30 s.
	Request wire.PullRequest
	// Deadline is when the caller's time is over. mono.Never: no such bound; mind that the zero value is an instant.
	Deadline mono.Time
	// NoWaitFirst asks first for what is there (or for the first message to come), and if that brings nothing, for all.
	NoWaitFirst bool
	// Linger keeps an empty batch open after a 408 until Deadline.
	Linger bool
	// FailOnDisconnect ends the batch when the connection is lost, or down when it would ask. Otherwise the batch asks for the
	// rest when the connection is back.
	FailOnDisconnect bool
}

// Action is what the shell must do next.
type Action struct {
	Kind    Kind
	Request wire.PullRequest // Ask
	Code    wire.Code        // Finish, Warn; OK when the batch is complete
	Words   string           // Finish, Warn: the server's description, if it was the server
	Lasting bool             // Warn: failures have lasted for two heartbeats, or as long again
}

// Kind is the kind of an [Action].
type Kind uint8

// The actions of a batch; the later ones are those of a [Flow] only.
const (
	Ask     Kind = iota // send Request; for a batch, a request that was sent before is void
	Finish              // it is over, with Code
	Doubt               // an expected frame is late: have the engine probe the link
	Warn                // tell the user that Code happened; it goes on
	Void                // what was asked is void: have the server forget it, and use a new inbox for the next Ask
	Leave               // have the server forget what was asked, and say Left when all that it sent has arrived
	Inquire             // find out whether the consumer exists, and say Inquired
)

const (
	slack          = time.Second      // how much later than its expiry the end of a request may arrive
	defaultExpires = 30 * time.Second // of a request for which nobody named a time
	maxExpires     = 1 << 61          // far away, but sums stay in range
)

type phase uint8

const (
	fresh     phase = iota // before Start
	paused                 // asks at askAt
	offline                // asks when the connection is back
	asked                  // a request is out
	lingering              // answered, but waits for Deadline
	done
)

// Machine is one batch. Its zero value has to be Reset. It is not safe for concurrent use, and must not be copied between
// an event and the use of its actions.
type Machine struct {
	cfg     Config
	expires time.Duration // of the first request, as asked at Start
	phase   phase
	online  bool
	noWait  bool // the next request is the no-wait one of NoWaitFirst
	word    bool // a message or a status came
	sent    bool // an Ask has been returned
	clean   bool // see Clean

	room      int // messages the batch still takes
	byteRoom  int // bytes it still takes, if it has a limit
	delivered int

	start mono.Time
	askAt mono.Time // while paused
	heard mono.Time // the last frame, or Start
	fed   mono.Time // the last message, or Start

	silence silence

	out [2]Action
}

// Reset makes m a fresh batch. A Request.Batch below 1 asks for one message; other negative numbers count as zero.
func (m *Machine) Reset(cfg Config) {
	r := &cfg.Request
	r.Batch = max(r.Batch, 1)
	r.MaxBytes = max(r.MaxBytes, 0)
	r.Heartbeat = max(r.Heartbeat, 0)
	r.Expires = min(max(r.Expires, 0), maxExpires)
	if r.Expires == 0 && !r.NoWait && cfg.Deadline == mono.Never {
		r.Expires = defaultExpires
	}
	*m = Machine{cfg: cfg, noWait: cfg.NoWaitFirst, room: r.Batch, byteRoom: r.MaxBytes, silence: silence{beat: r.Heartbeat}}
}

// Start begins the batch, after a pause if the consumer's [Backoff] says so. The pause is part of the batch's time, and takes
// at most half of it.
func (m *Machine) Start(now mono.Time, connected bool, pause time.Duration) []Action {
	if m.phase != fresh {
		return nil
	}
	m.start, m.heard, m.fed = now, now, now
	m.silence.heard(now)
	m.online = connected
	m.expires = m.timeLeft(now)
	if m.expires > 0 {
		pause = min(pause, m.expires/2)
	}
	if pause > 0 {
		m.phase, m.askAt = paused, now.Add(pause)
		return nil
	}
	return m.ask(now)
}

// Room is the number of messages that the batch still takes. The shell keeps surplus messages from Messages.
func (m *Machine) Room() int {
	if m.phase == done || m.phase == fresh || m.complete() {
		return 0
	}
	return m.room
}

// Messages counts n messages of bytes in total, as the server counts them: subject, reply subject, header block, payload.
// It is called once per run of messages; if it returns true the shell calls Tick at once.
func (m *Machine) Messages(now mono.Time, n, bytes int) (act bool) {
	if m.phase == done || m.phase == fresh || n <= 0 {
		return false
	}
	m.frame(now)
	m.fed = now
	n = min(n, m.room)
	m.room -= n
	m.delivered += n
	if m.cfg.Request.MaxBytes > 0 {
		m.byteRoom -= min(max(bytes, 0), m.byteRoom)
	}
	return m.complete() || m.phase == lingering
}

// frame notes a sign of life of the consumer.
func (m *Machine) frame(now mono.Time) {
	m.heard, m.word = now, true
	m.silence.heard(now)
}

func (m *Machine) complete() bool {
	return m.room == 0 || m.cfg.Request.MaxBytes > 0 && m.byteRoom == 0
}

// Disconnected says that the connection is down, or turned out to be when Ask was to be sent. A request that was out is void.
func (m *Machine) Disconnected(mono.Time) []Action {
	m.online = false
	switch m.phase {
	case asked, offline, lingering:
		if m.cfg.FailOnDisconnect {
			return m.finish(wire.Disconnected, "")
		}
		if m.phase == asked {
			m.phase = offline
		}
	}
	return nil
}

// Reconnected says that the connection is back: the batch asks for the rest.
func (m *Machine) Reconnected(now mono.Time) []Action {
	m.online = true
	if m.phase != offline {
		return nil
	}
	return m.ask(now)
}

// Closed says that the connection is over.
func (m *Machine) Closed(mono.Time) []Action { return m.finish(wire.ConnectionClosed, "") }

// Stop ends the batch with code: the caller does not want it any more.
func (m *Machine) Stop(_ mono.Time, code wire.Code) []Action { return m.finish(code, "") }

// Done reports whether Finish has been returned.
func (m *Machine) Done() bool { return m.phase == done }

// Clean reports, after Finish, whether the server has nothing more to send for this batch: it sent all messages of a request
// without a byte limit (with one, a 409 can follow the last message), or ended the request by a terminal status.
func (m *Machine) Clean() bool { return m.clean }

// finish ends the batch, once.
func (m *Machine) finish(code wire.Code, words string) []Action {
	if m.phase == done {
		return nil
	}
	// What was never asked, or is answered already, cannot be answered late.
	m.clean = m.clean || !m.sent || m.phase == lingering
	m.phase = done
	m.out[0] = Action{Kind: Finish, Code: code, Words: words}
	return m.out[:1]
}
