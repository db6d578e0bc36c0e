package test

import (
	"io"
	"math"
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
	get := uint64(math.MaxUint64)
	for range 5 { // a machine that has other work stops the reader now and then, and then the server is ahead of it by more
		// Another connection each time: they keep buffers that were used.
		b := got[jetstream.ObjectStore](t)(newJS(t, dial(t, srv.URL())).ObjectStore(t.Context(), "B"))
		get = min(get, allocated(func() {
			r := got[jetstream.ObjectResult](t)(b.Get(t.Context(), "x"))
			_, err := io.Copy(io.Discard, r)
			must(t, err)
		}))
	}
	t.Logf("bytes allocated for each MiB: put %d, get %d", put/64, get/64)
	if most := uint64(100 << 10); put/64 > most || get/64 > most {
		t.Errorf("put allocates %d bytes for each MiB, get %d, want at most %d", put/64, get/64, most)
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
