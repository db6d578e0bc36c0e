package main

import (
	"math"

	"github.com/gannet-io/nats/test/bench/meter"
	"github.com/gannet-io/nats/test/bench/peer"
)

// Scenario is one row of the table.
type Scenario struct {
	Name   string
	Job    meter.Job
	Place  Place
	Frames peer.Frames // of a replay
	Limits Limits
	// TwoCores gives the client two processors, also where -pin or -procs give it one: a client on one processor does not
	// show what its locks cost.
	TwoCores bool
}

// Place is what the client connects to.
type Place int

// The places.
const (
	Sink   Place = iota // a fake server that discards
	Replay              // a fake server that sends frames made beforehand, and reads line by line
	Real                // nats-server
	RealEcho
	MemoryStream // nats-server with a new, empty stream each run
	FileStream
	FullStream // nats-server with a filled stream, and a new pull consumer each run
	ReadStream // the same, read without acks and by consumers of the client's own
)

// Limits are what gannet must reach. Zero values set no limit.
type Limits struct {
	Must, Aim  float64 // CPU, gannet / nats.go
	Allocs     float64 // objects an operation; NoAllocs: none
	P99        float64 // gannet / nats.go
	Peak       float64 // memory, gannet / nats.go; 0: 1
	Throughput float64 // gannet / nats.go, at least
	Held       float64 // bytes that an operation leaves in use
	Goroutines int     // that all operations together leave
}

// NoAllocs allows what warm-up and scheduling cost: less than one object in a hundred operations.
const NoAllocs = 0.01

// Sizes of runs: about half a second of nats.go's CPU time each.
const (
	million = 1_000_000
	pool    = 1000 // subscriptions, where there are many
)

func job(kind string, ops, size int, more ...func(*meter.Job)) meter.Job {
	j := meter.Job{Kind: kind, Ops: ops, Warm: max(ops/10, 1), Size: size}
	for _, f := range more {
		f(&j)
	}
	return j
}

func workers(n int) func(*meter.Job) { return func(j *meter.Job) { j.Goroutines = n } }
func window(n int) func(*meter.Job)  { return func(j *meter.Job) { j.Window = n } }
func batch(n int) func(*meter.Job)   { return func(j *meter.Job) { j.Batch = n } }
func subs(n int) func(*meter.Job)    { return func(j *meter.Job) { j.Subs = n } }
func warm(n int) func(*meter.Job)    { return func(j *meter.Job) { j.Warm = n } }
func headers(j *meter.Job)           { j.Headers = true }
func withID(j *meter.Job)            { j.MsgID = true }
func busy(j *meter.Job)              { j.Busy = true }

