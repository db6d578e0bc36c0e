package test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/natstest"
)

// oldStage is a server, a connection that errors are collected of, and the stream S on s.> with messages.
type oldStage struct {
	srv *natstest.Server
	nc  *nats.Conn
	js  nats.JetStreamContext

	mu   sync.Mutex
	errs []error
}

func (g *oldStage) told() []error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.errs)
}

func (g *oldStage) opts(opts ...nats.Option) []nats.Option {
	return append([]nats.Option{nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.errs = append(g.errs, err)
	}), quickly()}, opts...)
}

func withOldJS(t *testing.T, opts ...nats.Option) *oldStage {
	t.Helper()
	t.Parallel()
	checkLeaks(t)
	g := &oldStage{srv: natstest.Run(t)}
	g.connect(t, g.srv.URL(), opts...)
	return g
}

func (g *oldStage) connect(t *testing.T, url string, opts ...nats.Option) {
	t.Helper()
	g.nc = dial(t, url, g.opts(opts...)...)
	var err error
	g.js, err = g.nc.JetStream()
	must(t, err)
	_, err = g.js.AddStream(&nats.StreamConfig{Name: "S", Subjects: []string{"s.>"}})
	must(t, err)
}

// store publishes messages with the payloads from..to-1.
func (g *oldStage) store(t *testing.T, from, to int) {
	t.Helper()
	var acks []nats.PubAckFuture
	for i := from; i < to; i++ {
		acks = append(acks, got[nats.PubAckFuture](t)(g.js.PublishAsync("s.a", []byte(strconv.Itoa(i)))))
	}
	<-g.js.PublishAsyncComplete()
	for _, ack := range acks {
		select {
		case err := <-ack.Err():
			t.Fatalf("not stored: %v", err)
		case <-ack.Ok():
		}
	}
}

func (g *oldStage) consumers(t *testing.T) (names []string) {
	t.Helper()
	for name := range g.js.ConsumerNames("S") {
		names = append(names, name)
	}
	return names
}

// numbered collects the payloads of messages, which are to come as 0, 1, 2 ...
type numbered struct {
	mu   sync.Mutex
	next int
	bad  []string
}

func (n *numbered) take(m *nats.Msg) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if string(m.Data) != strconv.Itoa(n.next) {
		n.bad = append(n.bad, fmt.Sprintf("%s instead of %d", m.Data, n.next))
	}
	n.next++
}

func (n *numbered) seen() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.next
}

func (n *numbered) check(t *testing.T, want int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d messages", want), func() bool { return n.seen() >= want })
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.next != want || len(n.bad) > 0 {
		t.Errorf("%d messages, want %d; %q", n.next, want, n.bad)
	}
}

func TestOldSubscribeKinds(t *testing.T) {
	g := withOldJS(t)
	g.store(t, 0, 300)
	ch := make(chan *nats.Msg, 1000)
	for name, ordered := range map[string][]nats.SubOpt{"plain": nil, "ordered": {nats.OrderedConsumer()}} {
		t.Run(name+" callback", func(t *testing.T) {
			var n numbered
			sub, err := g.js.Subscribe("s.a", n.take, ordered...)
			must(t, err)
			n.check(t, 300)
			if pending, err := sub.InitialConsumerPending(); err != nil || pending != 300 {
				t.Errorf("%d pending at the beginning, %v", pending, err)
			}
			info, err := sub.ConsumerInfo()
			must(t, err)
			if ordered == nil {
				eventually(t, "acks", func() bool {
					info, err = sub.ConsumerInfo()
					return err == nil && info.NumAckPending == 0 && info.AckFloor.Stream == 300
				})
			} else if info.Config.AckPolicy != nats.AckNonePolicy || !info.Config.FlowControl || info.Config.Heartbeat != 5*time.Second || info.Config.Replicas != 1 {
				t.Errorf("%+v", info.Config)
			}
			must(t, sub.Unsubscribe())
			eventually(t, "the end of the consumer", func() bool { return len(g.consumers(t)) == 0 })
		})
		t.Run(name+" NextMsg", func(t *testing.T) {
			var n numbered
			sub, err := g.js.SubscribeSync("s.a", ordered...)
			must(t, err)
			for range 300 {
				m, err := sub.NextMsg(5 * time.Second)
				must(t, err)
				n.take(m)
				if meta, err := m.Metadata(); err != nil || meta.Sequence.Stream != uint64(n.seen()) {
					t.Errorf("%+v, %v", meta, err)
				}
			}
			n.check(t, 300)
			must(t, sub.Unsubscribe())
		})
		t.Run(name+" channel", func(t *testing.T) {
			var n numbered
			sub, err := g.js.ChanSubscribe("s.a", ch, ordered...)
			must(t, err)
			for range 300 {
				n.take(await(t, "a message", ch))
			}
			n.check(t, 300)
			must(t, sub.Unsubscribe())
		})
	}
	eventually(t, "the end of all consumers", func() bool { return len(g.consumers(t)) == 0 })
	if n := g.nc.NumSubscriptions(); n != 0 {
		t.Errorf("%d subscriptions are left", n)
	}
}

