package ordered

import "time"

// Change is what a look at a stream has shown.
type Change struct {
	Kind  ChangeKind
	Start uint64    // of MadeAnew and LostEnd: the stream sequence to read on from
	Made  time.Time // when the stream was made, of which that is true

	looks int // that have shown that it is too short
}

// ChangeKind says what has become of a stream.
type ChangeKind uint8

const (
	Same      ChangeKind = iota // it is the one that it was, as far as one can see
	Unseen                      // nobody has said anything
	LookAgain                   // it is too short: after a pause, look once more
	MadeAnew                    // it is another one of the same name
	LostEnd                     // its last messages are gone
)

// Words say to the user what has happened; empty when nothing has, as far as one knows.
func (k ChangeKind) Words() string {
	switch k {
	case MadeAnew:
		return "the stream was made anew"
	case LostEnd:
		return "the stream has lost its end"
	}
	return ""
}

// LookPause is the pause before another look.
const LookPause = 250 * time.Millisecond

// shortLooks is how often a stream must be seen to be too short: a new leader may not have taken up all yet.
const shortLooks = 3

// MuteLooks is after how many looks in a row that nobody answers there is no other one: an account that does not permit the question gets no answer.
const MuteLooks = 4

// Stream knows which stream a delivery reads, and judges by each look at it whether it is still that one. nats-server 2.15 makes a consumer that
// starts behind the end of a stream, and says nothing until the stream has grown so far: one that was made anew, or has lost its
// end in a crash, would be silent for ever. It is not safe for concurrent use. The zero value knows nothing yet.
type Stream struct {
	began    time.Time // when the first consumer was made: its stream is not younger
	made     time.Time // when the stream was; zero: not known
	vanished bool      // it was not found since the last look
	mute     int       // looks in a row that nobody has answered
}

// NewStream is a stream that was made at a time; zero: not known.
func NewStream(made time.Time) Stream { return Stream{made: made} }

// Began says when a consumer was made. The first one counts.
func (s *Stream) Began(at time.Time) {
	if s.began.IsZero() {
		s.began = at
	}
}

// Vanished says that the server has not found the stream.
func (s *Stream) Vanished() { s.vanished = true }

// HasVanished reports whether it was not found since it was last seen to be the same, or a change was accepted.
func (s *Stream) HasVanished() bool { return s.vanished }

// Unanswered says that nobody has answered a look, and reports whether another one is worth it.
func (s *Stream) Unanswered() (again bool) {
	s.mute++
	return !s.IsMute()
}

// IsMute reports whether so many looks in a row were not answered that the stream is read without one.
func (s *Stream) IsMute() bool { return s.mute >= MuteLooks }

// Relinked says that there is another link: over that one the answer may come.
func (s *Stream) Relinked() { s.mute = 0 }

// Look judges what the server says: when the stream was made, and its last sequence. from is where a consumer starts that was made before the
// server was asked; 0: that is not known. before is what the last look of the same comparison has shown, if that was LookAgain. What was stored behind the
// end by the first look is not read: where the stream has ended before nobody knows. A change is shown again and again until it is accepted.
func (s *Stream) Look(made time.Time, last, from uint64, before Change) Change {
	s.mute = 0
	short := from > 0 && last < from-1
	switch {
	case s.another(made, short):
		return Change{Kind: MadeAnew, Start: 1, Made: made}
	case short:
		return before.again(last+1, made)
	}
	s.Accept(Change{Made: made})
	return Change{}
}

// again is the next look at a stream that is too short.
func (c Change) again(start uint64, made time.Time) Change {
	if c.Kind == LookAgain {
		start = min(start, c.Start)
	}
	next := Change{Kind: LookAgain, Start: start, Made: made, looks: c.looks + 1}
	if next.looks >= shortLooks {
		next.Kind = LostEnd
	}
	return next
}

// another reports whether the stream is another one of the same name. Where it is not known when the first one was made its age alone does not
// tell, because clocks differ: it must have been missing meanwhile, or be too short.
func (s *Stream) another(made time.Time, short bool) bool {
	if s.made.IsZero() {
		return (s.vanished || short) && made.After(s.began)
	}
	return !made.Equal(s.made)
}

// Accept says that the delivery goes on from the start of a change.
func (s *Stream) Accept(c Change) { s.made, s.vanished = c.Made, false }
