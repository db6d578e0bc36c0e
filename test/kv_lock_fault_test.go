package test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
)

const (
	lockTTL  = time.Second // shorter than most outages
	rivals   = 4
	holdFor  = 200 * time.Millisecond // at most
	holdStep = 2 * time.Millisecond
)

// guarded is what a lock protects: it remembers the largest fence, and refuses smaller ones.
type guarded struct {
	t       *testing.T
	fences  atomic.Int64 // how many it has seen
	holder  atomic.Int32 // the rival that uses it, plus one; 0: nobody
	told    bool         // that the lock is lost is told by a context
	stay    atomic.Bool  // who uses it goes on until the lock is lost
	mu      sync.Mutex
	largest uint64
	owner   map[uint64]int // of each fence
	spans   []span
	lost    int // holders
	refused int
}

// span is a time in which somebody held the lock for certain.
type span struct {
	rival       int
	fence       uint64
	first, last time.Time
}

func (g *guarded) write(rival int, fence uint64) (ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if other, seen := g.owner[fence]; seen && other != rival {
		g.t.Errorf("rivals %d and %d have the fence %d", other, rival, fence)
	}
	if fence < g.largest {
		g.refused++
		return false
	}
	if fence > g.largest {
		g.fences.Add(1)
	}
	g.largest, g.owner[fence] = fence, rival
	return true
}

// overtaken is for a rival whose fence is refused while it holds the lock: that may not be, or has to end soon where the loss is told by
// a context, which takes its time on a busy machine.
func (g *guarded) overtaken(rival int, fence uint64, held func() bool) {
	for end := time.Now().Add(lockTTL); g.told && held() && time.Now().Before(end); pause() {
	}
	if !g.told || held() {
		g.t.Errorf("rival %d holds the lock with the fence %d, which is refused", rival, fence)
	}
}

// held notes a span, at the end of which the lock was lost or not.
func (g *guarded) held(s span, lost bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if lost {
		g.lost++
	}
	if !s.first.IsZero() {
		g.spans = append(g.spans, s)
	}
}

// use writes for some time, as long as held says that the lock is held.
func (g *guarded) use(rival int, fence uint64, held func() bool, end <-chan time.Time) {
	s := span{rival: rival, fence: fence}
	g.holder.Store(int32(rival) + 1)
	defer g.holder.CompareAndSwap(int32(rival)+1, 0)
	for {
		if !held() {
			break
		}
		now := time.Now()
		ok := g.write(rival, fence)
		if !held() {
			break
		}
		if !ok {
			g.overtaken(rival, fence, held)
			return
		}
		if s.first.IsZero() {
			s.first = now
		}
		s.last = now
		select {
		case <-end:
			end = nil
		case <-time.After(holdStep):
		}
		if end == nil && !g.stay.Load() {
			g.held(s, false)
			return
		}
	}
	g.write(rival, fence) // too late: the fence is what protects
	g.held(s, true)
}

// strand cuts off whoever holds the lock, and keeps it, until somebody else does: a holder that goes on for too long meets the next one. When the lock
// stands still for other reasons it waits, and tries again.
func (g *guarded) strand(s *storm) {
	g.t.Helper()
	s.cutting.Lock()
	defer s.cutting.Unlock()
	g.stay.Store(true)
	defer g.stay.Store(false)
	for end := time.Now().Add(wholeAgain); time.Now().Before(end); pause() {
		rival, n := g.holder.Load()-1, g.fences.Load()
		if rival < 0 {
			continue
		}
		s.strand(s.conns[rival], func() { g.awaitNext(n) })
		if g.fences.Load() > n {
			return
		}
	}
	g.t.Error("nobody took over from a holder that was cut off")
}

// awaitNext waits for the holder behind the first n, and a little more, as long as a TTL explains.
func (g *guarded) awaitNext(n int64) {
	for end := time.Now().Add(3 * lockTTL); g.fences.Load() == n && time.Now().Before(end); pause() {
	}
	<-time.After(10 * holdStep)
}

