package test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/internal/bridge"
	"github.com/gannet-io/nats/internal/js/api"
	"github.com/gannet-io/nats/internal/js/run"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/proto"
)

// item is a message as a reader under test hands it out.
type item struct {
	seq     uint64
	subject string
	data    string
	pending uint64
}

// bookworm is a reader under test: it notes.
type bookworm struct {
	*run.Reader[item]
	journal // what was told

	mu      sync.Mutex
	items   []item
	started []uint64
	order   []string // of Started and Handle
	last    time.Time
}

// newBookworm makes a reader of the stream S over nc; change may change its configuration.
func newBookworm(nc *nats.Conn, change func(w *bookworm, cfg *run.ReaderConfig[item])) *bookworm {
	w := new(bookworm)
	engine := bridge.EngineOf(nc)
	cfg := run.ReaderConfig[item]{
		API:    &api.Client{Conn: engine, Prefix: wire.DefaultPrefix},
		Link:   engine,
		Stream: "S",
		Build: func(f *proto.Frame, at wire.Place) item {
			return item{at.StreamSeq, string(f.Subject), string(f.Data), at.Pending}
		},
		Handle:  w.note,
		Started: w.noteStart,
		Tell:    func(code wire.Code, words string) { w.add("%v", code) },
	}
	if change != nil {
		change(w, &cfg)
	}
	w.Reader = run.NewReader(cfg)
	return w
}

// openBookworm starts one, which is stopped with the test.
func openBookworm(t testing.TB, nc *nats.Conn, change func(w *bookworm, cfg *run.ReaderConfig[item])) *bookworm {
	t.Helper()
	w := newBookworm(nc, change)
	must(t, w.Start(context.Background()))
	t.Cleanup(func() {
		w.Stop()
		await(t, "the reader's end", w.Over())
	})
	return w
}

func (w *bookworm) note(m item) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.items = append(w.items, m)
	w.order = append(w.order, m.data)
	w.last = time.Now()
}

func (w *bookworm) noteStart(pending uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.started = append(w.started, pending)
	w.order = append(w.order, fmt.Sprintf("+%d", pending))
}

func (w *bookworm) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.items)
}

func (w *bookworm) sequences() (seqs []uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.items {
		seqs = append(seqs, m.seq)
	}
	return seqs
}

func (w *bookworm) happened() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.order...)
}

// wantAll waits for n messages, and wants the sequences 1 to n once and in order.
func (w *bookworm) wantAll(t testing.TB, n int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d messages", n), func() bool { return w.count() >= n })
	for i, seq := range w.sequences() {
		if seq != uint64(i+1) {
			t.Fatalf("message %d has sequence %d; all: %v", i+1, seq, w.sequences()[max(0, i-5):min(w.count(), i+5)])
		}
	}
	if got := w.count(); got != n {
		t.Errorf("%d messages, want %d", got, n)
	}
}
