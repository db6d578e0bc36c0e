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

// ingestStream adds the stream F on f.>, which takes fast batches.
func ingestStream(t *testing.T, js jetstream.JetStream, replicas int) jetstream.Stream {
	t.Helper()
	s, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "F", Subjects: []string{"f.>"}, AllowBatchPublish: true, AllowDirect: true, Replicas: replicas})
	must(t, err)
	return s
}

func newIngest(t *testing.T, js jetstream.JetStream, opts ...jetstream.IngestOpt) *jetstream.Ingest {
	t.Helper()
	in, err := jetstream.NewIngest(js, opts...)
	must(t, err)
	t.Cleanup(in.Abandon)
	return in
}

// wantNumbers checks that the stream holds the payloads from 0 to n-1, in order, each once.
func wantNumbers(t *testing.T, s jetstream.Stream, n int) {
	t.Helper()
	if got := holds(t, s); got != uint64(n) {
		t.Errorf("%d messages are stored, want %d", got, n)
	}
	if n == 0 {
		return
	}
	c, err := s.CreateConsumer(t.Context(), jetstream.ConsumerConfig{AckPolicy: jetstream.AckNonePolicy})
	must(t, err)
	b, err := c.Fetch(n, jetstream.FetchMaxWait(5*time.Second))
	must(t, err)
	i := 0
	for m := range b.Messages() {
		if string(m.Data()) != fmt.Sprint(i) {
			t.Fatalf("message %d is %q", i, m.Data())
		}
		i++
	}
	if i != n {
		t.Errorf("%d messages read, want %d: %v", i, n, b.Error())
	}
}

func TestIngest(t *testing.T) {
	for name, c := range map[string]struct {
		n    int
		opts []jetstream.IngestOpt
	}{
		"nothing":          {n: 0},
		"one message":      {n: 1},
		"a few":            {n: 7},
		"an ack each":      {n: 50, opts: []jetstream.IngestOpt{jetstream.IngestAckEvery(1)}},
		"many":             {n: 5000},
		"many, large acks": {n: 5000, opts: []jetstream.IngestOpt{jetstream.IngestAckEvery(60000), nil}},
		"with ids":         {n: 500, opts: []jetstream.IngestOpt{jetstream.IngestMsgIDs()}},
	} {
		t.Run(name, func(t *testing.T) {
			g := withJetStream(t)
			s := ingestStream(t, g.js, 1)
			in := newIngest(t, g.js, c.opts...)
			for i := range c.n {
				must(t, in.Publish(t.Context(), "f.a", fmt.Append(nil, i)))
			}
			ack, err := in.Close(t.Context())
			must(t, err)
			if ack.Count != uint64(c.n) || c.n > 0 && (ack.Stream != "F" || ack.Sequence != uint64(c.n)) || in.Stored() != uint64(c.n) {
				t.Errorf("ack %+v, %d stored", ack, in.Stored())
			}
			if again, err := in.Close(t.Context()); err != nil || *again != *ack {
				t.Errorf("closed again: %+v, %v", again, err)
			}
			if err := in.Publish(t.Context(), "f.a", nil); err != jetstream.ErrBatchClosed {
				t.Errorf("a publish behind the end: %v", err)
			}
			wantNumbers(t, s, c.n)
			if n := g.nc.NumSubscriptions(); c.n == 0 && n != 0 {
				t.Errorf("%d subscriptions are left", n)
			}
		})
	}
}

func TestIngestKeepsHeaders(t *testing.T) {
	g := withJetStream(t)
	s := ingestStream(t, g.js, 1)
	in := newIngest(t, g.js)
	m := &nats.Msg{Subject: "f.a", Header: nats.Header{"K": {"v"}}, Data: []byte("x")}
	must(t, in.PublishMsg(t.Context(), m, jetstream.WithMsgID("7")))
	if len(m.Header) != 1 {
		t.Errorf("the caller's message has changed: %v", m.Header)
	}
	got[*jetstream.BatchAck](t)(in.Close(t.Context()))
	stored, err := s.GetMsg(t.Context(), 1)
	must(t, err)
	if stored.Header.Get("K") != "v" || stored.Header.Get("Nats-Msg-Id") != "7" || string(stored.Data) != "x" {
		t.Errorf("stored: %v %q", stored.Header, stored.Data)
	}
}

