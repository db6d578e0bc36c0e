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
	mu      sync.Mutex
	largest uint64
	owner   map[uint64]int // of each fence
	spans   []span
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

func (g *guarded) held(s span) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.spans = append(g.spans, s)
}

// use writes for some time, as long as held says that the lock is held.
func (g *guarded) use(rival int, fence uint64, held func() bool, end <-chan time.Time) {
	s := span{rival: rival, fence: fence}
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
			g.t.Errorf("rival %d holds the lock with the fence %d, which is refused", rival, fence)
			return
		}
		if s.first.IsZero() {
			s.first = now
		}
		s.last = now
		select {
		case <-end:
			g.held(s)
			return
		case <-time.After(holdStep):
		}
	}
	g.write(rival, fence) // a moment too late: the fence is what protects
	if !s.first.IsZero() {
		g.held(s)
	}
}

// flows reports whether somebody else gets the lock.
func (g *guarded) flows() bool {
	n := g.fences.Load()
	for end := time.Now().Add(2 * opFor); time.Now().Before(end); pause() {
		if g.fences.Load() > n+1 {
			return true
		}
	}
	return false
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
	g.t.Logf("%d holders, %d writes came too late and were refused", g.fences.Load(), g.refused)
}

// lockStage are a storm, the bucket as seen by each rival, and what the lock protects.
func lockStage(t *testing.T, seed uint64) (*storm, []jetstream.KeyValue, *guarded) {
	t.Helper()
	s := newStorm(t, seed, "KV_locks")
	s.insist("the bucket", func(ctx context.Context) error {
		_, err := s.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "locks", Replicas: 3, LimitMarkerTTL: time.Second})
		if errors.Is(err, jetstream.ErrBucketExists) {
			return nil
		}
		return err
	})
	var buckets []jetstream.KeyValue
	for i := range rivals {
		js := newJS(t, s.dial(i), jetstream.WithDefaultTimeout(opFor))
		s.insist("a handle", func(ctx context.Context) error {
			b, err := js.KeyValue(ctx, "locks")
			if err == nil {
				buckets = append(buckets, b)
			}
			return err
		})
	}
	return s, buckets, &guarded{t: t, owner: map[uint64]int{}}
}

// Whatever happens to servers and links, no two hold a lock at a time, and an old holder's fence is refused.
func TestKVLockUnderFaults(t *testing.T) {
	eachSeed(t, 1, func(t *testing.T, seed uint64) {
		s, buckets, g := lockStage(t, seed)
		ctx, stop := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		for i, b := range buckets {
			rng := rand.New(rand.NewPCG(seed, uint64(i)))
			wg.Go(func() {
				for ctx.Err() == nil {
					l, err := jetstream.AcquireLock(ctx, b, "l", jetstream.LockConfig{TTL: lockTTL})
					if err != nil {
						if ctx.Err() == nil {
							t.Errorf("rival %d: %v", i, err)
						}
						return
					}
					g.use(i, l.Fence(), l.Held, time.After(time.Duration(rng.Int64N(int64(holdFor)))))
					giveUp(l, rng.IntN(8) == 0)
				}
			})
		}
		s.blow(g.flows, func() {})
		stop()
		wg.Wait()
		g.check()
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
func TestKVElectionUnderFaults(t *testing.T) {
	eachSeed(t, 1, func(t *testing.T, seed uint64) {
		s, buckets, g := lockStage(t, seed)
		ctx, stop := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		enough := errors.New("enough")
		for i, b := range buckets {
			rng := rand.New(rand.NewPCG(seed, uint64(i)))
			wg.Go(func() {
				for ctx.Err() == nil {
					err := jetstream.RunElected(ctx, b, "leader", jetstream.LockConfig{TTL: lockTTL}, func(ctx context.Context, fence uint64) error {
						g.use(i, fence, func() bool { return ctx.Err() == nil }, time.After(time.Duration(rng.Int64N(int64(holdFor)))))
						if ctx.Err() != nil {
							return ctx.Err()
						}
						return enough
					})
					if err != enough && ctx.Err() == nil {
						t.Errorf("rival %d: the election ended: %v", i, err)
						return
					}
				}
			})
		}
		s.blow(g.flows, func() {})
		stop()
		wg.Wait()
		g.check()
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
