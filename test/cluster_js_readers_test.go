package test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
)

// reader receives a stream in one of the ways that there are.
type reader struct {
	c       *convoy
	name    string
	stream  string
	durable string        // its consumer; "" for those that the library makes: they deliver in order, each message once
	beat    time.Duration // its heartbeat
	nc      *nats.Conn
	keeps   bool            // its consumer keeps a subscription for the next fetch
	batches bool            // it fetches
	work    func(r *reader) // until quit is closed
	done    chan struct{}

	mu        sync.Mutex
	first     map[uint64]time.Time // stream sequence: its first delivery
	confirmed map[uint64]time.Time // acks that the server has confirmed
	top       uint64               // the highest sequence
	again     int                  // deliveries of what was delivered before
	busy      bool                 // waits for the confirmation of an ack
	wrong     []string
	told      tally
	overruns  overruns
	silence   silence
}

const (
	quiet     = time.Second     // what readers may be silent for
	watchBeat = 5 * time.Second // heartbeat of watches
)

// addReaders makes the consumers and starts one reader of each kind.
func (c *convoy) addReaders() {
	c.t.Helper()
	pull, ordered, old := c.dial(), c.dial(), c.dial()
	for name, work := range map[string]func(r *reader, h jetstream.Consumer){
		"fetch": func(r *reader, h jetstream.Consumer) { r.fetch(h, 50) }, "next": (*reader).next, "messages": (*reader).messages, "consume": (*reader).consume,
	} {
		h := c.durable(newJS(c.t, pull), jetstream.ConsumerConfig{Durable: name})
		c.addReader(&reader{name: name, durable: name, nc: pull, keeps: name == "fetch" || name == "next", work: func(r *reader) { work(r, h) }})
	}
	for name, work := range map[string]func(r *reader, h jetstream.Consumer){
		"ordered consume": (*reader).consume, "ordered messages": (*reader).messages,
	} {
		var h jetstream.Consumer
		js := newJS(c.t, ordered)
		c.insist(name, func(ctx context.Context) (err error) {
			h, err = js.OrderedConsumer(ctx, convoyStream, jetstream.OrderedConsumerConfig{})
			return err
		})
		c.addReader(&reader{name: name, nc: ordered, work: func(r *reader) { work(r, h) }})
	}
	c.addOrderedFetch()
	c.durable(c.js, jetstream.ConsumerConfig{Durable: "old-fetch"})
	var sub *nats.Subscription
	c.insist("old fetch", func(context.Context) (err error) {
		sub, err = legacyJS(c.t, old).PullSubscribe("", "", nats.Bind(convoyStream, "old-fetch"))
		return err
	})
	c.addReader(&reader{name: "old fetch", durable: "old-fetch", nc: old, work: func(r *reader) { r.oldFetch(sub) }})
	c.addPushReaders()
}

// addOrderedFetch adds one whose every fetch has a consumer of its own. The last of them goes with the connection.
func (c *convoy) addOrderedFetch() {
	c.t.Helper()
	nc := c.dial()
	var h jetstream.Consumer
	c.insist("ordered fetch", func(ctx context.Context) (err error) {
		h, err = newJS(c.t, nc).OrderedConsumer(ctx, convoyStream, jetstream.OrderedConsumerConfig{})
		return err
	})
	c.addReader(&reader{name: "ordered fetch", nc: nc, work: func(r *reader) {
		defer nc.Close()
		r.fetch(h, 1000)
	}})
}

// durable makes a consumer of the stream.
func (c *convoy) durable(js jetstream.JetStream, cfg jetstream.ConsumerConfig) (h jetstream.Consumer) {
	c.t.Helper()
	cfg.AckWait, cfg.MaxAckPending = ackFor, 20_000
	c.insist(cfg.Durable, func(ctx context.Context) (err error) {
		h, err = js.CreateOrUpdateConsumer(ctx, convoyStream, cfg)
		return err
	})
	return h
}

