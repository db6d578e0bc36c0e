package examples

import (
	"testing"

	"github.com/gannet-io/nats"
)

func init() {
	type scene = struct {
		name string
		play func(t *testing.T, nc *nats.Conn, start func() *stage)
	}
	scenes = append(scenes,
		scene{"jetstream.PushConsumer", prints("parcels.4711: to Ghent\n")},
		scene{"jetstream.ConsumerManager", prints("billing waits 2m0s\npaused: true\ngone: true\n")},
		scene{"jetstream.GetMsgs", prints("1 readings.gas: 4711\n0 left\n")},
		scene{"jetstream.TypedKV_Modify", prints("[apples pears]\n")},
		scene{"jetstream.NewKeyValueCache", prints("limits.upload: 64 MiB\n")},
		scene{"jetstream.KeyValue", prints("fruit.apples: 3\nfruit.apples: 4\ndeleted: true\n")},
		scene{"jetstream.RunElected", prints("leads, with a fence: true <nil>\n")},
		scene{"jetstream.Stream", prints("3 messages, 2 of the front door\n3 doors.front: opened\ngone: true\n")},
		scene{"jetstream.PutObject", prints("1048576 bytes in 8 chunks, all told: true\n")},
		scene{"micro.WithEndpointConcurrency", prints("met\nmet\n")},
		scene{"micro.Group", prints("{\"id\":\"4711\"}\n")},
		scene{"micro.Shutdown", prints("stopped: true\n")},
	)
}
