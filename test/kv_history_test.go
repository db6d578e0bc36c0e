package test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
)

var (
	seeds = flag.Int("seeds", 0, "how many runs with buckets under faults; 0: one")
	seed  = flag.Uint64("seed", 1, "seed of the first of them")
)

// TestKVUnderFaults has everything happen to clusters with buckets in use. Odd seeds kill a leader, even ones another server. The clusters of one
// seed run side by side, whatever -parallel says: most of the time they wait for elections.
func TestKVUnderFaults(t *testing.T) {
	for i := range uint64(max(*seeds, 1)) {
		t.Run(fmt.Sprint("seed ", *seed+i), func(t *testing.T) {
			var all sync.WaitGroup
			defer all.Wait()
			for name, f := range map[string]func(t *testing.T, seed uint64){
				"history": history, "locks": rivalry, "elections": elections, "caches": caches, "objects": objectsInACluster,
			} {
				all.Go(func() { t.Run(name, func(t *testing.T) { f(t, *seed+i) }) })
			}
		})
	}
}

// What a history consists of.
const (
	liveKeys   = 4  // at a time
	writesEach = 56 // after which a key is replaced by another one: the bucket keeps 64, so none is forgotten
	historians = 6
	opFor      = 700 * time.Millisecond // bound of each call
	opPace     = 5 * time.Millisecond
)

// chronicle is a bucket in use, and everything that happened to it.
type chronicle struct {
	report  func(format string, args ...any) // something that must not be
	began   time.Time
	stop    chan struct{}
	clients sync.WaitGroup
	done    atomic.Int64 // writes that were acknowledged

	mu    sync.Mutex
	ops   []porcupine.Operation
	reads []directRead
	keys  [liveKeys]string
	left  [liveKeys]int // writes
	made  int           // keys
	odd   map[string]int
}

// historian is one client. It calls one thing after the other.
type historian struct {
	c       *chronicle
	id      int
	rng     *rand.Rand
	nc      *nats.Conn
	leader  bucket // reads at the leader
	direct  bucket // reads at any replica
	n       int    // values
	knows   map[string]uint64
	reader  int // reconnects at the last direct read
	highest map[string]uint64
}

// directRead is a read at any replica.
type directRead struct {
	key        string
	asked      uint64 // the revision; 0: the last one
	found      bool
	revision   uint64
	value      string
	begin, end int64
	back       bool // an older one than the one before it over the same link
}

// Whatever happens to servers and links, calls are linearizable, and watches complete and in order.
func history(t *testing.T, seed uint64) {
	s := newStorm(t, seed, "KV_b")
	c := &chronicle{report: t.Errorf, stop: make(chan struct{}), odd: map[string]int{}}
	leader, direct := c.buckets(s)
	watches := newKVWatches(s)
	c.began = time.Now()
	for i := range historians {
		h := &historian{
			c: c, id: i, leader: leader[i], direct: direct[i], nc: s.conns[i], rng: rand.New(rand.NewPCG(seed, uint64(i))),
			knows: map[string]uint64{}, highest: map[string]uint64{},
		}
		c.clients.Go(h.run)
	}
	s.blow(func() bool { return flows(&c.done, 10) }, watches.late)
	close(c.stop)
	c.clients.Wait()
	s.calm()
	stored := s.stored("b")
	watches.end(stored)
	for _, told := range c.check(stored) {
		t.Log(told)
	}
	for i, b := range direct {
		wantLast(t, fmt.Sprint("client ", i), b, lastOf(stored))
	}
}

// lastOf are the last entries of keys.
func lastOf(stored []entry) map[string]entry {
	last := map[string]entry{}
	for _, e := range stored {
		last[e.key] = e
	}
	return last
}

// getter reads what a bucket has.
type getter interface {
	get(key string) (entry, error)
}

