package test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
)

// unanswered makes a call whose message, on subject, is stored but not acknowledged: the link turns into a hole behind it. Then meanwhile happens,
// and the link is cut. It returns how the call ended, and the time since the cut.
func unanswered(t *testing.T, p *natstest.Proxy, stored func() bool, subject string, meanwhile func(), call func() error) (time.Duration, error) {
	t.Helper()
	p.OnMatch([]byte("PUB "+subject), natstest.ClientToServer, func() { p.Hole(natstest.ServerToClient) })
	before := p.Stats().Lost
	result := make(chan error, 1)
	go func() { result <- call() }()
	eventually(t, "the message", stored)
	eventually(t, "the ack to be lost", func() bool { return p.Stats().Lost > before })
	meanwhile()
	must(t, p.Heal())
	cut := time.Now()
	err := await(t, "the end of the call", result)
	return time.Since(cut), err
}

// promptly is the time that a call may take behind the end of an outage, with a busy machine's allowance.
const promptly = 2 * time.Second

// TestKVExpectationsSurviveCuts: a conditional write whose ack is lost with the link ends well, once, as soon as there is a link, unless
// it was not stored because of somebody else.
func TestKVExpectationsSurviveCuts(t *testing.T) {
	t.Parallel()
	for name, api := range kvAPIs {
		for what, c := range map[string]struct {
			write     func(b bucket) (uint64, error)
			want      string // the last entry of the key k, which has been =1@1
			meanwhile string
		}{
			"create":                     {write: func(b bucket) (uint64, error) { return b.create("new", "2") }, want: "new=2@2"},
			"update":                     {write: func(b bucket) (uint64, error) { return b.update("k", "2", 1) }, want: "k=2@2"},
			"delete":                     {write: func(b bucket) (uint64, error) { return 2, b.remove("k", false, 1) }, want: "k-@2"},
			"purge":                      {write: func(b bucket) (uint64, error) { return 2, b.remove("k", true, 1) }, want: "k--@2"},
			"update that is overwritten": {write: func(b bucket) (uint64, error) { return b.update("k", "2", 1) }, want: "k=3@3", meanwhile: "k=3"},
			"create that is deleted":     {write: func(b bucket) (uint64, error) { return b.create("new", "2") }, want: "new-@3", meanwhile: "new-"},
			"update that is purged":      {write: func(b bucket) (uint64, error) { return b.update("k", "2", 1) }, want: "k--@3", meanwhile: "k--"},
		} {
			t.Run(name+"/"+what, func(t *testing.T) {
				t.Parallel()
				checkLeaks(t)
				srv := natstest.Run(t)
				p := natstest.NewProxy(t, srv.URL())
				g := kvStageAt(t, srv, srv.URL(), api, kvConfig{history: 5})
				puts(t, g.b, "k=1")
				far := got[bucket](t)(api.open(t, dial(t, p.URL(), quickly(), silent()), "b"))
				s, err := newJS(t, g.nc).Stream(t.Context(), "KV_b")
				must(t, err)
				last := func() uint64 {
					info, err := s.Info(t.Context())
					must(t, err)
					return info.State.LastSeq
				}
				meanwhile := func() {
					if c.meanwhile != "" {
						puts(t, g.b, c.meanwhile)
					}
				}
				var revision uint64
				took, err := unanswered(t, p, func() bool { return last() == 2 }, "$KV.b.", meanwhile, func() (err error) {
					revision, err = c.write(far)
					return err
				})
				if err != nil || revision != 2 || took > promptly {
					t.Errorf("revision %d, %v after %v; want 2 within %v", revision, err, took, promptly)
				}
				w := watch(t, g.b, watchHow{})
				for u := w.next(t); u != mark; u = w.next(t) {
					if u == c.want {
						return
					}
				}
				t.Errorf("no %s in the bucket", c.want)
			})
		}
	}
}

