package test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
)

// The streams of a convoy. Messages are stored in convoyStream; the others belong to buckets.
const (
	convoyStream = "L"
	convoyKV     = "KV_b"
)

const (
	callFor    = 5 * time.Second        // bound of each call that publishes
	lostFor    = 2 * time.Second        // the same, where patience is of no use
	fetchFor   = 2 * time.Second        // bound of each fetch
	beat       = 500 * time.Millisecond // heartbeat of pulls
	ackFor     = 3 * time.Second        // AckWait of consumers
	pace       = 20 * time.Millisecond  // between the messages of a publisher
	calm       = time.Second            // before the first fault
	settled    = 6 * time.Second        // after a fault nothing is blamed on it
	wholeAgain = 40 * time.Second       // in which a cluster elects, catches up, and everything is delivered
)

// convoy is JetStream in use on a cluster of three: publishers of numbered messages, readers of every kind, buckets. Its balance says what
// was lost, doubled, late, silent or left behind.
type convoy struct {
	t       *testing.T
	cluster *natstest.ClusterT
	nc      *nats.Conn // of the referee: no proxy disturbs it
	js      jetstream.JetStream
	links   []string // URLs for those under test
	opts    []nats.Option
	served  bool        // only links fail: the servers are well
	lossy   atomic.Bool // links swallow what they carry
	stalls  overruns    // of pauses
	unsaid  bool        // what an R1 consumer lives on dies: nobody tells its readers

	began   time.Time
	stop    chan struct{} // closed: publishers end
	giveUp  chan struct{} // closed: also those that wait for an ack
	quit    chan struct{} // closed: readers end
	crews   sync.WaitGroup
	authors []*author
	readers []*reader
	stores  []*stores
	conns   []*nats.Conn
	acked   map[string]*atomic.Uint64 // by stream: the highest sequence that was acknowledged

	mu     sync.Mutex
	faults []time.Time
}

// newConvoy makes the streams and starts everything. links are lists of URLs, dealt out in turn.
func newConvoy(t *testing.T, cluster *natstest.ClusterT, links []string, opts ...nats.Option) *convoy {
	t.Helper()
	c := &convoy{
		t: t, cluster: cluster, links: links, opts: opts, stop: make(chan struct{}), giveUp: make(chan struct{}), quit: make(chan struct{}),
		acked: map[string]*atomic.Uint64{convoyStream: {}, convoyKV: {}},
	}
	c.nc = dial(t, cluster.URL(), quickly(), silent())
	c.js = newJS(t, c.nc)
	c.insist("the stream", func(ctx context.Context) error {
		_, err := c.js.CreateStream(ctx, jetstream.StreamConfig{
			Name: convoyStream, Subjects: []string{"l.>"}, Replicas: 3, AllowDirect: true, AllowAtomicPublish: true, AllowBatchPublish: true,
		})
		return err
	})
	c.buckets()
	c.addReaders()
	c.addAuthors()
	c.watchSilence()
	c.crews.Go(func() { c.stalls.watch(c.stop) })
	c.began = time.Now()
	c.flows()
	<-time.After(calm * min(slower, 2))
	return c
}

// insist calls f until it succeeds: a fresh cluster that is short of time forgets a request now and then.
func (c *convoy) insist(what string, f func(ctx context.Context) error) {
	c.t.Helper()
	var err error
	for end := time.Now().Add(wholeAgain); time.Now().Before(end); pause() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		err = f(ctx)
		cancel()
		if err == nil {
			return
		}
	}
	c.t.Fatalf("%s: %v", what, err)
}

// dial makes a connection for one under test.
func (c *convoy) dial(opts ...nats.Option) *nats.Conn {
	c.t.Helper()
	link := c.links[len(c.conns)%len(c.links)]
	nc := dial(c.t, link, append([]nats.Option{
		quickly(), silent(), nats.DontRandomize(), nats.IgnoreDiscoveredServers(),
		nats.DisconnectErrHandler(func(*nats.Conn, error) { c.disturbed() }),
	}, slices.Concat(c.opts, opts)...)...)
	c.conns = append(c.conns, nc)
	return nc
}

func (c *convoy) jetStream() jetstream.JetStream {
	c.t.Helper()
	return newJS(c.t, c.dial(), jetstream.WithPublishAsyncTimeout(callFor), jetstream.WithDefaultTimeout(callFor))
}

