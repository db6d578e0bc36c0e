package compat

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gannet-io/nats/test/compat/natsgo"
	"github.com/gannet-io/nats/test/compat/scenario"
	"github.com/gannet-io/nats/test/compat/stage"
)

// TestScenarios plays every scenario with both libraries and compares. In a crowd more than times can be wrong, so what differs there is
// played again when the crowd is gone. What really differs, differs every time.
func TestScenarios(t *testing.T) {
	p := &performance{
		recorded: readTranscripts(t), played: newTranscripts(),
		seats: make(chan struct{}, seats/slower), stalls: make(chan struct{}, stalls/slower),
	}
	first := round{crowd: len(natsgo.Suite.Scenarios), attempts: 1}
	second := round{crowd: 3, attempts: 3, last: true}
	if *record { // the times are to be right
		first.crowd = 8
	}
	t.Run("all", func(t *testing.T) { p.play(t, first, longFirst(natsgo.Suite.Scenarios)) })
	t.Run("again", func(t *testing.T) { p.play(t, second, p.again) })
	if *record {
		p.played.write(t)
	}
}

// How many scenarios play at once: seats are for the short ones, stalls for the long ones, which begin first and mostly wait. The race
// detector takes a part of both away.
const (
	seats  = 16
	stalls = 32
)

// round is how a number of scenarios is played.
type round struct {
	crowd    int  // how many at once
	attempts int  // of each
	last     bool // what is in doubt then has failed
}

// longFirst returns the indices of the scenarios in the order of play.
func longFirst(all []stage.Scenario) []int {
	var long, short []int
	for i, sc := range all {
		if sc.Long {
			long = append(long, i)
		} else {
			short = append(short, i)
		}
	}
	return append(long, short...)
}

// performance is one run of all scenarios.
type performance struct {
	recorded map[string][]stage.Entry
	played   *transcripts
	seats    chan struct{}
	stalls   chan struct{}

	mu    sync.Mutex
	again []int // to be played once more
}

// play plays the scenarios with these indices.
func (p *performance) play(t *testing.T, r round, indices []int) {
	for group := range slices.Chunk(indices, r.crowd) {
		t.Run("group", func(t *testing.T) {
			for _, i := range group {
				p.perform(t, r, i)
			}
		})
	}
}

// perform plays scenario i.
func (p *performance) perform(t *testing.T, r round, i int) {
	c := comparison{natsgo: natsgo.Suite.Scenarios[i], gannet: scenario.Suite.Scenarios[i]}
	c.recorded = p.recorded[c.natsgo.Name]
	t.Run(c.natsgo.Name, func(t *testing.T) {
		t.Parallel()
		place := p.seats
		if c.natsgo.Long {
			place = p.stalls
		}
		place <- struct{}{}
		defer func() { <-place }()
		for attempt := 1; ; attempt++ {
			v := c.play(t)
			p.played.put(c.natsgo.Name, v.want)
			over := attempt == r.attempts
			switch {
			case t.Failed() || len(v.found) == 0:
				return
			case r.last && (over || !v.doubtful):
				t.Errorf("rows %v:\n%s", c.gannet.Rows, v.found)
				return
			}
			t.Logf("in doubt (a pulse %v late), to be played again:\n%s", v.lag, v.found)
			if over {
				p.repeat(i)
				return
			}
		}
	})
}

func (p *performance) repeat(i int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.again = append(p.again, i)
}

// comparison is a scenario with both libraries, and what nats.go did when it was recorded.
type comparison struct {
	natsgo, gannet stage.Scenario
	recorded       []stage.Entry
}

// verdict is what one play has shown.
type verdict struct {
	want     []stage.Entry // of nats.go
	found    mismatches
	lag      time.Duration
	doubtful bool // the machine had no time for it, or nats.go went another way
}

// play plays both at the same time, each on its own stage.
func (c comparison) play(t *testing.T) verdict {
	var want, got []stage.Entry
	latest := watchPulse()
	t.Run("play", func(t *testing.T) {
		t.Run("nats.go", func(t *testing.T) {
			t.Parallel()
			s := stage.New(t, &natsgo.Suite)
			defer func() { want = s.Transcript() }()
			c.natsgo.Run(s)
		})
		t.Run("gannet", func(t *testing.T) {
			t.Parallel()
			s := stage.New(t, &scenario.Suite)
			defer func() { got = s.Transcript() }()
			c.gannet.Run(s)
		})
	})
	v := verdict{want: want, lag: latest()}
	v.doubtful = v.lag > late
	if !*record {
		// A race in nats.go: once it has gone the way that was recorded there is something to compare with.
		other := stage.Compare(c.recorded, want)
		v.doubtful = v.doubtful || len(other) > 0
		v.add("nats.go, against testdata", other)
	}
	expected, stale := stage.Apply(c.gannet.Differs, want)
	for _, key := range stale {
		v.found = append(v.found, "no difference any more: "+key)
	}
	v.add("gannet, against nats.go", stage.Compare(expected, got))
	return v
}

func (v *verdict) add(who string, ms []stage.Mismatch) {
	for _, m := range ms {
		v.doubtful = v.doubtful || m.OnlyTime()
		v.found = append(v.found, who+": "+m.String())
	}
}

type mismatches []string

func (ms mismatches) String() string {
	text := ""
	for _, m := range ms {
		text += "    " + m + "\n"
	}
	return text
}
