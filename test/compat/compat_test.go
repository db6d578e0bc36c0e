package compat

import (
	"testing"

	"github.com/gannet-io/nats/test/compat/natsgo"
	"github.com/gannet-io/nats/test/compat/scenario"
	"github.com/gannet-io/nats/test/compat/stage"
)

// TestScenarios plays every scenario with both libraries and compares.
func TestScenarios(t *testing.T) {
	recorded := readTranscripts(t)
	written := newTranscripts()
	t.Run("all", func(t *testing.T) {
		for _, i := range longFirst(natsgo.Suite.Scenarios) {
			ref, own := natsgo.Suite.Scenarios[i], scenario.Suite.Scenarios[i]
			t.Run(ref.Name, func(t *testing.T) {
				t.Parallel()
				c := comparison{natsgo: ref, gannet: own, recorded: recorded[ref.Name]}
				written.put(ref.Name, c.run(t))
			})
		}
	})
	if *record {
		written.write(t)
	}
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

type comparison struct {
	natsgo, gannet stage.Scenario
	recorded       []stage.Entry
}

// attempts: where times are off or the machine was busy with something else, more than times can be wrong. What really differs,
// differs every time. Otherwise nothing is tried again.
const attempts = 3

// run returns what nats.go has done.
func (c comparison) run(t *testing.T) []stage.Entry {
	for attempt := 1; ; attempt++ {
		latest := watchPulse()
		want, got := c.play(t)
		lag := latest()
		found, busy := c.compare(want, got)
		if len(found) == 0 || t.Failed() {
			return want
		}
		if (busy || lag > late) && attempt < attempts {
			t.Logf("attempt %d on a busy machine (%v late), once more:\n%s", attempt, lag, found)
			continue
		}
		t.Errorf("rows %v:\n%s", c.gannet.Rows, found)
		return want
	}
}

// play plays both at the same time, each on its own stage.
func (c comparison) play(t *testing.T) (want, got []stage.Entry) {
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
	return want, got
}

// compare describes what is not as it should be. busy tells that times are among it.
func (c comparison) compare(want, got []stage.Entry) (found mismatches, busy bool) {
	add := func(who string, ms []stage.Mismatch) {
		for _, m := range ms {
			busy = busy || m.OnlyTime()
			found = append(found, who+": "+m.String())
		}
	}
	if !*record {
		add("nats.go, against testdata", stage.Compare(c.recorded, want))
	}
	expected, stale := stage.Apply(c.gannet.Differs, want)
	for _, key := range stale {
		found = append(found, "no difference any more: "+key)
	}
	add("gannet, against nats.go", stage.Compare(expected, got))
	return found, busy
}

type mismatches []string

func (ms mismatches) String() string {
	text := ""
	for _, m := range ms {
		text += "    " + m + "\n"
	}
	return text
}
