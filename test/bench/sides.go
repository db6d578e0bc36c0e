package main

import (
	"github.com/gannet-io/nats/test/bench/gannet"
	"github.com/gannet-io/nats/test/bench/meter"
	"github.com/gannet-io/nats/test/bench/natsgo"
)

// The two libraries, in the order of the table's columns.
const (
	theirs = "nats.go"
	ours   = "gannet"
)

var sides = map[string]map[string]func(*meter.Run) error{theirs: natsgo.Kinds, ours: gannet.Kinds}