// A channel, and NextMsg, that are slow do not cost an ordered subscription a message.
func TestOldOrderedSlowly(t *testing.T) {
	g := withOldJS(t)
	const n = 3000
	g.store(t, 0, n)
	t.Run("channel", func(t *testing.T) {
		var got numbered
		ch := make(chan *nats.Msg, 10)
		sub, err := g.js.ChanSubscribe("s.a", ch, nats.OrderedConsumer(), nats.IdleHeartbeat(500*time.Millisecond))
		must(t, err)
		for range n {
			got.take(await(t, "a message", ch))
		}
		got.check(t, n)
		must(t, sub.Unsubscribe())
	})
	t.Run("limits", func(t *testing.T) {
		var got numbered
		sub, err := g.js.SubscribeSync("s.a", nats.OrderedConsumer(), nats.IdleHeartbeat(500*time.Millisecond))
		must(t, err)
		must(t, sub.SetPendingLimits(50, -1))
		for range n {
			m, err := sub.NextMsg(5 * time.Second)
			if errors.Is(err, nats.ErrSlowConsumer) {
				m, err = sub.NextMsg(5 * time.Second)
			}
			must(t, err)
			got.take(m)
		}
		got.check(t, n)
		must(t, sub.Unsubscribe())
	})
}

func TestOldSubscribeEnds(t *testing.T) {
	g := withOldJS(t)
	g.store(t, 0, 20)
	gone := func(t *testing.T) {
		t.Helper()
		eventually(t, "the end of the consumers", func() bool { return len(g.consumers(t)) == 0 })
	}
	for name, opts := range map[string][]nats.SubOpt{"plain": nil, "durable": {nats.Durable("d")}, "ordered": {nats.OrderedConsumer()}} {
		t.Run(name+", Drain", func(t *testing.T) {
			var n numbered
			sub, err := g.js.Subscribe("s.a", n.take, opts...)
			must(t, err)
			n.check(t, 20)
			must(t, sub.Drain())
			gone(t)
			eventually(t, "the end", func() bool { return !sub.IsValid() })
		})
		t.Run(name+", a context", func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			sub, err := g.js.SubscribeSync("s.a", append(opts, nats.Context(ctx))...)
			must(t, err)
			cancel()
			gone(t)
			eventually(t, "the end", func() bool { return !sub.IsValid() })
		})
		t.Run(name+", from the callback", func(t *testing.T) {
			over := make(chan error, 1)
			_, err := g.js.Subscribe("s.a", func(m *nats.Msg) {
				select {
				case over <- m.Sub.Unsubscribe():
				default:
				}
			}, opts...)
			must(t, err)
			must(t, await(t, "Unsubscribe", over))
			gone(t)
		})
	}
	for name, opts := range map[string][]nats.SubOpt{"plain": nil, "ordered": {nats.OrderedConsumer()}} {
		t.Run(name+", AutoUnsubscribe", func(t *testing.T) {
			sub, err := g.js.SubscribeSync("s.a", opts...)
			must(t, err)
			must(t, sub.AutoUnsubscribe(5))
			for range 5 {
				got[*nats.Msg](t)(sub.NextMsg(5 * time.Second))
			}
			if m, err := sub.NextMsg(5 * time.Second); err != nats.ErrMaxMessages {
				t.Errorf("%v, %v", m, err)
			}
			gone(t)
		})
		t.Run(name+", Close", func(t *testing.T) {
			nc := dial(t, g.srv.URL())
			js, err := nc.JetStream()
			must(t, err)
			got[*nats.Subscription](t)(js.Subscribe("s.a", func(*nats.Msg) {}, opts...))
			nc.Close()
			gone(t)
		})
	}
	if n := g.nc.NumSubscriptions(); n != 0 {
		t.Errorf("%d subscriptions are left", n)
	}
}

