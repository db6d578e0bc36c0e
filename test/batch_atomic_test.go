package test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
)

// atomicStream adds the stream B on b.>, which takes batches.
func (g *jsStage) atomicStream(t *testing.T) jetstream.Stream {
	t.Helper()
	s, err := g.steady.CreateStream(t.Context(), jetstream.StreamConfig{Name: "B", Subjects: []string{"b.>"}, AllowAtomicPublish: true, AllowDirect: true})
	must(t, err)
	return s
}

func holds(t *testing.T, s jetstream.Stream) uint64 {
	t.Helper()
	info, err := s.Info(t.Context())
	must(t, err)
	return info.State.Msgs
}

func batch(t *testing.T, js jetstream.JetStream) *jetstream.Batch {
	t.Helper()
	b, err := jetstream.NewBatch(js)
	must(t, err)
	return b
}

func TestBatchCommits(t *testing.T) {
	g := withJetStream(t)
	s := g.atomicStream(t)
	ctx := t.Context()
	commits := map[string]func(b *jetstream.Batch) (*jetstream.BatchAck, error){
		"with the last message": func(b *jetstream.Batch) (*jetstream.BatchAck, error) {
			return b.CommitMsg(ctx, nats.NewMsg("b.3"))
		},
		"behind the last message": func(b *jetstream.Batch) (*jetstream.BatchAck, error) {
			if err := b.Add(ctx, "b.3", nil); err != nil {
				return nil, err
			}
			return b.Commit(ctx)
		},
	}
	for name, commit := range commits {
		t.Run(name, func(t *testing.T) {
			before := holds(t, s)
			b := batch(t, g.js)
			must(t, b.Add(ctx, "b.1", []byte("one")))
			must(t, b.AddMsg(ctx, &nats.Msg{Subject: "b.2", Header: nats.Header{"K": {"v"}}}))
			if n := holds(t, s); n != before {
				t.Errorf("%d messages are stored before the commit", n-before)
			}
			ack, err := commit(b)
			must(t, err)
			if ack.Count != 3 || ack.Sequence != before+3 || ack.Stream != "B" || ack.BatchID != b.ID() || b.Len() != 2+boolInt(name[0] == 'b') {
				t.Errorf("ack %+v, %d added, want 3 messages up to %d", ack, b.Len(), before+3)
			}
			m, err := s.GetMsg(ctx, before+2)
			must(t, err)
			if m.Header.Get("K") != "v" || m.Header.Get("Nats-Batch-Id") != b.ID() || m.Header.Get("Nats-Batch-Sequence") != "2" {
				t.Errorf("headers of the second message: %v", m.Header)
			}
			if err := b.Add(ctx, "b.4", nil); err != jetstream.ErrBatchClosed {
				t.Errorf("Add behind the commit: %v", err)
			}
			if _, err := b.Commit(ctx); err != jetstream.ErrBatchClosed {
				t.Errorf("a second commit: %v", err)
			}
		})
	}
	t.Run("of one message", func(t *testing.T) {
		ack, err := batch(t, g.js).CommitMsg(ctx, nats.NewMsg("b.1"))
		must(t, err)
		if ack.Count != 1 {
			t.Errorf("%+v", ack)
		}
	})
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestBatchRefusals(t *testing.T) {
	g := withJetStream(t)
	s := g.atomicStream(t)
	ctx := t.Context()
	long := make([]*nats.Msg, 1001)
	for i := range long {
		long[i] = nats.NewMsg("b.long")
	}
	withID := func(id string) *nats.Msg { return &nats.Msg{Subject: "b.id", Header: nats.Header{"Nats-Msg-Id": {id}}} }
	cases := map[string]struct {
		publish func() (*jetstream.BatchAck, error)
		want    error
	}{
		"a stream without batches": {func() (*jetstream.BatchAck, error) {
			return nil, batch(t, g.js).Add(ctx, "s.a", nil)
		}, jetstream.ErrBatchDisabled},
		"no stream": {func() (*jetstream.BatchAck, error) {
			return nil, batch(t, g.js).Add(ctx, "nowhere", nil, jetstream.WithRetryAttempts(0))
		}, jetstream.ErrNoStreamResponse},
		"two streams": {func() (*jetstream.BatchAck, error) {
			return jetstream.PublishBatch(ctx, g.js, nats.NewMsg("b.1"), nats.NewMsg("s.1"), nats.NewMsg("b.2"))
		}, jetstream.ErrBatchIncomplete},
		"too many messages": {func() (*jetstream.BatchAck, error) {
			return jetstream.PublishBatch(ctx, g.js, long...)
		}, jetstream.ErrBatchTooLarge},
		"an id twice": {func() (*jetstream.BatchAck, error) {
			return jetstream.PublishBatch(ctx, g.js, withID("x"), withID("x"))
		}, jetstream.ErrBatchDuplicate},
		"a wrong last sequence": {func() (*jetstream.BatchAck, error) {
			b := batch(t, g.js)
			must(t, b.Add(ctx, "b.1", nil, jetstream.WithExpectLastSequence(77)))
			return b.Commit(ctx)
		}, &jetstream.APIError{ErrorCode: jetstream.JSErrCodeStreamWrongLastSequence}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			before := holds(t, s)
			ack, err := c.publish()
			var failed *jetstream.BatchError
			if !errors.Is(err, c.want) || !errors.As(err, &failed) || failed.MayBeStored {
				t.Errorf("got %+v, %v, want %v, not stored", ack, err, c.want)
			}
			if n := holds(t, s); n != before {
				t.Errorf("%d messages are stored", n-before)
			}
		})
	}
}

