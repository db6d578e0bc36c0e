package scenario

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// events collects what callbacks say, from any goroutine.
type events struct{ ch chan string }

func newEvents() *events { return &events{ch: make(chan string, 1024)} }

func (e *events) add(text string) {
	select {
	case e.ch <- text:
	default: // far more than any scenario looks at
	}
}

// quiet is how long nothing must come before a list of events counts as complete.
const quiet = 250 * time.Millisecond

// next waits for n events and a quiet while, and returns them in their order. More than n are returned, too.
func (e *events) next(n int) []string {
	var got []string
	limit := time.NewTimer(resolved)
	defer limit.Stop()
	for {
		calm := make(<-chan time.Time)
		if len(got) >= n {
			calm = time.After(quiet)
		}
		select {
		case text := <-e.ch:
			got = append(got, text)
		case <-calm:
			return got
		case <-limit.C:
			return append(got, fmt.Sprintf("(%d of %d)", len(got), n))
		}
	}
}

// soFar returns what has come, without waiting.
func (e *events) soFar() (got []string) {
	for {
		select {
		case text := <-e.ch:
			got = append(got, text)
		default:
			return got
		}
	}
}

// sorted is next in alphabetical order, in one line.
func (e *events) sorted(n int) string {
	got := e.next(n)
	slices.Sort(got)
	return "[" + strings.Join(got, "; ") + "]"
}
