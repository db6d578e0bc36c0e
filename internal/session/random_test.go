package session

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/pool"
)

// source is where a random or fuzzed run takes its decisions from.
type source interface{ n(max int) int } // in [0, max)

type randomSource struct{ *rand.Rand }

func (r randomSource) n(max int) int { return r.IntN(max) }

type byteSource struct{ rest []byte }

func (b *byteSource) n(max int) int {
	if len(b.rest) == 0 {
		return 0
	}
	v := b.rest[0]
	b.rest = b.rest[1:]
	return int(v) % max
}

// world is a machine under random events, with an observer.
type world struct {
	m    *Machine
	pool *pool.Pool
	now  mono.Time
	see  *observer
	src  source
	log  []string
	// broken may change an answer before the observer sees it.
	broken func(*answer)
	// reached are the pairs of state and event.
	reached map[string]bool
}

func pick[T any](s source, list ...T) T { return list[s.n(len(list))] }

func newWorld(src source, reached map[string]bool) *world {
	flip := func() bool { return src.n(2) == 1 }
	ms := func(list ...int) time.Duration { return time.Duration(pick(src, list...)) * time.Millisecond }
	cfg := Config{
		AllowReconnect: src.n(4) > 0, MaxReconnect: pick(src, -1, 0, 1, 2, 60), Wait: ms(0, 200, 2000), Jitter: ms(0, 100),
		QuickFirst: flip(), CustomDelay: flip(), ChooseServer: src.n(3) == 0, RetryFailed: flip(), IgnoreAuthAbort: flip(),
		Stagger: ms(0, 250, 250), DialLimit: ms(0, 2000), PingInterval: ms(0, 1000, 120_000), MaxPingsOut: src.n(3),
		DoubtAfter: ms(0, 5000), DoubtFor: ms(0, 10_000), DrainTimeout: ms(0, 30_000),
		Rand: func(n int64) int64 { return int64(src.n(256)) * (n - 1) / 255 },
	}
	var names []string
	for i := range 1 + src.n(5) {
		names = append(names, fmt.Sprintf("s%d", i))
	}
	p, err := pool.New(names, "", nil)
	if err != nil {
		panic(err)
	}
	w := &world{m: New(cfg, p), pool: p, see: newObserver(cfg), src: src, reached: reached}
	w.log = append(w.log, fmt.Sprintf("config %+v servers %v", cfg, names))
	return w
}

// state names what the machine is in the middle of, more finely than its status does.
func (w *world) state() string {
	m := w.m
	switch m.phase {
	case idle:
		return "idle"
	case dialing:
		if m.answered {
			return "dialing again"
		}
		return "first dials"
	case pausing:
		return "pausing"
	case askedDelay:
		return "asked for a delay"
	case choosing:
		return "asked for a server"
	case up:
		return m.status.String()
	}
	return "over"
}

var states = []string{"idle", "first dials", "dialing again", "pausing", "asked for a delay", "asked for a server", "CONNECTED", "DRAINING_SUBS", "DRAINING_PUBS", "over"}

// events are all events; an event acts, and returns the number of the dial it reports on, if any.
var events = map[string]func(w *world) ([]Action, uint64){
	"start": func(w *world) ([]Action, uint64) { return w.m.Start(w.now), 0 },
	"ok":    func(w *world) ([]Action, uint64) { n := w.number(); return w.m.DialDone(w.now, n, nil), n },
	"fail":  func(w *world) ([]Action, uint64) { n := w.number(); return w.m.DialDone(w.now, n, w.failure()), n },
	"lost":  func(w *world) ([]Action, uint64) { return w.m.LinkFailed(w.now, io.EOF), 0 },
	"-ERR":  func(w *world) ([]Action, uint64) { return w.m.ServerError(w.now, w.text()), 0 },
	"pong":  func(w *world) ([]Action, uint64) { return w.m.Pong(w.now), 0 },
	"heard": func(w *world) ([]Action, uint64) {
		w.m.Heard(w.now.Add(-time.Duration(w.src.n(100)) * time.Millisecond))
		return nil, 0
	},
	"owed":       func(w *world) ([]Action, uint64) { w.m.Owed(w.now, Debt(w.src.n(3))); return nil, 0 },
	"doubt":      func(w *world) ([]Action, uint64) { return w.m.Doubt(w.now), 0 },
	"force":      func(w *world) ([]Action, uint64) { return w.m.ForceReconnect(w.now), 0 },
	"drain":      func(w *world) ([]Action, uint64) { a, _ := w.m.Drain(w.now); return a, 0 },
	"drain-pubs": func(w *world) ([]Action, uint64) { return w.m.DrainPubs(w.now), 0 },
	"close":      func(w *world) ([]Action, uint64) { return w.m.Close(w.now), 0 },
	"tick":       func(w *world) ([]Action, uint64) { return w.m.Tick(w.now), 0 },
	"delay":      func(w *world) ([]Action, uint64) { return w.m.Delay(w.now, w.duration()), 0 },
	"chosen":     func(w *world) ([]Action, uint64) { return w.m.Chosen(w.now, w.server(), w.duration()), 0 },
	"merge": func(w *world) ([]Action, uint64) {
		w.pool.Merge([]string{fmt.Sprintf("d%d:1", w.src.n(4)), "d9:1"})
		return nil, 0
	},
	"replace": func(w *world) ([]Action, uint64) { w.replace(); return nil, 0 },
}

