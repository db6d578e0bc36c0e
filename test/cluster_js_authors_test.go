package test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
)

// fate is what an author was told of a message.
type fate uint8

const (
	inDoubt fate = iota // tried, and perhaps stored
	kept                // acknowledged
	refused             // not stored, for certain
)

// author publishes numbered messages and remembers what it was told of them. Whatever that is, a message is stored once at most.
type author struct {
	c       *convoy
	id      int
	name    string
	work    func(a *author)
	ordered bool   // the stream has the numbers in order
	sure    bool   // calls outlast a lost link
	group   uint64 // so many numbers are stored together or not at all; 0: each for itself
	js      jetstream.JetStream
	old     nats.JetStreamContext
	futures sync.WaitGroup

	mu       sync.Mutex
	fates    map[uint64]fate
	seqs     map[uint64]uint64 // where a message is stored, as its ack says
	failed   int               // calls
	last     time.Time         // the latest ack
	gap      time.Duration     // the longest time without one
	told     tally
	overruns overruns
}

const batchOf = 5 // messages of a batch

// addAuthors starts one of each kind.
func (c *convoy) addAuthors() {
	c.t.Helper()
	c.addAuthor("sync with ids", false, (*author).syncWithIDs).sure = true
	c.addAuthor("sync", false, (*author).sync).ordered = true
	c.addAuthor("async with ids", false, (*author).asyncWithIDs)
	c.addAuthor("async", false, (*author).async)
	c.addAuthor("old sync with ids", true, (*author).syncWithIDs).sure = true
	c.addAuthor("old sync", true, (*author).sync).ordered = true
	c.addAuthor("old async with ids", true, (*author).asyncWithIDs)
	c.addAuthor("old async", true, (*author).async)
	c.addAuthor("batches", false, (*author).batches).group = batchOf
	c.addAuthor("ingest", false, (*author).ingest).ordered = true
	for _, a := range c.authors {
		a.ordered = a.ordered || a.sure
		a.last = time.Now()
		c.crews.Go(func() { a.work(a); a.futures.Wait() })
	}
}

func (c *convoy) addAuthor(name string, old bool, work func(a *author)) *author {
	c.t.Helper()
	a := &author{c: c, id: len(c.authors), name: name, work: work, fates: map[uint64]fate{}, seqs: map[uint64]uint64{}}
	if old {
		a.old = c.legacy()
	} else {
		a.js = c.jetStream()
	}
	c.authors = append(c.authors, a)
	return a
}

func (a *author) subject() string         { return fmt.Sprint("l.", a.id) }
func (a *author) payload(n uint64) []byte { return fmt.Appendf(nil, "%d/%d", a.id, n) }

// msg is message n; with an id it may be published again.
func (a *author) msg(n uint64, id bool) *nats.Msg {
	m := nats.NewMsg(a.subject())
	m.Data = a.payload(n)
	if id {
		m.Header.Set("Nats-Msg-Id", string(m.Data))
	}
	return m
}

// each calls f with 0, 1, 2 … at the author's pace until the publishers stop.
func (a *author) each(f func(n uint64)) {
	tick := time.NewTicker(pace * min(slower, 3))
	defer tick.Stop()
	for n := uint64(0); ; n++ {
		select {
		case <-a.c.stop:
			return
		case <-tick.C:
			f(n)
		}
	}
}

// settle notes the outcome of a call that published the messages n to n+count-1; seq is where the last one is, 0 when that is not known.
func (a *author) settle(n, count, seq uint64, err error, otherwise fate) {
	a.mu.Lock()
	defer a.mu.Unlock()
	how := otherwise
	if err != nil {
		a.failed++
		a.told.add(err)
	} else {
		how = kept
		a.breatheLocked()
		a.c.ack(convoyStream, seq)
	}
	for i := range count {
		if a.fates[n+i] == kept { // an earlier attempt
			continue
		}
		a.fates[n+i] = how
		if how == kept && seq > 0 {
			a.seqs[n+i] = seq + 1 - count + i
		}
	}
}

// breathe notes a sign of progress.
func (a *author) breathe() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.breatheLocked()
}

func (a *author) breatheLocked() {
	a.gap = max(a.gap, time.Since(a.last))
	a.last = time.Now()
}

// ack notes the highest acknowledged sequence of a stream.
func (c *convoy) ack(stream string, seq uint64) {
	for top := c.acked[stream]; ; {
		if have := top.Load(); seq <= have || top.CompareAndSwap(have, seq) {
			return
		}
	}
}

func (a *author) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.seqs)
}

// given reports whether there is no use in trying again.
func (a *author) given() bool {
	select {
	case <-a.c.giveUp:
		return true
	default:
		return false
	}
}

// publish is one call. Without an id a lost ack is not to be had, so that there is no use in waiting long.
func (a *author) publish(n uint64, id bool) (seq uint64, err error) {
	bound := lostFor
	if id {
		bound = callFor
	}
	defer a.overruns.bounded(time.Now(), bound)
	if a.old != nil {
		ack, err := a.old.PublishMsg(a.msg(n, id), nats.AckWait(bound))
		if err != nil {
			return 0, err
		}
		return ack.Sequence, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), bound)
	defer cancel()
	ack, err := a.js.PublishMsg(ctx, a.msg(n, id))
	if err != nil {
		return 0, err
	}
	return ack.Sequence, nil
}

