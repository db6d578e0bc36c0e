package pubwin

import "time"

// Retry says what may be sent again. The zero value: nothing.
type Retry struct {
	Attempts int           // further publishes after "no responders"; negative: until the deadline
	Wait     time.Duration // before each of them; 0 or less: none
	// Repeat says that a second copy is harmless because the stream recognises it by its Nats-Msg-Id, so that a lost
	// link is no end: the message is sent again at once.
	Repeat bool
}

// Again reports whether "no responders" allows one more attempt, and counts it. Nothing was stored then, so the attempt
// cannot make a second copy.
func (r *Retry) Again() bool {
	if r.Attempts > 0 {
		r.Attempts--
		return true
	}
	return r.Attempts < 0
}
