package stage

import (
	"fmt"
	"strings"
	"time"
)

// Entry is one line of a transcript: what happened, or how long it took.
type Entry struct {
	Key   string
	Text  string
	Took  time.Duration
	Timed bool // Took counts, and Text is empty
}

const (
	isText = " = "
	isTime = " ~ "
)

// String is the form that ParseEntry reads.
func (e Entry) String() string {
	if e.Timed {
		return e.Key + isTime + e.Took.Round(time.Millisecond).String()
	}
	return e.Key + isText + e.Text
}

// ParseEntry reads a line that String has written.
func ParseEntry(line string) (Entry, error) {
	text, timed := strings.Index(line, isText), strings.Index(line, isTime)
	if timed >= 0 && (text < 0 || timed < text) {
		took, err := time.ParseDuration(line[timed+len(isTime):])
		return Entry{Key: line[:timed], Took: took, Timed: true}, err
	}
	if text < 0 {
		return Entry{}, fmt.Errorf("%q has neither %q nor %q", line, isText, isTime)
	}
	return Entry{Key: line[:text], Text: line[text+len(isText):]}, nil
}

// Tolerance is how far two times may lie apart that count as the same.
func Tolerance(a, b time.Duration) time.Duration {
	return max(150*time.Millisecond, max(a, b)/10)
}

// Matches tells whether two entries say the same.
func (e Entry) Matches(other Entry) bool {
	if e.Key != other.Key || e.Timed != other.Timed {
		return false
	}
	if e.Timed {
		return (e.Took - other.Took).Abs() <= Tolerance(e.Took, other.Took)
	}
	return e.Text == other.Text
}

// Mismatch is a place where two transcripts differ. An entry that is not there is nil.
type Mismatch struct{ Want, Got *Entry }

// String shows both sides in a line each.
func (m Mismatch) String() string {
	show := func(e *Entry) string {
		if e == nil {
			return "(nothing)"
		}
		return e.String()
	}
	return fmt.Sprintf("want %s\n      got  %s", show(m.Want), show(m.Got))
}

// OnlyTime tells whether the two sides differ in how long something took, and in nothing else.
func (m Mismatch) OnlyTime() bool {
	return m.Want != nil && m.Got != nil && m.Want.Key == m.Got.Key && m.Want.Timed && m.Got.Timed
}

// Compare lists the places where got is not what want says. After an entry whose key differs nothing can be compared any
// more.
func Compare(want, got []Entry) []Mismatch {
	var found []Mismatch
	for i := range max(len(want), len(got)) {
		var m Mismatch
		if i < len(want) {
			m.Want = &want[i]
		}
		if i < len(got) {
			m.Got = &got[i]
		}
		switch {
		case m.Want == nil || m.Got == nil || m.Want.Key != m.Got.Key:
			return append(found, m)
		case !m.Want.Matches(*m.Got):
			found = append(found, m)
		}
	}
	return found
}
