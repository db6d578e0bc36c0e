package natstest

import "time"

// write hands pieces on until the link is over.
func (s *stream) write() {
	timer := time.NewTimer(idleWait)
	defer timer.Stop()
	for {
		data, end, wait := s.next(time.Now())
		if len(data) > 0 && !s.deliver(data) {
			return
		}
		switch {
		case end != goOn:
			s.hangUp(end)
			return
		case len(data) > 0:
			continue
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-s.wake:
		case <-s.link.done:
			return
		}
	}
}

// next takes from the queue what may go now. If that is nothing, it says how long to wait unless woken. An ending comes with or
// after the last bytes before it.
func (s *stream) next(now time.Time) (data []byte, end ending, wait time.Duration) {
	s.link.proxy.mu.Lock()
	defer s.link.proxy.mu.Unlock()
	f := &s.link.proxy.faults
	if len(s.queue) == 0 || *f.stall.at(s.dir) {
		return nil, goOn, idleWait
	}
	p := &s.queue[0]
	due := p.due
	if f.rate > 0 && s.free.After(due) {
		due = s.free
	}
	if due.After(now) {
		return nil, goOn, due.Sub(now)
	}
	data, end = p.data, p.end
	if f.rate > 0 {
		if step := max(1, f.rate/rateSteps); len(data) > step {
			data, end = data[:step], goOn
		}
		s.free = now.Add(time.Duration(len(data)) * time.Second / time.Duration(f.rate))
	}
	p.data = p.data[len(data):]
	s.queued -= len(data)
	if len(p.data) == 0 && end == p.end {
		s.queue[0] = piece{}
		s.queue = s.queue[1:]
	}
	s.signal(s.room)
	return data, end, 0
}

// deliver returns false when the writer has nothing left to do.
func (s *stream) deliver(data []byte) bool {
	if s.isDeaf() {
		s.count(0, len(data))
		return true
	}
	n, err := s.dst.Write(data)
	s.count(n, len(data)-n)
	if err == nil || s.becomeDeaf() {
		return true
	}
	s.link.close(true, true)
	return false
}

func (s *stream) isDeaf() bool {
	s.link.proxy.mu.Lock()
	defer s.link.proxy.mu.Unlock()
	return s.deaf
}

// becomeDeaf is asked when the receiver is gone. If the other direction is a hole, the news cannot reach the sender: the bytes
// vanish instead.
func (s *stream) becomeDeaf() bool {
	s.link.proxy.mu.Lock()
	defer s.link.proxy.mu.Unlock()
	if s.link.over || !*s.link.proxy.faults.hole.at(s.dir.reverse()) {
		return false
	}
	s.deaf, s.link.damaged = true, true
	return true
}

func (s *stream) count(passed, lost int) {
	s.link.proxy.mu.Lock()
	defer s.link.proxy.mu.Unlock()
	st := &s.link.proxy.stats
	if s.dir == ClientToServer {
		st.ToServer += int64(passed)
	} else {
		st.ToClient += int64(passed)
	}
	st.Lost += int64(lost)
}

func (s *stream) hangUp(end ending) {
	if end == hangup {
		s.link.close(false, false)
		return
	}
	if s.link.close(s.dir == ClientToServer, s.dir == ServerToClient) {
		s.link.countCut()
	}
}
