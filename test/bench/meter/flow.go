package meter

import (
	"fmt"
	"sync/atomic"
	"time"
)

const (
	// FlowStep is how many messages a scenario receives between two grants of credit.
	FlowStep = 8192
	// flowOpen is how many messages may be on their way or waiting inside of the client: below the 65,536 that
	// a subscription may hold by default, so that nothing is ever dropped.
	flowOpen = 4 * FlowStep
	// Stride divides the number of messages that each of many subscriptions gets, in warm-up and measured stretch alike: their
	// callbacks add to a common count once in so many messages.
	Stride = 16
	// Timeout bounds every wait of a scenario. A message that was dropped ends in it.
	Timeout = 60 * time.Second
)

// Flow holds a replaying server to the speed of the receiver: each FlowStep messages the receiver calls More.
type Flow struct {
	board Board
	left  atomic.Int64 // of the present stretch, not yet granted
}

// NewFlow opens the board of the job's fake server.
func (r *Run) NewFlow() (*Flow, error) {
	b, err := OpenBoard(r.Board)
	return &Flow{board: b}, err
}

// Start has the server send n messages, in steps.
func (f *Flow) Start(n int) {
	first := min(n, flowOpen)
	f.left.Store(int64(n - first))
	f.board.words[granted].Add(uint64(first))
}

// More grants the next step. It may be called from callbacks, by several at once.
func (f *Flow) More() {
	left := f.left.Add(-FlowStep)
	if grant := min(FlowStep, left+FlowStep); grant > 0 {
		f.board.words[granted].Add(uint64(grant))
	}
}

// Kick has the server close the client's connection.
func (f *Flow) Kick() { f.board.words[kicks].Add(1) }

// Await waits for done, at most Timeout.
func Await(done <-chan struct{}, what string) error {
	t := time.NewTimer(Timeout)
	defer t.Stop()
	select {
	case <-done:
		return nil
	case <-t.C:
		return fmt.Errorf("%s: not done within %v", what, Timeout)
	}
}
