package test

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/natstest"
)

var long = flag.Duration("long", 0, "how long each of the tests with a cluster goes on; 0: some seconds")

// fleet is a cluster in use: publishers of numbered messages, receivers, and clients that ask questions. Each server has a receiver and a
// responder of its own, which never go elsewhere: what a server has taken from a publisher reaches the receiver there, or another one
// by a route.
type fleet struct {
	t       *testing.T
	cluster *natstest.ClusterT
	stop    chan struct{}
	crews   sync.WaitGroup

	receivers  []*nats.Conn
	publishers []*fleetPublisher
	askers     []*asker
	stalls     overruns // of pauses
}

const (
	fleetSubject = "fleet"
	askSubject   = "ask"
	askFor       = time.Second // bound of each question
)

// fleetPublisher publishes numbered messages.
type fleetPublisher struct {
	f        *fleet
	id       uint32
	nc       *nats.Conn
	j        journal
	accepted uint64 // publishes without an error: their numbers are 0 to accepted-1
	refused  int
	confirm  bool // stays with one server, and flushes now and then

	mu      sync.Mutex
	arrived map[uint64]uint8 // number: which receivers got it, a bit each
	doubles int
	behind  int       // messages that a receiver got behind later ones
	last    [8]uint64 // the latest number of each receiver, plus one
}

// asker asks one question after the other.
type asker struct {
	nc         *nats.Conn
	asked      int
	answered   atomic.Int64
	wrong      int
	overrun    time.Duration // by how much the slowest one missed its bound
	gap        time.Duration // the longest time without an answer
	unexpected error
}

// newFleet starts everything. links are the URLs for publishers and askers, a list for each of three crews.
func newFleet(t *testing.T, cluster *natstest.ClusterT, links []string, confirm bool, opts ...nats.Option) *fleet {
	t.Helper()
	f := &fleet{t: t, cluster: cluster, stop: make(chan struct{})}
	for i, srv := range cluster.Servers() {
		pinned := []nats.Option{quickly(), silent(), nats.IgnoreDiscoveredServers()}
		nc := dial(t, srv.URL(), pinned...)
		sub, err := nc.Subscribe(fleetSubject, func(m *nats.Msg) { f.receive(i, m) })
		must(t, err)
		must(t, sub.SetPendingLimits(-1, -1))
		responder := dial(t, srv.URL(), pinned...)
		got[*nats.Subscription](t)(responder.QueueSubscribe(askSubject, "q", func(m *nats.Msg) { _ = m.Respond(m.Data) }))
		f.receivers = append(f.receivers, nc)
		must(t, nc.Flush())
		must(t, responder.Flush())
	}
	for i, link := range links {
		all := append([]nats.Option{quickly(), nats.DontRandomize()}, opts...)
		p := &fleetPublisher{f: f, id: uint32(i), confirm: confirm, arrived: map[uint64]uint8{}}
		p.nc = dial(t, link, append(all, p.j.handler())...)
		f.publishers = append(f.publishers, p)
		f.askers = append(f.askers, &asker{nc: dial(t, link, append(all, silent())...)})
	}
	for _, p := range f.publishers {
		f.probe(p)
	}
	for _, p := range f.publishers {
		f.crews.Go(p.run)
	}
	for _, a := range f.askers {
		f.crews.Go(func() { a.run(f.stop) })
	}
	f.crews.Go(func() { f.stalls.watch(f.stop) })
	return f
}

func (f *fleet) receive(receiver int, m *nats.Msg) {
	if len(m.Data) != 12 {
		return
	}
	p := f.publishers[binary.BigEndian.Uint32(m.Data)]
	n := binary.BigEndian.Uint64(m.Data[4:])
	p.mu.Lock()
	defer p.mu.Unlock()
	bit := uint8(1) << receiver
	if p.arrived[n]&bit != 0 {
		p.doubles++
	}
	p.arrived[n] |= bit
	if n+1 < p.last[receiver] {
		p.behind++
	}
	p.last[receiver] = max(p.last[receiver], n+1)
}

// probe publishes until every receiver gets what p says: the servers know of all subscriptions then.
func (f *fleet) probe(p *fleetPublisher) {
	f.t.Helper()
	all := uint8(1)<<len(f.receivers) - 1
	eventually(f.t, fmt.Sprintf("publisher %d to reach all receivers", p.id), func() bool {
		n := p.accepted
		p.publish()
		_ = p.nc.FlushTimeout(patience)
		for end := time.Now().Add(100 * time.Millisecond); time.Now().Before(end); pause() {
			if p.reached(n) == all {
				return true
			}
		}
		return false
	})
}

func (p *fleetPublisher) reached(n uint64) uint8 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.arrived[n]
}

func (p *fleetPublisher) publish() {
	data := make([]byte, 12)
	binary.BigEndian.PutUint32(data, p.id)
	binary.BigEndian.PutUint64(data[4:], p.accepted)
	if err := p.nc.Publish(fleetSubject, data); err != nil {
		p.refused++
		return
	}
	p.accepted++
}

// run publishes ten messages a millisecond. It ends with the fleet.
func (p *fleetPublisher) run() {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-p.f.stop:
			return
		case <-tick.C:
		}
		for range 10 {
			p.publish()
		}
		if p.confirm && i%20 == 0 {
			_ = p.nc.FlushTimeout(patience) // what it does not confirm is told
		}
	}
}

