package pull

import (
	"fmt"
	"math"
	"time"

	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
)

// flow is a [Flow], or one with a fault of its own.
type flow interface {
	Reset(FlowConfig)
	Start(now mono.Time, connected bool) []Action
	Room() int
	Arrived(now mono.Time, n, bytes int) bool
	Late(n, bytes int) bool
	Taken(n, bytes int) bool
	Spare() (msgs, bytes int)
	Status(now mono.Time, s wire.Status) []Action
	Inquired(now mono.Time, gone bool) []Action
	Disconnected(now mono.Time) []Action
	Reconnected(now mono.Time) []Action
	Closed(now mono.Time) []Action
	Stop(now mono.Time) []Action
	Drain(now mono.Time) []Action
	Left(now mono.Time) []Action
	Deadline() mono.Time
	Tick(now mono.Time) []Action
}

// order is one request as the server sees it.
type order struct {
	msgs, bytes int
	expires     mono.Time
}

// flowChecker drives a flow as a shell does, plays a server that serves its requests in order, keeps its own books, and compares.
type flowChecker struct {
	f   flow
	cfg FlowConfig
	now mono.Time

	started, online, leaving, done, inquiring bool
	absent                                    bool      // the last inquiry says so
	missing                                   mono.Time // since when

	orders []order // at the server
	held   tally
	got    int       // messages that the flow accepted
	quiet  mono.Time // since then nothing came on the current inbox while something was asked
	askAt  mono.Time // no Ask before
	fails  int       // in a row
	asks   int
	lost   bool // the end of a request: the flow still waits for it
	fault  string
}

func (c *flowChecker) failf(format string, args ...any) {
	if c.fault == "" {
		c.fault = fmt.Sprintf("at %v: ", time.Duration(c.now)) + fmt.Sprintf(format, args...)
	}
}

func (c *flowChecker) limited() bool { return c.cfg.Request.MaxBytes > 0 }

// asked is what the server still owes.
func (c *flowChecker) asked() (t tally) {
	for _, o := range c.orders {
		t.add(o.msgs, o.bytes)
	}
	return t
}

func (c *flowChecker) do(acts []Action) {
	for _, a := range acts {
		switch a.Kind {
		case Ask:
			c.ask(a.Request)
		case Void:
			c.orders, c.lost = nil, false
		case Finish:
			c.finish(a.Code)
		case Warn:
			c.warn(a.Code)
		case Doubt:
			if !c.online {
				c.failf("Doubt without a link")
			}
		case Leave:
			c.leaving = true
		case Inquire:
			if c.inquiring {
				c.failf("two inquiries at a time")
			}
			c.inquiring = true
		}
	}
	if c.done && c.f.Deadline() != mono.Never {
		c.failf("a finished flow has a deadline")
	}
	if c.started && !c.done && c.online && c.f.Deadline() == mono.Never {
		c.stuck()
	}
}

// stuck looks for the reason why the flow waits for nothing but events: the user has messages.
func (c *flowChecker) stuck() {
	if len(c.orders) > 0 && c.asked().msgs > 0 && !c.limited() {
		c.failf("no bound for an answer")
	}
	if c.held.msgs == 0 && len(c.orders) == 0 {
		c.failf("nothing asked, nothing held, nothing to come")
	}
}

