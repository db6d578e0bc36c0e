package tour

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// NewText returns a [Reporter] that writes a timeline for people: plain lines that only ever grow, so good for a pipe or a file.
func NewText(w io.Writer) Reporter { return &textReporter{w: w} }

// textReporter ignores failed writes: the reader is gone, and the tour has to clean up all the same.
type textReporter struct {
	w     io.Writer
	paint bool  // with colours
	live  *live // the line at the bottom of a terminal; nil without one

	mu sync.Mutex
}

// Colours of a terminal, as SGR parameters.
const (
	bold  = "1"
	faint = "2"
	red   = "1;31"
	green = "1;32"
	blue  = "1;36"
)

func (r *textReporter) in(colour, text string) string {
	if !r.paint || text == "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// print writes whole lines above the live one.
func (r *textReporter) print(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.live != nil {
		r.live.eraseLocked()
	}
	_, _ = io.WriteString(r.w, text)
}

func (r *textReporter) Opening(s Setting) {
	var b strings.Builder
	fmt.Fprintln(&b, r.in(bold, "A file goes through JetStream while things go wrong."))
	fmt.Fprintln(&b)
	row := func(name, text string) { fmt.Fprintf(&b, "  %s %s\n", r.in(faint, fmt.Sprintf("%-7s", name)), text) }
	row("file", fmt.Sprintf("%s: %s lines, %s bytes", s.File, thousands(s.Lines), thousands(s.Bytes)))
	row("sha-256", s.SHA256)
	row("server", s.Server)
	row("link", "through a fault proxy, "+s.Proxy)
	row("stream", s.Stream)
	r.print(b.String())
}

func (r *textReporter) Chapter(number int, title, idea string) {
	if r.live != nil {
		r.live.start(title)
	}
	r.print(fmt.Sprintf("\n%s %s\n  %s\n", r.in(blue, fmt.Sprint(number)), r.in(bold, title), r.in(faint, idea)))
}

func (r *textReporter) Event(at time.Duration, text string) {
	r.print(fmt.Sprintf("  %s  %s\n", r.in(faint, fmt.Sprintf("%6.2f s", at.Seconds())), text))
}

func (r *textReporter) Progress(doing string, done, total int) {
	if r.live != nil {
		r.live.progress(doing, done, total)
	}
}

func (r *textReporter) Result(res Result) {
	if r.live != nil {
		r.live.stop()
	}
	var b strings.Builder
	verdict := r.in(green, "      ok")
	if !res.OK {
		verdict = r.in(red, "  FAILED")
	}
	text := res.Figures.String()
	if res.Error != "" {
		text = strings.TrimSuffix(res.Error+" · "+text, " · ")
	}
	for i, line := range wrap(text, 110) {
		if i > 0 {
			verdict = "        "
		}
		fmt.Fprintf(&b, "  %s  %s\n", verdict, line)
	}
	r.print(b.String())
}

func (r *textReporter) Closing(s Summary) {
	good := 0
	for _, res := range s.Results {
		if res.OK {
			good++
		}
	}
	verdict := r.in(green, fmt.Sprintf("%d of %d chapters held", good, len(s.Results)))
	switch {
	case s.Interrupted:
		verdict = r.in(red, fmt.Sprintf("interrupted; %d of %d chapters held", good, len(chapters())))
	case good < len(s.Results):
		verdict = r.in(red, fmt.Sprintf("%d of %d chapters failed", len(s.Results)-good, len(s.Results)))
	}
	r.print(fmt.Sprintf("\n%s in %.1f s; %s\n", verdict, s.Elapsed.Seconds(), s.Left))
}

// wrap breaks text between figures.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for i, part := range strings.Split(text, " · ") {
		switch {
		case i == 0:
			line = part
		case len([]rune(line))+3+len([]rune(part)) > width:
			lines = append(lines, line)
			line = part
		default:
			line += " · " + part
		}
	}
	return append(lines, line)
}
