package test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
)

// advisoryLog holds all advisories that have come: their order is not that of their causes.
type advisoryLog struct {
	mu  sync.Mutex
	all []jetstream.Advisory
}

func (l *advisoryLog) add(a jetstream.Advisory) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, a)
}

func (l *advisoryLog) seen() []jetstream.Advisory {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.all)
}

// advisories collects what comes on subject, from the moment it returns.
func advisories(t *testing.T, nc *nats.Conn, subject string) *advisoryLog {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	log, over := new(advisoryLog), make(chan struct{})
	subscriptions := nc.NumSubscriptions()
	go func() {
		defer close(over)
		for a, err := range jetstream.Advisories(ctx, nc, subject) {
			switch {
			case err == nil:
				log.add(a)
			case !errors.Is(err, context.Canceled):
				t.Error(err)
			}
		}
	}()
	eventually(t, "the subscription", func() bool { return nc.NumSubscriptions() > subscriptions })
	must(t, nc.Flush())
	t.Cleanup(func() {
		cancel()
		<-over
	})
	return log
}

// wanted waits for an advisory of the type A that is as it should be.
func wanted[A jetstream.Advisory](t *testing.T, log *advisoryLog, ok func(A) bool) {
	t.Helper()
	var none A
	eventually(t, fmt.Sprintf("a %T", none), func() bool {
		return slices.ContainsFunc(log.seen(), func(a jetstream.Advisory) bool {
			if h := a.Head(); h.ID == "" || h.Type == "" || h.Time.IsZero() {
				t.Errorf("head %+v", h)
			}
			is, match := a.(A)
			return match && ok(is)
		})
	})
}

func TestAdvisories(t *testing.T) {
	g := withJetStream(t)
	ctx := t.Context()
	all := advisories(t, dial(t, g.srv.URL()), jetstream.AdvisoryAll)
	s, err := g.js.CreateStream(ctx, jetstream.StreamConfig{Name: "A", Subjects: []string{"a"}, AllowAtomicPublish: true})
	must(t, err)
	wanted(t, all, func(a *jetstream.StreamAction) bool { return a.Stream == "A" && a.Action == jetstream.ActionCreated })
	wanted(t, all, func(a *jetstream.APIAudit) bool {
		return a.Subject == "$JS.API.STREAM.CREATE.A" && a.Client != nil && a.Response != ""
	})
	cfg := jetstream.ConsumerConfig{Durable: "c", MaxDeliver: 1, SampleFrequency: "100%"}
	c, err := s.CreateConsumer(ctx, cfg)
	must(t, err)
	wanted(t, all, func(a *jetstream.ConsumerAction) bool {
		return a.Consumer == "c" && a.Action == jetstream.ActionCreated
	})
	for range 4 {
		got[*jetstream.PubAck](t)(g.js.Publish(ctx, "a", nil))
	}
	next := func() jetstream.Msg { return got[jetstream.Msg](t)(c.Next(jetstream.FetchMaxWait(5 * time.Second))) }
	must(t, next().Ack())
	wanted(t, all, func(a *jetstream.AckSample) bool { return a.StreamSeq == 1 && a.Delay > 0 && a.Deliveries == 1 })
	must(t, next().Nak())
	wanted(t, all, func(a *jetstream.MsgNaked) bool { return a.StreamSeq == 2 && a.Consumer == "c" })
	must(t, next().TermWithReason("bad"))
	wanted(t, all, func(a *jetstream.MsgTerminated) bool { return a.StreamSeq == 3 && a.Reason == "bad" })
	cfg.AckWait = 50 * time.Millisecond // not before: what comes before is to be acknowledged in time
	_, err = s.UpdateConsumer(ctx, cfg)
	must(t, err)
	next()
	_, err = c.Next(jetstream.FetchMaxWait(200 * time.Millisecond)) // the server looks at deliveries when it is asked
	if !errors.Is(err, nats.ErrTimeout) {
		t.Error(err)
	}
	wanted(t, all, func(a *jetstream.MaxDeliveries) bool { return a.StreamSeq == 4 && a.Deliveries == 1 })
	must(t, batch(t, g.js).Add(ctx, "a", nil))
	b := batch(t, g.js)
	must(t, b.Add(ctx, "a", nil))
	got[*nats.Msg](t)(g.nc.RequestMsg(&nats.Msg{Subject: "a", Header: nats.Header{"Nats-Batch-Id": {b.ID()}, "Nats-Batch-Sequence": {"7"}}}, time.Second))
	wanted(t, all, func(a *jetstream.BatchAbandoned) bool { return a.BatchID == b.ID() && a.Reason == "incomplete" })
	must(t, g.js.DeleteStream(ctx, "A"))
	wanted(t, all, func(a *jetstream.StreamAction) bool { return a.Action == jetstream.ActionDeleted })
}