func (c *flowChecker) ask(r wire.PullRequest) {
	asked := c.asked()
	c.asks++
	switch {
	case c.done || c.leaving:
		c.failf("Ask after the end")
	case !c.online:
		c.failf("Ask without a connection")
	case r.Batch <= 0 || c.limited() != (r.MaxBytes > 0):
		c.failf("an odd request: %+v", r)
	case !c.limited() && asked.msgs+c.held.msgs+r.Batch > c.cfg.Request.Batch:
		c.failf("asked for %d with %d asked and %d held of %d", r.Batch, asked.msgs, c.held.msgs, c.cfg.Request.Batch)
	case c.limited() && asked.bytes+c.held.bytes+r.MaxBytes > c.cfg.Request.MaxBytes:
		c.failf("asked for %d bytes with %d asked and %d held of %d", r.MaxBytes, asked.bytes, c.held.bytes, c.cfg.Request.MaxBytes)
	case c.cfg.StopAfter > 0 && !c.limited() && c.got+asked.msgs+r.Batch > c.cfg.StopAfter:
		c.failf("asked for %d with %d asked and %d there of %d", r.Batch, asked.msgs, c.got, c.cfg.StopAfter)
	case c.cfg.StopAfter > 0 && c.got+r.Batch > c.cfg.StopAfter:
		c.failf("asked for %d with %d there of %d", r.Batch, c.got, c.cfg.StopAfter)
	case r.Heartbeat != c.cfg.Request.Heartbeat || r.Expires != c.cfg.Request.Expires:
		c.failf("asked with %v and %v", r.Expires, r.Heartbeat)
	case c.now < c.askAt:
		c.failf("asked %v too early", c.askAt.Sub(c.now))
	}
	if len(c.orders) == 0 && !c.lost {
		c.quiet = c.now
	}
	c.orders = append(c.orders, order{r.Batch, r.MaxBytes, c.now.Add(r.Expires)})
}

func (c *flowChecker) warn(code wire.Code) {
	if code == wire.NoHeartbeat && (!c.online || c.now < c.quiet.Add(2*c.cfg.Request.Heartbeat)) {
		c.failf("NoHeartbeat after %v, heartbeat %v", c.now.Sub(c.quiet), c.cfg.Request.Heartbeat)
	}
	if code == wire.NoHeartbeat {
		c.quiet = c.now
	}
	if c.done {
		c.failf("a warning after the end")
	}
}

func (c *flowChecker) finish(code wire.Code) {
	if c.done {
		c.failf("Finish twice")
	}
	if code == wire.OK && c.got != c.cfg.StopAfter {
		c.failf("OK after %d messages of %d", c.got, c.cfg.StopAfter)
	}
	c.done, c.orders = true, nil
}

// tick lets every deadline before at come, and stops a machine that is due again and again.
func (c *flowChecker) tick(at mono.Time) {
	last, again := mono.Time(math.MinInt64), 0
	for c.fault == "" {
		due := c.f.Deadline()
		if due > at {
			break
		}
		if due = max(due, c.now); due == last {
			if again++; again > 5 {
				c.failf("due at %v for ever", time.Duration(due))
			}
		} else {
			last, again = due, 0
		}
		c.serve(due)
		c.now = due
		c.do(c.f.Tick(c.now))
		c.overdue()
	}
	c.serve(at)
	c.now = max(c.now, at)
}

// serve drops what the server would have ended; that it says so gets lost.
func (c *flowChecker) serve(now mono.Time) {
	for len(c.orders) > 0 && c.orders[0].expires.Add(slack) < now {
		c.orders, c.lost = c.orders[1:], true
	}
}

// overdue finds a flow that let two heartbeats pass, or that asks nothing though little is left.
func (c *flowChecker) overdue() {
	if c.done || c.leaving || !c.online || !c.started || c.fault != "" {
		return
	}
	beat := c.cfg.Request.Heartbeat
	if beat > 0 && c.asked().msgs > 0 && !c.limited() && c.now > c.quiet.Add(2*beat) {
		c.failf("two heartbeats are missing for %v, and nothing happens", c.now.Sub(c.quiet.Add(2*beat)))
	}
}

