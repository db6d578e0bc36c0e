package obj

import "time"

// pace decides how many chunks may be on their way. It is pure.
//
// Few are enough next door, and they stay in the processor's cache: with twice as many a put takes a tenth more of its time. A long way, and
// a server that has to wait for its processor, need more, or they run dry: the number is doubled when it was used up and even the fastest of as
// many acks took longer than slowAck.
type pace struct {
	room, most int
	acks       int           // of the present round
	fastest    time.Duration // of them
}

const (
	// firstWindow and lastWindow are how much of an object is on its way, in bytes. The latter is enough for 40 MB/s at a round trip of
	// 100 ms, and little to keep in memory.
	firstWindow = 512 << 10
	lastWindow  = 4 << 20
	slowAck     = 2 * time.Millisecond
)

// newPace is for chunks of the given size.
func newPace(size int) pace {
	return pace{room: max(2, firstWindow/size), most: max(2, lastWindow/size)}
}

// acked notes an ack, and how long after its chunk it came.
func (p *pace) acked(took time.Duration) {
	if p.acks++; p.acks == 1 || took < p.fastest {
		p.fastest = took
	}
}

// full says that the put had to wait because room was used up.
func (p *pace) full() {
	if p.slow(slowAck) {
		p.room = min(2*p.room, p.most)
	}
}

// slow reports that a round is over whose acks all took longer than limit. With the end of a round another one begins.
func (p *pace) slow(limit time.Duration) bool {
	if p.acks < p.room {
		return false
	}
	p.acks = 0
	return p.fastest > limit
}
