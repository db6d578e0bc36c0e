package pubwin

import (
	"fmt"
	"math"
	"time"

	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
)

// machine is what the checker drives: a Machine, or one that was broken on purpose.
type machine interface {
	Begin(now mono.Time, r Retry, deadline mono.Time) (Token, bool)
	BeginLate(now mono.Time, r Retry, deadline mono.Time) (Token, bool)
	Acked(t Token) (live, idle, unstall bool)
	Withdraw(t Token) (live, idle, unstall bool)
	NoResponders(now mono.Time, t Token) []Action
	Fail(t Token, c wire.Code) []Action
	Disconnected(now mono.Time) []Action
	Close(now mono.Time, c wire.Code) []Action
	Deadline() mono.Time
	Tick(now mono.Time) []Action
	Pending() int
	Live(t Token) bool
}

// publish is what the checker knows of a live token.
type publish struct {
	retry    Retry // as Begin got it
	retries  int   // sends after "no responders"
	deadline mono.Time
	at       mono.Time // what the next Send of several is ordered by
	waiting  bool
}

// checker turns bytes into events and holds every answer against the invariants, with a map and full scans.
type checker struct {
	m       machine
	limit   int
	now     mono.Time
	live    map[Token]*publish
	known   []Token // every token ever given, so that stale ones are used too
	given   map[Token]bool
	stalled bool
	reached map[string]bool // "state/event"
	log     []string
}

func newChecker(m machine, limit int) *checker {
	return &checker{m: m, limit: limit, live: map[Token]*publish{}, given: map[Token]bool{}, reached: map[string]bool{}}
}

// run reads two bytes per event. At the end everything is closed, and nothing may be left.
func (c *checker) run(in []byte) (err error) {
	for ; len(in) >= 2 && err == nil; in = in[2:] {
		err = c.step(in[0], in[1])
	}
	if err == nil {
		err = c.closeAll()
	}
	if err == nil && (len(c.live) != 0 || c.m.Pending() != 0) {
		err = fmt.Errorf("after Close %d are live, Pending %d", len(c.live), c.m.Pending())
	}
	return err
}

func (c *checker) step(op, arg byte) error {
	var err error
	switch op % 10 {
	case 0, 1:
		err = c.begin(arg, op%10 == 1)
	case 2, 3:
		err = c.answer(c.pick(arg), op%10 == 2)
	case 4:
		err = c.noResponders(c.pick(arg))
	case 5:
		err = c.fail(c.pick(arg))
	case 6:
		if arg < 96 { // not too often: it ends most
			err = c.disconnected()
		}
	case 7:
		if arg < 24 { // rarely: it empties the window
			err = c.closeAll()
		}
	case 8:
		c.now = c.now.Add(time.Duration(arg % 8))
		if arg < 192 { // else the tick is late
			err = c.tick()
		}
	case 9:
		if d := c.m.Deadline(); d != mono.Never {
			c.now = max(c.now, d)
		}
		err = c.tick()
	}
	if err != nil {
		return err
	}
	return c.state()
}

// pick chooses among the youngest tokens: live and stale ones mixed.
func (c *checker) pick(arg byte) Token {
	if len(c.known) == 0 {
		return Token(arg)
	}
	return c.known[len(c.known)-1-int(arg)%min(len(c.known), 12)]
}

func (c *checker) note(event string, t Token) {
	state := "ended"
	if p := c.live[t]; p != nil {
		state = "sent"
		if p.waiting {
			state = "waiting"
		}
	}
	c.reached[state+"/"+event] = true
	c.log = append(c.log, fmt.Sprintf("%d %s %x (%s)", c.now, event, uint64(t), state))
}

func (c *checker) noteAll(event string) {
	state := "empty"
	for _, p := range c.live {
		if p.waiting {
			state = "some waiting"
			break
		}
		state = "all sent"
	}
	c.reached[state+"/"+event] = true
	c.log = append(c.log, fmt.Sprintf("%d %s (%s)", c.now, event, state))
}

func (c *checker) begin(arg byte, late bool) error {
	r := Retry{Attempts: int(arg%5) - 1, Wait: time.Duration(arg / 5 % 4), Repeat: arg&64 != 0}
	deadline := mono.Never
	if arg&128 == 0 {
		deadline = c.now.Add(time.Duration(1 + arg%16))
	}
	full := len(c.live) >= c.limit
	window, event, begin := "room", "Begin", c.m.Begin
	if late {
		event, begin = "BeginLate", c.m.BeginLate
	}
	if full {
		window = "full"
	} else if c.stalled {
		window = "stalled"
	}
	c.reached[window+"/"+event] = true
	t, ok := begin(c.now, r, deadline)
	c.log = append(c.log, fmt.Sprintf("%d %s %+v until %d (%s) = %x %t", c.now, event, r, deadline, window, uint64(t), ok))
	if want := !full && (late || !c.stalled); ok != want {
		return fmt.Errorf("%s with a window that has %s: %t", event, window, ok)
	}
	if !ok {
		c.stalled = true
		return nil
	}
	if c.given[t] {
		return fmt.Errorf("token %x was given out twice", uint64(t))
	}
	c.given[t] = true
	c.live[t] = &publish{retry: r, deadline: deadline}
	c.known = append(c.known, t)
	return nil
}

func (c *checker) answer(t Token, acked bool) error {
	event, end := "Withdraw", c.m.Withdraw
	if acked {
		event, end = "Acked", c.m.Acked
	}
	c.note(event, t)
	_, was := c.live[t]
	live, idle, unstall := end(t)
	if live != was {
		return fmt.Errorf("%s: live %t, want %t", event, live, was)
	}
	delete(c.live, t)
	return c.ends(was, idle, unstall)
}