// step takes one event; more are the bytes of a fuzzer, or random.
func (c *flowChecker) step(event, arg byte) {
	c.tick(c.now.Add(time.Duration(arg&15) * 20 * time.Millisecond))
	if c.fault != "" {
		return
	}
	if !c.started {
		c.started, c.online, c.quiet = true, arg&16 == 0, c.now
		c.do(c.f.Start(c.now, c.online))
		return
	}
	switch event % 16 {
	case 0, 1, 2, 3:
		c.deliver(1+int(arg)%7, 20+int(arg)%50)
	case 4, 5, 6:
		c.take(1+int(arg)%5, arg&128 != 0)
	case 7:
		c.sign()
	case 8:
		c.complete([]int{404, 408, 408, 409}[arg%4], arg&64 != 0)
	case 9:
		c.trouble([]int{503, 503, 503, 423, 412, 999, 204}[arg%7])
	case 10:
		if arg%16 == 0 {
			c.trouble(400)
		} else {
			c.late(1 + int(arg)%3)
		}
	case 11:
		if arg&3 != 0 {
			c.online = !c.online
		} // else it is told twice
		if c.online {
			c.do(c.f.Reconnected(c.now))
		} else {
			c.orders, c.lost, c.askAt, c.fails = nil, false, c.now, 0
			c.do(c.f.Disconnected(c.now))
		}
	case 12:
		c.inquired(arg&1 != 0)
	case 13:
		c.user(arg)
	default: // only time passes
		c.tick(c.now.Add(time.Duration(arg) * 10 * time.Millisecond))
	}
}

// user ends the flow, once in a while.
func (c *flowChecker) user(arg byte) {
	switch arg % 32 {
	case 0:
		c.do(c.f.Closed(c.now))
	case 1:
		c.do(c.f.Stop(c.now))
	case 2, 3:
		c.do(c.f.Drain(c.now))
	case 4:
		c.do(c.f.Left(c.now))
	}
}

// inquired answers. A consumer is given up only when all answers of two seconds have said that it is gone.
func (c *flowChecker) inquired(gone bool) {
	if c.inquiring && gone && !c.absent {
		c.missing = c.now
	}
	if c.inquiring {
		c.absent = gone
	}
	ended := c.done
	c.do(c.f.Inquired(c.now, gone))
	c.inquiring = false
	if c.done && !ended && (!c.absent || c.now < c.missing.Add(goneAfter)) {
		c.failf("gives up a consumer that was there")
	}
}

// deliver has the server send up to n messages of a size for the oldest orders.
func (c *flowChecker) deliver(n, size int) {
	sent, rest := 0, []int(nil)
	if !c.online {
		sent = min(n, 3) // what the reader had in hand when the link went
	}
	for sent < n && len(c.orders) > 0 {
		o := &c.orders[0]
		if c.limited() && o.bytes < size {
			break
		}
		sent++
		o.msgs--
		o.bytes -= min(size, o.bytes)
		if o.msgs == 0 || c.limited() && o.bytes == 0 {
			if o.bytes > 0 {
				rest = append(rest, o.bytes)
			}
			c.orders = c.orders[1:]
		}
	}
	take := min(sent, c.f.Room())
	c.got += take
	c.held.add(take, take*size)
	if take > 0 && c.online {
		c.quiet, c.fails, c.askAt = c.now, 0, c.now
	}
	if c.f.Arrived(c.now, sent, sent*size) {
		c.do(c.f.Tick(c.now))
	}
	c.ended()
	if len(rest) > 0 && !c.done {
		s := status(409, "Batch Completed")
		s.Code, s.PendingMsgs, s.PendingBytes = wire.BatchCompleted, 0, rest[0]
		for _, left := range rest[1:] {
			s.PendingBytes += left
		}
		c.do(c.f.Status(c.now, s))
	}
}

func (c *flowChecker) late(n int) {
	n = min(n, c.f.Room())
	c.got += n
	c.held.add(n, n*20)
	if c.f.Late(n, n*20) {
		c.do(c.f.Tick(c.now))
	}
	c.ended()
}

func (c *flowChecker) ended() {
	if c.cfg.StopAfter > 0 && c.got > c.cfg.StopAfter {
		c.failf("%d messages, but StopAfter is %d", c.got, c.cfg.StopAfter)
	}
	if c.cfg.StopAfter > 0 && c.got == c.cfg.StopAfter && !c.done {
		c.failf("%d messages are there, but it goes on", c.got)
	}
}

