package push

import (
	"time"

	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
)

// RenewalAction is something that a Renewal wants done.
type RenewalAction struct {
	Kind  RenewalKind
	Wait  time.Duration // of Create: how long to wait for the server's answer
	Code  wire.Code     // of Tell and Finish
	Words string
}

// RenewalKind is the kind of a RenewalAction.
type RenewalKind uint8

const (
	Create  RenewalKind = iota // make a consumer, and say Created or Failed
	Abandon                    // leave the current consumer, or the one that is being made
	Probe                      // an answer is missing: is the link alive?
	Tell                       // the user
	Finish                     // nothing more will come, and Code says why
)

// Renewal decides when a delivery in order gets a new consumer. It begins when there is a first one. It is not safe for concurrent use. Actions
// are valid until the next call. The zero value does nothing.
type Renewal struct {
	phase phase
	row   int       // failures in a row
	at    mono.Time // when the pause is over
	began mono.Time // when the current consumer was made
	gone  mono.Time // since when the stream was not found; valid if away
	away  bool

	trouble  bool // the user was told of something that is not over
	told     wire.Code
	words    string
	toldAt   mono.Time
	patience int  // answers that did not come in a row
	full     bool // it pauses until there is room

	early early // what came before Start

	out []RenewalAction
}

type phase uint8

const (
	idle      phase = iota
	following       // there is a consumer
	creating        // one is being made
	pausing         // until at
	offline         // there is no link
	over
)

// early is what happened to the first consumer while its creation was not confirmed yet.
type early struct {
	broken bool
	code   wire.Code
	words  string
	room   bool // and since then
}

// Times of a Renewal.
const (
	settled    = time.Second            // a consumer that has lasted so long was a good one
	minPause   = 10 * time.Millisecond  // after the first failure in a row, then twice as long each time
	firstPause = 250 * time.Millisecond // at most, for the first shortPauses
	maxPause   = 800 * time.Millisecond // at most
	goneFor    = 2 * time.Second        // a stream that is not found for so long is gone
	tellAgain  = 5 * time.Second        // after which the same trouble is told again
)

const shortPauses = 12

// waits are how long one answer is waited for: long at last, for links that are slow, but not before a cluster has had the time to choose a
// leader: a request from before that is lost, and the next one should follow soon.
var waits = [...]time.Duration{
	500 * time.Millisecond, 500 * time.Millisecond, 500 * time.Millisecond, time.Second, time.Second, time.Second, 2 * time.Second,
}

// Start says that there is a first consumer. up is false when the link was lost meanwhile.
func (m *Renewal) Start(now mono.Time, up bool) []RenewalAction {
	m.out = m.out[:0]
	if m.phase != idle {
		return m.out
	}
	m.phase, m.began = following, now
	switch e := m.early; {
	case !up:
		m.lose(now)
	case e.broken:
		m.replace(now, e.code, e.words)
		if e.room && m.full {
			m.create()
		}
	}
	return m.out
}

// Stop ends it.
func (m *Renewal) Stop() { m.phase = over }

// Created says that the server has made a consumer.
func (m *Renewal) Created(now mono.Time) []RenewalAction {
	m.out = m.out[:0]
	if m.phase != creating {
		return m.out
	}
	m.phase, m.began, m.away, m.patience = following, now, false, 0
	if m.trouble {
		m.trouble = false
		m.out = append(m.out, RenewalAction{Kind: Tell, Code: wire.OK})
	}
	return m.out
}

// Failed says why there is no consumer: wire.Timeout when there was no answer in time, wire.ServerRefused with the server's words, which may
// be that the stream is unknown, or another code.
func (m *Renewal) Failed(now mono.Time, code wire.Code, words string, unknown bool) []RenewalAction {
	m.out = m.out[:0]
	if m.phase != creating {
		return m.out
	}
	switch {
	case code == wire.Timeout: // says nothing about the stream
		m.patience++
		m.out = append(m.out, RenewalAction{Kind: Probe})
	case !unknown:
		m.away = false
	case !m.away:
		m.away, m.gone = true, now
	case now.Sub(m.gone) >= goneFor:
		m.phase = over
		m.out = append(m.out, RenewalAction{Kind: Finish, Code: code, Words: words})
		return m.out
	}
	m.tell(now, code, words)
	m.pause(now)
	return m.out
}

// Broken says that the current consumer is of no use any more, or the one that is being made. The first one may break before Start.
func (m *Renewal) Broken(now mono.Time, code wire.Code, words string) []RenewalAction {
	m.out = m.out[:0]
	switch m.phase {
	case following, creating:
		m.replace(now, code, words)
	case idle:
		m.early = early{broken: true, code: code, words: words}
	}
	return m.out
}

// replace leaves a consumer, and makes another one when it is time.
func (m *Renewal) replace(now mono.Time, code wire.Code, words string) {
	m.out = append(m.out, RenewalAction{Kind: Abandon})
	m.tell(now, code, words)
	if code == wire.LimitExceeded { // another consumer would be of no use before the user has caught up
		m.phase, m.at, m.full = pausing, now.Add(tellAgain), true
		return
	}
	if m.phase == following && now.Sub(m.began) >= settled {
		m.row = 0
		m.create()
		return
	}
	m.pause(now)
}

// Room says that the user has caught up.
func (m *Renewal) Room() []RenewalAction {
	m.out = m.out[:0]
	switch {
	case m.phase == idle:
		m.early.room = true
	case m.phase == pausing && m.full:
		m.create()
	}
	return m.out
}

// Disconnected says that the link is lost.
func (m *Renewal) Disconnected(now mono.Time) []RenewalAction {
	m.out = m.out[:0]
	if m.phase == following || m.phase == creating || m.phase == pausing {
		m.lose(now)
	}
	return m.out
}

func (m *Renewal) lose(now mono.Time) {
	m.phase, m.away, m.full = offline, false, false
	m.out = append(m.out, RenewalAction{Kind: Abandon})
	m.tell(now, wire.Disconnected, "")
}

// Reconnected says that the link is back. The consumer may be there, or gone, or have sent something into the void: a new one is made at once.
func (m *Renewal) Reconnected() []RenewalAction {
	m.out = m.out[:0]
	if m.phase == offline {
		m.row, m.patience = 0, 0
		m.create()
	}
	return m.out
}

func (m *Renewal) create() {
	m.phase, m.full = creating, false
	m.out = append(m.out, RenewalAction{Kind: Create, Wait: waits[min(m.patience, len(waits)-1)]})
}

func (m *Renewal) pause(now mono.Time) {
	m.row++
	longest := firstPause
	if m.row > shortPauses {
		longest = maxPause
	}
	m.phase, m.at = pausing, now.Add(min(minPause<<min(m.row-1, 20), longest))
}

// tell tells the user, but the same thing again only after a while.
func (m *Renewal) tell(now mono.Time, code wire.Code, words string) {
	if m.trouble && m.told == code && m.words == words && now.Sub(m.toldAt) < tellAgain {
		return
	}
	m.trouble, m.told, m.words, m.toldAt = true, code, words, now
	m.out = append(m.out, RenewalAction{Kind: Tell, Code: code, Words: words})
}

// Deadline is when Tick is due.
func (m *Renewal) Deadline() mono.Time {
	if m.phase == pausing {
		return m.at
	}
	return mono.Never
}

// Tick looks at the clock.
func (m *Renewal) Tick(now mono.Time) []RenewalAction {
	m.out = m.out[:0]
	if m.phase == pausing && now >= m.at {
		m.create()
	}
	return m.out
}
