// Command bench compares gannet with nats.go v1.55.0: the same scenarios, interleaved in one invocation, each run in a process
// of its own, medians and ratios.
//
//	bench ─┬─ nats-server (built, one for all), echo responder         real peers
//	       ├─ sink or replay (a new one each run)                     fake peers, see package peer
//	       └─ client process: one library, one scenario, one run      getrusage, MemStats, VmHWM, see package meter
//
// See README.md for what is measured and for the command. Package sockets is a client without a library, the floor that -floor shows.
package main

//go:generate go run ./gen
