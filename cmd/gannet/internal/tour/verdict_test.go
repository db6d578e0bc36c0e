package tour

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
)

// newTour is a tour of sixteen pieces whose stream is there and empty.
func newTour(t *testing.T) *tour {
	t.Helper()
	srv := natstest.Run(t)
	src, err := load(writeFile(t, "0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := setUp(t.Context(), Config{Server: srv.URL()}, func(error) {})
	t.Cleanup(s.close)
	if err != nil {
		t.Fatal(err)
	}
	tr := &tour{stage: s, report: &recorder{}, source: src, pieces: cut(src.data, maxPiece), stream: uniqueName(), began: time.Now()}
	if _, err := s.directJS.CreateStream(t.Context(), tr.streamConfig()); err != nil {
		t.Fatal(err)
	}
	return tr
}

func (t *tour) mustPublish(tb testing.TB, span span) {
	tb.Helper()
	for i := span.from; i < span.to; i++ {
		if _, err := t.publish(tb.Context(), i); err != nil {
			tb.Fatal(err)
		}
	}
}

// perfect is a reading in which everything is right.
func (t *tour) perfect(tb testing.TB) *reading {
	tb.Helper()
	r := t.newReading()
	for i, p := range t.pieces {
		if err := r.take(message{id: t.id(i), text: string(p), sequence: uint64(i + 1)}); err != nil {
			tb.Fatal(err)
		}
	}
	return r
}

func TestVerdictOnTheWholeFile(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		spoil   func(t *testing.T, tr *tour)
		figures map[string]any
		want    string // "": holds
	}{
		{"all well", func(*testing.T, *tour) {}, map[string]any{"lost": 0, "duplicated": 0, "sha256_black_hole": "equal"}, ""},
		{"a line missing", func(_ *testing.T, tr *tour) {
			r := tr.newReading()
			copy(r.body, tr.throughHole.body[:15])
			r.found = 15
			tr.throughHole = r
		}, map[string]any{"lost": 1, "sha256_black_hole": "different", "sha256_reaped_consumer": "equal"}, "read through the black hole differs"},
		{"another byte", func(_ *testing.T, tr *tour) {
			tr.aroundReaper.body[3] = []byte("!")
		}, map[string]any{"lost": 0, "sha256_reaped_consumer": "different"}, "read through the deleted consumer differs"},
		{"a line twice in the stream", func(t *testing.T, tr *tour) {
			if _, err := tr.js.Publish(t.Context(), tr.subject(), tr.pieces[0]); err != nil {
				t.Fatal(err)
			}
		}, map[string]any{"lost": 0, "duplicated": 1, "in_stream": 17}, "1 duplicated"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tr := newTour(t)
			tr.mustPublish(t, span{0, 16})
			tr.throughHole, tr.aroundReaper = tr.perfect(t), tr.perfect(t)
			tt.spoil(t, tr)
			f, err := wholeFile(t.Context(), tr)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			for key, want := range tt.figures {
				if got := f.Get(key); got != want {
					t.Errorf("%s: got %v, want %v", key, got, want)
				}
			}
		})
	}
}

// TestVerdictOnTheWindow needs a stream with all lines.
func TestVerdictOnTheWindow(t *testing.T) {
	t.Parallel()
	tr := newTour(t)
	tr.mustPublish(t, span{0, 16})
	_, _, share := shares(16)
	good := round{acked: share.len(), duplicates: 2, disconnected: 3}
	with := func(change func(*round)) round {
		r := good
		change(&r)
		return r
	}
	for _, tt := range []struct {
		name     string
		total    round
		share    span
		inFlight int
		want     string
	}{
		{"all well", good, share, 5, ""},
		{"another error", with(func(r *round) { r.other, r.failure = 1, errors.New("odd") }), share, 5, "otherwise: odd"},
		{"unresolved", with(func(r *round) { r.acked, r.unresolved = 0, 7 }), share, 5, "0 of 7 lines acked"},
		{"still not stored", with(func(r *round) { r.acked, r.again = 6, []int{9} }), share, 5, "6 of 7 lines acked"},
		{"a break that hit nothing", good, share, 0, "nothing was in flight"},
		{"acked and not stored", good, span{share.from + 1, share.to + 1}, 5, "17 lines published so far, 16 stored"},
	} {
		err := tr.judgeWindow(t.Context(), tt.total, tt.share, tt.inFlight)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}

// TestNothingLateAboutIt has the stream there from the beginning.
func TestNothingLateAboutIt(t *testing.T) {
	t.Parallel()
	tr := newTour(t)
	if _, err := lateStream(t.Context(), tr); err == nil || !strings.Contains(err.Error(), "without a stream") {
		t.Errorf("got %v, want an error: there was no failure without retries", err)
	}
}

// TestAMissingLine does not wait for it for ever: neither reading ends well when the stream has not got all.
func TestAMissingLine(t *testing.T) {
	t.Parallel()
	for _, chapter := range []func(context.Context, *tour) (Figures, error){blackHole, reapedConsumer} {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			tr := newTour(t)
			tr.mustPublish(t, span{0, 15})
			began := time.Now()
			if _, err := chapter(t.Context(), tr); err == nil || !strings.Contains(err.Error(), "1 line missing") {
				t.Errorf("got %v, want an error that says so", err)
			}
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("took %v to find out", took)
			}
		})
	}
}

func TestFetchTellsWhatTheLibraryTells(t *testing.T) {
	t.Parallel()
	tr := newTour(t)
	tr.mustPublish(t, span{0, 3})
	c, err := tr.newConsumer(t.Context(), jetstream.ConsumerConfig{AckPolicy: jetstream.AckExplicitPolicy})
	if err != nil {
		t.Fatal(err)
	}
	odd := errors.New("odd")
	if _, err := fetch(t.Context(), c, 1, func(jetstream.Msg) error { return odd }); err != odd {
		t.Errorf("the handler failed: got %v, want its error", err)
	}
	b, err := fetch(t.Context(), c, 2, func(jetstream.Msg) error { return nil })
	if err != nil || b.err != nil || b.messages != 2 {
		t.Errorf("got %+v, %v, want 2 messages", b, err)
	}
	b, err = fetch(t.Context(), c, 0, nil)
	if err != nil || b.err == nil {
		t.Errorf("a bad argument: got %+v, %v, want the library's error in the batch", b, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := fetch(ctx, c, 1, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
}