// TestKVExpectationsLost: what did not reach the server is sent again, and then counts what others wrote meanwhile.
func TestKVExpectationsLost(t *testing.T) {
	t.Parallel()
	for name, api := range kvAPIs {
		for what, intrude := range map[string]bool{"alone": false, "somebody else was faster": true} {
			t.Run(name+"/"+what, func(t *testing.T) {
				t.Parallel()
				checkLeaks(t)
				srv := natstest.Run(t)
				p := natstest.NewProxy(t, srv.URL())
				g := kvStageAt(t, srv, srv.URL(), api, kvConfig{})
				puts(t, g.b, "k=1")
				far := got[bucket](t)(api.open(t, dial(t, p.URL(), quickly(), silent()), "b"))
				p.Hole(natstest.ClientToServer)
				written := p.Seen([]byte("PUB $KV.b.k"), natstest.ClientToServer)
				result := make(chan error, 1)
				go func() { _, err := far.update("k", "2", 1); result <- err }()
				await(t, "the write", written)
				var want error
				if intrude {
					puts(t, g.b, "k=9")
					want = api.errs.mismatch
				}
				must(t, p.Heal())
				began := time.Now()
				err := await(t, "the end of the call", result)
				if (err != nil) != (want != nil) || want != nil && !isMismatch(api, err) || time.Since(began) > promptly {
					t.Errorf("got %v after %v, want %v", err, time.Since(began), want)
				}
			})
		}
	}
}

// isMismatch reports a wrong revision; the older API has the server's words only.
func isMismatch(api kvAPI, err error) bool {
	var e nats.JetStreamError
	return errors.Is(err, api.errs.mismatch) || errors.As(err, &e) && e.APIError() != nil && e.APIError().ErrorCode == 10071
}

// TestKVExpectationsInSmallBuckets: the id that makes it possible does not take room from values.
func TestKVExpectationsInSmallBuckets(t *testing.T) {
	g := withJetStream(t)
	ctx := t.Context()
	// A value and the header of its expectation fill a message of the bucket.
	const value = "12345678"
	const header = "NATS/1.0\r\nNats-Expected-Last-Subject-Sequence: 0\r\n\r\n"
	b, err := g.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "b", MaxValueSize: int32(len(header) + len(value))})
	must(t, err)
	if _, err := b.Create(ctx, "k", []byte(value)); err != nil {
		t.Errorf("a value that fits: %v", err)
	}
	if _, err := b.Create(ctx, "l", []byte(value+"9")); err == nil {
		t.Error("a value that is too large was stored")
	}
	limit := int(g.nc.MaxPayload()) - len(header)
	large, err := g.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "c"})
	must(t, err)
	if _, err := large.Create(ctx, "k", make([]byte, limit)); err != nil {
		t.Errorf("the largest value: %v", err)
	}
	if _, err := large.Create(ctx, "l", make([]byte, limit+1)); !errors.Is(err, nats.ErrMaxPayload) {
		t.Errorf("one byte more: %v, want %v", err, nats.ErrMaxPayload)
	}
}

