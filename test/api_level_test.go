package test

import (
	"errors"
	"testing"
	"time"

	"github.com/gannet-io/nats/jetstream"
)

func TestRequiredAPILevel(t *testing.T) {
	g := withJetStream(t)
	info, err := g.js.AccountInfo(t.Context())
	must(t, err)
	g.atomicStream(t)
	level := info.API.Level
	if level < 2 {
		t.Fatalf("the server has API level %d", level)
	}
	ctx := t.Context()
	cfg := jetstream.StreamConfig{Name: "L", Subjects: []string{"l"}, AllowDirect: true}
	for name, c := range map[string]struct {
		level int
		want  error
	}{
		"that of the server": {level, nil},
		"one above":          {level + 1, jetstream.ErrRequiredAPILevel},
	} {
		t.Run(name, func(t *testing.T) {
			js := newJS(t, g.nc, jetstream.WithRequiredAPILevel(c.level))
			_, err := js.CreateStream(ctx, cfg)
			if !errors.Is(err, c.want) {
				t.Errorf("a stream: %v, want %v", err, c.want)
			}
			_, err = js.CreateOrUpdateConsumer(ctx, "S", jetstream.ConsumerConfig{Durable: "d"})
			if !errors.Is(err, c.want) {
				t.Errorf("a consumer: %v, want %v", err, c.want)
			}
			if err := batch(t, g.js).Add(ctx, "b.a", nil, jetstream.WithPublishAPILevel(c.level)); !errors.Is(err, c.want) {
				t.Errorf("a batch: %v, want %v", err, c.want)
			}
		})
	}
	for name, err := range map[string]error{
		"level 0":        second(jetstream.New(g.nc, jetstream.WithRequiredAPILevel(0))),
		"publish with 0": second(g.js.Publish(ctx, "s.a", nil, jetstream.WithPublishAPILevel(0))),
	} {
		if !errors.Is(err, jetstream.ErrInvalidOption) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPedanticConfigs(t *testing.T) {
	g := withJetStream(t)
	odd := jetstream.StreamConfig{Name: "P", Subjects: []string{"p"}, MaxAge: time.Minute}
	pedantic := newJS(t, g.nc, jetstream.WithPedanticConfigs())
	if _, err := pedantic.CreateStream(t.Context(), odd); !errors.Is(err, jetstream.ErrPedantic) {
		t.Errorf("a pedantic stream: %v", err)
	}
	s, err := g.js.CreateStream(t.Context(), odd)
	must(t, err)
	if d := s.CachedInfo().Config.Duplicates; d != time.Minute {
		t.Errorf("the server took %v", d)
	}
	odd.Duplicates = time.Minute
	odd.Name, odd.Subjects = "Q", []string{"q"}
	if _, err := pedantic.CreateStream(t.Context(), odd); err != nil {
		t.Errorf("a good one: %v", err)
	}
}
