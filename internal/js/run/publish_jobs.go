package run

// job is something that talks to the connection and so must not run under the publisher's lock.
type job struct {
	kind jobKind
	w    *Pending
}

type jobKind uint8

const (
	resend jobKind = iota // publish w again
	forget                // no answer to w is wanted any more
	doubt                 // acks are late: probe the link
)

// jobList is first in, first out, with one runner at a time: whoever finds it idle. Two runners could forget a publish
// before they have sent it.
type jobList struct {
	queue   []job
	running bool
}

func (l *jobList) addLocked(k jobKind, w *Pending) { l.queue = append(l.queue, job{k, w}) }

// takeLocked reports whether the caller must run the jobs once it has unlocked.
func (l *jobList) takeLocked() bool {
	if l.running || len(l.queue) == 0 {
		return false
	}
	l.running = true
	return true
}

// nextLocked swaps the queue for the batch that is done; false ends the runner.
func (l *jobList) nextLocked(done []job) (batch []job, ok bool) {
	if len(l.queue) == 0 {
		l.running = false
		return nil, false
	}
	clear(done)
	batch, l.queue = l.queue, done[:0]
	return batch, true
}

// work runs jobs until there are none. None of them waits, so it may run on the reader or the supervisor.
func (p *Publisher) work() {
	for batch, ok := p.nextJobs(nil); ok; batch, ok = p.nextJobs(batch) {
		for _, j := range batch {
			switch j.kind {
			case resend:
				j.w.resend()
			case forget:
				p.link.Forget(j.w.asked)
			case doubt:
				p.link.Doubt()
			}
		}
	}
}

func (p *Publisher) nextJobs(done []job) ([]job, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.jobs.nextLocked(done)
}