// TestExpectationsSurviveCuts: the same for publishes with an id, on a stream and on one with replicas: what a first copy has changed is no reason to
// refuse the second one.
func TestExpectationsSurviveCuts(t *testing.T) {
	t.Parallel()
	for expected, c := range map[string]struct {
		newer jetstream.PublishOpt
		older nats.PubOpt
	}{
		"last sequence":                {jetstream.WithExpectLastSequence(1), nats.ExpectLastSequence(1)},
		"last sequence of the subject": {jetstream.WithExpectLastSequencePerSubject(1), nats.ExpectLastSequencePerSubject(1)},
		"last id":                      {jetstream.WithExpectLastMsgID("first"), nats.ExpectLastMsgId("first")},
	} {
		for _, older := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/older %v", expected, older), func(t *testing.T) {
				g, p := behindProxy(t)
				ctx := t.Context()
				_, err := g.steady.Publish(ctx, "s.a", nil, jetstream.WithMsgID("first"))
				must(t, err)
				s, err := g.steady.Stream(ctx, "S")
				must(t, err)
				stored := func() bool {
					info, err := s.Info(ctx)
					must(t, err)
					return info.State.Msgs == 2
				}
				overwrite := func() {
					_, err := g.steady.Publish(ctx, "s.a", nil)
					must(t, err)
				}
				var seq uint64
				var duplicate bool
				took, err := unanswered(t, p, stored, "s.a", overwrite, func() error {
					if older {
						ack, err := legacyJS(t, g.nc).Publish("s.a", nil, nats.MsgId("second"), c.older)
						if err == nil {
							seq, duplicate = ack.Sequence, ack.Duplicate
						}
						return err
					}
					ack, err := g.js.Publish(ctx, "s.a", nil, jetstream.WithMsgID("second"), c.newer)
					if err == nil {
						seq, duplicate = ack.Sequence, ack.Duplicate
					}
					return err
				})
				if err != nil || seq != 2 || !duplicate || took > promptly {
					t.Errorf("sequence %d, duplicate %v, %v after %v; want 2, true within %v", seq, duplicate, err, took, promptly)
				}
				if info, err := s.Info(context.Background()); err != nil || info.State.Msgs != 3 {
					t.Errorf("%v, %+v; want 3 messages", err, info.State)
				}
			})
		}
	}
}

// TestExpectationsSurviveCutsInACluster: the same on streams with replicas, where servers look for duplicates first.
func TestExpectationsSurviveCutsInACluster(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	cluster := natstest.Cluster(t, 3)
	p := natstest.NewProxy(t, cluster.Servers()[0].URL())
	steady := newJS(t, dial(t, cluster.URL()))
	ctx := t.Context()
	b, err := steady.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "b", Replicas: 3, History: 5, Storage: jetstream.MemoryStorage})
	must(t, err)
	s, err := steady.Stream(ctx, "KV_b")
	must(t, err)
	nc := dial(t, p.URL(), quickly(), silent(), nats.IgnoreDiscoveredServers())
	far, err := newJS(t, nc).KeyValue(ctx, "b")
	must(t, err)
	for n := uint64(1); n <= 5; n++ {
		stored := func() bool {
			info, err := s.Info(ctx)
			return err == nil && info.State.LastSeq == 2*n-1
		}
		overwrite := func() {
			_, err := b.Put(ctx, "k", []byte("other"))
			must(t, err)
		}
		var revision uint64
		took, err := unanswered(t, p, stored, "$KV.b.k", overwrite, func() (err error) {
			revision, err = far.Update(ctx, "k", []byte("mine"), 2*n-2)
			return err
		})
		if err != nil || revision != 2*n-1 || took > promptly {
			t.Fatalf("update %d: revision %d, %v after %v; want %d within %v", n, revision, err, took, 2*n-1, promptly)
		}
	}
}

// TestKVCreateBesideDeletions: deletions that go on are no reason to say that there is a value.
func TestKVCreateBesideDeletions(t *testing.T) {
	g := withJetStream(t)
	ctx := t.Context()
	b, err := g.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "b", Storage: jetstream.MemoryStorage})
	must(t, err)
	far, err := newJS(t, dial(t, g.srv.URL())).KeyValue(ctx, "b")
	must(t, err)
	for range 5 {
		var deleting sync.WaitGroup
		for range 4 {
			deleting.Go(func() {
				for range 120 / min(slower, 4) { // so that it is over before Create gives up, on a busy machine too
					_ = far.Delete(ctx, "k")
				}
			})
		}
		if _, err := b.Create(ctx, "k", nil); err != nil {
			t.Errorf("nobody else writes values, but: %v", err)
		}
		deleting.Wait()
		must(t, b.Delete(ctx, "k"))
	}
}
