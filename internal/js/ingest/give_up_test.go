package ingest

import (
	"slices"
	"testing"
	"time"

	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
)

// Without any progress, also without a link, an ingest ends after GiveUp; each message that is stored begins that time anew.
func TestGivesUp(t *testing.T) {
	t.Parallel()
	const limit = time.Minute
	at := func(d time.Duration) mono.Time { return mono.Time(0).Add(time.Hour + d) }
	for name, events := range map[string]func(m *Machine) (since time.Duration){
		"nothing answers": func(m *Machine) time.Duration {
			m.Up(at(0))
			m.Accept(at(time.Second), 1)
			return time.Second
		},
		"no link": func(m *Machine) time.Duration {
			m.Accept(at(time.Second), 2)
			m.Accept(at(2*time.Second), 1)
			return time.Second
		},
		"after progress": func(m *Machine) time.Duration {
			m.Up(at(0))
			m.Accept(at(0), 2)
			m.FlowAck(at(time.Second), 0, 1)
			m.FlowAck(at(30*time.Second), 1, 1)
			return 30 * time.Second
		},
		"nothing but a close": func(m *Machine) time.Duration {
			m.Up(at(0))
			m.Accept(at(0), 1)
			m.FlowAck(at(time.Second), 1, 1)
			m.Close(at(40 * time.Second))
			return 40 * time.Second
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := New(Config{Every: 3, GiveUp: limit}, false)
			end := events(m) + limit
			var ends []Action
			for d := time.Duration(0); d <= end+time.Second && m.phase != Over; d += 250 * time.Millisecond {
				if m.waits() && m.Deadline() > at(end) {
					t.Fatalf("at %v the next look is at %v, want %v at most", d, m.Deadline().Sub(at(0)), end)
				}
				for _, a := range m.Tick(at(d)) {
					if a.Kind == Finish {
						ends = append(ends, a)
						if d != end {
							t.Errorf("ended at %v, want %v", d, end)
						}
					}
				}
			}
			if len(ends) != 1 || ends[0].Code != wire.Timeout {
				t.Errorf("got %v, want one end by the time", ends)
			}
		})
	}
}

// An answer that is late makes the link doubtful with the first question, not with the second one.
func TestDoubtsWithTheFirstQuestion(t *testing.T) {
	t.Parallel()
	at := func(d time.Duration) mono.Time { return mono.Time(0).Add(time.Hour + d) }
	for name, tc := range map[string]struct {
		begin func(m *Machine)
		want  time.Duration
		kinds []Kind
	}{
		"the first message": {func(m *Machine) { m.Accept(at(0), 1) }, overdue, []Kind{Doubt, Ping}},
		"a full window": {func(m *Machine) {
			m.Accept(at(0), 1)
			m.FlowAck(at(0), 0, 1)
			m.Accept(at(0), 2)
		}, overdue, []Kind{Doubt, Ping}},
		"the commit": {func(m *Machine) {
			m.Accept(at(0), 1)
			m.FlowAck(at(0), 1, 1)
			m.Close(at(0))
		}, overdue, []Kind{Doubt, Ping}},
		"nothing is due": {func(m *Machine) {
			m.Accept(at(0), 1)
			m.FlowAck(at(0), 1, 1)
		}, keepAlive, []Kind{Ping}},
	} {
		t.Run(name, func(t *testing.T) {
			m := New(Config{Every: 3, GiveUp: time.Minute}, true)
			tc.begin(m)
			if due := m.Deadline().Sub(at(0)); due != tc.want {
				t.Errorf("asks after %v, want %v", due, tc.want)
			}
			var kinds []Kind
			for _, a := range m.Tick(m.Deadline()) {
				kinds = append(kinds, a.Kind)
			}
			if !slices.Equal(kinds, tc.kinds) {
				t.Errorf("got %v, want %v", kinds, tc.kinds)
			}
		})
	}
}

// Who publishes slowly fills no interval for a long time. The server says, when it is asked, that it has everything: that is no reason to give up.
func TestSlowPublishersGoOn(t *testing.T) {
	t.Parallel()
	for name, every := range map[string]time.Duration{"pauses": 100 * time.Second, "steadily": time.Second} {
		t.Run(name, func(t *testing.T) {
			m := New(Config{Every: 1000, GiveUp: 30 * time.Second}, true)
			now := mono.Time(0).Add(time.Hour)
			m.Accept(now, 1)
			m.FlowAck(now, 0, 1000)
			end := now.Add(5 * time.Minute)
			next := now.Add(every)
			for pings := 0; now < end; now = now.Add(250 * time.Millisecond) {
				if now >= next {
					m.Accept(now, 1)
					next = now.Add(every)
				}
				for _, a := range m.Tick(now) {
					switch a.Kind {
					case Finish:
						t.Fatalf("ended with %v after %v", a.Code, now.Sub(mono.Time(0).Add(time.Hour)))
					case Ping:
						pings++
						m.FlowAck(now, 0, 1000)
					}
				}
			}
		})
	}
}
