package run

import "github.com/gannet-io/nats/internal/engine"

// callList is the handler calls that are due, linked through the publishes themselves.
type callList struct {
	head, tail *Pending
	running    bool // one handler is being called
	fresh      bool // the dispatcher has not been told yet
}

// callLocked queues the call of a handler, if there is one, with w's result.
func (p *Publisher) callLocked(w *Pending) {
	if p.handler(w) == nil {
		return
	}
	l := &p.calls
	if l.tail == nil {
		l.head, l.fresh = w, true
	} else {
		l.tail.next = w
	}
	l.tail = w
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
	w := p.calls.head
	if w == nil {
		return nil
	}
	if p.calls.head = w.next; w.next == nil {
		p.calls.tail = nil
	}
	w.next = nil
	p.calls.running = true
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
