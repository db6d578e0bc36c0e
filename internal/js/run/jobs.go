package run

// jobQueue is what is to be done outside a lock, in the order in which it was decided, by one goroutine at a time: whoever finds none at
// work does it. The lock that decides guards the list, too. The zero value is empty.
type jobQueue[J any] struct {
	jobs    []J
	next    int
	running bool
}

func (l *jobQueue[J]) add(job J) { l.jobs = append(l.jobs, job) }

// waiting reports whether somebody should start.
func (l *jobQueue[J]) waiting() bool { return len(l.jobs) > 0 && !l.running }

// start makes the caller the one who works, unless somebody is.
func (l *jobQueue[J]) start() (job J, ok bool) {
	if l.running {
		return job, false
	}
	l.running = true
	return l.pop()
}

// peek is the next job, which stays.
func (l *jobQueue[J]) peek() (job J, ok bool) {
	if l.next == len(l.jobs) {
		return job, false
	}
	return l.jobs[l.next], true
}

// rest ends the work although there is some, which waits for somebody else.
func (l *jobQueue[J]) rest() { l.running = false }

// drop forgets all that is to be done.
func (l *jobQueue[J]) drop() {
	clear(l.jobs[l.next:])
	l.jobs = l.jobs[:l.next]
}

// pop is the next job of the one who works; without one the work is over.
func (l *jobQueue[J]) pop() (job J, ok bool) {
	if l.next == len(l.jobs) {
		l.jobs, l.next, l.running = l.jobs[:0], 0, false
		return job, false
	}
	var none J
	job, l.jobs[l.next] = l.jobs[l.next], none
	l.next++
	return job, true
}