func (c *convoy) legacy() nats.JetStreamContext {
	c.t.Helper()
	return legacyJS(c.t, c.dial(), nats.PublishAsyncTimeout(callFor), nats.MaxWait(callFor))
}

// disturbed notes a fault.
func (c *convoy) disturbed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = append(c.faults, time.Now())
}

// excused reports whether a fault explains that something that was on its way at from came again now.
func (c *convoy) excused(from time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.faults) > 0 && c.faults[len(c.faults)-1].After(from.Add(-settled))
}

// flows waits until every publisher has had acks, and every reader messages, from now on.
func (c *convoy) flows() {
	c.t.Helper()
	stuck := map[string]func() bool{}
	for _, a := range c.authors {
		before := a.count()
		stuck[a.name] = func() bool { return a.count() <= before }
	}
	for _, r := range c.readers {
		before := r.count()
		stuck[r.name] = func() bool { return r.count() <= before }
	}
	for end := time.Now().Add(wholeAgain); len(stuck) > 0; pause() {
		maps.DeleteFunc(stuck, func(_ string, still func() bool) bool { return !still() })
		if time.Now().After(end) {
			c.t.Fatalf("after %v nothing comes from %v\n%s%s", wholeAgain, slices.Sorted(maps.Keys(stuck)), c.told(), c.states())
		}
	}
}

// stepDown asks the leaders to hand over, without waiting for the outcome: of the stream, of the watched bucket, and of one consumer.
func (c *convoy) stepDown(i int) {
	c.disturbed()
	durables := c.durables()
	for _, subject := range []string{
		"STREAM.LEADER.STEPDOWN." + convoyStream, "STREAM.LEADER.STEPDOWN." + convoyKV,
		"CONSUMER.LEADER.STEPDOWN." + convoyStream + "." + durables[i%len(durables)],
	} {
		_ = c.nc.Publish("$JS.API."+subject, nil)
	}
}

func (c *convoy) durables() (names []string) {
	for _, r := range c.readers {
		if r.durable != "" {
			names = append(names, r.durable)
		}
	}
	return names
}

// end stops the publishers, waits until everything is delivered, stops the readers, and draws the balance.
func (c *convoy) end() {
	c.t.Helper()
	must(c.t, c.cluster.WaitReady())
	c.flows()
	close(c.stop)
	c.waitCrews()
	stored := c.referee()
	c.delivered(stored)
	close(c.quit)
	for _, r := range c.readers {
		await(c.t, "the end of "+r.name, r.done)
	}
	for _, a := range c.authors {
		a.balance(stored)
	}
	for _, r := range c.readers {
		r.balance(time.Since(c.began).Seconds())
	}
	raised := map[uint64]uint64{}
	for _, s := range c.stores {
		s.balance(raised)
	}
	c.counter(raised)
	c.leftovers()
	if c.t.Failed() {
		c.t.Logf("the machine was late by up to %v\n%s", time.Duration(c.stalls.worst.Load()), c.told())
	}
}

func (c *convoy) waitCrews() {
	c.t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); c.crews.Wait() }()
	select {
	case <-done:
		return
	case <-time.After(callFor + patience):
		close(c.giveUp)
	}
	await(c.t, "the publishers to end", done)
	c.t.Error("a publisher waited for an ack to the end")
}

// referee reads what the stream holds.
func (c *convoy) referee() (stored map[uint64]string) {
	c.t.Helper()
	stored = map[uint64]string{}
	var consumer jetstream.Consumer
	var last uint64
	c.insist("the referee's consumer", func(ctx context.Context) (err error) {
		var s jetstream.Stream
		if s, err = c.js.Stream(ctx, convoyStream); err != nil {
			return err
		}
		if last = s.CachedInfo().State.LastSeq; last < c.acked[convoyStream].Load() {
			return fmt.Errorf("the stream ends with %d, and %d is acknowledged", last, c.acked[convoyStream].Load())
		}
		consumer, err = s.CreateConsumer(ctx, jetstream.ConsumerConfig{AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true, Replicas: 1})
		return err
	})
	for end := time.Now().Add(wholeAgain); stored[last] == "" && last > 0; {
		if time.Now().After(end) {
			c.t.Fatalf("the referee read %d messages, not the last one, %d", len(stored), last)
		}
		b, err := consumer.Fetch(1000, jetstream.FetchMaxWait(fetchFor))
		must(c.t, err)
		for m := range b.Messages() {
			stored[sequenceOf(c.t, m)] = string(m.Data())
		}
	}
	must(c.t, c.js.DeleteConsumer(context.Background(), convoyStream, consumer.CachedInfo().Name))
	return stored
}