func TestAdvisoriesOfOneKind(t *testing.T) {
	g := withJetStream(t)
	all := advisories(t, g.nc, jetstream.AdvisoryStreams)
	got[jetstream.Consumer](t)(g.s.CreateConsumer(t.Context(), jetstream.ConsumerConfig{}))
	must(t, g.js.DeleteStream(t.Context(), "S"))
	wanted(t, all, func(a *jetstream.StreamAction) bool { return a.Action == jetstream.ActionDeleted })
	if seen := all.seen(); len(seen) != 1 {
		t.Errorf("more has come: %+v", seen)
	}
}

func TestParseAdvisory(t *testing.T) {
	const head = `"id":"x","timestamp":"2026-01-02T03:04:05Z","domain":"hub"`
	at := jetstream.AdvisoryHead{ID: "x", Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Domain: "hub"}
	typed := func(kind string) jetstream.AdvisoryHead {
		h := at
		h.Type = kind
		return h
	}
	const adv = "io.nats.jetstream.advisory.v1."
	for kind, want := range map[string]jetstream.Advisory{
		adv + "stream_quorum_lost":      &jetstream.QuorumLost{AdvisoryHead: typed(adv + "stream_quorum_lost")},
		adv + "consumer_leader_elected": &jetstream.LeaderElected{AdvisoryHead: typed(adv + "consumer_leader_elected")},
		adv + "server_removed":          &jetstream.ServerTrouble{AdvisoryHead: typed(adv + "server_removed")},
		adv + "restore_complete":        &jetstream.StreamRestored{AdvisoryHead: typed(adv + "restore_complete")},
		adv + "api_limit_reached":       &jetstream.APILimitReached{AdvisoryHead: typed(adv + "api_limit_reached")},
	} {
		a, err := jetstream.ParseAdvisory([]byte(`{"type":"` + kind + `",` + head + `}`))
		if err != nil || !reflect.DeepEqual(a, want) {
			t.Errorf("%s: %+v, %v", kind, a, err)
		}
	}
	text := `{"type":"io.nats.other.v1.x",` + head + `}`
	a, err := jetstream.ParseAdvisory([]byte(text))
	if u, ok := a.(*jetstream.UnknownAdvisory); err != nil || !ok || string(u.Data) != text || u.Type != "io.nats.other.v1.x" {
		t.Errorf("%+v, %v", a, err)
	}
	for _, bad := range []string{"", "[]", `{"type":7}`, `{"type":"` + adv + `nak","stream_seq":-1}`} {
		if a, err := jetstream.ParseAdvisory([]byte(bad)); !errors.Is(err, jetstream.ErrBadAdvisory) {
			t.Errorf("%s: %+v, %v", bad, a, err)
		}
	}
}

func TestAdvisoryErrors(t *testing.T) {
	g := withJetStream(t)
	var none context.Context
	first := func(ctx context.Context, nc *nats.Conn, subject string) (err error) {
		for _, e := range jetstream.Advisories(ctx, nc, subject) {
			err = e
			break
		}
		return err
	}
	for name, c := range map[string]struct{ err, want error }{
		"no context":    {first(none, g.nc, jetstream.AdvisoryAll), nats.ErrInvalidContext},
		"no connection": {first(t.Context(), nil, jetstream.AdvisoryAll), nats.ErrInvalidArg},
		"all subjects":  {first(t.Context(), g.nc, ">"), nats.ErrInvalidArg},
		"an empty one":  {first(t.Context(), g.nc, ""), nats.ErrInvalidArg},
		"white space":   {first(t.Context(), g.nc, "$JS.EVENT.a b"), nats.ErrBadSubject},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v, want %v", name, c.err, c.want)
		}
	}
	if n := g.nc.NumSubscriptions(); n != 0 {
		t.Errorf("%d subscriptions are left", n)
	}
	g.nc.Close()
	if err := first(t.Context(), g.nc, jetstream.AdvisoryAll); !errors.Is(err, nats.ErrConnectionClosed) {
		t.Errorf("closed: %v", err)
	}
}
