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
// rows.txt lists the behaviours of nats.go that a program can observe. A test tells which of them have neither a scenario nor
// a line in docs/differences.md.
//
// After a change of a scenario:
//
//	go generate ./compat                                  # in module test: write the copy
//	go test ./compat -run TestScenarios -record           # write testdata/natsgo.txt, if what nats.go does is noted otherwise
package compat

//go:generate go run ./generate
