package test

import (
	"context"
	"errors"
	"maps"
	"math/big"
	"sync"
	"testing"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
)

func counterStream(t *testing.T, js jetstream.JetStream, name, subjects string, sources ...string) jetstream.Stream {
	t.Helper()
	cfg := jetstream.StreamConfig{Name: name, Subjects: []string{subjects}, AllowMsgCounter: true, AllowDirect: true}
	for _, s := range sources {
		cfg.Sources = append(cfg.Sources, &jetstream.StreamSource{Name: s})
	}
	if len(sources) > 0 {
		cfg.Subjects = nil
	}
	s, err := js.CreateStream(t.Context(), cfg)
	must(t, err)
	return s
}

func TestCounters(t *testing.T) {
	g := withJetStream(t)
	s := counterStream(t, g.js, "C", "c.>")
	ctx := t.Context()
	large, _ := new(big.Int).SetString("123456789012345678901234567890", 10)
	sum := new(big.Int)
	for _, n := range []*big.Int{big.NewInt(5), big.NewInt(-7), big.NewInt(0), large, big.NewInt(-1)} {
		v, err := jetstream.AddCounter(ctx, g.js, "c.a", n)
		must(t, err)
		if sum.Add(sum, n); v.Cmp(sum) != 0 {
			t.Errorf("after %v: %v, want %v", n, v, sum)
		}
	}
	c, err := jetstream.GetCounter(ctx, s, "c.a")
	must(t, err)
	if c.Value.Cmp(sum) != 0 || c.Last.Int64() != -1 || c.Subject != "c.a" || c.Sequence != 5 || c.Time.IsZero() || c.Sources != nil {
		t.Errorf("%+v, want the value %v", c, sum)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 25 {
				if _, err := jetstream.AddCounter(ctx, g.js, "c.b", big.NewInt(2)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	values := map[string]string{}
	for c, err := range jetstream.GetCounters(ctx, s, []string{"c.*"}) {
		must(t, err)
		values[c.Subject] = c.Value.String()
	}
	if want := map[string]string{"c.a": sum.String(), "c.b": "400"}; !maps.Equal(values, want) {
		t.Errorf("got %v, want %v", values, want)
	}
	t.Run("twice with one id", func(t *testing.T) {
		for range 2 {
			_, err := jetstream.AddCounter(ctx, g.js, "c.once", big.NewInt(3), jetstream.WithMsgID("x"))
			must(t, err)
		}
		if c, err := jetstream.GetCounter(ctx, s, "c.once"); err != nil || c.Value.Int64() != 3 {
			t.Errorf("%+v, %v", c, err)
		}
	})
}

// A stream adds up what its sources count.
func TestCounterSources(t *testing.T) {
	g := withJetStream(t)
	counterStream(t, g.js, "EAST", "count.east")
	counterStream(t, g.js, "WEST", "count.west")
	all, err := g.js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: "ALL", AllowMsgCounter: true, AllowDirect: true,
		Sources: []*jetstream.StreamSource{
			{Name: "EAST", SubjectTransforms: []jetstream.SubjectTransformConfig{{Source: "count.east", Destination: "count"}}},
			{Name: "WEST", SubjectTransforms: []jetstream.SubjectTransformConfig{{Source: "count.west", Destination: "count"}}},
		},
	})
	must(t, err)
	for subject, n := range map[string]int64{"count.east": 3, "count.west": 4} {
		got[*big.Int](t)(jetstream.AddCounter(t.Context(), g.js, subject, big.NewInt(n)))
	}
	// The streams copy in their own time.
	eventually(t, "the sum", func() bool {
		c, err := jetstream.GetCounter(t.Context(), all, "count")
		return err == nil && c.Value.Int64() == 7 && c.Sources["EAST"]["count.east"].Int64() == 3 && c.Sources["WEST"]["count.west"].Int64() == 4
	})
}

func TestCounterErrors(t *testing.T) {
	g := withJetStream(t)
	s := counterStream(t, g.js, "C", "c.>")
	ctx := t.Context()
	add := func(subject string, n *big.Int, opts ...jetstream.PublishOpt) error {
		_, err := jetstream.AddCounter(ctx, g.js, subject, n, opts...)
		return err
	}
	publish := func(subject string, data []byte, opts ...jetstream.PublishOpt) error {
		_, err := g.js.Publish(ctx, subject, data, opts...)
		return err
	}
	_, err := g.js.Publish(ctx, "s.plain", []byte("text"))
	must(t, err)
	one := big.NewInt(1)
	var none context.Context
	for name, c := range map[string]struct{ err, want error }{
		"no counters":         {add("s.a", one), jetstream.ErrCountersDisabled},
		"no increment":        {publish("c.a", nil), jetstream.ErrIncrementMissing},
		"a payload":           {publish("c.a", []byte("x"), jetstream.WithIncrement(one)), jetstream.ErrIncrementPayload},
		"not with a rollup":   {second(g.js.PublishMsg(ctx, &nats.Msg{Subject: "c.a", Header: nats.Header{"Nats-Rollup": {"sub"}}}, jetstream.WithIncrement(one))), jetstream.ErrIncrementInvalid},
		"nil":                 {add("c.a", nil), jetstream.ErrInvalidOption},
		"no subject":          {add("", one), nats.ErrBadSubject},
		"no js":               {second(jetstream.AddCounter(ctx, nil, "c.a", one)), nats.ErrInvalidArg},
		"no context":          {second(jetstream.AddCounter(none, g.js, "c.a", one)), nats.ErrInvalidContext},
		"get: none":           {second(jetstream.GetCounter(ctx, s, "c.none")), jetstream.ErrMsgNotFound},
		"get: no counter":     {second(jetstream.GetCounter(ctx, g.s, "s.plain")), jetstream.ErrCounterBroken},
		"get: a wildcard":     {second(jetstream.GetCounter(ctx, s, "c.*")), jetstream.ErrInvalidSubject},
		"get: no stream":      {second(jetstream.GetCounter(ctx, nil, "c.a")), nats.ErrInvalidArg},
		"get: no context":     {second(jetstream.GetCounter(none, s, "c.a")), nats.ErrInvalidContext},
		"get: white space":    {second(jetstream.GetCounter(ctx, s, "c. a")), nats.ErrBadSubject},
		"the id of a message": {publish("c.a", nil, jetstream.WithIncrement(one), jetstream.WithMsgID("a\nb")), jetstream.ErrInvalidOption},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v, want %v", name, c.err, c.want)
		}
	}
	for _, err := range jetstream.GetCounters(ctx, s, nil) {
		if !errors.Is(err, nats.ErrInvalidArg) {
			t.Errorf("no subjects: %v", err)
		}
	}
}
