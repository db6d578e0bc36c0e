package test

import (
	"errors"
	"testing"
	"time"

	"github.com/gannet-io/nats/jetstream"
)

// TestRequiredAPILevelOfCalls: every call of a JetStream that requires a level of its servers says so to a server below it.
func TestRequiredAPILevelOfCalls(t *testing.T) {
	g := withJetStream(t)
	ctx := t.Context()
	info := got[*jetstream.AccountInfo](t)(g.js.AccountInfo(ctx))
	g.consumer(t)
	good := newJS(t, g.nc, jetstream.WithRequiredAPILevel(info.API.Level))
	js := newJS(t, g.nc, jetstream.WithRequiredAPILevel(info.API.Level+1))
	for name, call := range map[string]func(js jetstream.JetStream) error{
		"AccountInfo":   func(js jetstream.JetStream) error { return second(js.AccountInfo(ctx)) },
		"Stream":        func(js jetstream.JetStream) error { return second(js.Stream(ctx, "S")) },
		"UpdateStream":  func(js jetstream.JetStream) error { return second(js.UpdateStream(ctx, g.s.CachedInfo().Config)) },
		"Consumer":      func(js jetstream.JetStream) error { return second(js.Consumer(ctx, "S", "c")) },
		"PauseConsumer": func(js jetstream.JetStream) error { return second(js.PauseConsumer(ctx, "S", "c", time.Time{})) },
		"StreamNames": func(js jetstream.JetStream) error {
			l := js.StreamNames(ctx)
			for range l.Name() {
			}
			return l.Err()
		},
	} {
		if err := call(good); err != nil {
			t.Errorf("%s, a level that the server has: %v", name, err)
		}
		if err := call(js); !errors.Is(err, jetstream.ErrRequiredAPILevel) {
			t.Errorf("%s: got %v, want %v", name, err, jetstream.ErrRequiredAPILevel)
		}
	}
}

func TestPedanticConsumers(t *testing.T) {
	g := withJetStream(t)
	ctx := t.Context()
	odd := jetstream.ConsumerConfig{Durable: "odd", AckWait: time.Minute, BackOff: []time.Duration{time.Second, 2 * time.Second}, MaxDeliver: 3}
	pedantic := newJS(t, g.nc, jetstream.WithPedanticConfigs())
	if _, err := pedantic.CreateConsumer(ctx, "S", odd); !errors.Is(err, jetstream.ErrPedantic) {
		t.Errorf("got %v, want %v", err, jetstream.ErrPedantic)
	}
	c := got[jetstream.Consumer](t)(g.js.CreateConsumer(ctx, "S", odd))
	if w := c.CachedInfo().Config.AckWait; w != time.Second {
		t.Errorf("the server took %v", w)
	}
	odd.Durable, odd.AckWait = "good", time.Second
	if _, err := pedantic.CreateConsumer(ctx, "S", odd); err != nil {
		t.Errorf("a good one: %v", err)
	}
}
