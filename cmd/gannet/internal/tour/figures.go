package tour

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Figures are what a chapter has measured, in the order in which they are told. Their JSON form is one object with the keys in that order.
// The zero value has none.
type Figures struct{ list []figure }

type figure struct {
	key   string
	value any    // int, float64 (seconds), string
	text  string // for people
}

// Get returns the value under a key as its JSON form has it (int, float64 for seconds, string), or nil.
func (f Figures) Get(key string) any {
	for _, g := range f.list {
		if g.key == key {
			return g.value
		}
	}
	return nil
}

// count adds a number. The label completes the number to a phrase: "17 acked".
func (f *Figures) count(key, label string, n int) {
	f.list = append(f.list, figure{key, n, thousands(n) + " " + label})
}

// number adds one whose label comes first: "attempts 17".
func (f *Figures) number(key, label string, n int) {
	f.list = append(f.list, figure{key, n, label + " " + thousands(n)})
}

// seconds adds a duration, in JSON in seconds under a key that says so. The label comes first: "offline 0.61 s".
func (f *Figures) seconds(key, label string, d time.Duration) {
	f.list = append(f.list, figure{key + "_seconds", roundSeconds(d), label + " " + inSeconds(d)})
}

// words adds a text.
func (f *Figures) words(key, label, text string) {
	f.list = append(f.list, figure{key, text, label + " " + text})
}

// String joins them for a person.
func (f Figures) String() string {
	var b strings.Builder
	for i, g := range f.list {
		if i > 0 {
			b.WriteString(" · ")
		}
		b.WriteString(g.text)
	}
	return b.String()
}

// MarshalJSON never fails with the kinds of values that there are.
func (f Figures) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, g := range f.list {
		if i > 0 {
			b.WriteByte(',')
		}
		value, err := json.Marshal(g.value)
		if err != nil {
			return nil, err
		}
		b.WriteString(strconv.Quote(g.key) + ":")
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// roundSeconds keeps milliseconds, in the shortest decimal form.
func roundSeconds(d time.Duration) float64 {
	return float64(d.Round(time.Millisecond)/time.Millisecond) / 1000
}

// inSeconds keeps as many digits as a reader wants.
func inSeconds(d time.Duration) string {
	if d < 100*time.Millisecond {
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

// thousands groups digits by three.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// some is a number with a noun that needs an s in the plural.
func some(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return thousands(n) + " " + noun + "s"
}
