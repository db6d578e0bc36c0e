package meter

import (
	"bytes"
	"strconv"
)

// Job says what a client process shall do. It crosses to that process as JSON.
type Job struct {
	Side string // the client library: a key of the program's table of sides
	Kind string // the scenario function: a key of that side's Kinds

	URL   string // of the server, real or fake
	Board string // file of the fake server's board; empty with a real one

	Ops        int // measured operations
	Warm       int // operations before them
	Size       int // bytes of payload
	Goroutines int // that share the operations; 0 is 1
	Subs       int // subscriptions; 0 is 1
	Window     int // asynchronous publishes in flight
	Batch      int // messages a fetch
	Headers    bool
	MsgID      bool
	Busy       bool // keep every processor busy beside the scenario

	Stream, Consumer string
	Profile          string // file for a CPU profile of the measured stretch; empty: none
}

// Subjects that the sides and their peers agree on.
const (
	Subject     = "bench.orders.created"
	EchoSubject = "bench.echo.service"
	HeaderA     = "X-Order-Kind"
	HeaderB     = "X-Trace"
	ValueA      = "created"
	ValueB      = "0af7651916cd43dd8448eb211c80319c"
)

// SubjectOf is the subject of subscription i, the same for all scenarios with many subscriptions.
func SubjectOf(i int) string { return Subject + "." + strconv.Itoa(i) }

// Payload is what the job publishes.
func (j Job) Payload() []byte { return bytes.Repeat([]byte{'x'}, j.Size) }

// Workers is the number of goroutines to use, at least 1.
func (j Job) Workers() int { return max(j.Goroutines, 1) }

// Share is worker i's part of n operations.
func (j Job) Share(n, i int) int {
	w := j.Workers()
	share := n / w
	if i < n%w {
		share++
	}
	return share
}
