package ingest

import (
	"testing"
	"time"

	"github.com/gannet-io/nats/internal/js/wire"
)

// FuzzMachine plays answers that no sane server would send.
func FuzzMachine(f *testing.F) {
	f.Add([]byte{0, 3, 1, 0, 5, 4, 3, 9, 0})
	f.Add([]byte{0, 2, 2, 8, 9, 0, 5, 4, 4})
	f.Add([]byte{0, 1, 7, 1, 10, 6, 1, 9, 3, 5, 1})
	f.Fuzz(func(t *testing.T, script []byte) {
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
		for len(script) > 0 {
			switch next() % 14 {
			case 0:
				if n := int(next() % 4); n <= c.m.Room() {
					c.apply(c.m.Accept(c.now, n))
				}
			case 1:
				c.apply(c.m.FlowAck(c.now, next(), next()))
			case 2:
				c.apply(c.m.Gap(c.now))
			case 3:
				c.apply(c.m.Refused(c.now, next(), &wire.APIError{}))
			case 4:
				c.apply(c.m.Ack(c.now, next()))
			case 5:
				c.apply(c.m.Failed(c.now, next(), &wire.APIError{}))
			case 6:
				c.apply(c.m.Unknown(c.now, next()%2 == 0))
			case 7:
				c.apply(c.m.Nobody(c.now))
			case 8:
				c.up = false
				c.apply(c.m.Down(c.now))
			case 9:
				c.up = true
				c.apply(c.m.Up(c.now))
			case 10:
				c.wait(time.Duration(next()) * 10 * time.Millisecond)
			case 11:
				c.apply(c.m.Close(c.now))
			case 12:
				if next() == 7 {
					c.apply(c.m.Abandon(c.now))
				}
			case 13:
				if next() == 7 {
					c.apply(c.m.Closed(c.now))
				}
			}
			if c.broken != "" {
				t.Fatal(c.broken)
			}
			if len(c.finished) > 1 {
				t.Fatalf("ended %d times", len(c.finished))
			}
		}
	})
}
