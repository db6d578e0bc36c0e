// Package compat plays the same scenarios with nats.go and with gannet, against the same kind of server, and compares what
// happened.
//
//	scenario/*.go ──► generate ──► natsgo/*.go      the same text with the other import path
//	      │                            │
//	      ▼                            ▼
//	   transcript ◄── must match ──► transcript ◄── must match ──► testdata/natsgo.txt
//
// A scenario notes events, errors by name, counts and times ([stage.Stage]). Two transcripts match when they have the same
// entries in the same order, and each time is within 150 ms or 10 % of the other's. Where gannet differs on purpose, the
// scenario names the entry, the row of docs/differences.md, and gannet's own value, which must then come true.
//
// rows.txt lists the behaviours of nats.go that a program can observe, each with the APIs that have it. A test tells which
// behaviour has neither a scenario in one of its APIs nor a line in docs/differences.md. A scenario names the rows that it
// shows; that it shows one in an API counts only if its code calls that API, which the test reads in the source. Where the
// code reaches more than the scenario shows, the entry says what counts: "7.9 old-sync".
//
// After a change of a scenario:
//
//	go generate ./compat                                  # in module test: write the copy
//	go test ./compat -run TestScenarios -record           # write testdata/natsgo.txt, if what nats.go does is noted otherwise
package compat

//go:generate go run ./generate