func (c *checker) noResponders(t Token) error {
	c.note("NoResponders", t)
	acts := c.m.NoResponders(c.now, t)
	p := c.live[t]
	if p == nil || p.waiting {
		return c.actions(acts, nil, nil)
	}
	switch {
	case p.retry.Attempts >= 0 && p.retries >= p.retry.Attempts:
		return c.actions(acts, map[Token]wire.Code{t: wire.NoResponders}, nil)
	case p.deadline <= c.now:
		return c.actions(acts, map[Token]wire.Code{t: wire.AckTimeout}, nil)
	}
	p.retries++
	if p.retry.Wait == 0 {
		return c.actions(acts, nil, []Token{t})
	}
	p.waiting, p.at = true, c.now.Add(p.retry.Wait)
	return c.actions(acts, nil, nil)
}

func (c *checker) fail(t Token) error {
	c.note("Fail", t)
	want := map[Token]wire.Code{}
	if c.live[t] != nil {
		want[t] = wire.OtherStatus
	}
	return c.actions(c.m.Fail(t, wire.OtherStatus), want, nil)
}

func (c *checker) disconnected() error {
	c.noteAll("Disconnected")
	want := map[Token]wire.Code{}
	var again []Token
	for t, p := range c.live {
		switch {
		case !p.retry.Repeat:
			want[t] = wire.Disconnected
			c.note("Disconnected", t)
		case p.waiting:
			c.note("Disconnected, may be repeated", t)
		case p.deadline <= c.now:
			want[t] = wire.AckTimeout
			c.note("Disconnected behind the deadline", t)
		default:
			again, p.at = append(again, t), p.deadline
			c.note("Disconnected, may be repeated", t)
		}
	}
	return c.actions(c.m.Disconnected(c.now), want, again)
}

func (c *checker) closeAll() error {
	c.noteAll("Close")
	want := map[Token]wire.Code{}
	for t := range c.live {
		want[t] = wire.PublisherClosed
	}
	return c.actions(c.m.Close(c.now, wire.PublisherClosed), want, nil)
}

func (c *checker) tick() error {
	c.noteAll("Tick")
	want := map[Token]wire.Code{}
	var again []Token
	for t, p := range c.live {
		switch {
		case p.deadline <= c.now:
			want[t] = wire.AckTimeout
			c.note("Tick at the deadline", t)
		case p.waiting && p.at <= c.now:
			again = append(again, t)
			c.note("Tick after the wait", t)
			p.waiting = false
		}
	}
	return c.actions(c.m.Tick(c.now), want, again)
}

// actions compares what the machine said with what must end and what may be sent again.
func (c *checker) actions(acts []Action, ends map[Token]wire.Code, sends []Token) error {
	idle, unstall, due, at := false, false, mono.Time(math.MinInt64), mono.Time(math.MinInt64)
	any := len(ends) > 0
	for _, a := range acts {
		switch a.Kind {
		case Resolve:
			code, ok := ends[a.Token]
			if !ok || code != a.Code {
				return fmt.Errorf("Resolve %x with %d: want %t with %d", uint64(a.Token), a.Code, ok, code)
			}
			if p := c.live[a.Token]; p.deadline < due {
				return fmt.Errorf("Resolve %x (deadline %d) after one of deadline %d", uint64(a.Token), p.deadline, due)
			} else {
				due = p.deadline
			}
			delete(ends, a.Token)
			delete(c.live, a.Token)
		case Send:
			i := 0
			for i < len(sends) && sends[i] != a.Token {
				i++
			}
			if i == len(sends) || c.live[a.Token].at < at {
				return fmt.Errorf("Send %x: not allowed now", uint64(a.Token))
			}
			at = c.live[a.Token].at
			sends[i] = 0
		case Idle:
			idle = true
		case Unstall:
			unstall = true
		}
	}
	for _, t := range sends {
		if t != 0 {
			return fmt.Errorf("Send %x is missing", uint64(t))
		}
	}
	if len(ends) > 0 {
		return fmt.Errorf("not resolved: %v", ends)
	}
	return c.ends(any, idle, unstall)
}

// ends checks Idle and Unstall after an event that ended something, or nothing.
func (c *checker) ends(any, idle, unstall bool) error {
	if want := any && len(c.live) == 0; idle != want {
		return fmt.Errorf("idle %t with %d live", idle, len(c.live))
	}
	if want := any && c.stalled && len(c.live) <= min(c.limit-c.limit/4, c.limit-1); unstall != want {
		return fmt.Errorf("unstall %t with %d of %d live, stalled %t", unstall, len(c.live), c.limit, c.stalled)
	}
	if unstall {
		c.stalled = false
	}
	return nil
}

// state checks what can be asked at any time.
func (c *checker) state() error {
	deadline := mono.Never
	for _, p := range c.live {
		deadline = min(deadline, p.deadline)
		if p.waiting {
			deadline = min(deadline, p.at)
		}
	}
	for _, t := range c.known[max(0, len(c.known)-12):] {
		if live := c.live[t] != nil; c.m.Live(t) != live {
			return fmt.Errorf("Live %x: %t", uint64(t), !live)
		}
	}
	switch {
	case len(c.live) > c.limit:
		return fmt.Errorf("%d live, the limit is %d", len(c.live), c.limit)
	case c.m.Pending() != len(c.live):
		return fmt.Errorf("Pending %d, want %d", c.m.Pending(), len(c.live))
	case c.m.Deadline() != deadline:
		return fmt.Errorf("Deadline %d, want %d", c.m.Deadline(), deadline)
	}
	return nil
}
