package engine

import (
	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/session"
)

// What the server owes, so that a silent link is watched.

// Doubt says that an expected answer is late: the link is probed with a PING whose answer is due soon.
func (c *Conn) Doubt() {
	c.mail.post(func() {
		if !c.super.over {
			c.super.machine.Heard(mono.Time(c.heard.Load()))
			c.super.act(c.super.machine.Doubt(mono.Now()))
		}
	})
}

// Owe adds n to the number of answers that are outstanding beside the engine's own: pulls, for instance. While there
// are any, a silent link is probed.
func (c *Conn) Owe(n int) {
	if c.pulls.Add(int64(n)) > 0 {
		c.owe()
	}
}

// owe has the supervisor watch the link while answers are outstanding. It posts once, not for every request: the
// supervisor looks at the numbers itself when the time has come.
func (c *Conn) owe() { c.owes(session.Answers) }

func (c *Conn) owes(d session.Debt) {
	if c.raise(d) {
		c.mail.post(func() { c.super.machine.Owed(mono.Now(), session.Debt(c.owed.Load())) })
	}
}

// raise reports whether so much was not known before.
func (c *Conn) raise(d session.Debt) bool {
	for {
		known := c.owed.Load()
		if known >= uint32(d) {
			return false
		}
		if c.owed.CompareAndSwap(known, uint32(d)) {
			return true
		}
	}
}

func (c *Conn) owing() session.Debt {
	timer, others := c.waitForPong()
	switch {
	case others || c.pulls.Load() > 0 || c.mux.outstanding() > 0 || c.owesPublish() && c.out.Unconfirmed():
		return session.Answers
	case timer:
		return session.Pongs
	}
	return session.Nothing
}

// owesPublish: where publishes are to be confirmed, or count themselves, silence behind them is cause for doubt.
func (c *Conn) owesPublish() bool {
	return c.cfg.OwedPublish || c.cfg.ConfirmBytes > 0 || c.cfg.ConfirmAfter > 0 || c.cfg.Resend > 0
}

// owePublish is what the writer calls before it writes.
func (c *Conn) owePublish() func() {
	if c.owesPublish() {
		return c.owe
	}
	return nil
}

// waitForPong says who waits for PONGs.
func (c *Conn) waitForPong() (timer, others bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.pongs {
		timer, others = timer || p.timer, others || !p.timer
	}
	return timer, others
}

// lookForDebts tells the machine when less is outstanding than it knows of. Whoever comes to owe something counts it first and then looks at owed: so
// either he finds it lowered, raises it and posts, or what he counted is seen here, behind the lowering.
func (s *supervisor) lookForDebts() {
	c := s.c
	known, owed := c.owed.Load(), uint32(c.owing())
	if owed >= known || !c.owed.CompareAndSwap(known, owed) {
		return
	}
	c.raise(c.owing())
	s.machine.Owed(mono.Now(), session.Debt(c.owed.Load()))
}
