package test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
)

// storm is a cluster of three processes with proxies before them, to which everything happens: links are cut or turn into black holes, leaders step down, one
// process is killed and comes back. A seed decides what and when.
type storm struct {
	t       *testing.T
	seed    uint64
	rng     *rand.Rand // of the one who calls blow
	cluster *natstest.ClusterT
	proxies []*natstest.Proxy
	links   []string
	nc      *nats.Conn // of the referee: no proxy disturbs it
	js      jetstream.JetStream
	conns   []*nats.Conn
	streams []string // whose leaders step down; the leader of the first one is killed

	cutting sync.Mutex // held while one link after the other breaks
}

func newStorm(t *testing.T, seed uint64, streams ...string) *storm {
	t.Helper()
	cluster := startJSCluster(t, natstest.AsProcess(), natstest.WithoutAdvertise())
	s := &storm{t: t, seed: seed, rng: rand.New(rand.NewPCG(seed, 1000)), cluster: cluster, streams: streams}
	s.proxies, s.links = proxies(t, cluster)
	s.nc = dial(t, cluster.URL(), quickly(), silent())
	s.js = newJS(t, s.nc)
	return s
}

// dial makes the connection of client i, which begins at server i%3. Every other client goes round the servers the other way: else all would be at
// the same one before long.
func (s *storm) dial(i int, opts ...nats.Option) *nats.Conn {
	s.t.Helper()
	urls := strings.Split(s.links[i%3], ",")
	if i%2 == 1 {
		slices.Reverse(urls[1:])
	}
	nc := dial(s.t, strings.Join(urls, ","), append([]nats.Option{quickly(), silent(), nats.DontRandomize()}, opts...)...)
	s.conns = append(s.conns, nc)
	return nc
}

// bucket makes one with three replicas.
func (s *storm) bucket(cfg jetstream.KeyValueConfig) {
	s.t.Helper()
	cfg.Replicas = 3
	s.insist("the bucket", func(ctx context.Context) error {
		_, err := s.js.CreateKeyValue(ctx, cfg)
		if errors.Is(err, jetstream.ErrBucketExists) {
			return nil
		}
		return err
	})
}

// open makes a handle to a bucket, of the older API or the newer one.
func (s *storm) open(nc *nats.Conn, older bool, name string) (b bucket) {
	s.t.Helper()
	s.insist("bucket "+name, func(ctx context.Context) error {
		if older {
			o, err := legacyJS(s.t, nc, nats.MaxWait(opFor)).KeyValue(name)
			b = oldBucket{o}
			return err
		}
		n, err := newJS(s.t, nc, jetstream.WithDefaultTimeout(opFor)).KeyValue(ctx, name)
		b = newBucket{s.t, n}
		return err
	})
	return b
}

// insist calls f until it succeeds.
func (s *storm) insist(what string, f func(ctx context.Context) error) {
	s.t.Helper()
	var err error
	for end := time.Now().Add(wholeAgain); time.Now().Before(end); pause() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		err = f(ctx)
		cancel()
		if err == nil {
			return
		}
	}
	s.t.Fatalf("%s: %v", what, err)
}

// blow does everything once, and returns when the last of it is over and flows reports that work goes on. between is called in the middle.
func (s *storm) blow(flows func() bool, between func()) {
	s.t.Helper()
	stop := make(chan struct{})
	var cutter sync.WaitGroup
	cutter.Go(func() { s.cuts(stop) })
	defer cutter.Wait()
	defer close(stop)
	s.goesOn("at first", flows)
	for range 2 {
		s.stepDown()
		s.wait(300*time.Millisecond, 600*time.Millisecond)
	}
	between()
	srv := s.victim()
	must(s.t, srv.Kill())
	s.wait(500*time.Millisecond, time.Second)
	if s.seed%4 < 2 { // comes back before or after the others have found that it is gone
		s.goesOn("without "+srv.Name(), flows)
	}
	must(s.t, srv.Restart(true))
	s.goesOn("with "+srv.Name()+" again", flows)
	s.stepDown()
	s.wait(300*time.Millisecond, 600*time.Millisecond)
	s.goesOn("at last", flows)
}

