package outbox

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gannet-io/nats/internal/natserr"
	"github.com/gannet-io/nats/internal/proto"
)

var replaySeed = flag.Uint64("replay.seed", 0, "run TestReplayLosesNothing with this seed only")

// TestReplayLosesNothing cuts links at random bytes, also while kept publishes are replayed, and looks at what the
// kernels took whole: every accepted publish once, each publisher's in order. On links without a true count, what was
// asked of the write that failed counts as taken. The numbers of unconfirmed publishes must come out exactly.
func TestReplayLosesNothing(t *testing.T) {
	t.Parallel()
	seeds := []uint64{*replaySeed}
	if *replaySeed == 0 {
		seeds = make([]uint64, 30)
		if raceEnabled {
			seeds = seeds[:6]
		}
		for i := range seeds {
			seeds[i] = rand.Uint64()
		}
	}
	for _, seed := range seeds {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { newReplay(t, seed).run() })
		})
	}
}

type replay struct {
	t    *testing.T
	rand *rand.Rand
	box  *Box

	mu       sync.Mutex
	accepted map[string][]string // publisher -> numbers accepted, in order
	plain    int                 // publishes without reply subject accepted

	confirmed  uint64
	taken      map[string][]string // publisher -> numbers that links took, in order
	takenPlain int
}

func newReplay(t *testing.T, seed uint64) *replay {
	cfg := testConfig()
	cfg.Keep = 256 << 10
	return &replay{
		t: t, rand: rand.New(rand.NewPCG(seed, 1)), box: New(cfg),
		accepted: map[string][]string{}, taken: map[string][]string{},
	}
}

func (r *replay) run() {
	var publishers sync.WaitGroup
	for i := range 3 {
		seed := r.rand.Uint64()
		publishers.Go(func() { r.publish(fmt.Sprint("p", i), rand.New(rand.NewPCG(seed, 2))) })
	}
	for range 3 + r.rand.IntN(8) {
		r.link()
		if r.rand.IntN(2) == 0 {
			r.pause(20 * time.Millisecond)
		}
	}
	// A last link that takes everything.
	l := newScript(-1)
	wait := start(r.t, r.box, l, true, "")
	publishers.Wait()
	if loss := r.box.Close(time.Second, time.Minute); loss != (Loss{}) {
		r.t.Errorf("Close: got %+v, want no loss", loss)
	}
	wait()
	r.took(l.text())
	for p, want := range r.accepted {
		if got := r.taken[p]; strings.Join(got, " ") != strings.Join(want, " ") {
			r.t.Errorf("%s: accepted %d, taken %d; they part at %s", p, len(want), len(got), parting(got, want))
		}
	}
	if r.takenPlain != r.plain {
		r.t.Errorf("without reply subject: got %d taken, want %d", r.takenPlain, r.plain)
	}
}

// link is one life of a link: it takes some bytes in some time and is cut.
func (r *replay) link() {
	l := newScript(0)
	exact := r.rand.IntN(3) > 0
	l.lie = !exact
	wait := start(r.t, r.box, l, exact, "SUB first 1\r\n")
	for range r.rand.IntN(12) {
		if r.rand.IntN(4) > 0 {
			l.allow(r.rand.IntN([]int{30, 3000, 300_000}[r.rand.IntN(3)]))
		}
		r.pause(15 * time.Millisecond)
		if r.rand.IntN(4) == 0 {
			r.confirm(l)
		}
	}
	settle := r.box.Hold()
	if r.rand.IntN(2) == 0 {
		r.pause(5 * time.Millisecond)
	}
	l.close()
	loss := settle()
	wait()
	claimed := l.text()
	if !exact {
		claimed += string(l.refused)
	}
	r.took(claimed)
	if want := r.takenPlain - int(r.confirmed); loss.Unconfirmed != want || loss.Dropped != 0 {
		r.t.Errorf("loss: got %+v, want %d unconfirmed", loss, want)
	}
	r.confirmed = uint64(r.takenPlain)
}

// confirm plays a PONG that answers a PING behind everything published so far, if the link took it in time.
func (r *replay) confirm(l *script) {
	mark := r.box.Mark()
	before := len(l.text())
	if !r.box.Control([]byte("PING\r\n")) {
		return
	}
	l.allow(1 << 20)
	r.pause(time.Millisecond)
	synctest.Wait()
	if strings.Contains(l.text()[before:], "PING\r\n") {
		r.box.Confirm(mark)
		r.confirmed = max(r.confirmed, mark)
	}
	l.set(func(l *script) { l.window = 0 })
}

func (r *replay) pause(most time.Duration) { time.Sleep(time.Duration(r.rand.Int64N(int64(most)))) }

// publish is one publisher: numbered messages of all kinds.
func (r *replay) publish(name string, rng *rand.Rand) {
	for i := range 300 {
		n := strconv.Itoa(i)
		size := rng.IntN([]int{10, 300, 5000, 120_000}[rng.IntN(8)/2])
		data := []byte(n + " " + strings.Repeat("\r\nPUB x 1", size/9))
		reply := ""
		if rng.IntN(3) == 0 {
			reply = "reply"
		}
		var err error
		switch rng.IntN(10) {
		case 0:
			err = r.box.PublishNow(name, reply, nil, data)
		case 1:
			r.box.PublishVolatile("volatile", "reply", nil, data)
			continue
		case 2:
			r.box.Control([]byte("SUB a 1\r\nPING\r\n"))
			continue
		default:
			err = r.box.Publish(name, reply, []byte("NATS/1.0\r\n\r\n")[:12*rng.IntN(2)], data)
		}
		r.result(name, n, reply == "", err)
		if rng.IntN(3) == 0 {
			time.Sleep(time.Duration(rng.IntN(2000)) * time.Microsecond)
		}
	}
}

func (r *replay) result(name, n string, plain bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch err {
	case nil:
		r.accepted[name] = append(r.accepted[name], n)
		if plain {
			r.plain++
		}
	case natserr.ReconnectBufExceeded, natserr.Timeout:
	default:
		r.t.Errorf("%s %s: %v", name, n, err)
	}
}

// took parses what one link took.
func (r *replay) took(text string) {
	proto.Publishes([]byte(text), func(op []byte, hasReply bool) {
		line, body, _ := strings.Cut(string(op), "\r\n")
		name := strings.Fields(line)[1]
		if name == "volatile" {
			return
		}
		if body = strings.TrimPrefix(body, "NATS/1.0\r\n\r\n"); body == "" {
			r.t.Errorf("operation without payload: %q", line)
		}
		n, _, _ := strings.Cut(body, " ")
		r.taken[name] = append(r.taken[name], n)
		if !hasReply {
			r.takenPlain++
		}
	})
}

func parting(got, want []string) string {
	for i := range want {
		if i >= len(got) || got[i] != want[i] {
			return fmt.Sprintf("index %d: got %v, want %v", i, got[min(i, len(got)):min(i+3, len(got))], want[i:min(i+3, len(want))])
		}
	}
	return "the end: too many"
}
