package push

import (
	"fmt"
	"testing"
	"time"

	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
)

// renewalMachine is a [Renewal], or one with a fault of its own.
type renewalMachine interface {
	Start(now mono.Time, up bool) []RenewalAction
	Stop()
	Created(now mono.Time) []RenewalAction
	Failed(now mono.Time, code wire.Code, words string, unknown bool) []RenewalAction
	Broken(now mono.Time, code wire.Code, words string) []RenewalAction
	Room() []RenewalAction
	Disconnected(now mono.Time) []RenewalAction
	Reconnected() []RenewalAction
	Deadline() mono.Time
	Tick(now mono.Time) []RenewalAction
}

// renewalChecker drives a renewal as a shell does, keeps its own books, and compares.
type renewalChecker struct {
	m   renewalMachine
	now mono.Time

	started, over, up bool
	consumer          bool // there is one, or one is abandoned only later
	spoilt            bool // the first one broke before Start
	full              bool // another one would be of no use before there is room
	making            bool // the server was asked
	free              mono.Time
	trouble           bool
	missing           mono.Time // since when the stream was not found
	absent            bool
	fault             string
}

func (c *renewalChecker) failf(format string, args ...any) {
	if c.fault == "" {
		c.fault = fmt.Sprintf("at %v: ", time.Duration(c.now)) + fmt.Sprintf(format, args...)
	}
}

func (c *renewalChecker) do(acts []RenewalAction) {
	for _, a := range acts {
		if c.over {
			c.failf("%s after the end", renewalText(a))
		}
		switch a.Kind {
		case Create:
			switch {
			case c.making:
				c.failf("makes two consumers at once")
			case c.consumer:
				c.failf("makes a consumer and has one")
			case !c.up:
				c.failf("makes a consumer without a link")
			case a.Wait <= 0 || a.Wait > 2*time.Second:
				c.failf("waits %v", a.Wait)
			}
			c.making, c.full = true, false
		case Abandon:
			c.consumer, c.making, c.free = false, false, c.now
		case Tell:
			if a.Code == wire.OK && !c.trouble {
				c.failf("tells that all is well again, and it was")
			}
			c.trouble = a.Code != wire.OK
		case Finish:
			if !c.absent || c.now.Sub(c.missing) < 2*time.Second {
				c.failf("gives up a stream that was there")
			}
			c.over, c.consumer, c.making = true, false, false
		}
	}
	if c.consumer && c.trouble {
		c.failf("has a consumer, and the user does not know")
	}
}

func (c *renewalChecker) pass(t mono.Time) {
	for n := 0; c.m.Deadline() <= t; n++ {
		c.now = max(c.now, c.m.Deadline())
		c.do(c.m.Tick(c.now))
		if n > 1000 {
			c.failf("the deadline stays at %v", time.Duration(c.m.Deadline()))
			return
		}
	}
	c.now = t
	patience := 800 * time.Millisecond
	if c.full {
		patience = 5 * time.Second
	}
	if c.started && !c.over && c.up && !c.consumer && !c.making && c.now.Sub(c.free) > patience {
		c.failf("has no consumer since %v, and makes none", time.Duration(c.free))
	}
}