// wantLast waits until reads give the last entries, wherever they are answered.
func wantLast(t *testing.T, who string, b getter, last map[string]entry) {
	t.Helper()
	for key, want := range last {
		eventually(t, fmt.Sprintf("%s: %v", who, want), func() bool {
			e, err := b.get(key)
			if want.op != 0 {
				return errors.Is(err, jetstream.ErrKeyNotFound) || errors.Is(err, nats.ErrKeyNotFound)
			}
			return err == nil && e.revision == want.revision && e.value == want.value
		})
	}
}

func (c *chronicle) now() int64 { return int64(time.Since(c.began)) }

// flows reports whether a counter grows by so many.
func flows(n *atomic.Int64, by int64) bool {
	from := n.Load()
	for end := time.Now().Add(2 * opFor); time.Now().Before(end); pause() {
		if n.Load() >= from+by {
			return true
		}
	}
	return false
}

// buckets makes the bucket and two handles for each client: one reads at the leader, since the bucket did not let replicas answer when it
// was opened. Every other client uses the older API.
func (c *chronicle) buckets(s *storm) (leader, direct []bucket) {
	s.t.Helper()
	s.bucket(jetstream.KeyValueConfig{Bucket: "b", History: 64})
	var conns []*nats.Conn
	for i := range historians {
		conns = append(conns, s.dial(i))
	}
	for _, anyReplica := range []bool{false, true} {
		s.insist("reads by replicas", func(ctx context.Context) error {
			info, err := s.js.Stream(ctx, "KV_b")
			if err != nil {
				return err
			}
			cfg := info.CachedInfo().Config
			cfg.AllowDirect = anyReplica
			_, err = s.js.UpdateStream(ctx, cfg)
			return err
		})
		for i, nc := range conns {
			b := s.open(nc, i%2 == 1, "b")
			if anyReplica {
				direct = append(direct, b)
			} else {
				leader = append(leader, b)
			}
		}
	}
	for i := range c.keys {
		c.renewLocked(i)
	}
	return leader, direct
}

// renewLocked replaces a key.
func (c *chronicle) renewLocked(i int) {
	c.made++
	c.keys[i], c.left[i] = fmt.Sprint("k", c.made), writesEach
}

// key is one of the keys, to be written or not.
func (c *chronicle) key(i int, write bool) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if write {
		if c.left[i] == 0 {
			c.renewLocked(i)
		}
		c.left[i]--
	}
	return c.keys[i]
}