func TestOldQueueSubscribe(t *testing.T) {
	g := withOldJS(t)
	var total atomic.Int32
	per := make([]atomic.Int32, 4)
	var subs [4]*nats.Subscription
	var all sync.WaitGroup
	for i := range per {
		all.Go(func() { // they may all find that there is no consumer yet
			sub, err := g.js.QueueSubscribe("s.a", "q", func(*nats.Msg) { per[i].Add(1); total.Add(1) })
			if err != nil {
				t.Error(err)
			}
			subs[i] = sub
		})
	}
	all.Wait()
	g.store(t, 0, 400)
	eventually(t, "all messages", func() bool { return total.Load() == 400 })
	for i := range per {
		if per[i].Load() == 0 {
			t.Errorf("member %d got nothing", i)
		}
	}
	if names := g.consumers(t); !slices.Equal(names, []string{"q"}) {
		t.Errorf("consumers %q", names)
	}
	for _, s := range subs {
		must(t, s.Unsubscribe())
	}
	if names := g.consumers(t); len(names) != 0 {
		t.Errorf("consumers %q are left", names)
	}
}

func TestOldSubscribeRefusals(t *testing.T) {
	g := withOldJS(t)
	g.store(t, 0, 1)
	cb := func(*nats.Msg) {}
	add := func(cfg nats.ConsumerConfig) {
		cfg.AckPolicy = nats.AckExplicitPolicy
		_, err := g.js.AddConsumer("S", &cfg)
		must(t, err)
	}
	add(nats.ConsumerConfig{Durable: "pull"})
	add(nats.ConsumerConfig{Durable: "grp", DeliverSubject: "dg", DeliverGroup: "g"})
	add(nats.ConsumerConfig{Durable: "push", DeliverSubject: "dp", AckWait: 7 * time.Second, FilterSubject: "s.a"})
	bound, err := g.js.Subscribe("s.a", cb, nats.Durable("bound"))
	must(t, err)
	before := g.nc.NumSubscriptions()
	for name, c := range map[string]struct {
		queue string
		subj  string
		cb    nats.MsgHandler
		opts  []nats.SubOpt
		want  string
	}{
		"no callback":         {subj: "s.a", want: "nats: invalid subscription"},
		"no subject":          {cb: cb, want: "nats: subject required"},
		"a bad subject":       {subj: "s a", cb: cb, want: "nats: invalid subject"},
		"no stream":           {subj: "nowhere", cb: cb, want: "nats: no stream matches subject"},
		"a pull consumer":     {subj: "s.a", cb: cb, opts: []nats.SubOpt{nats.Bind("S", "pull")}, want: "nats: must use pull subscribe to bind to pull based consumer"},
		"bound":               {subj: "s.a", cb: cb, opts: []nats.SubOpt{nats.Durable("bound")}, want: "consumer is already bound to a subscription"},
		"bind, not there":     {subj: "s.a", cb: cb, opts: []nats.SubOpt{nats.Bind("S", "none")}, want: "nats: consumer not found"},
		"without its group":   {subj: "s.a", cb: cb, opts: []nats.SubOpt{nats.Bind("S", "grp")}, want: `cannot create a subscription for a consumer with a deliver group "g"`},
		"another group":       {queue: "h", subj: "s.a", cb: cb, opts: []nats.SubOpt{nats.Bind("S", "grp")}, want: `cannot create a queue subscription "h" for a consumer with a deliver group "g"`},
		"no group":            {queue: "h", subj: "s.a", cb: cb, opts: []nats.SubOpt{nats.Bind("S", "push")}, want: "cannot create a queue subscription for a consumer without a deliver group"},
		"another ack wait":    {subj: "s.a", cb: cb, opts: []nats.SubOpt{nats.Bind("S", "push"), nats.AckWait(9 * time.Second)}, want: "nats: configuration requests ack wait to be 9s, but consumer's value is 7s"},
		"another subject":     {subj: "s.b", cb: cb, opts: []nats.SubOpt{nats.Bind("S", "push")}, want: "nats: subject does not match consumer"},
		"skip, no subject":    {subj: "s.a", cb: cb, opts: []nats.SubOpt{nats.Bind("S", "push"), nats.SkipConsumerLookup()}, want: "nats: invalid subject"},
		"a group with a dot":  {queue: "q.a", subj: "s.a", cb: cb, want: "nats: invalid consumer name"},
		"a group, heartbeat":  {queue: "q", subj: "s.a", cb: cb, opts: []nats.SubOpt{nats.IdleHeartbeat(time.Second)}, want: "nats: queue subscription doesn't support idle heartbeat nor flow control"},
		"flow without beats":  {subj: "s.a", cb: cb, opts: []nats.SubOpt{nats.EnableFlowControl()}, want: "nats: consumer with flow control also needs heartbeats"},
		"ordered group":       {queue: "q", subj: "s.a", cb: cb, opts: []nats.SubOpt{nats.OrderedConsumer()}, want: "nats: durable can not be set for an ordered consumer"},
		"ordered durable":     {subj: "s.a", cb: cb, opts: []nats.SubOpt{nats.OrderedConsumer(), nats.Durable("x")}, want: "nats: durable can not be set for an ordered consumer"},
		"ordered acks":        {subj: "s.a", cb: cb, opts: []nats.SubOpt{nats.OrderedConsumer(), nats.AckExplicit()}, want: "nats: ack policy can not be set for an ordered consumer"},
		"ordered max deliver": {subj: "s.a", cb: cb, opts: []nats.SubOpt{nats.OrderedConsumer(), nats.MaxDeliver(5)}, want: "nats: max deliver can not be set for an ordered consumer"},
		"ordered subject":     {subj: "s.a", cb: cb, opts: []nats.SubOpt{nats.OrderedConsumer(), nats.DeliverSubject("x")}, want: "nats: deliver subject can not be set for an ordered consumer"},
		"ordered bound":       {subj: "s.a", cb: cb, opts: []nats.SubOpt{nats.OrderedConsumer(), nats.Bind("S", "push")}, want: "nats: can not bind existing consumer for an ordered consumer"},
		"ordered, no stream":  {cb: cb, opts: []nats.SubOpt{nats.OrderedConsumer(), nats.BindStream("NONE")}, want: "nats: stream not found"},
		"ordered, refused":    {subj: "s.a", cb: cb, opts: []nats.SubOpt{nats.OrderedConsumer(), nats.MaxAckPending(3)}, want: "nats: consumer requires ack policy for max ack pending"},
		"a wild deliver":      {subj: "s.a", cb: cb, opts: []nats.SubOpt{nats.DeliverSubject("x.*")}, want: "nats: invalid subject"},
	} {
		sub, err := g.js.QueueSubscribe(c.subj, c.queue, c.cb, c.opts...)
		if sub != nil || err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	if _, err := g.js.ChanSubscribe("s.a", nil); err != nats.ErrBadSubscription {
		t.Errorf("no channel: %v", err)
	}
	if n := g.nc.NumSubscriptions(); n != before {
		t.Errorf("%d subscriptions, %d before", n, before)
	}
	must(t, bound.Unsubscribe())
	if names := g.consumers(t); len(names) != 3 {
		t.Errorf("consumers %q", names)
	}
}

// Ordered subscriptions go on where they were, whatever happens.
func TestOldOrderedOverFaults(t *testing.T) {
	for name, fault := range map[string]func(t *testing.T, g *oldStage, p *natstest.Proxy){
		"a cut": func(t *testing.T, _ *oldStage, p *natstest.Proxy) { p.Cut() },
		"a deleted consumer": func(t *testing.T, g *oldStage, _ *natstest.Proxy) {
			for _, c := range g.consumers(t) {
				must(t, g.js.DeleteConsumer("S", c))
			}
		},
		"a restart": func(t *testing.T, g *oldStage, _ *natstest.Proxy) {
			must(t, g.srv.Restart(true))
			eventually(t, "the reconnect", func() bool { return g.nc.Stats().Reconnects > 0 })
		},
		"a dead link": func(t *testing.T, _ *oldStage, p *natstest.Proxy) {
			p.Hole(natstest.Both)
			time.AfterFunc(time.Second, func() { _ = p.Heal() })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkLeaks(t)
			g := &oldStage{srv: natstest.Run(t)}
			p := natstest.NewProxy(t, g.srv.URL())
			g.connect(t, p.URL(), nats.PingInterval(time.Second))
			steady := &oldStage{srv: g.srv}
			steady.nc = dial(t, g.srv.URL(), steady.opts()...)
			var err error
			steady.js, err = steady.nc.JetStream()
			must(t, err)
			steady.store(t, 0, 500)
			var n numbered
			sub, err := g.js.Subscribe("s.a", n.take, nats.OrderedConsumer(), nats.IdleHeartbeat(500*time.Millisecond))
			must(t, err)
			n.check(t, 500)
			fault(t, steady, p)
			steady.store(t, 500, 1000)
			n.check(t, 1000)
			must(t, sub.Unsubscribe())
			eventually(t, "the end of the consumers", func() bool { return len(steady.consumers(t)) == 0 })
		})
	}
}