func (c *convoy) addPushReaders() {
	c.t.Helper()
	nc := c.dial()
	h := c.pusher(newJS(c.t, nc), "push")
	c.addReader(&reader{name: "push", durable: "push", nc: nc, work: func(r *reader) { r.push(h) }})

	c.pusher(c.js, "old-push")
	c.subscribed("old push", "old-push", nats.Bind(convoyStream, "old-push"), nats.ManualAck())
	c.nextMsg()
	c.subscribed("old ordered", "", nats.BindStream(convoyStream), nats.OrderedConsumer(), nats.IdleHeartbeat(beat))
}

// pusher makes a durable push consumer.
func (c *convoy) pusher(js jetstream.JetStream, name string) (h jetstream.PushConsumer) {
	c.t.Helper()
	c.insist(name, func(ctx context.Context) (err error) {
		h, err = js.CreateOrUpdatePushConsumer(ctx, convoyStream, jetstream.ConsumerConfig{
			Durable: name, DeliverSubject: "deliver." + name, AckWait: ackFor, MaxAckPending: 20_000, FlowControl: true, IdleHeartbeat: beat,
		})
		return err
	})
	return h
}

// addReader starts r. Unless it says otherwise it reads the stream of messages.
func (c *convoy) addReader(r *reader) {
	r.c, r.done = c, make(chan struct{})
	r.first, r.confirmed = map[uint64]time.Time{}, map[uint64]time.Time{}
	r.silence.from = time.Now()
	if r.stream == "" {
		r.stream = convoyStream
	}
	if r.beat == 0 {
		r.beat = beat
	}
	c.readers = append(c.readers, r)
	go func() {
		defer close(r.done)
		r.work(r)
	}()
}

func (r *reader) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.first)
}

// got notes a message.
func (r *reader) got(seq uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	r.silence.sign(now)
	first, before := r.first[seq]
	switch {
	case r.durable == "" && seq != r.top+1:
		r.wrongLocked("out of order: %d behind %d", seq, r.top)
	case before:
		r.again++
		if at, ok := r.confirmed[seq]; ok && now.Sub(at) > quiet {
			r.wrongLocked("%d came %v after its ack was confirmed", seq, now.Sub(at))
		}
		if !r.c.excused(first) {
			r.wrongLocked("%d came again after %v, and nothing was wrong", seq, now.Sub(first))
		}
	}
	if !before {
		r.first[seq] = now
	}
	r.top = max(r.top, seq)
}

func (r *reader) wrongLocked(format string, args ...any) {
	r.wrong = append(r.wrong, fmt.Sprintf(format, args...))
}

// tells notes an error; those that only say that there was nothing are none.
func (r *reader) tells(err error) {
	if err == nil || errors.Is(err, nats.ErrTimeout) {
		return
	}
	r.told.add(err)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.silence.sign(time.Now())
}

func (r *reader) ended() bool {
	select {
	case <-r.c.quit:
		return true
	default:
		return false
	}
}

// received is what a reader needs of a message, of whichever API.
type received interface {
	Metadata() (*jetstream.MsgMetadata, error)
	Ack() error
}

// take notes a message and acknowledges it.
func (r *reader) take(m received) {
	if _, ok := r.note(m); ok && r.durable != "" {
		_ = m.Ack()
	}
}

// note is got for a message; not ok: it does not say where it stands.
func (r *reader) note(m received) (seq uint64, ok bool) {
	meta, err := m.Metadata()
	if err != nil {
		r.tells(err)
		return 0, false
	}
	r.got(meta.Sequence.Stream)
	return meta.Sequence.Stream, true
}

// confirm is take that waits for the ack's confirmation.
func (r *reader) confirm(m jetstream.Msg) {
	seq, ok := r.note(m)
	if !ok {
		return
	}
	r.setBusy(true)
	began := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), fetchFor)
	defer cancel()
	err := m.DoubleAck(ctx)
	r.overruns.bounded(began, fetchFor)
	r.setBusy(false)
	if err != nil {
		r.told.add(err)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.confirmed[seq] = time.Now()
}

func (r *reader) setBusy(busy bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.busy = busy
	r.silence.sign(time.Now())
}

