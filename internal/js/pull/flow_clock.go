package pull

import (
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
)

// Deadline says when Tick is due; mono.Never while the next event can only come from outside: from the user, who has
// enough messages, or from the connection, which is down and will be back or be given up.
func (f *Flow) Deadline() mono.Time {
	switch f.phase {
	case flowFresh, flowDone:
		return mono.Never
	}
	if f.left == 0 {
		return f.askedAt
	}
	at := mono.Never
	switch f.phase {
	case flowLeaving:
		return f.leaveBy
	case flowing:
		if f.wants() {
			at = f.askAt
		}
		if f.owed() {
			at = min(at, f.silence.late(), f.silence.missing(), f.unanswered())
		}
	}
	return at
}

// Tick does what is due at now. To be early is harmless.
func (f *Flow) Tick(now mono.Time) []Action {
	f.begin()
	switch {
	case f.phase == flowFresh || f.phase == flowDone:
	case f.left == 0:
		f.finish(wire.OK, "")
	case f.phase == flowLeaving && now >= f.leaveBy:
		f.finish(wire.Canceled, "")
	case f.phase == flowing:
		if f.owed() {
			f.listen(now)
		}
		f.refill(now)
	}
	return f.out
}

// listen looks for frames that are missing while requests are out.
func (f *Flow) listen(now mono.Time) {
	switch {
	case now >= f.silence.missing():
		f.silent(now, wire.NoHeartbeat)
	case now >= f.unanswered():
		f.silent(now, wire.NoAnswer)
	case now >= f.silence.late():
		f.silence.doubted = true
		f.act(Action{Kind: Doubt})
	}
}

// silent asks anew, at once: nobody has refused anything.
func (f *Flow) silent(now mono.Time, code wire.Code) {
	f.void()
	f.act(Action{Kind: Warn, Code: code})
	f.askAt = now
}

// owed reports whether the server has something more to send. A request with a byte limit that is met in messages is followed by
// a status.
func (f *Flow) owed() bool { return f.asked != tally{} }

// Owed reports whether requests are out.
func (f *Flow) Owed() bool { return f.phase == flowing && f.owed() }

// unanswered is when the server must have ended every request, whatever it says meanwhile.
func (f *Flow) unanswered() mono.Time { return f.askedAt.Add(f.cfg.Request.Expires).Add(slack) }
