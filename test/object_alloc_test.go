package test

import (
	"io"
	"runtime"
	"testing"

	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
)

// Reading and writing an object takes memory for what is on its way, not for the object. It runs alone, since it counts what the
// process allocates; the server is a process of its own.
func TestObjectAllocations(t *testing.T) {
	if slower > 1 {
		t.Skip("SKIPPED: the race detector allocates, and drops pooled buffers at random")
	}
	checkLeaks(t)
	srv := natstest.Run(t, natstest.AsProcess())
	g := objectStageAt(t, srv, srv.URL())
	const size = 64 << 20
	put := allocated(func() {
		_, err := g.b.Put(t.Context(), jetstream.ObjectMeta{Name: "x"}, &pattern{size: size})
		must(t, err)
	})
	get := allocated(func() {
		r := got[jetstream.ObjectResult](t)(g.b.Get(t.Context(), "x"))
		_, err := io.Copy(io.Discard, r)
		must(t, err)
	})
	t.Logf("bytes allocated for each MiB: put %d, get %d", put/64, get/64)
	// A reader allocates what the server may send ahead of it, up to 32 MiB of the 64 that nats.go would take.
	if mostPut, mostGet := uint64(100<<10), uint64(700<<10); put/64 > mostPut || get/64 > mostGet {
		t.Errorf("put allocates %d bytes for each MiB, get %d, want at most %d and %d", put/64, get/64, mostPut, mostGet)
	}
}

// allocated is the number of bytes that the process allocates during f.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
