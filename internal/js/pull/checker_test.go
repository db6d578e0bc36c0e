package pull

import (
	"fmt"
	"time"

	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
)

// batch is a [Machine], or one with a fault of its own.
type batch interface {
	Reset(Config)
	Start(now mono.Time, connected bool, pause time.Duration) []Action
	Room() int
	Messages(now mono.Time, n, bytes int) bool
	Status(now mono.Time, s wire.Status) []Action
	Disconnected(now mono.Time) []Action
	Reconnected(now mono.Time) []Action
	Closed(now mono.Time) []Action
	Stop(now mono.Time, code wire.Code) []Action
	Deadline() mono.Time
	Tick(now mono.Time) []Action
}

// checker drives a batch as a shell does, keeps its own books, and compares.
type checker struct {
	b   batch
	cfg Config
	now mono.Time

	started, online, done, words bool
	got, bytes                   int
	asked                        *wire.PullRequest // the request that is out
	quiet                        mono.Time         // last frame or Ask
	beat                         time.Duration     // of the last request
	fault                        string
}

func (c *checker) failf(format string, args ...any) {
	if c.fault == "" {
		c.fault = fmt.Sprintf("at %v: ", time.Duration(c.now)) + fmt.Sprintf(format, args...)
	}
}

func (c *checker) do(acts []Action) {
	for _, a := range acts {
		switch a.Kind {
		case Ask:
			c.ask(a.Request)
		case Finish:
			c.finish(a.Code)
		case Doubt:
			if !c.online {
				c.failf("Doubt without a link")
			}
		}
	}
	if c.done && c.b.Deadline() != mono.Never {
		c.failf("a finished batch has a deadline")
	}
	if c.started && !c.done && c.b.Deadline() == mono.Never {
		c.failf("a batch without a bound")
	}
}

func (c *checker) ask(r wire.PullRequest) {
	switch {
	case c.done:
		c.failf("Ask after Finish")
	case !c.online:
		c.failf("Ask without a connection")
	case r.Batch != max(c.cfg.Request.Batch, 1)-c.got:
		c.failf("asked for %d with %d of %d there", r.Batch, c.got, c.cfg.Request.Batch)
	case c.cfg.Request.MaxBytes > 0 && r.MaxBytes != c.cfg.Request.MaxBytes-c.bytes:
		c.failf("asked for %d bytes with %d of %d there", r.MaxBytes, c.bytes, c.cfg.Request.MaxBytes)
	case r.Heartbeat > 0 && 2*r.Heartbeat > r.Expires:
		c.failf("heartbeat %v in a request of %v", r.Heartbeat, r.Expires)
	case !r.NoWait && r.Expires <= 0:
		c.failf("a request that waits for ever")
	case c.cfg.Deadline != mono.Never && c.cfg.Request.Expires == 0 && c.now.Add(r.Expires) > c.cfg.Deadline:
		c.failf("a request of %v outlives the caller", r.Expires)
	}
	c.asked, c.quiet, c.beat = &r, c.now, r.Heartbeat
}

func (c *checker) finish(code wire.Code) {
	if c.done {
		c.failf("Finish twice")
	}
	complete := c.got == max(c.cfg.Request.Batch, 1) || c.cfg.Request.MaxBytes > 0 && c.bytes >= c.cfg.Request.MaxBytes
	switch code {
	case wire.OK:
		if !complete {
			c.failf("OK after %d messages", c.got)
		}
	case wire.NoHeartbeat:
		if c.beat == 0 || c.now < c.quiet.Add(2*c.beat) {
			c.failf("NoHeartbeat %v after the last frame, heartbeat %v", c.now.Sub(c.quiet), c.beat)
		}
	case wire.NoAnswer:
		if c.words {
			c.failf("NoAnswer, but the server said something")
		}
	}
	c.done = true
}

// tick lets every deadline before at come, and stops a machine that is due again and again.
func (c *checker) tick(at mono.Time) {
	for n := 0; ; n++ {
		due := c.b.Deadline()
		if due > at || c.fault != "" {
			break
		}
		if n > 10 {
			c.failf("due at %v for ever", time.Duration(due))
			return
		}
		c.now = max(c.now, due)
		c.do(c.b.Tick(c.now))
		c.overdue()
	}
	c.now = max(c.now, at)
}

// overdue finds a machine that let two heartbeats or the end of the caller's time pass.
func (c *checker) overdue() {
	if c.done || !c.started {
		return
	}
	if c.now >= c.cfg.Deadline {
		c.failf("the caller's time is over, but not the batch")
	}
	if c.asked != nil && c.online && c.asked.Heartbeat > 0 && c.now >= c.quiet.Add(2*c.asked.Heartbeat) {
		c.failf("two heartbeats are missing, but the batch goes on")
	}
}

