package pull

import "github.com/gannet-io/nats/internal/mono"

// missing is what a request would ask for now; no messages when none is due. One is due when messages or bytes are below their
// threshold. With a byte limit one of the two is always low: of the other there must be enough to ask for, or each message
// would have a request of its own.
func (f *Flow) missing() (msgs, bytes int) {
	if f.phase != flowing || f.starved {
		return 0, 0
	}
	r, cfg := &f.cfg.Request, &f.cfg
	msgs, bytes = f.asked.msgs+f.held.msgs, f.asked.bytes+f.held.bytes
	limited := r.MaxBytes > 0
	if msgs >= cfg.ThresholdMessages && (!limited || bytes >= cfg.ThresholdBytes) {
		return 0, 0
	}
	msgs, bytes = r.Batch-msgs, r.MaxBytes-bytes
	if limited && (msgs < worth(r.Batch, cfg.ThresholdMessages) || bytes < worth(r.MaxBytes, cfg.ThresholdBytes)) {
		return 0, 0
	}
	if !limited {
		bytes = 0
	}
	return max(min(msgs, f.left-f.asked.msgs), 0), bytes
}

// worth is the least to ask for: a quarter, or less if the threshold says so.
func worth(limit, threshold int) int { return max(min(limit/4, limit-threshold+1), 1) }

func (f *Flow) wants() bool {
	msgs, _ := f.missing()
	return msgs > 0
}

// refill asks for what is missing, if it is time.
func (f *Flow) refill(now mono.Time) {
	msgs, bytes := f.missing()
	if msgs <= 0 || now < f.askAt {
		return
	}
	if !f.owed() {
		f.silence.heard(now)
	}
	f.asked.add(msgs, bytes)
	f.askedAt, f.fed = now, false
	f.full = bytes == f.cfg.Request.MaxBytes
	r := f.cfg.Request
	r.Batch, r.MaxBytes = msgs, bytes
	f.act(Action{Kind: Ask, Request: r})
}

// paid takes what the server sent, or will not send, from what it owes. A request with a byte limit that was met exactly
// ends without a word: what it had left in messages is what no bytes are left for.
func (f *Flow) paid(msgs, bytes int) {
	f.asked.sub(msgs, bytes)
	if f.cfg.Request.MaxBytes > 0 {
		f.asked.msgs = min(f.asked.msgs, f.asked.bytes/leastSize)
	}
}

// void forgets all requests, and has the server forget them.
func (f *Flow) void() {
	f.asked = tally{}
	f.act(Action{Kind: Void})
}