func (c *renewalChecker) event(pick source) string {
	step := []time.Duration{0, 10 * time.Millisecond, 100 * time.Millisecond, 700 * time.Millisecond, 3 * time.Second}[pick(5)]
	c.pass(c.now.Add(step))
	switch pick(12) {
	case 0, 1:
		if !c.started {
			c.started, c.consumer, c.up, c.free = true, true, pick(4) > 0, c.now
		}
		c.do(c.m.Start(c.now, c.up))
		if c.spoilt && c.consumer {
			c.failf("begins with a broken consumer")
		}
		c.spoilt = false
		return "start"
	case 2, 3:
		if c.making {
			c.making, c.consumer, c.absent = false, true, false
		}
		acts := c.m.Created(c.now)
		for _, a := range acts {
			c.trouble = c.trouble && !(a.Kind == Tell && a.Code == wire.OK)
		}
		if len(acts) > 1 {
			c.failf("%d actions for a consumer", len(acts))
		}
		c.do(nil)
		return "created"
	case 4, 5, 6:
		making := c.making
		c.making = false
		code := []wire.Code{wire.Timeout, wire.NoResponders, wire.ServerRefused, wire.ServerRefused}[pick(4)]
		unknown := code == wire.ServerRefused && pick(3) > 0
		if making {
			c.free = c.now
			switch {
			case unknown && !c.absent:
				c.absent, c.missing = true, c.now
			case !unknown && code != wire.Timeout:
				c.absent = false
			}
		}
		c.do(c.m.Failed(c.now, code, "", unknown))
		return "failed"
	case 7:
		code := []wire.Code{wire.Gap, wire.LimitExceeded}[pick(2)]
		c.spoilt = c.spoilt || !c.started
		if c.consumer || c.making || !c.started {
			c.full = code == wire.LimitExceeded
		}
		c.do(c.m.Broken(c.now, code, ""))
		if c.consumer {
			c.failf("keeps a broken consumer")
		}
		return "broken"
	case 8:
		c.up, c.full = false, c.full && !c.started
		c.do(c.m.Disconnected(c.now))
		if c.consumer && c.started {
			c.failf("keeps the consumer of a lost link")
		}
		c.absent = false
		return "disconnected"
	case 9:
		if !c.up {
			c.up, c.free = true, c.now
			c.do(c.m.Reconnected())
		}
		return "reconnected"
	case 10:
		full := c.full
		c.do(c.m.Room())
		if c.full = false; full && c.started && c.up && !c.consumer && !c.making && !c.over {
			c.failf("has room, and makes no consumer")
		}
		return "room"
	}
	c.do(c.m.Tick(c.now))
	return "tick"
}

func playRenewal(m renewalMachine, pick source, events int, note func(event string)) string {
	c := &renewalChecker{m: m, up: true}
	for range events {
		name := c.event(pick)
		if note != nil {
			note(name)
		}
		if c.fault != "" {
			return c.fault
		}
	}
	return ""
}

func TestRenewalRandomSequences(t *testing.T) {
	t.Parallel()
	pairs := map[string]int{}
	for seed := range seeds(4000) {
		m := new(Renewal)
		state := m.phase
		if fault := playRenewal(m, fromSeed(seed), 80, func(event string) {
			pairs[fmt.Sprint(state, " ", event)]++
			state = m.phase
		}); fault != "" {
			t.Fatalf("-seed %d -sequences 1: %s", seed, fault)
		}
		m.Stop()
		for _, acts := range [][]RenewalAction{
			m.Start(1, true), m.Created(1), m.Failed(1, wire.Timeout, "", false), m.Broken(1, wire.Gap, ""), m.Room(), m.Disconnected(1), m.Reconnected(), m.Tick(mono.Never),
		} {
			if len(acts) > 0 {
				t.Fatalf("-seed %d -sequences 1: %v after the end", seed, acts)
			}
		}
	}
	if few(4000) {
		return
	}
	for p := idle; p <= over; p++ {
		for _, event := range []string{"start", "created", "failed", "broken", "room", "disconnected", "reconnected", "tick"} {
			if pairs[fmt.Sprint(p, " ", event)] == 0 {
				t.Errorf("no sequence has %s in phase %d", event, p)
			}
		}
	}
}

// renewalMutant spoils what a renewal says.
type renewalMutant struct {
	Renewal
	acts     func(acts []RenewalAction) []RenewalAction
	deadline func(at mono.Time) mono.Time
	hasty    bool // gives a stream up at once
	restless bool // makes a consumer whatever breaks
	forgets  bool // what broke before Start
	cramped  bool // does not hear of room
}

func (m *renewalMutant) spoil(acts []RenewalAction) []RenewalAction {
	if m.acts == nil {
		return acts
	}
	return m.acts(acts)
}

func (m *renewalMutant) Start(now mono.Time, up bool) []RenewalAction {
	if m.forgets {
		m.early = early{}
	}
	return m.spoil(m.Renewal.Start(now, up))
}

