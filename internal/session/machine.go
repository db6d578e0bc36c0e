package session

import (
	"time"

	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/pool"
)

// phase is what the machine waits for. Status is what the user sees of it.
type phase uint8

const (
	idle       phase = iota // Start
	dialing                 // results of dials
	pausing                 // the end of a pause
	askedDelay              // Delay
	choosing                // Chosen
	up                      // nothing: there is a link
	over
)

// Machine is one connection's life: one event, one method, time first. The actions are valid until the next call. It is not safe for
// concurrent use, and neither is its pool, which its owner may change between events ([pool.Pool.Merge], [pool.Pool.Replace]).
type Machine struct {
	cfg    Config
	pool   *pool.Pool
	out    []Action
	phase  phase
	status Status
	last   error // LastError

	answered  bool // Connect has its result
	connected bool // there was a link
	reached   bool // the last attempt since the link was lost ended with an answer of the server

	// Dials and passes.
	dials    []dial
	dialed   uint64    // number of the last dial
	lastDial mono.Time // when it started
	left     int       // servers that the pass has not dialled yet
	early    bool      // the pass is an early one
	quick    int       // early pauses used up
	passes   int       // pauses since the link was lost
	jittered int       // pauses under FullJitter since there was a steady link
	passErr  error     // of the failed dial with the highest number
	passLast uint64    // that number

	// Waiting: for the end of a pause, or the user's answer.
	until  mono.Time
	chosen *pool.Server // dialled after the pause; nil: a pass begins

	link    link
	aside   aside
	patient bool // draining, and a lost link is waited for

	firstOut   [8]Action // memory of out and dials, as long as it is enough
	firstDials [maxDials]dial
}

// dial is one attempt in flight.
type dial struct {
	number uint64
	server *pool.Server
	since  mono.Time
	early  bool
	took   time.Duration // when it is done
}

// New makes a machine in front of its first event. It owns p from now on.
func New(cfg Config, p *pool.Pool) *Machine {
	m := new(Machine)
	m.Init(cfg, p)
	return m
}

// Init makes m, which is new, what [New] returns: for those who have it as a part of something larger.
func (m *Machine) Init(cfg Config, p *pool.Pool) {
	m.cfg, m.pool = cfg, p
	m.out, m.dials = m.firstOut[:0], m.firstDials[:0]
	m.link.heard, m.link.owedSince, m.link.asked = firstInstant, firstInstant, firstInstant
	m.aside.at = mono.Never
}

// Status is the connection's state, DISCONNECTED before Start.
func (m *Machine) Status() Status { return m.status }

// LastError is what a server said last, or what ended the connection. A new link and the loss of one clear it.
func (m *Machine) LastError() error { return m.last }

// begin is the beginning of every event that returns actions.
func (m *Machine) begin() { m.out = m.out[:0] }

func (m *Machine) do(k Kind)            { m.out = append(m.out, Action{Kind: k}) }
func (m *Machine) tell(k Kind, e error) { m.out = append(m.out, Action{Kind: k, Err: e}) }
func (m *Machine) draining() bool       { return m.status == DrainingSubs || m.status == DrainingPubs }
func (m *Machine) emit(s Status, e error) {
	m.status = s
	m.out = append(m.out, Action{Kind: Emit, Status: s, Err: e})
}

// Deadline is when Tick is due, [mono.Never] if nothing is. An event may move it either way.
func (m *Machine) Deadline() mono.Time {
	switch m.phase {
	case dialing:
		return m.dialDeadline()
	case pausing, askedDelay, choosing:
		return m.until
	case up:
		return m.linkDeadline()
	}
	return mono.Never
}

// Tick does what is due at now; before the deadline it does nothing. The deadline may be at or before now again afterwards, a
// finite number of times.
func (m *Machine) Tick(now mono.Time) []Action {
	m.begin()
	if now < m.Deadline() {
		return m.out
	}
	switch m.phase {
	case dialing:
		m.dialsDue(now)
	case pausing:
		m.pauseOver(now)
	case askedDelay:
		m.phase = pausing
		m.pauseOver(now)
	case choosing:
		m.proceed(now)
	case up:
		m.linkDue(now)
	}
	return m.out
}

// after is now plus d, for the durations of a config: 0 and less mean never.
func after(t mono.Time, d time.Duration) mono.Time {
	if d <= 0 {
		return mono.Never
	}
	return t.Add(d)
}
