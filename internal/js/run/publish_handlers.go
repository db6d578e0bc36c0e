package run

import "github.com/gannet-io/nats/internal/engine"

// callList is the handler calls that are due.
type callList struct {
	due     []*Pending // from at on
	at      int
	running bool // one handler is being called
	fresh   bool // the dispatcher has not been told yet
}

func (l *callList) empty() bool { return l.at == len(l.due) }

func (l *callList) push(w *Pending) {
	if l.empty() {
		l.fresh = true
	}
	if l.at > callsKept && l.at > len(l.due)/2 { // a queue that never becomes empty must not grow for that
		n := copy(l.due, l.due[l.at:])
		clear(l.due[n:])
		l.due, l.at = l.due[:n], 0
	}
	l.due = append(l.due, w)
}

// pop returns nil when nothing is due.
func (l *callList) pop() (w *Pending) {
	if l.empty() {
		return nil
	}
	w, l.due[l.at] = l.due[l.at], nil
	l.at++
	switch {
	case !l.empty():
	case cap(l.due) > callsKept:
		l.due, l.at = nil, 0
	default:
		l.due, l.at = l.due[:0], 0
	}
	return w
}

// callsKept is the number of calls whose memory is kept.
const callsKept = 1024

// callLocked queues the call of a handler, if there is one, with w's result.
func (p *Publisher) callLocked(w *Pending) {
	if p.handler(w) != nil {
		p.calls.push(w)
	}
}

// Run calls the handlers that are due. It is for the dispatcher.
func (p *Publisher) Run(w *engine.Worker) (more bool) { return p.runCalls(w.Yield) }

func (p *Publisher) runCalls(yield func() bool) (more bool) {
	for {
		w := p.nextCall()
		if w == nil {
			return false
		}
		p.callHandler(w)
		if yield() {
			return true
		}
	}
}

func (p *Publisher) nextCall() *Pending {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.calls.pop()
	p.calls.running = w != nil
	return w
}

// callHandler counts the call as over also when the handler ends its goroutine.
func (p *Publisher) callHandler(w *Pending) {
	defer p.called()
	p.handler(w)(w.result)
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