// delivered waits until every reader has everything, for as long as it gets on.
func (c *convoy) delivered(stored map[uint64]string) {
	c.t.Helper()
	for _, r := range c.readers {
		want := slices.Collect(maps.Keys(stored))
		if r.stream != convoyStream {
			want = nil
			for seq := range c.acked[r.stream].Load() {
				want = append(want, seq+1)
			}
		}
		for end, before := time.Now().Add(wholeAgain), r.count(); ; pause() {
			missing := r.missing(want)
			if len(missing) == 0 {
				break
			}
			if n := r.count(); n > before {
				end, before = time.Now().Add(wholeAgain), n
			}
			if time.Now().After(end) {
				c.t.Errorf("%s: %d of %d stored messages were not delivered: %v", r.name, len(missing), len(want), missing[:min(10, len(missing))])
				break
			}
		}
	}
}

// leftovers looks for what should be gone.
func (c *convoy) leftovers() {
	c.t.Helper()
	want := c.durables()
	slices.Sort(want)
	for stream, want := range map[string][]string{convoyStream: want, convoyKV: nil, "KV_sums": nil, "OBJ_o": nil} {
		var names []string
		for end := time.Now().Add(patience); ; pause() {
			names = c.consumers(stream)
			if slices.Equal(names, want) {
				break
			}
			if time.Now().After(end) {
				c.t.Errorf("stream %s has the consumers %v, want %v", stream, names, want)
				break
			}
		}
	}
	for i, nc := range c.conns {
		want := 1 // for replies
		for _, r := range c.readers {
			if r.keeps && r.nc == nc {
				want++
			}
		}
		if n := nc.NumSubscriptions(); n > want {
			c.t.Errorf("connection %d has %d subscriptions left, want %d", i, n, want)
		}
	}
}

// consumers are the names of those that the stream has, without those of probes.
func (c *convoy) consumers(stream string) (names []string) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s, err := c.js.Stream(ctx, stream)
	if err != nil {
		return []string{err.Error()}
	}
	list := s.ConsumerNames(ctx)
	for name := range list.Name() {
		if !strings.HasPrefix(name, "probe") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// states says what the servers know of the streams and their consumers.
func (c *convoy) states() string {
	var b strings.Builder
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for stream, acked := range c.acked {
		s, err := c.js.Stream(ctx, stream)
		if err != nil {
			fmt.Fprintf(&b, "%s: %v\n", stream, err)
			continue
		}
		info := s.CachedInfo()
		fmt.Fprintf(&b, "%s: %+v, cluster %+v, acknowledged up to %d\n", stream, info.State, info.Cluster, acked.Load())
		list := s.ListConsumers(ctx)
		for ci := range list.Info() {
			fmt.Fprintf(&b, "%s > %s: created %v from %d, delivered %+v, ack floor %+v, pending %d, bound %t, waiting %d, cluster %+v\n", stream, ci.Name, ci.Created,
				ci.Config.OptStartSeq, ci.Delivered, ci.AckFloor, ci.NumPending, ci.PushBound, ci.NumWaiting, ci.Cluster)
		}
	}
	for _, r := range c.readers {
		fmt.Fprintf(&b, "%s: at %d, %v to %s\n", r.name, r.highest(), r.nc.Status(), r.nc.ConnectedUrl())
	}
	return b.String()
}

// told lists the errors that those under test were told, with how often.
func (c *convoy) told() string {
	var b strings.Builder
	for _, a := range c.authors {
		fmt.Fprintf(&b, "%s: %v\n", a.name, a.told.list())
	}
	for _, r := range c.readers {
		fmt.Fprintf(&b, "%s: %v\n", r.name, r.told.list())
	}
	for _, s := range c.stores {
		fmt.Fprintf(&b, "buckets: %v\n", s.told.list())
	}
	return b.String()
}
