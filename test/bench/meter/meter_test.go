package meter

import (
	"os"
	"testing"
	"time"
)

func TestFiguresCountTheStretch(t *testing.T) {
	r := New(Job{Ops: 1000, Goroutines: 2})
	if err := r.Begin(); err != nil {
		t.Fatal(err)
	}
	s := r.Sampler(r.Ops, 10)
	for i := range r.Ops {
		kept = make([]byte, 1024)
		if s.Due(i) {
			s.Add(time.Duration(i))
		}
	}
	r.End()
	f := r.Figures()
	if f.Ops != 1000 || f.Mallocs < 1000 || f.Allocated < 1000*1024 || f.CPU <= 0 || f.Wall <= 0 {
		t.Errorf("got %+v, want at least 1000 allocations of 1 KiB, and times", f)
	}
	if f.P50 != 500 || f.P99 != 990 {
		t.Errorf("got p50 %d, p99 %d; want 500 and 990", f.P50, f.P99)
	}
}

var kept []byte // makes what the test allocates escape

func TestHoldCountsWhatIsLeft(t *testing.T) {
	r := New(Job{Ops: 1})
	if err := r.Begin(); err != nil {
		t.Fatal(err)
	}
	end, gone := make(chan struct{}), make(chan struct{})
	go func() {
		<-end
		close(gone)
	}()
	kept = make([]byte, 8<<20)
	r.End()
	r.Hold()
	close(end)
	<-gone
	f := r.Figures()
	if f.Goroutines != 1 || f.Held < 7<<20 {
		t.Errorf("got %d goroutines and %d bytes held, want 1 and about 8 MiB", f.Goroutines, f.Held)
	}
}

func TestShares(t *testing.T) {
	t.Parallel()
	for _, workers := range []int{0, 1, 3, 8} {
		j := Job{Goroutines: workers}
		sum := 0
		for i := range j.Workers() {
			sum += j.Share(100, i)
		}
		if sum != 100 {
			t.Errorf("%d workers do %d operations, want 100", workers, sum)
		}
	}
}

func TestFlowGrantsTheStretchAndNoMore(t *testing.T) {
	t.Parallel()
	path, err := NewBoard()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(path) })
	server, err := OpenBoard(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := (&Run{Job: Job{Board: path}}).NewFlow()
	if err != nil {
		t.Fatal(err)
	}
	var before uint64
	for _, n := range []int{1, flowOpen, flowOpen + 1, 3*flowOpen + 5} {
		f.Start(n)
		if got, want := server.Granted()-before, uint64(min(n, flowOpen)); got != want {
			t.Errorf("%d at first, want %d", got, want)
		}
		for range n/FlowStep + 3 { // more often than needed
			last := server.Granted()
			if f.More(); server.Granted()-last > FlowStep {
				t.Errorf("%d at once, want at most %d", server.Granted()-last, FlowStep)
			}
		}
		if got := server.Granted() - before; got != uint64(n) {
			t.Errorf("granted %d of %d", got, n)
		}
		before = server.Granted()
	}
	if f.Kick(); server.Kicks() != 1 {
		t.Errorf("%d kicks, want 1", server.Kicks())
	}
}