// What is wrong with a message is told before it is sent, and the batch goes on.
func TestBatchArguments(t *testing.T) {
	g := withJetStream(t)
	s := g.atomicStream(t)
	ctx := t.Context()
	b := batch(t, g.js)
	must(t, b.Add(ctx, "b.1", nil))
	var none context.Context
	for name, c := range map[string]struct {
		err, want error
	}{
		"no context":        {b.Add(none, "b.2", nil), nats.ErrInvalidContext},
		"no subject":        {b.Add(ctx, "", nil), nats.ErrBadSubject},
		"white space":       {b.Add(ctx, "b.2\r\nPUB x 0", nil), nats.ErrBadSubject},
		"no message":        {b.AddMsg(ctx, nil), nats.ErrInvalidMsg},
		"a bad header":      {b.AddMsg(ctx, &nats.Msg{Subject: "b.2", Header: nats.Header{"a b": {"c"}}}), nats.ErrBadHeaderMsg},
		"too large":         {b.Add(ctx, "b.2", make([]byte, 2<<20)), nats.ErrMaxPayload},
		"stall wait":        {b.Add(ctx, "b.2", nil, jetstream.WithStallWait(1)), jetstream.ErrInvalidOption},
		"last message id":   {b.Add(ctx, "b.2", nil, jetstream.WithExpectLastMsgID("x")), jetstream.ErrInvalidOption},
		"a late last":       {b.Add(ctx, "b.2", nil, jetstream.WithExpectLastSequence(1)), jetstream.ErrInvalidOption},
		"a nil option":      {b.Add(ctx, "b.2", nil, nil), nil},
		"nothing to commit": {second(batch(t, g.js).Commit(ctx)), nats.ErrInvalidArg},
		"no batch":          {second(jetstream.PublishBatch(ctx, g.js)), nats.ErrInvalidArg},
		"no js":             {second(jetstream.PublishBatch(ctx, nil, nats.NewMsg("b.1"))), nats.ErrInvalidArg},
		"no context at all": {second(jetstream.PublishBatch(none, g.js, nats.NewMsg("b.1"))), nats.ErrInvalidContext},
		"NewBatch":          {second(jetstream.NewBatch(nil)), nats.ErrInvalidArg},
		"a nil among them":  {second(jetstream.PublishBatch(ctx, g.js, nil)), nats.ErrInvalidMsg},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v, want %v", name, c.err, c.want)
		}
	}
	ack, err := b.Commit(ctx)
	if err != nil || ack.Count != 2 || holds(t, s) != 2 {
		t.Errorf("the batch afterwards: %+v, %v, %d stored", ack, err, holds(t, s))
	}
}

// A link that is cut again and again in the middle of batches leaves none of them half.
func TestBatchesOverCuts(t *testing.T) {
	g, proxy := behindProxy(t)
	s := g.atomicStream(t)
	const batches, each = 30, 20
	ctx := t.Context()
	acked := 0
	for i := range batches {
		if i%3 == 1 {
			proxy.CutAfter(int64(400+137*i), natstest.ClientToServer)
		}
		msgs := make([]*nats.Msg, each)
		for j := range msgs {
			msgs[j] = &nats.Msg{Subject: fmt.Sprintf("b.%d", i), Data: make([]byte, 100)}
		}
		msgs[0].Header = nats.Header{"Nats-Msg-Id": {fmt.Sprint(i)}}
		ack, err := jetstream.PublishBatch(ctx, g.js, msgs...)
		if err != nil {
			t.Logf("batch %d: %v", i, err)
			continue
		}
		acked++
		if ack.Count != each {
			t.Errorf("batch %d: %+v", i, ack)
		}
	}
	info, err := s.Info(ctx, jetstream.WithSubjectFilter("b.>"))
	must(t, err)
	for subject, n := range info.State.Subjects {
		if n != each {
			t.Errorf("%s has %d messages, want %d", subject, n, each)
		}
	}
	if got := len(info.State.Subjects); got < acked {
		t.Errorf("%d batches acked, %d stored", acked, got)
	}
	t.Logf("%d of %d batches acked, %d stored", acked, batches, len(info.State.Subjects))
	if acked < batches/2 {
		t.Errorf("only %d of %d batches acked", acked, batches)
	}
}