// scenarios is the table. A capability gets its rows when it exists.
var scenarios = []Scenario{
	{Name: "publish 16 B", Job: job("publish", 8*million, 16), Limits: Limits{Must: 0.65, Aim: 0.50, Allocs: NoAllocs}},
	{Name: "publish 16 B, 8 goroutines", Job: job("publish", 8*million, 16, workers(8)), Limits: Limits{Must: 0.65, Aim: 0.50, Allocs: NoAllocs}},
	{Name: "publish 128 B", Job: job("publish", 5*million, 128), Limits: Limits{Must: 0.65, Aim: 0.54, Allocs: NoAllocs}},
	{Name: "publish 128 B, 8 goroutines, 2 cores", Job: job("publish", 5*million, 128, workers(8)), TwoCores: true,
		Limits: Limits{Must: 0.65, Aim: 0.54, Allocs: NoAllocs, Throughput: 1.7}},
	{Name: "publish 1 KiB", Job: job("publish", 3*million/2, 1024), Limits: Limits{Must: 0.70, Aim: 0.60}},
	{Name: "publish 1 KiB to the server", Job: job("publish", 3*million/2, 1024), Place: Real, Limits: Limits{Must: 0.90, Aim: 0.78}},
	{Name: "publish 16 KiB to the server", Job: job("publish", million/8, 16<<10), Place: Real, Limits: Limits{Must: 0.95, Aim: 0.82}},
	{Name: "publish 128 B with 2 headers", Job: job("publish headers", 3*million/2, 128), Limits: Limits{Must: 0.45, Aim: 0.30, Allocs: NoAllocs}},

	receive("receive 16 B, async", "receive async", 3*million, 16, Limits{Must: 0.40, Aim: 0.24, Allocs: 0.2}),
	receive("receive 16 B, sync", "receive sync", 3*million, 16, Limits{Must: 0.40, Aim: 0.24, Allocs: 0.2}),
	receive("receive 128 B", "receive async", 2*million, 128, Limits{Must: 0.45, Aim: 0.34, Allocs: 0.2}),
	receive("receive 1 KiB", "receive async", million, 1024, Limits{Must: 0.50, Aim: 0.30, Peak: 0.3}),
	receive("receive through a user channel", "receive chan", 2*million, 128, Limits{Must: 0.75, Aim: 0.62}),
	receive("receive 128 B with headers", "receive async", million, 128, Limits{Must: 0.60, Aim: 0.42, Allocs: 4}, headers),
	receive("receive over 1,000 subscriptions", "receive async", 2*million, 128, Limits{Must: 0.70, Aim: 0.52}, subs(pool)),
	{Name: "reply to requests", Job: job("reply", million, 16), Place: Replay, Frames: peer.Frames{Size: 16, Reply: true},
		Limits: Limits{Must: 0.90, Aim: 0.75, Allocs: 1.2}},
	{Name: "micro endpoint", Job: job("service", million, 16), Place: Replay, Frames: peer.Frames{Size: 16, Reply: true},
		Limits: Limits{Must: 0.90, Aim: 0.75, Allocs: 2}},

	{Name: "request, serial", Job: job("request", 15_000, 16), Place: RealEcho, Limits: Limits{Must: 1.05, Aim: 0.92, Allocs: 2}},
	{Name: "request, 64 concurrent", Job: job("request", 100_000, 16, workers(64)), Place: RealEcho, Limits: Limits{Must: 0.40, Aim: 0.23, P99: 0.7}},
	{Name: "request beside busy goroutines", Job: job("request", 1600, 16, workers(16), busy), Place: RealEcho, Limits: Limits{P99: 1.1}},

	{Name: "JetStream publish, serial", Job: job("js publish", 10_000, 128), Place: MemoryStream, Limits: Limits{Must: 1.05, Aim: 0.92, Allocs: 4}},
	{Name: "JetStream publish, 64 concurrent", Job: job("js publish", 80_000, 128, workers(64)), Place: MemoryStream,
		Limits: Limits{Must: 0.35, Aim: 0.20, P99: 0.5}},
	{Name: "JetStream async publish, window 256", Job: job("js publish async", 200_000, 128, window(256)), Place: MemoryStream,
		Limits: Limits{Must: 0.45, Aim: 0.28, Allocs: 2}},
	{Name: "JetStream async publish, window 4000", Job: job("js publish async", 200_000, 128, window(4000)), Place: MemoryStream,
		Limits: Limits{Must: 0.25, Aim: 0.13, Allocs: 2}},
	{Name: "JetStream async publish, window 4000, file", Job: job("js publish async", 200_000, 128, window(4000)), Place: FileStream,
		Limits: Limits{Must: 0.25, Aim: 0.13, Allocs: 2}},
	{Name: "old API async publish, window 256", Job: job("old publish async", 200_000, 128, window(256)), Place: MemoryStream,
		Limits: Limits{Must: 0.45, Aim: 0.28, Allocs: 2}},
	{Name: "old API async publish, window 4000", Job: job("old publish async", 200_000, 128, window(4000)), Place: MemoryStream,
		Limits: Limits{Must: 0.25, Aim: 0.13, Allocs: 2}},
	{Name: "old API async publish, window 4000, file", Job: job("old publish async", 200_000, 128, window(4000)), Place: FileStream,
		Limits: Limits{Must: 0.25, Aim: 0.13, Allocs: 2}},
	{Name: "JetStream async publish with Nats-Msg-Id", Job: job("js publish async", 100_000, 128, window(4000), withID), Place: MemoryStream,
		Limits: Limits{Must: 0.25, Aim: 0.13, Allocs: 6}},
	{Name: "Fetch(100) with ack", Job: job("js fetch", 200_000, 128, batch(100)), Place: FullStream, Limits: Limits{Must: 0.55, Aim: 0.38, Allocs: 2}},
	{Name: "FetchNoWait(100) with ack", Job: job("js fetch no wait", 200_000, 128, batch(100)), Place: FullStream,
		Limits: Limits{Must: 0.55, Aim: 0.38, Allocs: 2}},
	{Name: "ordered consumer", Job: job("js ordered", 1_000_000, 128), Place: ReadStream, Limits: Limits{Must: 0.50, Aim: 0.33, Allocs: 2}},
	{Name: "old API Fetch(100) with ack", Job: job("old fetch", 200_000, 128, batch(100)), Place: FullStream, Limits: Limits{Must: 0.70, Aim: 0.55}},
	{Name: "Consume with ack", Job: job("js consume", 200_000, 128), Place: FullStream, Limits: Limits{Must: 0.50, Aim: 0.38, Allocs: 2}},
	{Name: "Messages().Next with ack", Job: job("js messages", 200_000, 128), Place: FullStream, Limits: Limits{Must: 0.45, Aim: 0.30, Allocs: 2}},

	{Name: "object put, 64 MiB", Job: job("object put", 64, 1<<20), Place: Real, Limits: Limits{Must: 0.97, Aim: 0.90}},
	{Name: "object get, 64 MiB", Job: job("object get", 64, 1<<20), Place: Real, Limits: Limits{Must: 0.85, Aim: 0.70}},
	{Name: "object put, 64 MiB, 2 cores", Job: job("object put", 64, 1<<20), Place: Real, TwoCores: true, Limits: Limits{Throughput: 1.3}},
	{Name: "object get, 64 MiB, 2 cores", Job: job("object get", 64, 1<<20), Place: Real, TwoCores: true, Limits: Limits{Throughput: 1.5}},

	{Name: "KV get, serial", Job: job("kv get", 10_000, 128), Place: Real, Limits: Limits{Must: 1.05, Aim: 0.92, Allocs: 8}},
	{Name: "KV get, 64 concurrent", Job: job("kv get", 80_000, 128, workers(64)), Place: Real, Limits: Limits{Must: 0.40, Aim: 0.25}},
	{Name: "KV watch of 100k keys", Job: job("kv watch", 100_000, 128), Place: Real, Limits: Limits{Must: 0.50, Aim: 0.38, Allocs: 2}},

	{Name: "connect and close", Job: job("connect", 500, 0), Place: Real, Limits: Limits{Must: 1.00, Aim: 0.86, Allocs: 45}},
	{Name: "100,000 async subscriptions", Job: job("subscribe async", 100_000, 0, warm(pool)), Place: Replay,
		Limits: Limits{Must: 0.35, Aim: 0.19, Held: 600, Goroutines: 16}},
	{Name: "2,000 sync subscriptions", Job: job("subscribe sync", 2000, 0, warm(10)), Place: Replay,
		Limits: Limits{Must: 0.05, Aim: 0.01, Held: 1000}},
	{Name: "reconnect with 1,000 subscriptions", Job: job("reconnect", 30, 0, subs(pool), warm(3)), Place: Replay,
		Limits: Limits{Must: 1.0, Aim: 0.6, Allocs: 1000}},
}

