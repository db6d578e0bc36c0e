package examples

import (
	"testing"

	"github.com/gannet-io/nats"
)

// prints plays a program that prints want.
func prints(want string) func(*testing.T, *nats.Conn, func() *stage) {
	return func(t *testing.T, _ *nats.Conn, start func() *stage) {
		t.Helper()
		if out := start().ends(nil); out != want {
			t.Errorf("printed %q, want %q", out, want)
		}
	}
}

func init() {
	type scene = struct {
		name string
		play func(t *testing.T, nc *nats.Conn, start func() *stage)
	}
	scenes = append(scenes,
		scene{"nats.KeyValue", prints("apples: 3, now 2\n")},
		scene{"nats.KeyWatcher", prints("pears: 7\nthat is all there was\n")},
		scene{"jetstream.KeyValue_Create", func(t *testing.T, _ *nats.Conn, start func() *stage) {
			for _, want := range []string{"it is ours\n", "somebody does it\n"} {
				if out := start().ends(nil); out != want {
					t.Errorf("printed %q, want %q", out, want)
				}
			}
		}},
		scene{"jetstream.KeyWatcher", func(t *testing.T, nc *nats.Conn, start func() *stage) {
			js, err := nc.JetStream()
			must(t, err)
			_ = js.DeleteKeyValue("stock") // an older one has another history
			prints("pears: 7\nthat is all there was\n")(t, nc, start)
			must(t, js.DeleteKeyValue("stock"))
		}},
		scene{"jetstream.KeyValueTx", prints("alice 70, bob 130\n")},
		scene{"jetstream.AcquireLock", prints("at work, with a fence: true\n")},
	)
}