// check wants no two to have held the lock at a time, and later holders to have larger fences.
func (g *guarded) check() {
	g.t.Helper()
	for i, a := range g.spans {
		for _, b := range g.spans[:i] {
			if a.fence != b.fence && !a.first.After(b.last) && !b.first.After(a.last) {
				g.t.Errorf("two holders at a time: %+v and %+v", a, b)
			}
			if a.fence < b.fence && a.first.After(b.last) {
				g.t.Errorf("the fence falls: %+v behind %+v", a, b)
			}
		}
	}
	g.t.Logf("%d holders, %d lost the lock while they used it, %d writes came too late and were refused", g.fences.Load(), g.lost, g.refused)
}

// contend makes a storm and a bucket in it, and has each rival call f again and again.
func (g *guarded) contend(seed uint64, f func(ctx context.Context, rival int, b jetstream.KeyValue, rng *rand.Rand) error) {
	g.t.Helper()
	s := newStorm(g.t, seed, "KV_locks")
	s.bucket(jetstream.KeyValueConfig{Bucket: "locks", LimitMarkerTTL: time.Second})
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var wg sync.WaitGroup
	for i := range rivals {
		js := newJS(g.t, s.dial(i), jetstream.WithDefaultTimeout(opFor))
		var b jetstream.KeyValue
		s.insist("a handle", func(ctx context.Context) (err error) { b, err = js.KeyValue(ctx, "locks"); return err })
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		wg.Go(func() {
			for ctx.Err() == nil {
				if err := f(ctx, i, b, rng); err != nil && ctx.Err() == nil {
					g.t.Errorf("rival %d: %v", i, err)
					return
				}
			}
		})
	}
	s.blow(func() bool { return flows(&g.fences, 2) }, func() { g.strand(s) })
	stop()
	wg.Wait()
	g.check()
}

func newGuarded(t *testing.T) *guarded { return &guarded{t: t, owner: map[uint64]int{}} }

// holdTime is how long somebody keeps a lock.
func holdTime(rng *rand.Rand) <-chan time.Time {
	return time.After(time.Duration(rng.Int64N(int64(holdFor))))
}

// Whatever happens to servers and links, no two hold a lock at a time, and an old holder's fence is refused.
func rivalry(t *testing.T, seed uint64) {
	g := newGuarded(t)
	g.contend(seed, func(ctx context.Context, rival int, b jetstream.KeyValue, rng *rand.Rand) error {
		l, err := jetstream.AcquireLock(ctx, b, "l", jetstream.LockConfig{TTL: lockTTL})
		if err != nil {
			return err
		}
		g.use(rival, l.Fence(), l.Held, holdTime(rng))
		giveUp(l, rng.IntN(8) == 0)
		return nil
	})
}

// giveUp releases a lock, or forgets about it: then it ends with its TTL.
func giveUp(l *jetstream.KeyValueLock, forget bool) {
	ctx, cancel := context.WithTimeout(context.Background(), opFor)
	defer cancel()
	if forget {
		cancel()
	}
	_ = l.Release(ctx)
}

// Whatever happens to servers and links, there is one leader at a time, and the election goes on.
func elections(t *testing.T, seed uint64) {
	g := newGuarded(t)
	g.told = true
	enough := errors.New("enough")
	g.contend(seed, func(ctx context.Context, rival int, b jetstream.KeyValue, rng *rand.Rand) error {
		err := jetstream.RunElected(ctx, b, "leader", jetstream.LockConfig{TTL: lockTTL}, func(ctx context.Context, fence uint64) error {
			g.use(rival, fence, func() bool { return ctx.Err() == nil }, holdTime(rng))
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return enough
		})
		if err == enough {
			return nil
		}
		return fmt.Errorf("the election ended: %w", err)
	})
}

// holdEnv makes this program take a lock from the server that it names, say so, and keep it until it dies.
const (
	holdEnv = "GANNET_TEST_HOLDS_LOCK"
	deadTTL = 2 * time.Second
)

func init() {
	url := os.Getenv(holdEnv)
	if url == "" {
		return
	}
	if err := holdLock(url); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("held")
	select {}
}

func holdLock(url string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	nc, err := nats.Connect(url)
	if err != nil {
		return err
	}
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	b, err := js.KeyValue(ctx, "locks")
	if err != nil {
		return err
	}
	_, err = jetstream.AcquireLock(ctx, b, "leader", jetstream.LockConfig{TTL: deadTTL, Holder: "who dies"})
	return err
}

