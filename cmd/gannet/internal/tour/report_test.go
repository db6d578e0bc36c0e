package tour

import (
	"bytes"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// screen is a writer for several goroutines.
type screen struct {
	mu    sync.Mutex
	text  bytes.Buffer
	drawn chan struct{} // gets a token when something is written, if there is room
}

func newScreen() *screen { return &screen{drawn: make(chan struct{}, 1)} }

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.drawn <- struct{}{}:
	default:
	}
	return s.text.Write(b)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func perform(r Reporter) {
	var f Figures
	f.count("lines", "lines", 17)
	r.Opening(Setting{File: "f", Bytes: 1000, Lines: 17, SHA256: "ab", Server: "s", Proxy: "p", Stream: "T"})
	r.Chapter(1, "One", "An idea.")
	r.Progress("lines", 3, 17)
	r.Event(1234*time.Millisecond, "it happens")
	good := Result{Name: "one", OK: true, Seconds: 1.5, Figures: f}
	r.Result(good)
	r.Chapter(2, "Two", "Another.")
	bad := Result{Name: "two", Figures: f, Error: "it broke"}
	r.Result(bad)
	r.Closing(Summary{[]Result{good, bad}, 3 * time.Second, false, "nothing is left"})
}

func TestPlainText(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	perform(NewText(&b))
	want := `A file goes through JetStream while things go wrong.

  file    f: 17 lines, 1,000 bytes
  sha-256 ab
  server  s
  link    through a fault proxy, p
  stream  T

1 One
  An idea.
    1.23 s  it happens
        ok  17 lines

2 Two
  Another.
    FAILED  it broke · 17 lines

1 of 2 chapters failed in 3.0 s; nothing is left
`
	if got := b.String(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestClosing(t *testing.T) {
	t.Parallel()
	good, bad := Result{OK: true}, Result{}
	for _, tt := range []struct {
		summary Summary
		want    string
	}{
		{Summary{Results: []Result{good, good}, Left: "L"}, "\n2 of 2 chapters held in 0.0 s; L\n"},
		{Summary{Results: []Result{good, bad, bad}, Left: "L"}, "\n2 of 3 chapters failed in 0.0 s; L\n"},
		{Summary{Results: []Result{good, bad}, Interrupted: true, Left: "L"}, "\ninterrupted; 1 of 6 chapters held in 0.0 s; L\n"},
	} {
		var b bytes.Buffer
		NewText(&b).Closing(tt.summary)
		if got := b.String(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func TestJSONText(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	perform(NewJSON(&b))
	want := `{"name":"one","ok":true,"seconds":1.5,"figures":{"lines":17}}
{"name":"two","ok":false,"seconds":0,"figures":{"lines":17},"error":"it broke"}
`
	if got := b.String(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// control are the sequences that a terminal interprets.
var control = regexp.MustCompile(`\r?\x1b\[[0-9;]*[A-Za-z]`)

func TestTerminal(t *testing.T) {
	t.Parallel()
	s := newScreen()
	r := NewTerminal(s, 40, true)
	r.Chapter(1, "A title that is much longer than the terminal is wide", "An idea.")
	for !strings.Contains(s.String(), "A title that is muc") || strings.Count(s.String(), "\x1b[2K") < 2 { // drawn, erased, and drawn again
		awaitDrawing(t, s)
	}
	r.Progress("lines", 1, 2)
	for !strings.Contains(s.String(), "[##########..........]") {
		awaitDrawing(t, s)
	}
	r.Event(time.Second, "it happens")
	r.Result(Result{Name: "one", OK: true})
	got := s.String()
	if !strings.Contains(got, "\x1b[1;32m      ok\x1b[0m") {
		t.Errorf("the verdict has no colour: %q", got)
	}
	if !strings.Contains(got, "\r\x1b[2K  \x1b[2m  1.00 s\x1b[0m  it happens\n") {
		t.Errorf("the event does not replace the live line: %q", got)
	}
	for _, drawing := range strings.Split(got, "\r\x1b[2K") {
		last := drawing[strings.LastIndexByte(drawing, '\n')+1:]
		if n := len(control.ReplaceAllString(last, "")); n >= 40 {
			t.Errorf("a live line of %d columns in a terminal of 40: %q", n, last)
		}
	}
	if strings.HasSuffix(strings.TrimRight(got, "\n"), "]") {
		t.Errorf("the live line is left behind: %q", got)
	}
}

// awaitDrawing waits until something new is on the screen.
func awaitDrawing(t *testing.T, s *screen) {
	t.Helper()
	select {
	case <-s.drawn:
	case <-time.After(10 * time.Second):
		t.Fatalf("nothing is drawn any more; so far: %q", s.String())
	}
}

func TestTerminalWithoutColours(t *testing.T) {
	t.Parallel()
	s := newScreen()
	perform(NewTerminal(s, 80, false))
	if got := s.String(); strings.Contains(got, "m") && regexp.MustCompile(`\x1b\[[0-9;]*m`).MatchString(got) {
		t.Errorf("colours: %q", got)
	}
}

func TestBar(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		done, total int
		want        string
	}{
		{0, 10, "[....................]"},
		{5, 10, "[##########..........]"},
		{10, 10, "[####################]"},
		{11, 10, "[####################]"},
		{-1, 10, "[....................]"},
	} {
		if got := bar(tt.done, tt.total); got != tt.want {
			t.Errorf("bar(%d, %d) = %s, want %s", tt.done, tt.total, got, tt.want)
		}
	}
}