// Heartbeats that stop are told, and told again, and a consumer that is somebody else's is not replaced.
func TestOldPushHeartbeats(t *testing.T) {
	g := withOldJS(t)
	sub, err := g.js.Subscribe("s.a", func(*nats.Msg) {}, nats.Durable("d"), nats.IdleHeartbeat(200*time.Millisecond))
	must(t, err)
	must(t, g.js.DeleteConsumer("S", "d"))
	eventually(t, "two reports", func() bool {
		n := 0
		for _, err := range g.told() {
			if err == nats.ErrConsumerNotActive {
				n++
			}
		}
		return n >= 2
	})
	if !sub.IsValid() {
		t.Error("the subscription is over")
	}
	if _, err := sub.ConsumerInfo(); err != nats.ErrConsumerNotFound {
		t.Errorf("the consumer: %v", err)
	}
}

// Flow control holds the server back while the callback is slow, and the messages come all the same.
func TestOldFlowControl(t *testing.T) {
	g := withOldJS(t)
	const n = 2000
	for i := range n {
		_, err := g.js.PublishAsync("s.a", make([]byte, 8<<10), nats.MsgId(strconv.Itoa(i)))
		must(t, err)
	}
	<-g.js.PublishAsyncComplete()
	release, begun := make(chan struct{}), make(chan struct{})
	var once sync.Once
	var count atomic.Int32
	sub, err := g.js.Subscribe("s.a", func(*nats.Msg) {
		once.Do(func() { close(begun); <-release })
		count.Add(1)
	}, nats.AckNone(), nats.EnableFlowControl(), nats.IdleHeartbeat(300*time.Millisecond))
	must(t, err)
	await(t, "the first message", begun)
	stalled := 0
	eventually(t, "a stall", func() bool { // the same number is pending for a while
		pending, _, err := sub.Pending()
		must(t, err)
		same := pending == stalled
		stalled = pending
		time.Sleep(50 * time.Millisecond)
		return same && pending > 0
	})
	if stalled >= n-1 {
		t.Errorf("the server has sent all %d messages to a callback that waits", stalled+1)
	}
	close(release)
	eventually(t, "all messages", func() bool { return count.Load() == n })
	must(t, sub.Unsubscribe())
}
