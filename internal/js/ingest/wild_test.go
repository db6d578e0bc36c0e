package ingest

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/gannet-io/nats/internal/js/wire"
)

// wildEvents are what playWild chooses among.
var wildEvents = []string{
	"accept", "flow ack", "gap", "refused", "ack", "failed", "unknown", "nobody", "down", "up", "tick", "close", "abandon", "closed",
}

// playWild turns bytes into events: answers that no sane server would send, at any time. It notes the (phase, event) pairs, and returns what is
// wrong.
func playWild(script []byte, reached map[string]bool) (wrong string) {
	c := &client{up: true}
	c.m = New(Config{Every: 3, Repeat: len(script)%2 == 0, GiveUp: time.Minute}, true)
	next := func() uint64 {
		if len(script) == 0 {
			return 0
		}
		b := script[0]
		script = script[1:]
		if b > 250 {
			return ^uint64(0) - uint64(b)
		}
		return uint64(b)
	}
	for len(script) > 0 && c.broken == "" && len(c.finished) < 2 {
		event := wildEvents[next()%uint64(len(wildEvents))]
		if event == "abandon" || event == "closed" {
			if next()%64 != 7 { // rarely: it is the end
				continue
			}
		}
		if reached != nil {
			reached[fmt.Sprint(c.m.Phase(), " ", event)] = true
		}
		switch event {
		case "accept":
			if n, before := int(next()%4), c.m.accepted; c.m.held || c.m.Phase() == Over {
				if c.apply(c.m.Accept(c.now, n)); c.m.accepted != before {
					return "accepts more behind the end"
				}
			} else if n <= c.m.Room() {
				c.apply(c.m.Accept(c.now, n))
			}
		case "flow ack":
			c.apply(c.m.FlowAck(c.now, next(), next()))
		case "gap":
			c.apply(c.m.Gap(c.now))
		case "refused":
			c.apply(c.m.Refused(c.now, next(), &wire.APIError{}))
		case "ack":
			c.apply(c.m.Ack(c.now, next()))
		case "failed":
			c.apply(c.m.Failed(c.now, next(), &wire.APIError{}))
		case "unknown":
			c.apply(c.m.Unknown(c.now, next()%2 == 0))
		case "nobody":
			c.apply(c.m.Nobody(c.now))
		case "down":
			c.up = false
			c.apply(c.m.Down(c.now))
		case "up":
			c.linked()
		case "tick":
			c.wait(time.Duration(next()) * 10 * time.Millisecond)
		case "close":
			c.apply(c.m.Close(c.now))
		case "abandon":
			c.apply(c.m.Abandon(c.now))
		case "closed":
			c.apply(c.m.Closed(c.now))
		}
		if (event == "abandon" || event == "closed") && len(c.finished) == 0 {
			return "no end at " + event
		}
	}
	if len(c.finished) > 1 {
		return fmt.Sprintf("ended %d times", len(c.finished))
	}
	return c.broken
}

// wildScript is some 80 events. Its first are the beginning of a batch, so that not all of them meet an idle machine.
func wildScript(seed uint64) []byte {
	rnd := rand.New(rand.NewPCG(seed, 1))
	script := make([]byte, 160+rnd.IntN(2))
	for i := range script {
		script[i] = byte(rnd.Uint32())
	}
	copy(script, []byte{0, 3, 1, 0, 3})
	return script
}

// FuzzMachine plays answers that no sane server would send.
func FuzzMachine(f *testing.F) {
	f.Add([]byte{0, 3, 1, 0, 5, 4, 3, 9, 0})
	f.Add([]byte{0, 2, 2, 8, 9, 0, 5, 4, 4})
	f.Add([]byte{0, 1, 7, 1, 10, 6, 1, 9, 3, 5, 1})
	f.Fuzz(func(t *testing.T, script []byte) {
		if wrong := playWild(script, nil); wrong != "" {
			t.Fatal(wrong)
		}
	})
}