func TestIngestRefusals(t *testing.T) {
	g := withJetStream(t)
	s := ingestStream(t, g.js, 1)
	ctx := t.Context()
	t.Run("a stream without fast batches", func(t *testing.T) {
		in := newIngest(t, g.js)
		must(t, in.Publish(ctx, "s.a", nil))
		var failed *jetstream.IngestError
		if _, err := in.Close(ctx); !errors.Is(err, jetstream.ErrFastBatchDisabled) || !errors.As(err, &failed) || failed.MayBeStored != 0 {
			t.Errorf("%v", err)
		}
		if err := in.Publish(ctx, "s.a", nil); !errors.Is(err, jetstream.ErrFastBatchDisabled) {
			t.Errorf("a publish afterwards: %v", err)
		}
	})
	t.Run("a message in the middle", func(t *testing.T) {
		in := newIngest(t, g.js, jetstream.IngestAckEvery(10))
		before := holds(t, s)
		for i := range 40 {
			var opts []jetstream.PublishOpt
			if i == 25 {
				opts = append(opts, jetstream.WithExpectLastSequence(77_777))
			}
			if err := in.Publish(ctx, "f.a", nil, opts...); err != nil {
				break // it has been told already
			}
		}
		var failed *jetstream.IngestError
		_, err := in.Close(ctx)
		if !errors.As(err, &failed) || failed.Stored != 25 || failed.MayBeStored != 25 ||
			!errors.Is(err, &jetstream.APIError{ErrorCode: jetstream.JSErrCodeStreamWrongLastSequence}) {
			t.Errorf("%+v", err)
		}
		if n := holds(t, s) - before; n != 25 {
			t.Errorf("%d are stored", n)
		}
	})
	t.Run("no stream", func(t *testing.T) {
		in := newIngest(t, g.js, jetstream.IngestPatience(300*time.Millisecond))
		must(t, in.Publish(ctx, "nowhere", nil))
		if _, err := in.Close(ctx); !errors.Is(err, nats.ErrTimeout) {
			t.Errorf("%v", err)
		}
	})
}

func TestIngestArguments(t *testing.T) {
	g := withJetStream(t)
	ingestStream(t, g.js, 1)
	ctx := t.Context()
	in := newIngest(t, g.js)
	var none context.Context
	for name, c := range map[string]struct{ err, want error }{
		"no js":          {second(jetstream.NewIngest(nil)), nats.ErrInvalidArg},
		"acks every 0":   {second(jetstream.NewIngest(g.js, jetstream.IngestAckEvery(0))), jetstream.ErrInvalidOption},
		"every 65536":    {second(jetstream.NewIngest(g.js, jetstream.IngestAckEvery(65536))), jetstream.ErrInvalidOption},
		"no patience":    {second(jetstream.NewIngest(g.js, jetstream.IngestPatience(0))), jetstream.ErrInvalidOption},
		"no context":     {in.Publish(none, "f.a", nil), nats.ErrInvalidContext},
		"close without":  {second(in.Close(none)), nats.ErrInvalidContext},
		"no message":     {in.PublishMsg(ctx, nil), nats.ErrInvalidMsg},
		"no subject":     {in.Publish(ctx, "", nil), nats.ErrBadSubject},
		"a line break":   {in.Publish(ctx, "f.a\r\nPUB x", nil), nats.ErrBadSubject},
		"a bad header":   {in.PublishMsg(ctx, &nats.Msg{Subject: "f.a", Header: nats.Header{"a:b": {"c"}}}), nats.ErrBadHeaderMsg},
		"too large":      {in.Publish(ctx, "f.a", make([]byte, 2<<20)), nats.ErrMaxPayload},
		"stall wait":     {in.Publish(ctx, "f.a", nil, jetstream.WithStallWait(1)), jetstream.ErrInvalidOption},
		"then a message": {in.Publish(ctx, "f.a", nil), nil},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v, want %v", name, c.err, c.want)
		}
	}
	if ack, err := in.Close(ctx); err != nil || ack.Count != 1 {
		t.Errorf("%+v, %v", ack, err)
	}
}

// Links that break at any byte, in both directions, cost no message, no order, and make no double.
func TestIngestOverCuts(t *testing.T) {
	g, proxy := behindProxy(t)
	s := ingestStream(t, g.steady, 1)
	in := newIngest(t, g.js, jetstream.IngestAckEvery(20))
	const n = 4000
	for i := range n {
		if i%400 == 200 {
			proxy.CutAfter(int64(i), []natstest.Direction{natstest.ClientToServer, natstest.ServerToClient}[i/400%2])
		}
		must(t, in.Publish(t.Context(), "f.a", fmt.Append(nil, i)))
	}
	ack, err := in.Close(t.Context())
	must(t, err)
	if ack.Count != n {
		t.Errorf("%+v", ack)
	}
	wantNumbers(t, s, n)
	if g.nc.Stats().Reconnects == 0 {
		t.Error("the link was never cut")
	}
}

// A server that restarts forgets the batch. With ids the ingest goes on; without, it says how far it came.
func TestIngestOverRestart(t *testing.T) {
	for name, ids := range map[string]bool{"with ids": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			g := withJetStream(t, quickly(), silent())
			s := ingestStream(t, g.js, 1)
			opts := []jetstream.IngestOpt{jetstream.IngestAckEvery(20), nil}
			if ids {
				opts[1] = jetstream.IngestMsgIDs()
			}
			in := newIngest(t, g.js, opts...)
			const n = 3000
			var err error
			accepted := 0
			for i := range n {
				if i == n/2 {
					must(t, g.srv.Restart(true))
				}
				if err = in.Publish(t.Context(), "f.a", fmt.Append(nil, i)); err != nil {
					break
				}
				accepted++
			}
			ack, closeErr := in.Close(t.Context())
			if ids {
				must(t, err)
				must(t, closeErr)
				if ack.Count != n {
					t.Errorf("%+v", ack)
				}
				wantNumbers(t, s, n)
				return
			}
			var failed *jetstream.IngestError
			if !errors.Is(closeErr, jetstream.ErrBatchForgotten) || !errors.As(closeErr, &failed) {
				t.Fatalf("%+v, %v", ack, closeErr)
			}
			if got := holds(t, s); got < failed.Stored || got > failed.MayBeStored || failed.MayBeStored > uint64(accepted) {
				t.Errorf("%d are stored, told were %d to %d of %d", got, failed.Stored, failed.MayBeStored, accepted)
			}
		})
	}
}