func receive(name, kind string, ops, size int, l Limits, more ...func(*meter.Job)) Scenario {
	j := job(kind, ops, size, more...)
	return Scenario{Name: name, Job: j, Place: Replay, Frames: peer.Frames{Size: size, Headers: j.Headers}, Limits: l}
}

// scaled is the scenario with f times as many operations. Where messages go round many subscriptions, each gets the same number.
func (s Scenario) scaled(f float64) Scenario {
	ops := func(n int) int {
		n = max(int(math.Round(float64(n)*f)), 1)
		if s.Frames.Size > 0 && s.Job.Subs > 1 {
			round := s.Job.Subs * meter.Stride
			n = (n + round - 1) / round * round
		}
		return n
	}
	s.Job.Ops, s.Job.Warm = ops(s.Job.Ops), ops(s.Job.Warm)
	return s
}

// hasFloor tells whether a client without a library plays the scenario. It can ask for many at once in its one goroutine; to publish in its
// one goroutine for many would leave out what they need.
func (s Scenario) hasFloor() bool {
	shared := s.Place == Sink && s.Job.Workers() > 1
	return sides[floor][s.Job.Kind] != nil && !s.Job.Busy && !shared
}

// placed tells whether the server keeps a stream for the scenario.
func (p Place) placed() bool {
	return p == MemoryStream || p == FileStream || p == FullStream || p == ReadStream
}

// fake tells whether the peer is one of package peer's servers.
func (p Place) fake() bool { return p == Sink || p == Replay }