// The holder's process is killed: there is another leader within the TTL and two seconds.
func TestKVElectionAfterKill(t *testing.T) {
	cluster := startJSCluster(t)
	js := newJS(t, dial(t, cluster.URL(), quickly(), silent()))
	b := got[jetstream.KeyValue](t)(js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "locks", Replicas: 3, LimitMarkerTTL: time.Second}))
	must(t, cluster.WaitCurrent("KV_locks"))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	killed, end := make(chan time.Time, 1), make(chan error, 1)
	led := make(chan time.Duration, 1)
	holder := exec.Command(os.Args[0])
	holder.Env = append(os.Environ(), holdEnv+"="+cluster.URL())
	out := got[io.ReadCloser](t)(holder.StdoutPipe())
	must(t, holder.Start())
	t.Cleanup(func() { _ = holder.Process.Kill(); _ = holder.Wait() })
	line, _ := bufio.NewReader(out).ReadString('\n')
	if line != "held\n" {
		t.Fatalf("the holder says %q", line)
	}
	fence := got[jetstream.KeyValueEntry](t)(b.Get(ctx, "leader")).Revision()
	go func() {
		end <- jetstream.RunElected(ctx, b, "leader", jetstream.LockConfig{TTL: deadTTL}, func(_ context.Context, later uint64) error {
			led <- time.Since(<-killed)
			if later <= fence {
				t.Errorf("fence %d is not above %d", later, fence)
			}
			return nil
		})
	}()
	<-time.After(deadTTL / 3) // it is renewed meanwhile
	must(t, holder.Process.Kill())
	killed <- time.Now()
	took := await(t, "another leader", led)
	t.Logf("a new leader after %v", took.Round(time.Millisecond))
	if took > deadTTL+2*time.Second {
		t.Errorf("a new leader after %v, want %v at most", took, deadTTL+2*time.Second)
	}
	must(t, await(t, "the end", end))
}

// An attempt that was stored although nobody said so is taken over: nobody waits for its TTL.
func TestKVLockTakesOverItsOwn(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	srv := natstest.Run(t)
	p := natstest.NewProxy(t, srv.URL())
	other := got[jetstream.KeyValue](t)(newJS(t, dial(t, srv.URL())).CreateKeyValue(t.Context(), jetstream.KeyValueConfig{
		Bucket: "locks", LimitMarkerTTL: time.Second, Storage: jetstream.MemoryStorage,
	}))
	var j journal
	js := newJS(t, dial(t, p.URL(), quickly(), j.handler()), jetstream.WithDefaultTimeout(300*time.Millisecond))
	b := got[jetstream.KeyValue](t)(js.KeyValue(t.Context(), "locks"))
	p.Hole(natstest.ServerToClient)
	locks := make(chan *jetstream.KeyValueLock, 1)
	go func() {
		l, err := jetstream.AcquireLock(context.Background(), b, "l", jetstream.LockConfig{TTL: time.Minute})
		if err != nil {
			t.Errorf("got %v", err)
		}
		locks <- l
	}()
	var fence uint64
	eventually(t, "the first attempt to be stored", func() bool {
		e, err := other.Get(t.Context(), "l")
		if err == nil {
			fence = e.Revision()
		}
		return err == nil
	})
	eventually(t, "the outage to be told", func() bool { return j.hasErr(context.DeadlineExceeded) })
	must(t, p.Heal())
	l := await(t, "the lock", locks)
	if l.Fence() != fence || !l.Held() {
		t.Errorf("got the fence %d, held %v, want %d", l.Fence(), l.Held(), fence)
	}
	must(t, l.Release(t.Context()))
}

// A bucket that is gone is no outage.
func TestKVLockWithoutBucket(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	js := newJS(t, dial(t, natstest.Run(t).URL(), silent()))
	ctx := t.Context()
	b := got[jetstream.KeyValue](t)(js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "locks", LimitMarkerTTL: time.Second}))
	must(t, js.DeleteKeyValue(ctx, "locks"))
	within(t, "the attempt", 5*time.Second, func() {
		_, err := jetstream.AcquireLock(context.Background(), b, "l", jetstream.LockConfig{})
		wantError(t, "without a bucket", err, jetstream.ErrBucketNotFound)
	})
}
