package natstest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
)

const journalLines = 30

// journal is a server's log: it keeps the last lines for error messages, remembers the first fatal one, and passes all of
// them on. It is the logger of an embedded server and the standard error of a server process.
type journal struct {
	mu    sync.Mutex
	last  []string
	open  []byte // of a line whose end has not come yet
	fatal error

	outMu sync.Mutex // one line at a time goes to out, as in log.Logger
	out   io.Writer  // or nil
}

func newJournal(out io.Writer) *journal { return &journal{out: out} }

// Write takes text of any shape and keeps whole lines.
func (j *journal) Write(b []byte) (int, error) {
	for _, line := range j.split(b) {
		j.add(line)
	}
	return len(b), nil
}

func (j *journal) split(b []byte) (lines []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for {
		head, rest, found := bytes.Cut(b, []byte("\n"))
		j.open = append(j.open, head...)
		if !found {
			return lines
		}
		lines = append(lines, string(j.open))
		j.open, b = j.open[:0], rest
	}
}

func (j *journal) add(line string) {
	j.keep(line)
	if j.out == nil {
		return
	}
	j.outMu.Lock()
	defer j.outMu.Unlock()
	_, _ = io.WriteString(j.out, line+"\n")
}

func (j *journal) keep(line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.last) == journalLines {
		j.last = append(j.last[:0], j.last[1:]...)
	}
	j.last = append(j.last, line)
}

// tail returns the last lines, each on a line of its own, or "".
func (j *journal) tail() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.last) == 0 {
		return ""
	}
	return "\n\t" + strings.Join(j.last, "\n\t")
}

// failure is the first fatal message, or nil.
func (j *journal) failure() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.fatal
}

func (j *journal) fail(text string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.fatal == nil {
		j.fatal = errors.New(text)
	}
}

func (j *journal) Noticef(format string, v ...any) { j.line("INF", format, v) }
func (j *journal) Warnf(format string, v ...any)   { j.line("WRN", format, v) }
func (j *journal) Errorf(format string, v ...any)  { j.line("ERR", format, v) }
func (j *journal) Debugf(format string, v ...any)  { j.line("DBG", format, v) }
func (j *journal) Tracef(format string, v ...any)  { j.line("TRC", format, v) }

// Fatalf is what nats-server calls when it cannot go on; it then returns and leaves a server that is half started.
func (j *journal) Fatalf(format string, v ...any) {
	j.fail(fmt.Sprintf(format, v...))
	j.line("FTL", format, v)
}

func (j *journal) line(level, format string, v []any) {
	j.add("[" + level + "] " + strings.ReplaceAll(fmt.Sprintf(format, v...), "\n", " "))
}

// forget makes room for another start.
func (j *journal) forget() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.fatal, j.last = nil, nil
}
