package ordered

import "math"

// Verdict is what to do with a message or a heartbeat.
type Verdict uint8

const (
	// Deliver: the message is the next one; the heartbeat fits.
	Deliver Verdict = iota
	// Drop: seen before, or of a consumer that is given up.
	Drop
	// Reset: something is missing. Make a new consumer that starts at From, and say Recreated. Until then everything is dropped, so this
	// verdict comes once.
	Reset
)

// Machine follows one ordered delivery over any number of consumers. It is not safe for concurrent use. The zero value is New(0).
type Machine struct {
	last uint64 // consumer sequence of the current consumer's last message
	from uint64 // see From
	lost bool   // something is missing: the current consumer is given up
}

// New is a delivery that starts at a stream sequence. 0 is for a start that only the server can find: by time, at the last message, with the next
// one. It is known with the first Recreated that names it, or with the first message.
func New(start uint64) *Machine { return &Machine{from: start} }

// Message judges a message by the sequences of its reply subject.
func (m *Machine) Message(consumerSeq, streamSeq uint64) Verdict {
	switch {
	case m.lost || consumerSeq <= m.last:
		return Drop
	case consumerSeq != m.last+1:
		m.lost = true
		return Reset
	}
	m.last = consumerSeq
	if streamSeq == 0 || streamSeq < m.from || streamSeq == math.MaxUint64 { // no server sends the first, or the last
		return Drop
	}
	m.from = streamSeq + 1
	return Deliver
}

// Heartbeat judges a sign of life by the consumer sequence of the last message that the server says it has sent. It has to be judged after the
// messages that came before it.
func (m *Machine) Heartbeat(lastConsumerSeq uint64) Verdict {
	switch {
	case m.lost:
		return Drop
	case lastConsumerSeq != m.last: // fewer than were received is another consumer of the same name
		m.lost = true
		return Reset
	}
	return Deliver
}

// Recreated says that there is a consumer, the first one or a new one, and that its numbers start at 1. first is the stream sequence from which it
// delivers, as the server said: that of ConsumerInfo.Delivered at its creation, plus one. It fixes a start that was not known. 0: unknown, or not
// to be fixed.
func (m *Machine) Recreated(first uint64) {
	m.last, m.lost = 0, false
	if m.from == 0 {
		m.from = first
	}
}

// Lost gives the current consumer up for another reason than a gap: what it still sends is dropped.
func (m *Machine) Lost() { m.lost = true }

// From is the stream sequence at which a new consumer must start. 0: not known; it has to start as the first one did.
func (m *Machine) From() uint64 { return m.from }