func (c *chronicle) note(client int, call kvCall, a kvAnswer, begin, end int64) {
	if a.end == endUnknown {
		end = noEnd
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ops = append(c.ops, porcupine.Operation{ClientId: client, Input: call, Call: begin, Output: a, Return: end})
}

func (h *historian) run() {
	tick := time.NewTicker(opPace * min(slower, 2))
	defer tick.Stop()
	for {
		select {
		case <-h.c.stop:
			return
		case <-tick.C:
		}
		switch slot := h.rng.IntN(liveKeys); h.rng.IntN(10) {
		case 0, 1:
			h.get(h.c.key(slot, false))
		case 2:
			h.readDirect(h.c.key(slot, false), 0)
		case 3:
			key := h.c.key(slot, false)
			h.readDirect(key, h.knows[key])
		case 4:
			h.write(kvCall{do: doPut, key: h.c.key(slot, true)})
		case 5:
			h.write(kvCall{do: doCreate, key: h.c.key(slot, true)})
		case 6:
			h.write(kvCall{do: doDelete, key: h.c.key(slot, true)})
		case 7:
			key := h.c.key(slot, true)
			if h.knows[key] != 0 { // 0 would be any
				h.write(kvCall{do: doDeleteLast, key: key, expect: h.knows[key]})
			}
		default:
			key := h.c.key(slot, true)
			h.get(key)
			h.write(kvCall{do: doUpdate, key: key, expect: h.knows[key]})
		}
	}
}

func (h *historian) get(key string) {
	begin := h.c.now()
	e, err := h.leader.get(key)
	a := h.ended(err)
	if a.end == endUnknown || a.end == endBusy {
		return // a read that failed says nothing
	}
	if a.end == endDone {
		a.revision, a.value = e.revision, e.value
		h.knows[key] = e.revision
	}
	h.c.note(h.id, kvCall{do: doGet, key: key}, a, begin, h.c.now())
}

// readDirect reads a key, or one of its revisions, at any replica.
func (h *historian) readDirect(key string, revision uint64) {
	r := directRead{key: key, asked: revision, begin: h.c.now()}
	var e entry
	var err error
	if revision == 0 {
		e, err = h.direct.get(key)
	} else {
		e, err = h.direct.revision(key, revision)
	}
	a := h.ended(err)
	r.end = h.c.now()
	if a.end == endUnknown || a.end == endBusy {
		return
	}
	r.found, r.revision, r.value = a.end == endDone, e.revision, e.value
	if links := int(h.nc.Stats().Reconnects); links != h.reader {
		h.reader = links
		clear(h.highest)
	}
	if revision == 0 && r.found {
		r.back = r.revision < h.highest[key]
		h.highest[key] = r.revision
	}
	h.c.mu.Lock()
	defer h.c.mu.Unlock()
	h.c.reads = append(h.c.reads, r)
}

func (h *historian) write(call kvCall) {
	h.n++
	call.value = fmt.Sprintf("%d.%d", h.id, h.n)
	var revision uint64
	var err error
	begin := h.c.now()
	switch call.do {
	case doPut:
		revision, err = h.direct.put(call.key, call.value)
	case doCreate:
		revision, err = h.direct.create(call.key, call.value)
	case doUpdate:
		revision, err = h.direct.update(call.key, call.value, call.expect)
	default:
		err = h.direct.remove(call.key, false, call.expect)
	}
	end := h.c.now()
	a := h.ended(err)
	if a.revision = revision; revision != 0 {
		h.knows[call.key] = revision
	}
	if a.end == endDone {
		h.c.done.Add(1)
	}
	h.c.note(h.id, call, a, begin, end)
}

// ended is what an error says of a call.
func (h *historian) ended(err error) kvAnswer {
	switch {
	case err == nil:
		return kvAnswer{end: endDone}
	case errors.Is(err, jetstream.ErrKeyNotFound), errors.Is(err, nats.ErrKeyNotFound):
		return kvAnswer{end: endRefused}
	case errors.Is(err, jetstream.ErrNoStreamResponse), errors.Is(err, nats.ErrNoStreamResponse):
		h.c.failed(err)
		return kvAnswer{end: endBusy} // not stored, and never will be
	case errors.Is(err, jetstream.ErrKeyExists), errors.Is(err, nats.ErrKeyExists),
		errors.Is(err, jetstream.ErrKeyRevisionMismatch), errors.Is(err, nats.ErrKeyRevisionMismatch):
		if code := errCodeOf(err); code == codeBusy {
			return kvAnswer{end: endBusy}
		}
		return kvAnswer{end: endRefused}
	}
	h.c.failed(err)
	return kvAnswer{end: endUnknown}
}

// outages are how calls may fail.
var outages = []error{context.DeadlineExceeded, nats.ErrTimeout, nats.ErrDisconnected, nats.ErrNoResponders, jetstream.ErrNoStreamResponse, nats.ErrNoStreamResponse}

func (c *chronicle) failed(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.odd[err.Error()]++
	if !slices.ContainsFunc(outages, func(o error) bool { return errors.Is(err, o) }) && errCodeOf(err) != codeUnavailable {
		c.report("a call failed with %v", err)
	}
}

// What servers refuse (nats-server 2.15).
const (
	codeBusy        = 10164 // a conditional write while another one of the same key is on its way
	codeUnavailable = 10008 // anything, while there is no leader
)

// errCodeOf is the server's code in an error of either API; 0: none.
func errCodeOf(err error) int {
	var refused *jetstream.APIError
	var older *nats.APIError
	switch {
	case errors.As(err, &refused):
		return int(refused.ErrorCode)
	case errors.As(err, &older):
		return int(older.ErrorCode)
	}
	return 0
}