var eventNames = slices.Sorted(maps.Keys(events))

// rare events end most runs: they come seldom.
var rare = []string{"close", "drain", "replace"}

func (w *world) replace() {
	if err := w.pool.Replace([]string{"s0", fmt.Sprintf("r%d", w.src.n(3))}); err != nil {
		panic(err)
	}
}

// number is that of a dial in flight, or of one that never was or is over.
func (w *world) number() uint64 {
	flights := slices.Sorted(maps.Keys(w.see.flights))
	if len(flights) == 0 || w.src.n(8) == 0 {
		return uint64(w.src.n(5))
	}
	return flights[w.src.n(len(flights))]
}

func (w *world) failure() error {
	return pick(w.src, io.ErrUnexpectedEOF, errors.New("connect: connection refused"), ParseServerError("Authorization Violation"), ParseServerError("User Authentication Expired"),
		ParseServerError("maximum connections exceeded"), error(nil), errors.New("dial: silence"))
}

func (w *world) text() string {
	return pick(w.src, "Stale Connection", "Permissions Violation for Publish to \"x\"", "Authorization Violation", "User Authentication Expired", "maximum subscriptions exceeded", "", "what?")
}

func (w *world) duration() time.Duration {
	return pick(w.src, 0, -time.Hour, time.Millisecond, time.Second, 1<<63-1)
}

func (w *world) server() *pool.Server {
	s := pick(w.src, 0, 1, 2)
	if s == 0 || w.pool.Len() == 0 {
		return nil
	}
	if s == 1 {
		return &pool.Server{}
	}
	list := w.pool.Servers()
	return w.pool.Find(list[w.src.n(len(list))].URL)
}

// step runs one random event, with the clock moved to the deadline, a little, or not at all.
func (w *world) step() error {
	name := eventNames[w.src.n(len(eventNames))]
	if slices.Contains(rare, name) && !w.m.draining() && w.src.n(8) > 0 {
		name = pick(w.src, "tick", "ok", "fail")
	}
	switch w.src.n(4) {
	case 0:
		if at := w.m.Deadline(); at != mono.Never {
			w.now = max(w.now, at)
		}
	case 1:
		w.now = w.now.Add(time.Duration(w.src.n(1000)) * time.Millisecond)
	}
	if err := w.event(name); err != nil {
		return err
	}
	return w.settle()
}

