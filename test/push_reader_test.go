package test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/gannet-io/nats/internal/js/run"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
)

// TestReaderStarts: the first message is the one that the policy names, and Started says how many were there.
func TestReaderStarts(t *testing.T) {
	g := withJetStream(t)
	for i, subject := range []string{"s.a", "s.b", "s.a", "s.c", "s.b"} {
		_, err := g.js.Publish(t.Context(), subject, []byte{byte('1' + i)})
		must(t, err)
	}
	for _, tt := range []struct {
		name  string
		start run.ReaderStart
		only  []string
		want  []string // with the message 6 on s.a stored after Start
	}{
		{"all", run.ReaderStart{}, nil, []string{"+5", "1", "2", "3", "4", "5", "6"}},
		{"all of a subject", run.ReaderStart{}, []string{"s.a"}, []string{"+2", "1", "3", "6"}},
		{"all of two subjects", run.ReaderStart{}, []string{"s.b", "s.c"}, []string{"+3", "2", "4", "5"}},
		{"last", run.ReaderStart{Policy: run.ReadLast}, nil, []string{"+1", "5", "6"}},
		{"last of a subject", run.ReaderStart{Policy: run.ReadLast}, []string{"s.a"}, []string{"+1", "3", "6"}},
		{"last per subject", run.ReaderStart{Policy: run.ReadLastPerSubject}, nil, []string{"+3", "3", "4", "5", "6"}},
		{"last per subject, none", run.ReaderStart{Policy: run.ReadLastPerSubject}, []string{"s.x"}, []string{"+0"}},
		{"new", run.ReaderStart{Policy: run.ReadNew}, nil, []string{"+0", "6"}},
		{"from a sequence", run.ReaderStart{Policy: run.ReadFromSeq, Seq: 4}, nil, []string{"+2", "4", "5", "6"}},
		{"from 0", run.ReaderStart{Policy: run.ReadFromSeq}, []string{"s.c"}, []string{"+1", "4"}},
		{"from a time", run.ReaderStart{Policy: run.ReadFromTime, Time: time.Now().Add(time.Hour)}, []string{"s.y"}, []string{"+0"}},
	} {
		w := openBookworm(t, g.nc, func(_ *bookworm, cfg *run.ReaderConfig[item]) { cfg.Start, cfg.Filters = tt.start, tt.only })
		defer func() {
			eventually(t, tt.name, func() bool { return len(w.happened()) >= len(tt.want) })
			w.Drain()
			await(t, "the end", w.Over())
			if got := w.happened(); !slices.Equal(got, tt.want) {
				t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
			}
			if code, _ := w.Result(); code != wire.Canceled {
				t.Errorf("%s: ended with %v", tt.name, code)
			}
		}()
	}
	_, err := g.js.Publish(t.Context(), "s.a", []byte("6"))
	must(t, err)
}

// TestReaderLeavesNothing: no consumer, no subscription.
func TestReaderLeavesNothing(t *testing.T) {
	g := withJetStream(t)
	g.publish(t, 3)
	before := g.nc.NumSubscriptions()
	w := openBookworm(t, g.nc, nil)
	w.wantAll(t, 3)
	w.Stop()
	await(t, "the end", w.Over())
	eventually(t, "no consumer", func() bool { return g.consumers(t) == 0 })
	if got := g.nc.NumSubscriptions(); got != before {
		t.Errorf("%d subscriptions, want %d", got, before)
	}
	// Neither does one that cannot begin.
	w = newBookworm(g.nc, func(_ *bookworm, cfg *run.ReaderConfig[item]) { cfg.Stream = "NONE" })
	err := w.Start(t.Context())
	var refused *wire.APIError
	if !errors.As(err, &refused) || refused.ErrCode != wire.ErrCodeStreamNotFound {
		t.Errorf("a stream that does not exist: %v", err)
	}
	await(t, "the end", w.Over())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w = newBookworm(g.nc, nil)
	wantError(t, "a context that is over", w.Start(ctx), context.Canceled)
	await(t, "the end", w.Over())
	if got := g.nc.NumSubscriptions(); got != before {
		t.Errorf("%d subscriptions, want %d", got, before)
	}
}

