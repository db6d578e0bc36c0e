package engine

import (
	"errors"
	"os"
	"sync"
	"time"

	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/proto"
)

// How a link ends in peace, and how one that failed is read to its end.

const (
	leaveLimit = 5 * time.Second        // for a lame duck to take what was accepted, and to answer: it lives longer than that
	known      = 250 * time.Millisecond // for a cluster to learn of subscriptions over the next link before the current one is left
	lastWords  = 100 * time.Millisecond // for the reader of a link that cannot be written to any more
)

// leave has the current link, a lame duck's, take what was accepted so far and send what it has; then dial number id takes its
// place. What is published meanwhile is kept for that.
func (s *supervisor) leave(id uint64) {
	l, d := s.link, s.dialing(id)
	if l == nil || d == nil {
		return
	}
	d.aside = true
	lines := s.c.subscribeAhead(d.link)
	left := sync.OnceFunc(func() {
		s.c.mail.post(s.c.onLink(l, func(s *supervisor) { s.act(s.machine.Left(mono.Now(), id)) }))
	})
	go func() { // ends with the write, which the deadline ends
		_ = d.link.conn.SetWriteDeadline(time.Now().Add(leaveLimit))
		_, _ = d.link.conn.Write(lines) // a link on which this fails will fail again, and is replaced then
		_ = d.link.conn.SetWriteDeadline(time.Time{})
		l.after(known, func() {
			if s.c.leave(l, d.link, left) {
				l.after(leaveLimit, left)
			} else {
				left() // the link is failing
			}
		})
	}()
}

// subscribeAhead makes the SUBs that may go to the next link before the current one is left, so that nothing slips through in between:
// those of queue groups, whose messages go to one member, and of replies, where a second one is recognised. Others would deliver twice what
// comes over both.
func (c *Conn) subscribeAhead(next *link) (lines []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	next.ahead = make(map[uint64]bool)
	c.subs.each(func(s *Sub) {
		if (s.queue != "" || s == c.mux.sub) && !s.stopped && s.max.Load() == 0 {
			next.ahead[s.sid] = true
			lines = proto.AppendSub(lines, s.subject, s.queue, s.sid)
		}
	})
	return lines
}

// leave sends the last PING of l, if that is still the link; fn is called when its answer comes, or the link is gone. Queue groups leave the link
// in front of the PING: what the server would send behind the PONG is nobody's, and so it gives it to another member.
func (c *Conn) leave(l, next *link, fn func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	// A successor is released under the lock: it is not left by mistake.
	if c.finished || c.current.Load() != l {
		return false
	}
	c.scratch = c.scratch[:0]
	c.subs.each(func(s *Sub) {
		if next.ahead[s.sid] && s != c.mux.sub {
			c.scratch = proto.AppendUnsub(c.scratch, s.sid, 0)
		}
	})
	if !c.out.Control(c.scratch) || !c.out.Leave() {
		return false
	}
	c.pongs = append(c.pongs, ponger{fn: func(error) { fn() }, sent: true})
	return true
}

// WriteFailed reports that l cannot be written to. What its server has sent before is read all the same: mostly it says why. The reader
// comes to the end by itself, since the connection is gone; a link that took nothing in time is not worth waiting for.
func (l *link) WriteFailed(err error) {
	c := l.in.c
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.linkFailed(l, err)
		return
	}
	l.writeErr.Store(&err)
	l.after(lastWords, func() { c.linkFailed(l, err) })
}

// after calls f, on a goroutine of its own, unless the link is closed before.
func (l *link) after(d time.Duration, f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.timers = append(l.timers, time.AfterFunc(d, f))
}

func (l *link) stopTimers() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range l.timers {
		t.Stop()
	}
}
