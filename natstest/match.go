package natstest

import (
	"slices"
	"sync"
)

// trigger waits for a pattern in a direction and fires once, for the first connection that carries it.
type trigger struct {
	pattern []byte
	dir     Direction
	fall    []int // for each prefix of the pattern: length of its longest proper suffix that is a prefix too
	do      func()
	cut     bool // cut the connection behind the match
}

// OnMatch calls do, once, when pattern has come in a direction, whole and within one connection, but possibly in several reads.
// do runs before the last bytes of the match are handed on: an answer to them already meets the faults that do has set. It
// must not wait for traffic of that connection, which stands still meanwhile, and not call [Proxy.Close]. What a fault swallows
// still counts as having come. With TLS there is nothing to be seen. An empty pattern never matches.
func (p *Proxy) OnMatch(pattern []byte, dir Direction, do func()) {
	p.watch(&trigger{pattern: pattern, dir: dir, do: do})
}

// HoleOnMatch opens a hole (see [Proxy.Hole]) in the direction hole as soon as pattern has come in the direction seen. For
// example, HoleOnMatch([]byte("PUB orders"), ClientToServer, ServerToClient) swallows everything the server says from that
// publish on. The match itself passes.
func (p *Proxy) HoleOnMatch(pattern []byte, seen, hole Direction) {
	p.watch(&trigger{pattern: pattern, dir: seen, do: func() { p.Hole(hole) }})
}

// CutOnMatch cuts the connection behind the first match of pattern, as [Proxy.CutAfter] does.
func (p *Proxy) CutOnMatch(pattern []byte, dir Direction) {
	p.watch(&trigger{pattern: pattern, dir: dir, cut: true})
}

// Seen returns a channel that is closed when pattern has come in a direction after this call. [Proxy.Heal] ends the watch, and
// then the channel stays open.
func (p *Proxy) Seen(pattern []byte, dir Direction) <-chan struct{} {
	seen := make(chan struct{})
	p.watch(&trigger{pattern: pattern, dir: dir, do: sync.OnceFunc(func() { close(seen) })})
	return seen
}

func (p *Proxy) watch(t *trigger) {
	if len(t.pattern) == 0 {
		return
	}
	if t.do == nil {
		t.do = func() {}
	}
	t.pattern = slices.Clone(t.pattern)
	t.fall = fallbacks(t.pattern)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.triggers = append(p.triggers, t)
}

// fallbacks prepares a Knuth-Morris-Pratt search.
func fallbacks(pattern []byte) []int {
	fall := make([]int, len(pattern)+1)
	for i, k := 1, 0; i < len(pattern); i++ {
		for k > 0 && pattern[i] != pattern[k] {
			k = fall[k]
		}
		if pattern[i] == pattern[k] {
			k++
		}
		fall[i+1] = k
	}
	return fall
}

// advance reads b with the first matched bytes of the pattern behind it. It returns how many are matched after b, or, when the
// match becomes whole, how much of b that took.
func (t *trigger) advance(matched int, b []byte) (now, taken int, whole bool) {
	for i, c := range b {
		for matched > 0 && c != t.pattern[matched] {
			matched = t.fall[matched]
		}
		if c == t.pattern[matched] {
			matched++
		}
		if matched == len(t.pattern) {
			return 0, i + 1, true
		}
	}
	return matched, len(b), false
}

// matchLocked returns how much of b may pass before something fires, and what fires then. Those are done with.
func (s *stream) matchLocked(b []byte) (n int, fired []*trigger) {
	p := s.link.proxy
	n = len(b)
	for _, t := range p.triggers {
		if t.dir.includes(s.dir) {
			if _, taken, whole := t.advance(s.progress[t], b[:n]); whole {
				n = taken
			}
		}
	}
	waiting := p.triggers[:0:0]
	for _, t := range p.triggers {
		whole := false
		if t.dir.includes(s.dir) {
			s.progress[t], _, whole = t.advance(s.progress[t], b[:n])
		}
		if whole {
			delete(s.progress, t)
			fired = append(fired, t)
		} else {
			waiting = append(waiting, t)
		}
	}
	p.triggers = waiting
	return n, fired
}
