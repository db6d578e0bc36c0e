package pull

import (
	"math"
	"time"

	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
)

// FlowConfig describes a continuous pull. It does not change after [Flow.Reset].
type FlowConfig struct {
	// Request is the template of every request. Batch, and MaxBytes unless it is 0, bound what was asked for and has not
	// been taken by the user; a request asks for what is missing to them. Expires and Heartbeat are those of each request.
	Request wire.PullRequest
	// Below so many messages, or bytes, a request is sent. 0, or more than there can be: half of the bound, rounded up.
	ThresholdMessages, ThresholdBytes int
	// StopAfter is the number of messages after which it is over. 0: no end.
	StopAfter int
}

const (
	shortestExpires = 10 * time.Millisecond
	mostBytes       = math.MaxInt32   // of a request: the server's statuses are read up to that
	leastSize       = 16              // bytes of a message as the server counts them: the subject of its ack alone is longer
	leaveTime       = 2 * time.Second // for what is on its way when the user leaves
)

type flowPhase uint8

const (
	flowFresh   flowPhase = iota // before Start
	flowing                      // asks whenever little is left, but not before askAt
	flowOffline                  // asks when the connection is back
	flowLeaving                  // takes what is on its way
	flowDone
)

// tally is a number of messages and their bytes.
type tally struct{ msgs, bytes int }

func (t *tally) add(msgs, bytes int) {
	t.msgs += msgs
	t.bytes += bytes
}

// sub does not go below zero.
func (t *tally) sub(msgs, bytes int) {
	t.msgs -= min(msgs, t.msgs)
	t.bytes -= min(bytes, t.bytes)
}

// Flow is one continuous pull: Consume or Messages. Its zero value has to be Reset. It is not safe for concurrent use, and must not be
// copied between an event and the use of its actions.
type Flow struct {
	cfg   FlowConfig
	phase flowPhase

	asked tally // what the server still owes on the current inbox
	held  tally // what has arrived, until the user takes it
	left  int   // messages until StopAfter

	// The current requests.
	askedAt mono.Time // of the last one
	full    bool      // the last one asked for all the bytes there can be
	fed     bool      // a message came after it
	starved bool      // the next message needs more bytes than are free: nothing is asked until the user takes something
	silence silence

	// Failures in a row, without any good answer between them.
	row     int
	askAt   mono.Time // no request before it
	told    wire.Code // the last one that was told
	retell  mono.Time // when it is told that they last
	inquiry inquiry

	leaveBy mono.Time // while leaving
	out     []Action
	room    [4]Action
}

// Reset makes f a fresh flow. Odd numbers are replaced by the nearest that make sense.
func (f *Flow) Reset(cfg FlowConfig) {
	r := &cfg.Request
	r.Batch = max(r.Batch, 1)
	r.MaxBytes = min(max(r.MaxBytes, 0), mostBytes)
	r.NoWait = false
	if r.Expires <= 0 {
		r.Expires = defaultExpires
	}
	r.Expires = min(max(r.Expires, shortestExpires), maxExpires)
	r.Heartbeat = min(max(r.Heartbeat, 0), r.Expires/2)
	if r.MaxBytes > 0 && cfg.ThresholdMessages <= 0 && r.Batch > r.MaxBytes/leastSize {
		cfg.ThresholdMessages = 1 // the bytes alone decide
	}
	cfg.ThresholdMessages = threshold(cfg.ThresholdMessages, r.Batch)
	cfg.ThresholdBytes = threshold(cfg.ThresholdBytes, r.MaxBytes)
	left := cfg.StopAfter
	if left <= 0 {
		left = math.MaxInt
	}
	*f = Flow{cfg: cfg, left: left, silence: silence{beat: r.Heartbeat}}
}

func threshold(wanted, limit int) int {
	if wanted <= 0 || wanted > limit {
		return limit/2 + limit%2
	}
	return wanted
}

// Start begins the flow.
func (f *Flow) Start(now mono.Time, connected bool) []Action {
	f.begin()
	if f.phase != flowFresh {
		return nil
	}
	f.phase = flowOffline
	f.askedAt, f.askAt, f.inquiry.next = now, now, now
	f.silence.heard(now)
	if connected {
		f.phase = flowing
		f.refill(now)
	}
	return f.out
}

// Room is the number of messages that the flow still takes. The shell keeps surplus messages from Arrived and Late.
func (f *Flow) Room() int {
	if f.phase == flowDone || f.phase == flowFresh {
		return 0
	}
	return f.left
}

