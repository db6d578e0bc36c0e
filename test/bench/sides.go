package main

import (
	"github.com/gannet-io/nats/test/bench/gannet"
	"github.com/gannet-io/nats/test/bench/meter"
	"github.com/gannet-io/nats/test/bench/natsgo"
	"github.com/gannet-io/nats/test/bench/sockets"
)

// The two libraries, in the order of the table's columns.
const (
	theirs = "nats.go"
	ours   = "gannet"
)

// floor is a client without a library, which plays what it can; -floor adds it.
const floor = "sockets"

var sides = map[string]map[string]func(*meter.Run) error{theirs: natsgo.Kinds, ours: gannet.Kinds, floor: sockets.Kinds}
