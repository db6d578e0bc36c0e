package run

import (
	"context"

	"github.com/gannet-io/nats/internal/js/pull"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
)

const (
	channelMax      = 16 << 10 // messages in a batch's channel
	channelMaxBytes = 4 << 10  // the same with a byte limit, which says little about the number
	typicalSize     = 256      // bytes of a message, for guessing a number from a byte limit
)

// channelSize is the capacity of a batch's channel: the whole batch in all ordinary cases, so that nothing but the channel
// stands between the reader and the user.
func channelSize(r wire.PullRequest) int {
	size := min(max(r.Batch, 1), channelMax)
	if r.MaxBytes > 0 {
		size = min(size, channelMaxBytes, r.MaxBytes/typicalSize+64)
	}
	return size
}

// Batch is a fetch that is running or over. Its methods may be called concurrently, at any time.
//
// With a channel the reader sends into it directly. When the channel is full the rest waits in more, and a goroutine, the
// pump, moves it: it ends when the user has read all, stops the batch, or the connection closes.
// Without a channel all messages wait in more.
type Batch[M any] struct {
	p    *Puller[M]
	ch   chan M        // nil: collected in more
	over chan struct{} // without a channel: one element at the end

	// All below is guarded by Puller.mu.
	machine pull.Machine
	slot    *pullSlot[M] // nil while there is no subscription
	serial  uint32       // changes when jobs that were decided before become void
	ups     uint32       // the Puller's, as the machine has been told
	downs   uint32
	again   mono.Time // when a link that took no request is tried again; mono.Never: it is not
	// bereftAt is when it ends because its consumer is known to be deleted, unless the server says so before; mono.Never: it is not.
	bereftAt mono.Time

	more    []M
	pumping bool
	gone    chan struct{} // made with the pump; closed when the user does not want what is in more
	done    chan struct{} // made by Done
	detach  func() bool   // from the context

	ended     bool
	abandoned bool // stopped by the user
	code      wire.Code
	words     string
}

// Messages is the channel of the batch's messages. It is closed at the end.
func (b *Batch[M]) Messages() <-chan M { return b.ch }

// Done is closed when nothing more will come; messages may be left in the channel.
func (b *Batch[M]) Done() <-chan struct{} {
	b.p.mu.Lock()
	defer b.p.mu.Unlock()
	if b.done == nil {
		b.done = make(chan struct{})
		if b.ended {
			close(b.done)
		}
	}
	return b.done
}

// Result says how the batch ended, with the server's words if it was the server who ended it. wire.OK: it is complete, or
// running.
func (b *Batch[M]) Result() (code wire.Code, words string) {
	b.p.mu.Lock()
	defer b.p.mu.Unlock()
	return b.code, b.words
}

// Running reports whether more may come, into the channel or back to Surplus.
func (b *Batch[M]) Running() bool {
	b.p.mu.Lock()
	defer b.p.mu.Unlock()
	return !b.ended || b.pumping
}

// Stop ends the batch with wire.Canceled, unless it is over. What is in the channel can still be read.
func (b *Batch[M]) Stop() { b.p.stop(b, wire.Canceled) }

// watchContext stops the batch when ctx ends.
func (b *Batch[M]) watchContext(ctx context.Context) {
	if detach := context.AfterFunc(ctx, b.Stop); !b.keepDetach(detach) {
		detach()
	}
}

// keepDetach has detach called at the end; false: the end has come.
func (b *Batch[M]) keepDetach(detach func() bool) bool {
	b.p.mu.Lock()
	defer b.p.mu.Unlock()
	if b.ended && !b.pumping {
		return false
	}
	b.detach = detach
	return true
}

// addLocked hands messages over without blocking.
func (b *Batch[M]) addLocked(ms []M) {
	if b.ch != nil && !b.pumping {
		ms = ms[b.fillLocked(ms):]
	}
	if len(ms) == 0 {
		return
	}
	b.more = append(b.more, ms...)
	if b.ch != nil && !b.pumping {
		b.pumping = true
		if b.gone == nil {
			b.gone = make(chan struct{})
		}
		go b.pump()
	}
}

// fillLocked sends as many messages as the channel takes, and returns how many these were.
func (b *Batch[M]) fillLocked(ms []M) int {
	for i, m := range ms {
		select {
		case b.ch <- m:
		default:
			return i
		}
	}
	return len(ms)
}

// endLocked makes the end known.
func (b *Batch[M]) endLocked(code wire.Code, words string) {
	b.ended, b.code, b.words = true, code, words
	if b.done != nil {
		close(b.done)
	}
	switch {
	case b.ch == nil:
		b.over <- struct{}{} // has room: a batch ends once
	case !b.pumping:
		b.closeLocked()
	}
}

// closeLocked closes the channel, the last thing that happens to a batch.
func (b *Batch[M]) closeLocked() {
	close(b.ch)
	if b.detach != nil {
		b.p.jobs.add(pullJob[M]{kind: pullDetach, detach: b.detach})
		b.detach = nil
	}
}

// abandonLocked says that the user does not want what is not in the channel yet.
func (b *Batch[M]) abandonLocked() {
	if !b.abandoned && b.gone != nil {
		close(b.gone)
	}
	b.abandoned = true
}

// pump moves what did not fit into the channel. It is started by the reader and ends with more, or when nobody wants more.
func (b *Batch[M]) pump() {
	defer b.p.work()
	for {
		ms, gone := b.takeMore()
		if len(ms) == 0 {
			return
		}
		for i, m := range ms {
			select {
			case b.ch <- m:
				continue
			case <-gone:
				b.giveBack(ms[i:], wire.Canceled)
			case <-b.p.quit:
				b.giveBack(ms[i:], wire.ConnectionClosed)
			}
			return
		}
	}
}

// takeMore returns what is to be moved next; nothing means that the pump ends.
func (b *Batch[M]) takeMore() (ms []M, gone chan struct{}) {
	b.p.mu.Lock()
	defer b.p.mu.Unlock()
	ms, b.more = b.more, nil
	if len(ms) == 0 {
		b.pumping = false
		if b.ended {
			b.closeLocked()
		}
		return nil, nil
	}
	return ms, b.gone
}

// giveBack ends the pump of a batch that is over with messages left: they are surplus.
func (b *Batch[M]) giveBack(ms []M, why wire.Code) {
	for _, m := range append(ms, b.dropMore()...) {
		b.p.surplus(m)
	}
	b.endPump(why)
}

func (b *Batch[M]) dropMore() []M {
	b.p.mu.Lock()
	defer b.p.mu.Unlock()
	rest := b.more
	b.more = nil
	return rest
}

func (b *Batch[M]) endPump(why wire.Code) {
	b.p.mu.Lock()
	defer b.p.mu.Unlock()
	b.pumping = false
	if b.code == wire.OK {
		b.code = why // else it would look complete
	}
	b.closeLocked()
}