// step takes one event; more are the bytes of a fuzzer, or random. Times are in steps of 50 ms.
func (c *checker) step(event, arg byte) {
	c.tick(c.now.Add(time.Duration(arg&15) * 50 * time.Millisecond))
	if !c.started {
		c.started, c.online, c.quiet = true, arg&16 == 0, c.now
		c.do(c.b.Start(c.now, c.online, time.Duration(arg>>5)*40*time.Millisecond))
		return
	}
	switch event % 16 {
	case 0, 1, 2:
		c.deliver(1+int(arg)%3, int(arg)*3)
	case 3, 4, 5:
		c.status(100)
	case 6:
		c.status([]int{404, 408, 408, 408}[arg%4])
	case 7:
		c.status([]int{400, 409, 423, 503, 412, 204, 999}[arg%7])
	case 8, 9, 10:
		if arg&32 != 0 { // told twice
			c.online = !c.online
		}
		if c.online {
			c.online, c.asked = false, nil
			c.do(c.b.Disconnected(c.now))
		} else {
			c.online = true
			c.do(c.b.Reconnected(c.now))
		}
	case 11:
		if arg%8 == 0 {
			c.do(c.b.Closed(c.now))
		}
	case 12:
		if arg%8 == 0 {
			c.do(c.b.Stop(c.now, wire.Canceled))
		}
	default: // only time passes
		c.tick(c.now.Add(time.Duration(arg) * 20 * time.Millisecond))
	}
}

func (c *checker) deliver(n, bytes int) {
	n = min(n, c.b.Room())
	if n > 0 {
		c.words, c.quiet = true, c.now
	}
	c.got += n
	if c.got > max(c.cfg.Request.Batch, 1) {
		c.failf("%d messages for a batch of %d", c.got, c.cfg.Request.Batch)
	}
	if n > 0 && c.cfg.Request.MaxBytes > 0 {
		c.bytes = min(c.bytes+bytes, c.cfg.Request.MaxBytes)
	}
	if c.b.Messages(c.now, n, bytes) {
		c.do(c.b.Tick(c.now))
		if !c.done {
			c.failf("a full batch goes on")
		}
	}
}

func (c *checker) status(number int) {
	out := c.asked != nil
	if out {
		c.quiet, c.words = c.now, true
	}
	if number == 404 || number == 408 {
		c.asked = nil // answered
	}
	c.do(c.b.Status(c.now, status(number, "words")))
	if out && !c.done && number >= 400 && number != 404 && number != 408 {
		c.failf("%d does not end the batch", number)
	}
}

// end lets time pass until the batch ends by itself, which it must.
func (c *checker) end() {
	if !c.started {
		return
	}
	for range 100 {
		if c.done || c.fault != "" {
			return
		}
		c.tick(c.b.Deadline())
	}
	c.failf("the batch never ends")
}

func configOf(a, b, d byte) Config {
	cfg := Config{Deadline: mono.Never}
	cfg.Request.Batch = int(a % 12)
	if a&64 != 0 {
		cfg.Request.MaxBytes = 1 + int(b)*8
	}
	if a&128 != 0 {
		cfg.Deadline = mono.Time(d) * mono.Time(50*time.Millisecond)
		cfg.NoWaitFirst, cfg.Linger, cfg.FailOnDisconnect = b&1 != 0, b&2 != 0, b&4 != 0
		if b&8 != 0 {
			cfg.Request.Heartbeat = time.Duration(b>>4) * 30 * time.Millisecond
		}
		return cfg
	}
	if b&1 != 0 {
		cfg.Request.NoWait = true
		return cfg
	}
	cfg.Request.Expires = time.Duration(d) * 40 * time.Millisecond
	if b&2 != 0 {
		cfg.Request.Heartbeat = cfg.Request.Expires / time.Duration(2+b>>5)
	}
	return cfg
}

// play runs one sequence of events and returns what was wrong with it.
func play(b batch, events []byte) string {
	for len(events) < 3 {
		events = append(events, 0)
	}
	c := &checker{b: b, cfg: configOf(events[0], events[1], events[2])}
	c.beat = c.cfg.Request.Heartbeat
	b.Reset(c.cfg)
	for i := 3; i+1 < len(events) && c.fault == ""; i += 2 {
		c.step(events[i], events[i+1])
	}
	c.end()
	return c.fault
}
