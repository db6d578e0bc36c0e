package natstest

import (
	"fmt"
	"slices"
	"time"
)

// faults are what the proxy does to bytes and connections now. The zero value does nothing.
type faults struct {
	hole, stall      perDirection[bool]
	garble           perDirection[int] // one byte of so many; 0: none
	latency, jitter  time.Duration
	rate             int
	budget           *budget
	handshake        Handshake
	minLife, maxLife time.Duration
}

// budget is what may still pass before a connection is cut.
type budget struct {
	left int64
	dir  Direction
}

const (
	maxWait  = 24 * time.Hour
	maxOneIn = 1 << 30
)

// sane keeps arguments where sums of them cannot overflow.
func sane(d time.Duration) time.Duration { return min(max(d, 0), maxWait) }

// Handshake says how far new connections get; see [Proxy.HalfHandshake].
type Handshake int

// The stages at which a handshake can stop.
const (
	FullHandshake Handshake = iota // the zero value: nothing special
	NoInfo                         // TCP connects, then the server never says a word
	NoPong                         // the server's INFO arrives, and nothing after it
)

// Cut resets all connections. New ones are accepted.
func (p *Proxy) Cut() {
	for _, l := range p.openLinks() {
		l.cut()
	}
}

// CutAfter lets n more bytes pass in a direction, counted over all connections, and then cuts the connection that carried the
// last of them, usually in the middle of a frame. The receiver gets these bytes and then an orderly end, the sender a reset.
// With n zero or less the next byte is too many. It works once; a second call replaces the first.
func (p *Proxy) CutAfter(n int64, dir Direction) {
	p.change(func(f *faults) { f.budget = &budget{max(n, 0), dir} })
}

// Hole lets bytes vanish in a direction, while the connections stay open: a sender sees no error, and the receiver does not
// even learn that the sender has closed. New connections are accepted, and fare likewise. Bytes that the proxy had taken before
// the call still arrive.
func (p *Proxy) Hole(dir Direction) { p.change(func(f *faults) { f.hole.set(dir, true) }) }

// Stall stops taking bytes in a direction. Nothing is lost, but the sender's socket fills up, until writing to it blocks
// (after 100 KiB to some MiB, as the operating system sees fit). After [Proxy.Heal] everything goes on.
func (p *Proxy) Stall(dir Direction) { p.change(func(f *faults) { f.stall.set(dir, true) }) }

// Delay makes every byte take latency longer, each way, plus a random time up to jitter. The order of bytes stays.
func (p *Proxy) Delay(latency, jitter time.Duration) {
	p.change(func(f *faults) { f.latency, f.jitter = sane(latency), sane(jitter) })
}

// Rate limits each direction of each connection to so many bytes a second; zero or less means no limit. A low rate drips byte
// by byte.
func (p *Proxy) Rate(bytesPerSecond int) {
	p.change(func(f *faults) { f.rate = max(bytesPerSecond, 0) })
}

// Garble changes one byte of every oneIn (on average, at random) that pass in a direction into another. With oneIn 1 nothing
// stays as it was; zero or less ends it.
func (p *Proxy) Garble(oneIn int, dir Direction) {
	p.change(func(f *faults) { f.garble.set(dir, min(max(oneIn, 0), maxOneIn)) })
}

// HalfHandshake lets new connections hang: see [NoInfo] and [NoPong]. Open ones are left alone.
func (p *Proxy) HalfHandshake(mode Handshake) { p.change(func(f *faults) { f.handshake = mode }) }

// Lifetime cuts each connection after a random time between shortest and longest, counted from its start, or from now for open
// ones. If longest is zero or less, connections live on.
func (p *Proxy) Lifetime(shortest, longest time.Duration) {
	shortest, longest = sane(shortest), sane(longest)
	if longest > 0 {
		longest = max(shortest, longest)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults.minLife, p.faults.maxLife = shortest, longest
	for l := range p.links {
		l.limitLocked()
	}
}

// Refuse stops listening: new connections are refused by the operating system. Open ones are left alone.
func (p *Proxy) Refuse() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener == nil {
		return
	}
	_ = p.listener.Close() // does not wait for anybody, and must not be seen apart from the next lines
	p.listener = nil
	settle()
	p.release = holdPort(p.port)
}

// Inject puts bytes into the stream of every open connection, at the place where it stands: between two frames or in the middle
// of one. They are not counted, garbled or swallowed.
func (p *Proxy) Inject(b []byte, dir Direction) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		for _, s := range l.streams {
			if dir.includes(s.dir) && len(b) > 0 {
				s.pushLocked(piece{data: slices.Clone(b)})
			}
		}
	}
}

// Heal ends all faults, forgets what [Proxy.OnMatch] and the like still wait for, and listens again. Connections that have
// lost or garbled bytes are cut: no network brings such a connection back. The others go on; what was delayed or stalled arrives
// at once.
func (p *Proxy) Heal() error {
	for _, l := range p.resetFaults() {
		l.cut()
	}
	err := p.keepListening()
	if err == nil {
		return nil
	}
	err = fmt.Errorf("natstest: heal the proxy: %w", err)
	if p.tb != nil {
		p.tb.Helper()
		p.tb.Error(err)
	}
	return err
}

// resetFaults returns the links that cannot go on.
func (p *Proxy) resetFaults() (damaged []*link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults, p.triggers = faults{}, nil
	for l := range p.links {
		l.limitLocked()
		for _, s := range l.streams {
			s.hurryLocked()
			clear(s.progress)
		}
		if l.damaged {
			damaged = append(damaged, l)
		}
	}
	return damaged
}

// change applies a change and wakes everybody who may be waiting for one.
func (p *Proxy) change(f func(*faults)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(&p.faults)
	for l := range p.links {
		for _, s := range l.streams {
			s.signal(s.wake)
		}
	}
}