// settle ticks until nothing is due any more, as a shell does.
func (w *world) settle() error {
	for i := 0; w.m.Deadline() <= w.now; i++ {
		if i == 20 {
			return fmt.Errorf("every state ends: %d ticks at %v, and still one is due", i, w.now)
		}
		if err := w.event("tick"); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) event(name string) error {
	if w.reached != nil {
		w.reached[w.state()+" / "+name] = true
	}
	a := answer{event: name, now: w.now, due: w.m.Deadline() <= w.now}
	acts, number := events[name](w)
	// A failure of nil is a success.
	a.number, a.acts, a.status, a.deadline, a.servers = number, slices.Clone(acts), w.m.Status(), w.m.Deadline(), w.pool.Servers()
	if name == "fail" && slices.ContainsFunc(acts, func(x Action) bool { return x.Kind == Install }) {
		a.event = "ok"
	}
	w.log = append(w.log, fmt.Sprintf("%v %s %d -> %v = %v", time.Duration(w.now), name, number, acts, a.status))
	if w.broken != nil {
		w.broken(&a)
	}
	return w.see.see(&a)
}

func (w *world) run(steps int) error {
	if w.src.n(8) > 0 {
		if err := w.event("start"); err != nil {
			return err
		}
	}
	for range steps {
		if err := w.step(); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) story() string {
	return strings.Join(w.log[max(0, len(w.log)-25):], "\n")
}

// TestInvariants: thousands of random lives keep all invariants, and reach every event in every state.
func TestInvariants(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	reached := make(map[string]bool)
	all := len(states) * len(eventNames)
	for i := uint64(0); i < 3000 || i < 60_000 && len(reached) < all; i++ {
		w := newWorld(randomSource{rand.New(rand.NewPCG(seed, i))}, reached)
		if err := w.run(60); err != nil {
			t.Fatalf("seed %d, run %d: %v\n%s\n...\n%s", seed, i, err, w.log[0], w.story())
		}
	}
	for _, s := range states {
		for _, e := range eventNames {
			if !reached[s+" / "+e] {
				t.Errorf("seed %d: never reached: %s while %s", seed, e, s)
			}
		}
	}
}

// FuzzEvents turns bytes into a life.
func FuzzEvents(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x01\x04\x01\x01\x01\x00\x00\x01\x01\x01\x01\x01\x02\x01\x01\x01\x04\x01\x08\x01\x00\x0c\x00\x05"))
	seeds := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		b := make([]byte, 300)
		for i := range b {
			b[i] = byte(seeds.Uint32())
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 4096 {
			t.Skip("long enough")
		}
		src := &byteSource{b}
		w := newWorld(src, nil)
		err := w.event("start")
		for err == nil && len(src.rest) > 0 {
			err = w.step()
		}
		if err != nil {
			t.Fatalf("%v\n%s\n...\n%s", err, w.log[0], w.story())
		}
	})
}

// mutations break a machine's answers, each in one way, named as the invariant that must notice.
var mutations = map[string][]func(a *answer){
	"closed is final": {
		func(a *answer) {
			if a.status == Closed && len(a.acts) == 0 {
				a.acts = []Action{{Kind: TellError, Err: io.EOF}}
			}
		},
		func(a *answer) {
			if a.status == Closed {
				a.deadline = a.now
			}
		},
		func(a *answer) {
			if n := len(a.acts); n > 1 && a.acts[n-1].Kind == Finish {
				a.acts = append(a.acts, a.acts[n-2])
			}
		},
	},
	"every dial ends once": {dropped(Abort), doubled(Abort)},
	"dials differ": {func(a *answer) { // a second dial of the same server
		if i := slices.IndexFunc(a.acts, func(x Action) bool { return x.Kind == Dial }); i >= 0 {
			again := a.acts[i]
			again.Dial += 1000
			a.acts = slices.Insert(a.acts, i+1, again)
		}
	}},
	"one install per success": {doubled(Install), func(a *answer) { a.number = max(a.number, 1) + 1 }},
	"ill-timed events do nothing": {func(a *answer) { // a late success is installed
		if a.event == "ok" && len(a.acts) == 0 {
			a.acts = []Action{{Kind: Install, Dial: a.number}}
		}
	}, func(a *answer) { a.due = false }},
	"connect is answered once": {dropped(ConnectDone), dropped(ConnectFailed), doubled(ConnectDone)},
	"legal transitions": {func(a *answer) { // DISCONNECTED is skipped to, from anywhere
		for i, x := range a.acts {
			if x.Kind == Emit && x.Status == Reconnecting {
				a.acts[i].Status = DrainingPubs
			}
		}
	}},
	"the status was emitted":  {dropped(Emit)},
	"callbacks in order":      {dropped(TellDisconnected), dropped(TellClosed), doubled(TellReconnected), swapped(TellConnected, TellReconnected)},
	"one wait at a time":      {doubled(AskDelay), doubled(AskServer)},
	"a closed link is closed": {dropped(CloseLink)},
	"pings need a link": {func(a *answer) {
		if a.status == Reconnecting {
			a.acts = append(a.acts, Action{Kind: SendPing})
		}
	}},
	"every state ends": {func(a *answer) {
		if a.status == Reconnecting {
			a.deadline = mono.Never
		}
	}, func(a *answer) {
		if a.status == Connected {
			a.deadline = mono.Never
		}
	}},
	"failures are counted": {func(a *answer) {
		if len(a.servers) > 0 {
			a.servers[0].Failures += 60
		}
	}},
}

func dropped(k Kind) func(*answer) {
	return func(a *answer) {
		a.acts = slices.DeleteFunc(a.acts, func(x Action) bool { return x.Kind == k })
	}
}

func doubled(k Kind) func(*answer) {
	return func(a *answer) {
		if i := slices.IndexFunc(a.acts, func(x Action) bool { return x.Kind == k }); i >= 0 {
			a.acts = slices.Insert(a.acts, i, a.acts[i])
		}
	}
}

func swapped(one, other Kind) func(*answer) {
	return func(a *answer) {
		for i, x := range a.acts {
			switch x.Kind {
			case one:
				a.acts[i].Kind = other
			case other:
				a.acts[i].Kind = one
			}
		}
	}
}

// TestInvariantsCatch: for each invariant, a machine that breaks it is found out by that one.
func TestInvariantsCatch(t *testing.T) {
	t.Parallel()
	for name, list := range mutations {
		for i, broken := range list {
			t.Run(fmt.Sprintf("%s/%d", name, i), func(t *testing.T) {
				t.Parallel()
				others := make(map[string]int)
				for run := range uint64(3000) {
					w := newWorld(randomSource{rand.New(rand.NewPCG(7, run))}, nil)
					w.broken = broken
					err := w.run(60)
					if err != nil && strings.HasPrefix(err.Error(), name+":") {
						return
					}
					if err != nil {
						others[strings.SplitN(err.Error(), ":", 2)[0]]++
					}
				}
				t.Errorf("not noticed by %q; noticed by %v", name, others)
			})
		}
	}
}
