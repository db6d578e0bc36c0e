package run

import "github.com/gannet-io/nats/internal/js/pubwin"

// job is something that talks to the connection and so must not run under the publisher's lock.
type job struct {
	kind  jobKind
	token pubwin.Token // resend
}

type jobKind uint8

const (
	resend jobKind = iota // publish token again
	doubt                 // acks are late: probe the link
)

// jobList is first in, first out, with one runner at a time, whoever finds it idle: what is sent again, is sent in order.
type jobList struct {
	queue   []job
	running bool
}

func (l *jobList) addLocked(j job) { l.queue = append(l.queue, j) }

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
	batch, l.queue = l.queue, done[:0]
	return batch, true
}

// work runs jobs until there are none. None of them waits, so it may run on the reader or the supervisor.
func (p *Publisher) work() {
	for batch, ok := p.nextJobs(nil); ok; batch, ok = p.nextJobs(batch) {
		for _, j := range batch {
			switch j.kind {
			case resend:
				p.resend(j.token)
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
