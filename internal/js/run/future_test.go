package run

import (
	"errors"
	"sync"
	"testing"
	"unsafe"

	"github.com/gannet-io/nats/internal/js/wire"
)

func same(a wire.PubAck) wire.PubAck { return a }

func TestFuture(t *testing.T) {
	t.Parallel()
	ack, failure := wire.StreamAck{Like: &wire.PubAck{Stream: "S"}, Sequence: 1}, errors.New("no")
	for name, tc := range map[string]struct {
		before bool // channels are asked for first
		err    error
	}{"ok, asked before": {before: true}, "ok, asked after": {}, "error, asked before": {before: true, err: failure}, "error, asked after": {err: failure}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var f Future[wire.PubAck]
			var ok <-chan *wire.PubAck
			var fail <-chan error
			if tc.before {
				ok, fail = f.Ok(same), f.Err(same)
			}
			if _, _, done := f.Outcome(same); done {
				t.Error("done before Resolve")
			}
			f.Resolve(ack, tc.err, same)
			f.Resolve(wire.StreamAck{}, errors.New("a second one"), same)
			if !tc.before {
				ok, fail = f.Ok(same), f.Err(same)
			}
			if f.Ok(same) != ok || f.Err(same) != fail {
				t.Error("a second call returns another channel")
			}
			wantOk, wantErr := 1, 0
			if tc.err != nil {
				wantOk, wantErr = 0, 1
			}
			if len(ok) != wantOk || len(fail) != wantErr {
				t.Errorf("channels hold %d and %d values, want %d and %d", len(ok), len(fail), wantOk, wantErr)
			}
			gotAck, err, done := f.Outcome(same)
			if (gotAck == nil) != (tc.err != nil) || err != tc.err || !done {
				t.Errorf("Outcome: %v, %v, %t", gotAck, err, done)
			}
			if tc.err != nil {
				return
			}
			if got := <-ok; got != gotAck || *got != (wire.PubAck{Stream: "S", Sequence: 1}) {
				t.Errorf("got ack %p, %+v, want the one of Outcome, %p", got, got, gotAck)
			}
		})
	}
}

// Looking and resolving at once: whoever comes second fills the channel.
func TestFutureLookedAtWhileItEnds(t *testing.T) {
	t.Parallel()
	failure := errors.New("no")
	for i := range 2000 {
		var f Future[wire.PubAck]
		var all sync.WaitGroup
		for range 2 {
			all.Go(func() { f.Ok(same) })
			all.Go(func() { f.Err(same) })
		}
		var err error
		if i%2 == 1 {
			err = failure
		}
		all.Go(func() { f.Resolve(wire.StreamAck{Sequence: 1}, err, same) })
		all.Wait()
		if ok, fail := len(f.Ok(same)), len(f.Err(same)); ok != 1-i%2 || fail != i%2 {
			t.Fatalf("round %d: channels hold %d acks and %d errors", i, ok, fail)
		}
	}
}

// TestFutureSize guards what each publish of a window costs: the public futures add a pointer, and the allocator has objects of 80 bytes.
func TestFutureSize(t *testing.T) {
	t.Parallel()
	if got := unsafe.Sizeof(Future[wire.PubAck]{}); got > 32 {
		t.Errorf("a Future has %d bytes, want at most 32", got)
	}
	if got := unsafe.Sizeof(Pending{}); got > 40 {
		t.Errorf("a Pending has %d bytes, want at most 40", got)
	}
}

// The queue of handler calls keeps its order and does not grow where it never becomes empty.
func TestCallList(t *testing.T) {
	t.Parallel()
	l := &callList{}
	pending := make([]testFuture, 8*callsKept)
	pushed, popped := 0, 0
	for ; pushed < len(pending); pushed++ {
		l.push(&pending[pushed])
		if fresh := l.fresh; fresh != (pushed == 0) {
			t.Fatalf("call %d: fresh is %v", pushed, fresh)
		}
		l.fresh = false
		if pushed >= 10 {
			if got := l.pop(); got != Result(&pending[popped]) {
				t.Fatalf("call %d is not that of publish %d", popped, popped)
			}
			popped++
		}
	}
	if len(l.due) > 2*callsKept {
		t.Errorf("%d places for 10 calls", len(l.due))
	}
	for ; popped < pushed; popped++ {
		if got := l.pop(); got != Result(&pending[popped]) {
			t.Fatalf("call %d is not that of publish %d", popped, popped)
		}
	}
	if l.pop() != nil || !l.empty() || l.due != nil {
		t.Errorf("at the end: %d calls, memory for %d", len(l.due)-l.at, cap(l.due))
	}
}
