package test

import (
	"runtime"
	"testing"
	"time"

	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
)

// TestFetchBytesAllocations: a fetch by bytes has room for what comes, and not for as many messages as could. Nothing runs beside it.
func TestFetchBytesAllocations(t *testing.T) {
	checkLeaks(t)
	srv := natstest.Run(t)
	g := jsStageAt(t, srv, srv.URL())
	c := g.consumer(t)
	fetch := func() {
		b := got[jetstream.MessageBatch](t)(c.FetchBytes(64<<20, jetstream.FetchMaxWait(20*time.Millisecond)))
		for range b.Messages() {
		}
		must(t, b.Error())
	}
	fetch()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const rounds = 5
	for range rounds {
		fetch()
	}
	runtime.ReadMemStats(&after)
	each := (after.TotalAlloc - before.TotalAlloc) / rounds
	t.Logf("%d bytes a fetch, the server's included", each)
	if each > 1<<20 {
		t.Errorf("%d bytes a fetch, want 1 MiB at most", each)
	}
}