func TestIngestUsedConcurrently(t *testing.T) {
	g := withJetStream(t)
	s := ingestStream(t, g.js, 1)
	in := newIngest(t, g.js, jetstream.IngestAckEvery(7))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				if err := in.Publish(t.Context(), "f.a", nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if ack, err := in.Close(t.Context()); err != nil || ack.Count != 1600 || holds(t, s) != 1600 {
		t.Errorf("%+v, %v, %d stored", ack, err, holds(t, s))
	}
}

// Every way to end an ingest ends those who wait for it.
func TestIngestEnds(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(in *jetstream.Ingest, nc *nats.Conn)
		want error
	}{
		"Abandon": {func(in *jetstream.Ingest, _ *nats.Conn) { in.Abandon() }, jetstream.ErrBatchClosed},
		"Close":   {func(_ *jetstream.Ingest, nc *nats.Conn) { nc.Close() }, nats.ErrConnectionClosed},
	} {
		t.Run(name, func(t *testing.T) {
			g, proxy := behindProxy(t)
			ingestStream(t, g.steady, 1)
			in := newIngest(t, g.js, jetstream.IngestAckEvery(2))
			proxy.Hole(natstest.Both)
			ended := make(chan error, 2)
			go func() {
				for {
					if err := in.Publish(t.Context(), "f.a", nil); err != nil {
						ended <- err
						return
					}
				}
			}()
			c.end(in, g.nc)
			if err := await(t, "the end of Publish", ended); !errors.Is(err, c.want) {
				t.Errorf("Publish: %v, want %v", err, c.want)
			}
			if _, err := in.Close(t.Context()); !errors.Is(err, c.want) {
				t.Errorf("Close: %v, want %v", err, c.want)
			}
			must(t, proxy.Heal())
		})
	}
	t.Run("a context", func(t *testing.T) {
		g, proxy := behindProxy(t)
		ingestStream(t, g.steady, 1)
		in := newIngest(t, g.js)
		proxy.Hole(natstest.Both)
		must(t, in.Publish(t.Context(), "f.a", nil))
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		var failed *jetstream.IngestError
		if _, err := in.Close(ctx); !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &failed) || failed.Stored != 0 || failed.MayBeStored != 1 {
			t.Errorf("%v", err)
		}
		must(t, proxy.Heal())
	})
}

// New leaders in the middle of a batch cost no message, no order, and make no double.
func TestIngestOverLeaders(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	cl := natstest.Cluster(t, 3)
	js := newJS(t, dial(t, cl.URL(), quickly(), silent()))
	s := ingestStream(t, js, 3)
	in := newIngest(t, js, jetstream.IngestAckEvery(50))
	const n, leaders = 6000, 5
	for i := range n {
		if i%(n/leaders) == n/leaders/2 {
			must(t, cl.StepDown("F"))
		}
		must(t, in.Publish(t.Context(), "f.a", fmt.Append(nil, i)))
	}
	ack, err := in.Close(t.Context())
	must(t, err)
	if ack.Count != n {
		t.Errorf("%+v", ack)
	}
	wantNumbers(t, s, n)
}

// A leader that dies takes along what it knew of the batch: with ids, nothing else is lost with it.
func TestIngestLeaderDies(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	cl := natstest.Cluster(t, 3, natstest.AsProcess())
	js := newJS(t, dial(t, cl.URL(), quickly(), silent()))
	s := ingestStream(t, js, 3)
	in := newIngest(t, js, jetstream.IngestAckEvery(50), jetstream.IngestMsgIDs())
	const n = 2000
	for i := range n {
		if i == n/2 {
			must(t, cl.StreamLeader("F").Kill())
		}
		must(t, in.Publish(t.Context(), "f.a", fmt.Append(nil, i)))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second) // servers choose another leader within 10 s
	defer cancel()
	ack, err := in.Close(ctx)
	must(t, err)
	if ack.Count != n {
		t.Errorf("%+v", ack)
	}
	// A consumer may be placed where nobody is any more, so it takes one that is made until it answers.
	c := got[jetstream.Consumer](t)(s.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{}))
	it := messages(t, c)
	defer it.Stop()
	for i := range n {
		if m, err := it.Next(jetstream.NextContext(ctx)); err != nil || string(m.Data()) != fmt.Sprint(i) {
			t.Fatalf("message %d: %v, %v", i, m, err)
		}
	}
}
