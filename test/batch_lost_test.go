package test

import (
	"context"
	"errors"
	"testing"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
)

// knownBatch is a batch of three messages that the stream recognises by the id of the first.
func knownBatch(id string, h nats.Header) []*nats.Msg {
	first := &nats.Msg{Subject: "b.1", Header: nats.Header{"Nats-Msg-Id": {id}}}
	for k, v := range h {
		first.Header[k] = v
	}
	return []*nats.Msg{first, nats.NewMsg("b.2"), nats.NewMsg("b.3")}
}

// loseCommit has the answer to the next commit vanish, and calls then.
func loseCommit(t *testing.T, proxy *natstest.Proxy, then func()) {
	answered := proxy.Seen([]byte(`"count":3`), natstest.ServerToClient) // counts although it is swallowed
	proxy.HoleOnMatch([]byte("Nats-Batch-Commit"), natstest.ClientToServer, natstest.ServerToClient)
	over := make(chan struct{})
	t.Cleanup(func() { await(t, "the answer to the commit", over) })
	go func() {
		defer close(over)
		<-answered
		then()
	}()
}

// Whoever hears that a batch is not stored may publish it again under another id. So once a commit was sent and not answered, no later attempt
// may end in that word: not for want of a link, and not because the stored copy stands in its way.
func TestBatchInDoubtStaysInDoubt(t *testing.T) {
	inDoubt := func(t *testing.T, ack *jetstream.BatchAck, err error) {
		t.Helper()
		var failed *jetstream.BatchError
		if !errors.As(err, &failed) || !failed.MayBeStored || failed.BatchID == "" {
			t.Errorf("got %+v, %v, want an error that says it may be stored", ack, err)
		}
	}
	t.Run("no link", func(t *testing.T) {
		g, proxy := behindProxy(t)
		s := g.atomicStream(t)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		loseCommit(t, proxy, func() {
			proxy.Refuse()
			proxy.Cut()
			eventually(t, "the loss", g.nc.IsReconnecting)
			cancel()
		})
		ack, err := jetstream.PublishBatch(ctx, g.js, knownBatch("x", nil)...)
		inDoubt(t, ack, err)
		if n := holds(t, s); n != 3 {
			t.Errorf("%d messages are stored", n)
		}
	})
	t.Run("closed meanwhile", func(t *testing.T) {
		g, proxy := behindProxy(t)
		g.atomicStream(t)
		loseCommit(t, proxy, func() {
			proxy.Refuse()
			proxy.Cut()
			eventually(t, "the loss", g.nc.IsReconnecting)
			g.nc.Close()
		})
		ack, err := jetstream.PublishBatch(t.Context(), g.js, knownBatch("x", nil)...)
		inDoubt(t, ack, err)
	})
	t.Run("in its own way", func(t *testing.T) {
		g, proxy := behindProxy(t)
		s := g.atomicStream(t)
		loseCommit(t, proxy, func() { must(t, proxy.Heal()) })
		ack, err := jetstream.PublishBatch(t.Context(), g.js, knownBatch("x", nats.Header{"Nats-Expected-Last-Sequence": {"0"}})...)
		if err != nil || !ack.Duplicate {
			inDoubt(t, ack, err)
		}
		if n := holds(t, s); n != 3 {
			t.Errorf("%d messages are stored", n)
		}
	})
	t.Run("recognised", func(t *testing.T) {
		g, proxy := behindProxy(t)
		s := g.atomicStream(t)
		loseCommit(t, proxy, func() { must(t, proxy.Heal()) })
		ack, err := jetstream.PublishBatch(t.Context(), g.js, knownBatch("x", nil)...)
		if err != nil || !ack.Duplicate || ack.Count != 3 {
			t.Errorf("got %+v, %v, want a duplicate", ack, err)
		}
		if n := holds(t, s); n != 3 {
			t.Errorf("%d messages are stored", n)
		}
	})
}

// A batch that was lost before its commit is begun anew, whichever of its messages was the last.
func TestBatchLostOnTheWay(t *testing.T) {
	g, proxy := behindProxy(t)
	s := g.atomicStream(t)
	for i, at := range []string{"Nats-Batch-Sequence: 1\r\n", "Nats-Batch-Sequence: 2\r\n"} {
		proxy.CutOnMatch([]byte(at), natstest.ClientToServer)
		ack, err := jetstream.PublishBatch(t.Context(), g.js, knownBatch(at[:len(at)-2], nil)...)
		if err != nil || ack.Count != 3 || ack.Duplicate {
			t.Errorf("cut at %q: %+v, %v", at, ack, err)
		}
		if n := holds(t, s); n != uint64(3*(i+1)) {
			t.Errorf("cut at %q: %d messages are stored", at, n)
		}
	}
}