// syncWithIDs publishes each message until it is acknowledged.
func (a *author) syncWithIDs() {
	a.each(func(n uint64) {
		for {
			seq, err := a.publish(n, true)
			a.settle(n, 1, seq, err, inDoubt)
			if err == nil || a.given() {
				return
			}
		}
	})
}

// sync publishes each message in one call.
func (a *author) sync() {
	a.each(func(n uint64) {
		seq, err := a.publish(n, false)
		a.settle(n, 1, seq, err, inDoubt)
	})
}

// async publishes each message in one call, and does not wait.
func (a *author) async() { a.each(func(n uint64) { a.begin(n, false) }) }

// asyncWithIDs publishes what failed again.
func (a *author) asyncWithIDs() { a.each(func(n uint64) { a.begin(n, true) }) }

// begin publishes message n; whatever becomes of it, its future ends.
func (a *author) begin(n uint64, id bool) {
	began := time.Now()
	wait, err := a.future(n, id)
	if err != nil {
		a.settle(n, 1, 0, err, refused)
		a.again(n, id)
		return
	}
	a.futures.Go(func() {
		seq, err := wait()
		a.overruns.bounded(began, callFor)
		a.settle(n, 1, seq, err, inDoubt)
		if err != nil {
			a.again(n, id)
		}
	})
}

// again publishes a message with an id once more, not at once: the older API does not wait for a leader.
func (a *author) again(n uint64, id bool) {
	if id && !a.given() {
		a.futures.Go(func() {
			<-time.After(5 * pace)
			a.begin(n, id)
		})
	}
}

// future begins a publish and returns what waits for its end.
func (a *author) future(n uint64, id bool) (wait func() (uint64, error), err error) {
	if a.old != nil {
		f, err := a.old.PublishMsgAsync(a.msg(n, id))
		if err != nil {
			return nil, err
		}
		return func() (uint64, error) {
			ack, err := outcome(f.Ok(), f.Err())
			if err != nil {
				return 0, err
			}
			return ack.Sequence, nil
		}, nil
	}
	f, err := a.js.PublishMsgAsync(a.msg(n, id))
	if err != nil {
		return nil, err
	}
	return func() (uint64, error) {
		ack, err := outcome(f.Ok(), f.Err())
		if err != nil {
			return 0, err
		}
		return ack.Sequence, nil
	}, nil
}

var errUnresolved = errors.New("the future is not resolved")

func outcome[A any](ok <-chan A, failed <-chan error) (ack A, err error) {
	select {
	case ack = <-ok:
		return ack, nil
	case err = <-failed:
		return ack, err
	case <-time.After(callFor + patience):
		return ack, errUnresolved
	}
}

// batches publishes groups that are stored together or not at all.
func (a *author) batches() {
	a.each(func(n uint64) {
		if n%batchOf != 0 {
			return // the pace is that of others
		}
		var msgs []*nats.Msg
		for i := range uint64(batchOf) {
			msgs = append(msgs, a.msg(n+i, false))
		}
		began := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), callFor)
		defer cancel()
		ack, err := jetstream.PublishBatch(ctx, a.js, msgs...)
		a.overruns.bounded(began, callFor)
		if err != nil {
			how := refused
			var failed *jetstream.BatchError
			if !errors.As(err, &failed) || failed.MayBeStored {
				how = inDoubt
			}
			a.settle(n, batchOf, 0, err, how)
			return
		}
		a.settle(n, batchOf, ack.Sequence, nil, kept)
	})
}

// ingest publishes one fast batch after the other. Its messages have ids, so that it can begin again behind what is stored for certain.
func (a *author) ingest() {
	for from := uint64(0); ; {
		in, err := jetstream.NewIngest(a.js, jetstream.IngestAckEvery(10), jetstream.IngestPatience(callFor))
		if err != nil {
			a.c.t.Error(err)
			return
		}
		stopped := a.feed(in, from)
		ctx, cancel := context.WithTimeout(context.Background(), callFor)
		began := time.Now()
		ack, err := in.Close(ctx)
		a.overruns.bounded(began, callFor)
		cancel()
		a.keep(from, in.Stored(), err)
		from += in.Stored()
		if err == nil {
			a.c.ack(convoyStream, ack.Sequence)
		}
		if stopped && err == nil || a.given() {
			return
		}
	}
}

// feed publishes until the publishers stop, a hundred messages are published, or the ingest fails.
func (a *author) feed(in *jetstream.Ingest, from uint64) (stopped bool) {
	tick := time.NewTicker(pace * min(slower, 3))
	defer tick.Stop()
	have := in.Stored()
	for n := from; n < from+100; n++ {
		if now := in.Stored(); now > have {
			have = now
			a.breathe()
		}
		select {
		case <-a.c.stop:
			return true
		case <-tick.C:
		}
		ctx, cancel := context.WithTimeout(context.Background(), callFor)
		began := time.Now()
		err := in.PublishMsg(ctx, a.msg(n, true))
		a.overruns.bounded(began, callFor)
		cancel()
		if err != nil {
			return false
		}
	}
	return false
}

// keep notes how far an ingest came.
func (a *author) keep(from, count uint64, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range count {
		a.fates[from+i] = kept
		a.seqs[from+i] = 0
	}
	if err != nil {
		a.failed++
		a.told.add(err)
	}
}