// run asks until stop is closed.
func (a *asker) run(stop <-chan struct{}) {
	last := time.Now()
	for {
		select {
		case <-stop:
			return
		default:
		}
		a.asked++
		question := strconv.Itoa(a.asked)
		began := time.Now()
		m, err := a.nc.Request(askSubject, []byte(question), askFor)
		a.overrun = max(a.overrun, time.Since(began)-askFor)
		switch {
		case err == nil && string(m.Data) == question:
			a.answered.Add(1)
			a.gap = max(a.gap, time.Since(last))
			last = time.Now()
		case err == nil:
			a.wrong++
		case errors.Is(err, nats.ErrNoResponders):
			pause() // nobody is there for the moment
		case !errors.Is(err, nats.ErrTimeout) && !errors.Is(err, nats.ErrDisconnected):
			a.unexpected = err
		}
	}
}

// end stops the crews, waits until everything that can arrive has, and draws the balance.
func (f *fleet) end() {
	f.t.Helper()
	close(f.stop)
	done := make(chan struct{})
	go func() { defer close(done); f.crews.Wait() }()
	await(f.t, "publishers and askers to end", done)
	for _, p := range f.publishers {
		eventually(f.t, "a flush", func() bool { return p.nc.FlushTimeout(patience) == nil })
		f.probe(p) // and what came before it
		p.balance()
	}
	for i, a := range f.askers {
		f.t.Logf("asker %d: %d of %d answered, longest time without an answer %v", i, a.answered.Load(), a.asked, a.gap.Round(time.Millisecond))
		if a.wrong > 0 || a.unexpected != nil {
			f.t.Errorf("asker %d: %d wrong answers, unexpected error %v", i, a.wrong, a.unexpected)
		}
		if limit := f.stalls.allowed(); a.overrun > limit {
			f.t.Errorf("asker %d: a question took %v longer than its bound, want %v at most on a machine that was late by up to %v", i, a.overrun, limit, time.Duration(f.stalls.worst.Load()))
		}
		if limit := 2*askFor + patience/10*slower; a.gap > limit {
			f.t.Errorf("asker %d: %v without an answer, want %v at most", i, a.gap, limit)
		}
	}
}

// balance checks that what did not arrive was told.
func (p *fleetPublisher) balance() {
	t := p.f.t
	t.Helper()
	var missing, unconfirmed, dropped, doubles, behind int
	count := func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		missing, doubles, behind = int(p.accepted)-len(p.arrived), p.doubles, p.behind
	}
	for end := time.Now().Add(patience); ; pause() {
		count()
		unconfirmed, dropped = p.j.losses()
		if missing <= unconfirmed+dropped || time.Now().After(end) {
			break
		}
	}
	t.Logf("publisher %d: %d accepted, %d refused, %d missing, told: %d unconfirmed at most, %d dropped; %d behind later ones, %d reconnects",
		p.id, p.accepted, p.refused, missing, unconfirmed, dropped, behind, p.nc.Stats().Reconnects)
	if missing > unconfirmed+dropped {
		t.Errorf("publisher %d: %d of %d did not arrive, told: %d unconfirmed at most, %d dropped", p.id, missing, p.accepted, unconfirmed, dropped)
	}
	if doubles > 0 {
		t.Errorf("publisher %d: %d messages arrived twice", p.id, doubles)
	}
	// Between servers the order is that of a route: what a publisher says to another server may overtake what it said to the last one.
	if behind > 0 && p.confirm {
		t.Errorf("publisher %d: %d messages arrived behind later ones", p.id, behind)
	}
	if p.refused > 0 {
		t.Errorf("publisher %d: %d publishes refused", p.id, p.refused)
	}
}

// rounds calls f again and again: least times, and until the time of -long is over.
func rounds(least int, f func(i int)) {
	end := time.Now().Add(*long)
	for i := 0; i < least || time.Now().Before(end); i++ {
		f(i)
	}
}

// works waits until publishers, askers and receivers have links and askers get answers. The receiver of the server without, -1 for none
// of them, is left out.
func (f *fleet) works(without int) {
	f.t.Helper()
	for i := range f.publishers {
		before := f.askers[i].answered.Load()
		eventually(f.t, "a link and answers", func() bool {
			return f.publishers[i].nc.IsConnected() && f.askers[i].answered.Load() > before+20
		})
	}
	for i, nc := range f.receivers {
		if i != without {
			eventually(f.t, "a receiver's link", func() bool { return nc.FlushTimeout(patience) == nil })
		}
	}
}

// reconnects counts those of publishers and askers.
func (f *fleet) reconnects() (sum int) {
	for _, p := range f.publishers {
		sum += int(p.nc.Stats().Reconnects)
	}
	for _, a := range f.askers {
		sum += int(a.nc.Stats().Reconnects)
	}
	return sum
}

// moved counts lame duck announcements.
type moved struct{ n atomic.Int64 }

func (m *moved) option() nats.Option {
	return nats.LameDuckModeHandler(func(*nats.Conn) { m.n.Add(1) })
}
