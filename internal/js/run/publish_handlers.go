package run

import "github.com/gannet-io/nats/internal/engine"

// callList is the handler calls that are due.
type callList struct {
	due     []Result // from at on
	at      int
	running bool // one handler is being called
	fresh   bool // the dispatcher has not been told yet
}

func (l *callList) empty() bool { return l.at == len(l.due) }

func (l *callList) push(r Result) {
	if l.empty() {
		l.fresh = true
	}
	if l.at > callsKept && l.at > len(l.due)/2 { // a queue that never becomes empty must not grow for that
		n := copy(l.due, l.due[l.at:])
		clear(l.due[n:])
		l.due, l.at = l.due[:n], 0
	}
	l.due = append(l.due, r)
}

// pop returns nil when nothing is due.
func (l *callList) pop() (r Result) {
	if l.empty() {
		return nil
	}
	r, l.due[l.at] = l.due[l.at], nil
	l.at++
	switch {
	case !l.empty():
	case cap(l.due) > callsKept:
		l.due, l.at = nil, 0
	default:
		l.due, l.at = l.due[:0], 0
	}
	return r
}

// callsKept is the number of calls whose memory is kept.
const callsKept = 1024

// callLocked queues the call of a handler with r, if there is one.
func (p *Publisher) callLocked(r Result, w *Pending) {
	if p.handler(w) != nil {
		p.calls.push(r)
	}
}

// Run calls the handlers that are due. It is for the dispatcher.
func (p *Publisher) Run(w *engine.Worker) (more bool) { return p.runCalls(w.Yield) }

func (p *Publisher) runCalls(yield func() bool) (more bool) {
	for {
		r := p.nextCall()
		if r == nil {
			return false
		}
		p.callHandler(r)
		if yield() {
			return true
		}
	}
}

func (p *Publisher) nextCall() Result {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.calls.pop()
	p.calls.running = r != nil
	return r
}

// callHandler counts the call as over also when the handler ends its goroutine.
func (p *Publisher) callHandler(r Result) {
	defer p.called()
	p.handler(r.Pending())(r)
}

func (p *Publisher) handler(w *Pending) func(Result) {
	if w.good {
		return p.cfg.OnAck
	}
	return p.cfg.OnError
}

func (p *Publisher) called() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls.running = false
	p.completeLocked()
}