// TestReaderServerRestarts: a restart of 0.4 s is a silence of 1 s at most, and nothing is lost or comes twice.
func TestReaderServerRestarts(t *testing.T) {
	g := withJetStream(t, silent())
	g.publish(t, 10)
	w := openBookworm(t, g.nc, nil)
	w.wantAll(t, 10)
	must(t, g.srv.Stop())
	<-time.After(400 * time.Millisecond)
	must(t, g.srv.Restart(true))
	within(t, "the next message", time.Second, func() {
		js := newJS(t, dial(t, g.srv.URL(), quickly(), silent()))
		_, err := js.Publish(context.Background(), "s.a", []byte("after"))
		must(t, err)
		w.wantAll(t, 11)
	})
	if got, want := w.all(), []string{"Disconnected", "OK"}; !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
}

// TestReaderCuts: cuts while messages flow.
func TestReaderCuts(t *testing.T) {
	g, p := behindProxy(t)
	w := openBookworm(t, g.nc, nil)
	for i := range 20 {
		g.publish(t, 50)
		if i%4 == 3 {
			p.Cut()
		}
	}
	w.wantAll(t, 1000)
}

// TestReaderBlackHole: bytes vanish, and nothing tells so but the missing heartbeats. The silence ends within 1.5 s of the moment when
// the server can serve.
func TestReaderBlackHole(t *testing.T) {
	g, p := behindProxy(t)
	w := openBookworm(t, g.nc, func(_ *bookworm, cfg *run.ReaderConfig[item]) { cfg.Heartbeat = 500 * time.Millisecond })
	g.publish(t, 5)
	w.wantAll(t, 5)
	p.Hole(natstest.Both)
	began := time.Now()
	eventually(t, "the news", func() bool { return slices.Contains(w.all(), "NoHeartbeat") })
	if took := time.Since(began); took > 1500*time.Millisecond {
		t.Errorf("told after %v", took)
	}
	g.publish(t, 5)
	must(t, p.Heal())
	within(t, "the next message", 1500*time.Millisecond, func() { w.wantAll(t, 10) })
}

// TestReaderConsumerDeleted: the server does not tell, but its heartbeats are missed.
func TestReaderConsumerDeleted(t *testing.T) {
	g := withJetStream(t)
	w := openBookworm(t, g.nc, func(_ *bookworm, cfg *run.ReaderConfig[item]) { cfg.Heartbeat = 200 * time.Millisecond })
	g.publish(t, 3)
	w.wantAll(t, 3)
	deleteConsumers(t, newJS(t, dial(t, g.srv.URL())))
	g.publish(t, 3)
	within(t, "the next message", time.Second, func() { w.wantAll(t, 6) })
}

// TestReaderOwnDeletion: what is deleted through the reader's own connection it need not find out by heartbeats.
func TestReaderOwnDeletion(t *testing.T) {
	g := withJetStream(t)
	w := openBookworm(t, g.nc, func(_ *bookworm, cfg *run.ReaderConfig[item]) { cfg.Heartbeat = time.Minute })
	g.publish(t, 3)
	w.wantAll(t, 3)
	deleteConsumers(t, g.js)
	g.publish(t, 3)
	within(t, "the next message", 2*time.Second, func() { w.wantAll(t, 6) })
	must(t, g.js.DeleteStream(t.Context(), "S"))
	await(t, "the end", w.Over())
	if code, words := w.Result(); code != wire.ServerRefused || words != "stream not found" {
		t.Errorf("ended with %v %q", code, words)
	}
}

// deleteConsumers deletes those of the stream.
func deleteConsumers(t testing.TB, js jetstream.JetStream) {
	t.Helper()
	names, err := consumerNames(js)
	must(t, err)
	for _, name := range names {
		must(t, js.DeleteConsumer(context.Background(), "S", name))
	}
}

// TestReaderStreamGone: it ends, with the server's words.
func TestReaderStreamGone(t *testing.T) {
	g := withJetStream(t)
	w := openBookworm(t, g.nc, func(_ *bookworm, cfg *run.ReaderConfig[item]) { cfg.Heartbeat = 200 * time.Millisecond })
	must(t, newJS(t, dial(t, g.srv.URL())).DeleteStream(t.Context(), "S"))
	await(t, "the end", w.Over()) // after 2 s, on a machine that is not busy
	if code, words := w.Result(); code != wire.ServerRefused || words != "stream not found" {
		t.Errorf("ended with %v %q", code, words)
	}
	told := slices.DeleteFunc(w.all(), func(s string) bool { return s == "Timeout" }) // a busy server answers late
	if want := []string{"NoHeartbeat", "ServerRefused"}; !slices.Equal(slices.Compact(told), want) {
		t.Errorf("told %q, want %q", told, want)
	}
}

// consumers counts those of the stream.
func (g *jsStage) consumers(t testing.TB) int {
	t.Helper()
	info, err := g.s.Info(context.Background())
	must(t, err)
	return info.State.Consumers
}
