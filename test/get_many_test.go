package test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
)

// directStream adds the stream D on d.>, which allows direct get and keeps one message a subject if perSubject is 1.
func directStream(t *testing.T, js jetstream.JetStream, perSubject int64) jetstream.Stream {
	t.Helper()
	s, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "D", Subjects: []string{"d.>"}, AllowDirect: true, MaxMsgsPerSubject: perSubject})
	must(t, err)
	return s
}

func seqsOf(t *testing.T, msgs iter.Seq2[*jetstream.RawStreamMsg, error]) []uint64 {
	t.Helper()
	var seqs []uint64
	for m, err := range msgs {
		must(t, err)
		seqs = append(seqs, m.Sequence)
	}
	return seqs
}

func upTo(first, last uint64) (seqs []uint64) {
	for s := first; s <= last; s++ {
		seqs = append(seqs, s)
	}
	return seqs
}

func TestGetMsgs(t *testing.T) {
	g := withJetStream(t)
	s := directStream(t, g.js, -1)
	ctx := t.Context()
	var middle time.Time
	for i := range 700 {
		m := &nats.Msg{Subject: fmt.Sprintf("d.%d", i%7), Data: fmt.Append(nil, i), Header: nats.Header{"N": {fmt.Sprint(i)}}}
		got[*jetstream.PubAck](t)(g.js.PublishMsg(ctx, m))
		if i == 349 {
			stored, err := s.GetMsg(ctx, 351-1)
			must(t, err)
			middle = stored.Time.Add(1)
		}
	}
	must(t, s.DeleteMsg(ctx, 5))
	var everySeventh []uint64
	for i := uint64(0); i < 700; i += 7 {
		everySeventh = append(everySeventh, i+1)
	}
	for name, c := range map[string]struct {
		opts []jetstream.GetManyOpt
		want []uint64
	}{
		"all":             {nil, slices.Concat(upTo(1, 4), upTo(6, 700))},
		"small pages":     {[]jetstream.GetManyOpt{jetstream.GetPages(9, 1<<20), nil}, slices.Concat(upTo(1, 4), upTo(6, 700))},
		"pages of a byte": {[]jetstream.GetManyOpt{jetstream.GetPages(9, 1), jetstream.GetFrom(690)}, upTo(690, 700)},
		"from":            {[]jetstream.GetManyOpt{jetstream.GetFrom(600)}, upTo(600, 700)},
		"since":           {[]jetstream.GetManyOpt{jetstream.GetSince(middle)}, upTo(351, 700)},
		"of a subject":    {[]jetstream.GetManyOpt{jetstream.GetSubject("d.0")}, everySeventh},
		"limited":         {[]jetstream.GetManyOpt{jetstream.GetLimit(300), jetstream.GetFrom(6)}, upTo(6, 305)},
		"limited by one":  {[]jetstream.GetManyOpt{jetstream.GetLimit(1)}, upTo(1, 1)},
		"behind the end":  {[]jetstream.GetManyOpt{jetstream.GetFrom(701)}, nil},
		"no such subject": {[]jetstream.GetManyOpt{jetstream.GetSubject("d.none")}, nil},
	} {
		if got := seqsOf(t, jetstream.GetMsgs(ctx, s, c.opts...)); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
	for m, err := range jetstream.GetMsgs(ctx, s, jetstream.GetFrom(43)) {
		must(t, err)
		if m.Subject != "d.0" || string(m.Data) != "42" || m.Header.Get("N") != "42" || m.Time.IsZero() {
			t.Errorf("%+v", m)
		}
		break
	}
	if n := g.nc.NumSubscriptions(); n != 0 {
		t.Errorf("%d subscriptions are left", n)
	}
}

func TestGetLastMsgs(t *testing.T) {
	g := withJetStream(t)
	s := directStream(t, g.js, -1)
	ctx := t.Context()
	for i := range 60 {
		got[*jetstream.PubAck](t)(g.js.Publish(ctx, fmt.Sprintf("d.%d.x", i%20), nil))
	}
	all := []string{"d.*.x"}
	if got := seqsOf(t, jetstream.GetLastMsgs(ctx, s, all)); !slices.Equal(got, upTo(41, 60)) {
		t.Errorf("all: %v", got)
	}
	if got := seqsOf(t, jetstream.GetLastMsgs(ctx, s, []string{"d.3.x", "d.17.x", "d.none"})); !slices.Equal(got, []uint64{44, 58}) {
		t.Errorf("two: %v", got)
	}
	if got := seqsOf(t, jetstream.GetLastMsgs(ctx, s, all, jetstream.GetUpTo(30))); !slices.Equal(got, upTo(11, 30)) {
		t.Errorf("as they were at 30: %v", got)
	}
	at, err := s.GetMsg(ctx, 31)
	must(t, err)
	if got := seqsOf(t, jetstream.GetLastMsgs(ctx, s, all, jetstream.GetUpToTime(at.Time))); !slices.Equal(got, upTo(11, 30)) {
		t.Errorf("as they were before 31: %v", got)
	}
	if got := seqsOf(t, jetstream.GetLastMsgs(ctx, s, []string{"d.none"})); got != nil {
		t.Errorf("none: %v", got)
	}
	// All pages show the same moment: what is published between them is not there, and what it replaced is.
	var seqs []uint64
	for m, err := range jetstream.GetLastMsgs(ctx, s, all, jetstream.GetPages(5, 1<<20)) {
		must(t, err)
		seqs = append(seqs, m.Sequence)
		got[*jetstream.PubAck](t)(g.js.Publish(ctx, "d.19.x", nil))
	}
	if !slices.Equal(seqs, upTo(41, 60)) {
		t.Errorf("in pages while it changes: %v", seqs)
	}
	t.Run("too many", func(t *testing.T) {
		for i := range 1100 {
			got[jetstream.PubAckFuture](t)(g.js.PublishAsync(fmt.Sprintf("d.%d.many", i), nil))
		}
		<-g.js.PublishAsyncComplete()
		for m, err := range jetstream.GetLastMsgs(ctx, s, []string{"d.*.many"}) {
			if err != jetstream.ErrTooManyResults || m != nil {
				t.Errorf("%v, %v", m, err)
			}
		}
	})
}

func TestGetManyErrors(t *testing.T) {
	g := withJetStream(t)
	s := directStream(t, g.js, -1)
	ctx := t.Context()
	over, cancel := context.WithCancel(ctx)
	cancel()
	var none context.Context
	first := func(msgs iter.Seq2[*jetstream.RawStreamMsg, error]) (err error) {
		n := 0
		for m, e := range msgs {
			if n++; n > 1 || m != nil {
				t.Errorf("it goes on: %v, %v", m, e)
			}
			err = e
		}
		return err
	}
	for name, c := range map[string]struct{ err, want error }{
		"no context":         {first(jetstream.GetMsgs(none, s)), nats.ErrInvalidContext},
		"a context is over":  {first(jetstream.GetMsgs(over, s)), context.Canceled},
		"no stream":          {first(jetstream.GetMsgs(ctx, nil)), nats.ErrInvalidArg},
		"without direct get": {first(jetstream.GetMsgs(ctx, g.s)), nats.ErrNoResponders},
		"a bad subject":      {first(jetstream.GetMsgs(ctx, s, jetstream.GetSubject("a b"))), jetstream.ErrInvalidSubject},
		"no limit":           {first(jetstream.GetMsgs(ctx, s, jetstream.GetLimit(0))), jetstream.ErrInvalidOption},
		"no page":            {first(jetstream.GetMsgs(ctx, s, jetstream.GetPages(0, 1))), jetstream.ErrInvalidOption},
		"the other's option": {first(jetstream.GetMsgs(ctx, s, jetstream.GetUpTo(1))), jetstream.ErrInvalidOption},
		"and the reverse":    {first(jetstream.GetLastMsgs(ctx, s, []string{"d.a"}, jetstream.GetFrom(1))), jetstream.ErrInvalidOption},
		"no subjects":        {first(jetstream.GetLastMsgs(ctx, s, nil)), nats.ErrInvalidArg},
		"an empty subject":   {first(jetstream.GetLastMsgs(ctx, s, []string{""})), jetstream.ErrInvalidSubject},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v, want %v", name, c.err, c.want)
		}
	}
	g.nc.Close()
	if err := first(jetstream.GetMsgs(ctx, s)); !errors.Is(err, nats.ErrConnectionClosed) {
		t.Errorf("closed: %v", err)
	}
}

// A link that breaks in the middle of pages costs no message and makes no double.
func TestGetMsgsOverCuts(t *testing.T) {
	g, proxy := behindProxy(t)
	directStream(t, g.steady, -1)
	for i := range 2000 {
		got[jetstream.PubAckFuture](t)(g.steady.PublishAsync("d.a", fmt.Append(nil, i)))
	}
	<-g.steady.PublishAsyncComplete()
	s, err := g.js.Stream(t.Context(), "D")
	must(t, err)
	i, cuts := uint64(0), 0
	for m, err := range jetstream.GetMsgs(t.Context(), s, jetstream.GetPages(100, 1<<20)) {
		must(t, err)
		if i++; m.Sequence != i {
			t.Fatalf("message %d has sequence %d", i, m.Sequence)
		}
		if i%500 == 250 {
			cuts++
			proxy.Cut()
		}
	}
	if i != 2000 || cuts != 4 {
		t.Errorf("%d messages over %d cuts", i, cuts)
	}
}
