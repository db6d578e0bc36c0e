package push

import (
	"time"

	"github.com/gannet-io/nats/internal/mono"
)

// FlowAction is something that a Flow wants done.
type FlowAction struct {
	Kind     FlowKind
	Reply    string   // of Answer: publish an empty message to it
	Mark     uint64   // of Await: call Handled when so many messages have been
	Mismatch Mismatch // of Differs
}

// FlowKind is the kind of a FlowAction.
type FlowKind uint8

const (
	Answer  FlowKind = iota // the server may send more
	Await                   // an answer waits for messages to be handled
	Doubt                   // a heartbeat is late: is the link alive?
	Missed                  // two heartbeats in a row are missing
	Differs                 // the server has sent something else than what came
)

// Mismatch is what a heartbeat shows.
type Mismatch struct {
	Sent   uint64 // consumer sequence of the last message that the server has sent
	Seen   uint64 // and of the last one that came
	Stream uint64 // stream sequence of the last one that came
}

// Flow watches the delivery of one push consumer after the other. The zero value watches nothing; Start begins a consumer. It is not safe for
// concurrent use. Actions are valid until the next call.
type Flow struct {
	beat     time.Duration
	watching bool // for signs of life
	up       bool
	since    mono.Time // the last sign of life
	doubted  bool      // this silence was reported by Doubt

	arrived uint64 // messages, since the first Start
	handled uint64

	reply string // waits for handled to reach mark; empty: none
	mark  uint64

	seen, stream uint64 // of the last message; 0: none yet
	told         uint64 // Sent of the Mismatch that was told last

	out []FlowAction
}

// Start begins with a consumer that is about to be there. What is known of the one before is forgotten, except how many messages came and were
// handled.
func (m *Flow) Start() {
	m.watching = false
	m.reply = ""
	m.seen, m.stream, m.told = 0, 0, 0
}

// Watch says that the consumer is there, and promises a sign of life in each interval; 0: it does not. up is whether there is a link.
func (m *Flow) Watch(now mono.Time, beat time.Duration, up bool) {
	m.beat, m.watching, m.up = beat, beat > 0, up
	m.hear(now)
}

// Stop ends the watch for signs of life. What waits for an answer still gets it.
func (m *Flow) Stop() { m.watching = false }

// Arrived says that n messages came, and the sequences of the last one; 0 when it has none. It needs no Tick.
func (m *Flow) Arrived(now mono.Time, n int, consumerSeq, streamSeq uint64) {
	m.hear(now)
	m.arrived += uint64(max(n, 0))
	if consumerSeq > 0 {
		m.seen, m.stream = consumerSeq, streamSeq
	}
}

// Total is the number of messages that came: the mark of who has handled them all.
func (m *Flow) Total() uint64 { return m.arrived }

// Handled says that the user is done with the first total messages. Fewer than before say nothing.
func (m *Flow) Handled(total uint64) []FlowAction {
	m.out = m.out[:0]
	m.handled = max(m.handled, min(total, m.arrived))
	if m.reply != "" && m.handled >= m.mark {
		m.answer(m.reply)
	}
	return m.out
}

func (m *Flow) answer(reply string) {
	m.reply = ""
	m.out = append(m.out, FlowAction{Kind: Answer, Reply: reply})
}

// FlowControl says that the server wants an answer to reply, behind what has arrived. It waits for one only: the last.
func (m *Flow) FlowControl(now mono.Time, reply string) []FlowAction {
	m.out = m.out[:0]
	m.hear(now)
	m.request(reply)
	return m.out
}

func (m *Flow) request(reply string) {
	switch {
	case reply == "" || reply == m.reply:
	case m.handled >= m.arrived:
		m.answer(reply)
	default:
		m.reply, m.mark = reply, m.arrived
		m.out = append(m.out, FlowAction{Kind: Await, Mark: m.mark})
	}
}

// Heartbeat says that the server had nothing else to send. last is the consumer sequence that it has sent last, if known; stalled is the flow
// control reply that it waits for: it asks for it again, for a request or an answer may have got lost.
func (m *Flow) Heartbeat(now mono.Time, last uint64, known bool, stalled string) []FlowAction {
	m.out = m.out[:0]
	m.hear(now)
	m.request(stalled)
	switch {
	case !known || m.seen == 0:
	case last == m.seen:
		m.told = 0
	case last != m.told:
		m.told = last
		m.out = append(m.out, FlowAction{Kind: Differs, Mismatch: Mismatch{last, m.seen, m.stream}})
	}
	return m.out
}

// hear begins a new silence.
func (m *Flow) hear(now mono.Time) { m.since, m.doubted = now, false }

// Disconnected says that the link is lost: silence means nothing until Reconnected.
func (m *Flow) Disconnected() { m.up = false }

// Reconnected says that the link is back.
func (m *Flow) Reconnected(now mono.Time) {
	m.up = true
	m.hear(now)
}

// late is when a heartbeat is late, but not missing yet: by a quarter of the interval, so that the link has been probed when the second one
// is due.
func (m *Flow) late() mono.Time {
	if m.doubted {
		return mono.Never
	}
	return m.since.Add(m.beat).Add(m.beat / 4)
}

// missing is when two heartbeats are missing.
func (m *Flow) missing() mono.Time { return m.since.Add(m.beat).Add(m.beat) }

// Deadline is when Tick is due.
func (m *Flow) Deadline() mono.Time {
	if !m.watching || !m.up {
		return mono.Never
	}
	return min(m.late(), m.missing())
}

// Tick looks at the clock.
func (m *Flow) Tick(now mono.Time) []FlowAction {
	m.out = m.out[:0]
	if now < m.Deadline() {
		return m.out
	}
	if now >= m.late() {
		m.doubted = true
		m.out = append(m.out, FlowAction{Kind: Doubt})
	}
	if now >= m.missing() {
		m.hear(now)
		m.out = append(m.out, FlowAction{Kind: Missed})
	}
	return m.out
}