func (r *reader) fetch(h jetstream.Consumer, batch int) {
	r.batches = true
	for !r.ended() {
		began := time.Now()
		b, err := h.Fetch(batch, jetstream.FetchMaxWait(fetchFor), jetstream.FetchHeartbeat(beat))
		if err != nil {
			r.tells(err)
			continue
		}
		for m := range b.Messages() {
			r.take(m)
		}
		r.overruns.bounded(began, fetchFor)
		r.tells(b.Error())
	}
}

func (r *reader) next(h jetstream.Consumer) {
	for !r.ended() {
		began := time.Now()
		m, err := h.Next(jetstream.FetchMaxWait(fetchFor), jetstream.FetchHeartbeat(beat))
		r.overruns.bounded(began, fetchFor)
		if err != nil {
			r.tells(err)
			continue
		}
		r.confirm(m)
	}
}

func (r *reader) messages(h jetstream.Consumer) {
	it, err := h.Messages(jetstream.PullExpiry(fetchFor), jetstream.PullHeartbeat(beat))
	if err != nil {
		r.c.t.Errorf("%s: %v", r.name, err)
		return
	}
	go func() { <-r.c.quit; it.Stop() }()
	for {
		m, err := it.Next()
		switch {
		case err == nil:
			r.take(m)
		case errors.Is(err, jetstream.ErrMsgIteratorClosed):
			if !r.ended() {
				r.c.t.Errorf("%s ended: %v", r.name, err)
			}
			return
		default:
			r.tells(err)
		}
	}
}

func (r *reader) consume(h jetstream.Consumer) {
	cc, err := h.Consume(func(m jetstream.Msg) { r.take(m) }, jetstream.PullExpiry(fetchFor), jetstream.PullHeartbeat(beat),
		jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) { r.tells(err) }))
	r.until(cc, err)
}

func (r *reader) push(h jetstream.PushConsumer) {
	cc, err := h.Consume(func(m jetstream.Msg) { r.take(m) }, jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) { r.tells(err) }))
	r.until(cc, err)
}

// until stops a Consume at the end, and looks whether it lasts so long.
func (r *reader) until(cc jetstream.ConsumeContext, err error) {
	if err != nil {
		r.c.t.Errorf("%s: %v", r.name, err)
		return
	}
	select {
	case <-r.c.quit:
		cc.Stop()
		<-cc.Closed()
	case <-cc.Closed():
		r.c.t.Errorf("%s ended: %v", r.name, r.told.list())
	}
}

// missing are those of want that were not delivered.
func (r *reader) missing(want []uint64) (seqs []uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, seq := range want {
		if _, ok := r.first[seq]; !ok {
			seqs = append(seqs, seq)
		}
	}
	slices.Sort(seqs)
	return seqs
}

// balance checks what can be checked of one reader; what was not delivered has been looked for.
func (r *reader) balance(seconds float64) {
	t := r.c.t
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	t.Logf("%-18s %5d messages, %4d again, %3d errors told, longest silence %4v, able and owed at %d of %d looks", r.name+":", len(r.first), r.again, r.told.sum(),
		r.silence.longest.Round(time.Millisecond), r.silence.able, r.silence.looks)
	if len(r.wrong) > 0 {
		t.Errorf("%s: %d wrong: %v", r.name, len(r.wrong), r.wrong[:min(len(r.wrong), 10)])
	}
	limit := quiet
	switch {
	case r.c.unsaid:
		limit += 2 * r.beat
	case r.c.lossy.Load():
		limit += 2 * min(r.beat, pings)
	}
	if limit += 500 * time.Millisecond * slower; r.silence.longest > limit {
		t.Errorf("%s: silent for %v, want %v at most", r.name, r.silence.longest, limit)
	}
	// A loop that is told something at once must not spin.
	if n := r.told.sum(); float64(n) > 50+10*seconds {
		t.Errorf("%s: %d errors in %.0f s: %v", r.name, n, seconds, r.told.list())
	}
	late := time.Duration(0)
	if r.batches && (r.c.unsaid || r.c.lossy.Load()) {
		late = 2 * r.beat // who should end a batch has gone in silence before its time was over
	}
	r.overruns.check(t, r.name, late, &r.c.stalls)
}
