package tour

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// NewTerminal is [NewText] with a line at the bottom that shows how far the chapter is and that the tour is alive, for a terminal of
// width columns. With colour it also uses colours.
func NewTerminal(w io.Writer, width int, colour bool) Reporter {
	r := &textReporter{w: w, paint: colour}
	r.live = &live{owner: r, width: width}
	return r
}

// live is the last line of a terminal. It is redrawn by a goroutine that lives from start to stop. Its state is guarded by the
// reporter's lock.
type live struct {
	owner *textReporter
	width int

	title       string
	doing       string
	done, total int
	began       time.Time
	drawn       bool
	quit        chan struct{}
	gone        sync.WaitGroup
}

const redraw = 100 * time.Millisecond

// start is called once before each stop.
func (l *live) start(title string) {
	l.owner.mu.Lock()
	defer l.owner.mu.Unlock()
	l.title, l.doing, l.done, l.total, l.began = title, "", 0, 0, time.Now()
	quit := make(chan struct{})
	l.quit = quit
	l.gone.Go(func() {
		tick := time.NewTicker(redraw)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				l.draw()
			case <-quit:
				return
			}
		}
	})
}

// stop erases the line and waits for the goroutine.
func (l *live) stop() {
	l.halt()
	l.gone.Wait()
	l.owner.mu.Lock()
	defer l.owner.mu.Unlock()
	l.eraseLocked()
}

func (l *live) halt() {
	l.owner.mu.Lock()
	defer l.owner.mu.Unlock()
	if l.quit != nil {
		close(l.quit)
		l.quit = nil
	}
}

func (l *live) progress(doing string, done, total int) {
	l.owner.mu.Lock()
	defer l.owner.mu.Unlock()
	l.doing, l.done, l.total = doing, done, total
}

const spinner = `|/-\`

// draw holds the lock while it writes, since nothing may come between the erased line and the new one.
func (l *live) draw() {
	l.owner.mu.Lock()
	defer l.owner.mu.Unlock()
	spent := time.Since(l.began)
	text := fmt.Sprintf("  %c %5.1f s  ", spinner[int(spent/redraw)%len(spinner)], spent.Seconds())
	if l.total > 0 {
		text += bar(l.done, l.total) + fmt.Sprintf("  %s of %s %s", thousands(l.done), thousands(l.total), l.doing)
	} else {
		text += l.title
	}
	if runes := []rune(text); len(runes) >= l.width {
		text = string(runes[:max(0, l.width-1)])
	}
	l.eraseLocked()
	_, _ = io.WriteString(l.owner.w, l.owner.in(faint, text))
	l.drawn = true
}

func (l *live) eraseLocked() {
	if l.drawn {
		_, _ = io.WriteString(l.owner.w, "\r\x1b[2K")
		l.drawn = false
	}
}

func bar(done, total int) string {
	const width = 20
	filled := min(width, max(0, done*width/total))
	b := make([]byte, width)
	for i := range b {
		b[i] = '.'
		if i < filled {
			b[i] = '#'
		}
	}
	return "[" + string(b) + "]"
}