func (m *renewalMutant) Room() []RenewalAction {
	if m.cramped {
		return nil
	}
	return m.spoil(m.Renewal.Room())
}

func (m *renewalMutant) Created(now mono.Time) []RenewalAction {
	return m.spoil(m.Renewal.Created(now))
}

func (m *renewalMutant) Failed(now mono.Time, code wire.Code, words string, unknown bool) []RenewalAction {
	if m.hasty && m.away {
		m.gone = now.Add(-goneFor)
	}
	return m.spoil(m.Renewal.Failed(now, code, words, unknown))
}

func (m *renewalMutant) Broken(now mono.Time, code wire.Code, words string) []RenewalAction {
	acts := m.spoil(m.Renewal.Broken(now, code, words))
	if m.restless && m.phase == pausing {
		acts = append(acts, RenewalAction{Kind: Create, Wait: 1})
	}
	return acts
}

func (m *renewalMutant) Disconnected(now mono.Time) []RenewalAction {
	return m.spoil(m.Renewal.Disconnected(now))
}
func (m *renewalMutant) Tick(now mono.Time) []RenewalAction { return m.spoil(m.Renewal.Tick(now)) }
func (m *renewalMutant) Deadline() mono.Time {
	if m.deadline != nil {
		return m.deadline(m.Renewal.Deadline())
	}
	return m.Renewal.Deadline()
}

// TestRenewalCheckerKills shows that every invariant can fail.
func TestRenewalCheckerKills(t *testing.T) {
	t.Parallel()
	without := func(match func(a RenewalAction) bool) func([]RenewalAction) []RenewalAction {
		return func(acts []RenewalAction) (kept []RenewalAction) {
			for _, a := range acts {
				if !match(a) {
					kept = append(kept, a)
				}
			}
			return kept
		}
	}
	for name, mutant := range map[string]*renewalMutant{
		"forgets an early break":   {forgets: true},
		"ignores room":             {cramped: true},
		"keeps what is broken":     {acts: without(func(a RenewalAction) bool { return a.Kind == Abandon })},
		"makes none":               {acts: without(func(a RenewalAction) bool { return a.Kind == Create })},
		"never tries again":        {deadline: func(mono.Time) mono.Time { return mono.Never }},
		"does not tell the end":    {acts: without(func(a RenewalAction) bool { return a.Kind == Tell && a.Code == wire.OK })},
		"gives up at once":         {hasty: true},
		"makes two at once":        {restless: true},
		"tells that all is well":   {acts: func(a []RenewalAction) []RenewalAction { return append(a, RenewalAction{Kind: Tell}) }},
		"pauses for a second":      {deadline: func(at mono.Time) mono.Time { return at.Add(time.Second) }},
		"makes one without a link": {acts: func(a []RenewalAction) []RenewalAction { return createAfterAbandon(a) }},
		"waits for an answer longer": {acts: func(a []RenewalAction) []RenewalAction {
			for i := range a {
				a[i].Wait *= 10
			}
			return a
		}},
	} {
		killed := false
		for seed := uint64(0); seed < 1000 && !killed; seed++ {
			m := *mutant
			m.Renewal = Renewal{}
			killed = playRenewal(&m, fromSeed(seed), 80, nil) != ""
		}
		if !killed {
			t.Errorf("a renewal that %s passes", name)
		}
	}
}

func createAfterAbandon(acts []RenewalAction) (more []RenewalAction) {
	for _, a := range acts {
		more = append(more, a)
		if a.Kind == Abandon && len(acts) <= 2 {
			more = append(more, RenewalAction{Kind: Create, Wait: time.Second})
		}
	}
	return more
}

func FuzzRenewal(f *testing.F) {
	for seed := range byte(8) {
		b := make([]byte, 200)
		for i := range b {
			b[i] = byte(i)*41 + seed*13
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if fault := playRenewal(new(Renewal), fromBytes(b), min(len(b)/2, 300), nil); fault != "" {
			t.Error(fault)
		}
	})
}
