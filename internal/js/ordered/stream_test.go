package ordered

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func day(n int) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(int64(n)*86400, 0)
}

func TestStream(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		known  int    // the day on which the stream was made; 0: not known
		began  int    // that of the first consumer
		events string // l<made>,<last>,<from>: a look, another one of the same comparison as long as there are to be more  v: not found  a: accept the last change  u: unanswered  r: relinked
		want   string // of each look: same, again, or where to read on, with the kind; or whether another one is worth it
	}{
		"the same":                          {1, 2, "l1,10,11 l1,12,11", "same same"},
		"made anew":                         {1, 2, "l3,10,11", "anew 1"},
		"made anew, and short":              {1, 2, "l3,2,11", "anew 1"},
		"older than it was":                 {3, 4, "l1,10,11", "anew 1"},
		"accepted":                          {1, 2, "l3,10,11 a l3,10,1 l3,10,11", "anew 1 same same"},
		"told until it is accepted":         {1, 2, "l3,10,11 l3,10,11 a l3,10,1", "anew 1 anew 1 same"},
		"lost its end":                      {1, 2, "l1,7,11 l1,9,11 l1,8,11 a l1,9,9", "again again end 8 same"},
		"it was a slow leader":              {1, 2, "l1,7,11 l1,10,11", "again same"},
		"at its end":                        {1, 2, "l1,10,11", "same"},
		"empty":                             {1, 2, "l1,0,11 l1,0,11 l1,0,11 l1,0,1", "again again end 1 same"},
		"the start is not known":            {1, 2, "l1,0,0", "same"},
		"not known, and there":              {0, 2, "l3,10,11 l3,10,11", "same same"},
		"not known, and short":              {0, 2, "l3,7,11", "anew 1"},
		"not known, short, and not younger": {0, 2, "l1,7,11 l1,7,11 l1,7,11", "again again end 8"},
		"not known, and not found":          {0, 2, "v l3,20,11 v l3,20,11 a l3,20,1 l3,30,11", "anew 1 anew 1 same same"},
		"not found, and not younger":        {0, 2, "v l1,20,11 l3,20,11", "same anew 1"},
		"nobody answers":                    {1, 2, "u u u u u", "more more more enough enough"},
		"somebody answers":                  {1, 2, "u u u l1,10,11 u u u u", "more more more same more more more enough"},
		"answers late":                      {1, 2, "u u u u l1,7,11 u u u u", "more more more enough again more more more enough"},
		"another link":                      {1, 2, "u u u u r u u u u", "more more more enough more more more enough"},
		"not found is no answer":            {1, 2, "u u u v u", "more more more enough"},
		"accepting is no answer":            {1, 2, "l3,10,11 u u u a u", "anew 1 more more more enough"},
		"a hostile number":                  {1, 2, "l1,18446744073709551615,18446744073709551615 l1,0,18446744073709551615", "same again"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := NewStream(day(tc.known))
			s.Began(day(tc.began))
			s.Began(day(9)) // the first one counts
			var last Change
			var got []string
			for _, e := range strings.Fields(tc.events) {
				switch e[0] {
				case 'v':
					s.Vanished()
				case 'a':
					s.Accept(last)
				case 'r':
					s.Relinked()
				case 'u':
					word := "enough"
					if s.Unanswered() {
						word = "more"
					}
					got = append(got, word)
				default:
					var made int
					var end, from uint64
					if _, err := fmt.Sscanf(e, "l%d,%d,%d", &made, &end, &from); err != nil {
						t.Fatalf("%q: %v", e, err)
					}
					last = s.Look(day(made), end, from, last)
					got = append(got, show(last))
				}
			}
			if got := strings.Join(got, " "); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func show(c Change) string {
	switch c.Kind {
	case MadeAnew:
		return fmt.Sprint("anew ", c.Start)
	case LostEnd:
		return fmt.Sprint("end ", c.Start)
	case LookAgain:
		return "again"
	}
	return "same"
}

// judge is a [Stream], or one with a fault of its own.
type judge interface {
	Look(made time.Time, last, from uint64, before Change) Change
	Accept(c Change)
	Vanished()
	Unanswered() (again bool)
	IsMute() bool
	Relinked()
}

// playStream has a reader follow an honest server, whose stream grows, is made anew, and loses its end, and loses consumers and questions now and then: it must
// read on where the stream is, be told nothing that is not so, and give up asking in time.
func playStream(seed uint64, s judge) (fault string) {
	r := rand.New(rand.NewPCG(seed, 2))
	made, last, from, read := 1, uint64(r.IntN(10)), uint64(1), 1 // read: which stream the reader has read
	silent := 0                                                   // looks in a row that were not answered
	for range 80 {
		switch r.IntN(8) {
		case 0, 1:
			last += uint64(r.IntN(4))
		case 2:
			if made == read && r.IntN(2) == 0 {
				made, last = made+1, uint64(r.IntN(20))
				if r.IntN(2) == 0 {
					s.Vanished()
				}
			}
		case 3:
			last -= min(last, uint64(r.IntN(2)*r.IntN(6)))
		case 4:
			if made == read && from <= last {
				from = last + 1 // it reads
			}
		case 5: // a new consumer
			want := Change{}
			switch {
			case made != read:
				want = Change{Kind: MadeAnew, Start: 1, Made: day(made)}
			case from > last+1:
				want = Change{Kind: LostEnd, Start: last + 1, Made: day(made)}
			}
			silent = 0
			got := s.Look(day(made), last, from, Change{})
			for looks := 0; got.Kind == LookAgain; looks++ {
				if looks > 10 {
					return "it looks for ever"
				}
				got = s.Look(day(made), last, from, got)
			}
			if got.looks = 0; got != want {
				return fmt.Sprintf("stream %d, of %d messages, read as %d from %d: got %v, want %v", made, last, read, from, got, want)
			}
			if got.Kind != Same && r.IntN(3) > 0 { // else the consumer was lost meanwhile
				s.Accept(got)
				from, read = got.Start, made
			}
		case 6:
			silent++
			if again := s.Unanswered(); again != (silent < 4) {
				return fmt.Sprintf("another look behind %d without an answer: %v", silent, again)
			}
		case 7:
			if r.IntN(3) == 0 {
				s.Relinked()
				silent = 0
			}
		}
		if s.IsMute() != (silent >= 4) {
			return fmt.Sprintf("mute behind %d looks without an answer: %v", silent, s.IsMute())
		}
	}
	return ""
}

func TestStreamRandomSequences(t *testing.T) {
	t.Parallel()
	for seed := range seeds(3000) {
		s := NewStream(day(1))
		if fault := playStream(seed, &s); fault != "" {
			t.Fatalf("-seed %d -sequences 1: %s", seed, fault)
		}
	}
}

// streamMutant is a Stream that is spoilt where a function is set.
type streamMutant struct {
	Stream
	look       func(s *Stream, made time.Time, last, from uint64, before Change) Change
	accept     func(s *Stream, c Change)
	unanswered func(s *Stream) bool
	relinked   func(s *Stream)
}

func (m *streamMutant) Look(made time.Time, last, from uint64, before Change) Change {
	if m.look != nil {
		return m.look(&m.Stream, made, last, from, before)
	}
	return m.Stream.Look(made, last, from, before)
}

func (m *streamMutant) Accept(c Change) {
	if m.accept != nil {
		m.accept(&m.Stream, c)
		return
	}
	m.Stream.Accept(c)
}

func (m *streamMutant) Unanswered() bool {
	if m.unanswered != nil {
		return m.unanswered(&m.Stream)
	}
	return m.Stream.Unanswered()
}

func (m *streamMutant) Relinked() {
	if m.relinked != nil {
		m.relinked(&m.Stream)
		return
	}
	m.Stream.Relinked()
}

// TestStreamMutantsAreKilled shows that every rule can fail.
func TestStreamMutantsAreKilled(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]streamMutant{
		"accepts by itself": {look: func(s *Stream, made time.Time, last, from uint64, before Change) Change {
			c := s.Look(made, last, from, before)
			s.Accept(Change{Made: made})
			return c
		}},
		"does not accept": {accept: func(*Stream, Change) {}},
		"takes every end for a lost one": {look: func(s *Stream, made time.Time, last, from uint64, before Change) Change {
			return s.Look(made, last-min(last, 1), from, before)
		}},
		"does not see the end": {look: func(s *Stream, made time.Time, last, from uint64, before Change) Change {
			return s.Look(made, max(last, from), from, before)
		}},
		"is never sure": {look: func(s *Stream, made time.Time, last, from uint64, before Change) Change {
			return s.Look(made, last, from, Change{})
		}},
		"goes by the last look": {look: func(s *Stream, made time.Time, last, from uint64, before Change) Change {
			if before.Kind == LookAgain {
				last, before.Start = last+1, from
			}
			return s.Look(made, last, from, before)
		}},
		"goes by age alone": {look: func(s *Stream, made time.Time, last, from uint64, before Change) Change {
			s.made = time.Time{}
			return s.Look(made, last, from, before)
		}},
		"does not count":              {unanswered: func(*Stream) bool { return true }},
		"gives up too soon":           {unanswered: func(s *Stream) bool { return s.Unanswered() && s.mute < MuteLooks-1 }},
		"gives up too late":           {unanswered: func(s *Stream) bool { return s.Unanswered() || s.mute == MuteLooks }},
		"does not ask another server": {relinked: func(*Stream) {}},
		"does not hear": {look: func(s *Stream, made time.Time, last, from uint64, before Change) Change {
			mute := s.mute
			c := s.Look(made, last, from, before)
			s.mute = mute
			return c
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(500) {
				m := m
				m.Stream = NewStream(day(1))
				if playStream(seed, &m) != "" {
					return
				}
			}
			t.Error("no sequence shows it")
		})
	}
}