func (s *storm) goesOn(when string, flows func() bool) {
	s.t.Helper()
	for end := time.Now().Add(wholeAgain); !flows(); pause() {
		if time.Now().After(end) {
			s.t.Fatalf("nothing goes on %s", when)
		}
	}
}

// victim is the one to be killed: the leader of the first stream for odd seeds, another server for even ones.
func (s *storm) victim() *natstest.Server {
	s.t.Helper()
	leader := s.cluster.StreamLeader(s.streams[0])
	if s.seed%2 == 1 {
		return leader
	}
	others := slices.DeleteFunc(s.cluster.Servers(), func(srv *natstest.Server) bool { return srv == leader })
	return others[s.rng.IntN(len(others))]
}

// stepDown asks leaders to hand over, without waiting for the outcome.
func (s *storm) stepDown() {
	for _, stream := range s.streams {
		_ = s.nc.Publish("$JS.API.STREAM.LEADER.STEPDOWN."+stream, nil)
	}
}

func (s *storm) wait(least, most time.Duration) {
	<-time.After(least + time.Duration(s.rng.Int64N(int64(most-least))))
}

// holeFor is longer than the TTL of the locks.
const holeFor = 1500 * time.Millisecond

// cuts breaks links until stop is closed, and turns those to one server into black holes now and then.
func (s *storm) cuts(stop <-chan struct{}) {
	rng := rand.New(rand.NewPCG(s.seed, 1001))
	for i := 1; s.cut(i, rng, stop); i++ {
	}
}

// cut breaks links of one server, and waits; false: stop is closed.
func (s *storm) cut(i int, rng *rand.Rand, stop <-chan struct{}) (goesOn bool) {
	s.cutting.Lock()
	defer s.cutting.Unlock()
	p := s.proxies[rng.IntN(len(s.proxies))]
	pause := 150*time.Millisecond + time.Duration(rng.IntN(400))*time.Millisecond
	if i%6 == 0 {
		p.Hole(natstest.Both)
		pause = holeFor
	} else {
		p.Cut()
	}
	defer func() { _ = p.Heal() }() // it reports what is wrong itself
	select {
	case <-stop:
		return false
	case <-time.After(pause):
		return true
	}
}

// strand turns the links of the server to which nc is connected into black holes while f runs. Other clients are elsewhere.
func (s *storm) strand(nc *nats.Conn, f func()) {
	url := nc.ConnectedUrl()
	for _, other := range s.conns {
		for end := time.Now().Add(patience); other != nc && other.ConnectedUrl() == url && time.Now().Before(end); pause() {
			_ = other.ForceReconnect() // it goes to the next server
		}
	}
	for _, p := range s.proxies {
		if p.URL() == url {
			p.Hole(natstest.Both)
			f()
			_ = p.Heal() // it reports what is wrong itself
		}
	}
}

// calm waits until the cluster is whole and all replicas are level. No client writes any more.
func (s *storm) calm() {
	s.t.Helper()
	must(s.t, s.cluster.WaitReady())
	for i, nc := range s.conns {
		if !nc.IsClosed() {
			eventually(s.t, fmt.Sprintf("link %d", i), func() bool { return nc.FlushTimeout(patience) == nil })
		}
	}
	for _, stream := range s.streams {
		must(s.t, s.cluster.WaitCurrent(stream))
	}
}

// stored is everything that a bucket has, in order.
func (s *storm) stored(bucket string) (all []entry) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), wholeAgain)
	defer cancel()
	var stream jetstream.Stream
	s.insist("the stream", func(ctx context.Context) (err error) { stream, err = s.js.Stream(ctx, "KV_"+bucket); return err })
	for seq := uint64(1); seq <= stream.CachedInfo().State.LastSeq; seq++ {
		m, err := stream.GetMsg(ctx, seq)
		if err == jetstream.ErrMsgNotFound {
			continue
		}
		must(s.t, err)
		e := entry{bucket: bucket, key: strings.TrimPrefix(m.Subject, "$KV."+bucket+"."), value: string(m.Data), revision: m.Sequence}
		switch m.Header.Get("KV-Operation") {
		case "DEL":
			e.op = 1
		case "PURGE":
			e.op = 2
		}
		all = append(all, e)
	}
	return all
}