// take has the user take messages, in one go where the flow allows it.
func (c *flowChecker) take(n int, atOnce bool) {
	n = min(n, c.held.msgs)
	if n == 0 {
		return
	}
	bytes := c.held.bytes / c.held.msgs * n
	if n == c.held.msgs {
		bytes = c.held.bytes // the rest of the division, too
	}
	if atOnce {
		if msgs, room := c.f.Spare(); n <= msgs && bytes <= room {
			asks := c.asks
			c.held.sub(n, bytes)
			if c.f.Taken(n, bytes) && c.asks == asks {
				c.failf("%d messages and %d bytes were said to have no consequence, of %d and %d", n, bytes, msgs, room)
			}
			return
		}
	}
	c.held.sub(n, bytes)
	if c.f.Taken(n, bytes) {
		c.do(c.f.Tick(c.now))
	}
}

// sign is a heartbeat.
func (c *flowChecker) sign() {
	if len(c.orders) == 0 || !c.online {
		return
	}
	c.quiet, c.fails, c.askAt = c.now, 0, c.now
	c.do(c.f.Status(c.now, status(100, "")))
}

// complete ends the oldest order.
func (c *flowChecker) complete(number int, silent bool) {
	if len(c.orders) == 0 || !c.online {
		return
	}
	o := c.orders[0]
	c.orders = c.orders[1:]
	s := status(number, "Message Size Exceeds MaxBytes")
	s.PendingMsgs, s.PendingBytes = o.msgs, o.bytes
	if silent {
		s.PendingMsgs, s.PendingBytes = -1, -1
	}
	c.quiet, c.fails = c.now, 0
	c.do(c.f.Status(c.now, s))
}

// trouble ends all orders.
func (c *flowChecker) trouble(number int) {
	if !c.online || c.leaving || c.done {
		c.do(c.f.Status(c.now, status(number, "words")))
		return
	}
	if number == 204 {
		c.quiet, c.fails = c.now, 0
	} else if c.fails++; c.fails > 1 {
		c.askAt = c.now.Add(10 * time.Millisecond)
	}
	c.do(c.f.Status(c.now, status(number, "words")))
	if number != 204 && len(c.orders) > 1 {
		c.failf("%d, but earlier requests are still out", number)
	}
}

// end has the user take everything, and the connection come back; then the flow must ask.
func (c *flowChecker) end() {
	if !c.started || c.fault != "" {
		return
	}
	if !c.online {
		c.online = true
		c.do(c.f.Reconnected(c.now))
	}
	c.take(c.held.msgs, false)
	c.tick(c.now.Add(time.Minute))
	if c.fault == "" && !c.done && c.asks == 0 {
		c.failf("nothing was asked in the end")
	}
	asks := c.asks
	c.tick(c.now.Add(2 * (c.cfg.Request.Expires + slack)))
	if c.fault == "" && !c.done && c.asks == asks {
		c.failf("a server that says nothing ends it silently")
	}
}

func flowConfigOf(a, b, d byte) FlowConfig {
	cfg := FlowConfig{Request: wire.PullRequest{Batch: 1 + int(a%20), Expires: time.Duration(1+d%8) * time.Second}}
	if b&1 != 0 {
		cfg.Request.MaxBytes = 100 + int(d)*4
		cfg.ThresholdBytes = int(a)
		if b&2 != 0 {
			cfg.Request.Batch = 1_000_000
		}
	}
	if b&4 != 0 {
		cfg.StopAfter = int(d)
	}
	if b&8 != 0 {
		cfg.ThresholdMessages = int(d % 24)
	}
	if b&0x30 != 0 {
		cfg.Request.Heartbeat = cfg.Request.Expires / time.Duration(2+b>>4&3)
	}
	return cfg
}

// playFlow runs one sequence of events and returns what was wrong with it.
func playFlow(f flow, events []byte) string {
	for len(events) < 3 {
		events = append(events, 0)
	}
	c := &flowChecker{f: f, cfg: flowConfigOf(events[0], events[1], events[2])}
	f.Reset(c.cfg)
	for i := 3; i+1 < len(events) && c.fault == ""; i += 2 {
		c.step(events[i], events[i+1])
	}
	c.end()
	return c.fault
}