// Arrived counts n messages of bytes in total, as the server counts them, on the current inbox. It is called once per run of
// messages; if it returns true the shell calls Tick at once.
func (f *Flow) Arrived(now mono.Time, n, bytes int) (act bool) {
	if n <= 0 || f.Room() == 0 {
		return false
	}
	n, bytes = min(n, f.left), max(bytes, 0)
	f.good(now)
	f.fed = true
	f.paid(n, bytes)
	return f.keep(n, bytes)
}

// Late counts messages of a former inbox: they were asked for by requests that are void.
func (f *Flow) Late(n, bytes int) (act bool) {
	if n <= 0 || f.Room() == 0 {
		return false
	}
	return f.keep(min(n, f.left), max(bytes, 0))
}

func (f *Flow) keep(n, bytes int) (act bool) {
	f.held.add(n, bytes)
	if f.left != math.MaxInt {
		f.left -= n
	}
	return f.left == 0
}

// Taken counts messages that the user took. If it returns true the shell calls Tick at once.
func (f *Flow) Taken(n, bytes int) (act bool) {
	if n <= 0 {
		return false
	}
	f.held.sub(n, max(bytes, 0))
	f.starved = false
	return f.wants()
}

// Spare is how many messages and bytes the user may take before a Taken can have a consequence: the shell may count that many in one go.
func (f *Flow) Spare() (msgs, bytes int) {
	switch {
	case f.phase != flowing || f.left <= f.asked.msgs:
		return math.MaxInt, math.MaxInt
	case f.starved:
		return 0, 0
	}
	bytes = math.MaxInt
	if f.cfg.Request.MaxBytes > 0 {
		bytes = max(f.asked.bytes+f.held.bytes-f.cfg.ThresholdBytes, 0)
	}
	return max(f.asked.msgs+f.held.msgs-f.cfg.ThresholdMessages, 0), bytes
}

// Disconnected says that the connection is down, or turned out to be when Ask was to be sent. What was asked is void.
func (f *Flow) Disconnected(now mono.Time) []Action {
	f.begin()
	switch f.phase {
	case flowing:
		f.phase = flowOffline
		f.asked = tally{}
	case flowLeaving:
		f.finish(wire.Canceled, "")
	}
	return f.out
}

// Reconnected says that the connection is back: the flow asks at once.
func (f *Flow) Reconnected(now mono.Time) []Action {
	f.begin()
	if f.phase == flowOffline {
		f.phase = flowing
		f.row, f.askAt, f.told = 0, now, wire.OK
		f.refill(now)
	}
	return f.out
}

// Closed says that the connection is over.
func (f *Flow) Closed(mono.Time) []Action {
	f.begin()
	f.finish(wire.ConnectionClosed, "")
	return f.out
}

// Stop ends the flow: the user does not want it any more.
func (f *Flow) Stop(mono.Time) []Action {
	f.begin()
	f.finish(wire.Canceled, "")
	return f.out
}

// End ends the flow for a reason that the shell has found.
func (f *Flow) End(_ mono.Time, code wire.Code, words string) []Action {
	f.begin()
	f.finish(code, words)
	return f.out
}

// Drain ends the flow once what is on its way has arrived.
func (f *Flow) Drain(now mono.Time) []Action {
	f.begin()
	switch f.phase {
	case flowing:
		f.phase, f.leaveBy = flowLeaving, now.Add(leaveTime)
		f.act(Action{Kind: Leave})
	case flowFresh, flowOffline:
		f.finish(wire.Canceled, "")
	}
	return f.out
}

// Left says that all has arrived that the server sent before the Leave.
func (f *Flow) Left(mono.Time) []Action {
	f.begin()
	if f.phase == flowLeaving {
		f.finish(wire.Canceled, "")
	}
	return f.out
}

// Done reports whether Finish has been returned.
func (f *Flow) Done() bool { return f.phase == flowDone }

// begin starts the list of an event's actions.
func (f *Flow) begin() { f.out = f.room[:0] }

func (f *Flow) act(a Action) { f.out = append(f.out, a) }

func (f *Flow) finish(code wire.Code, words string) {
	if f.phase != flowDone {
		f.phase = flowDone
		f.asked = tally{}
		f.act(Action{Kind: Finish, Code: code, Words: words})
	}
}
