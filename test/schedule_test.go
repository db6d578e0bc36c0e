package test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
)

// TestSchedules: what options say of a schedule is what the server makes of it (ADR-51).
func TestSchedules(t *testing.T) {
	g := withJetStream(t)
	ctx := t.Context()
	s := got[jetstream.Stream](t)(g.js.CreateStream(ctx, jetstream.StreamConfig{
		Name: "T", Subjects: []string{"t.>"}, AllowMsgSchedules: true, AllowMsgTTL: true, AllowRollup: true, Storage: jetstream.MemoryStorage,
	}))
	publish := func(subject, data string, opts ...jetstream.PublishOpt) {
		t.Helper()
		got[*jetstream.PubAck](t)(g.js.Publish(ctx, subject, []byte(data), opts...))
	}
	publish("t.source", "of the source")
	at := time.Now().Add(time.Second)
	publish("t.once", "once", jetstream.WithScheduleAt(at), jetstream.WithScheduleTarget("t.made.once"), jetstream.WithScheduleTTL(time.Hour))
	publish("t.often", "often", jetstream.WithScheduleEvery(time.Second), jetstream.WithScheduleTarget("t.made.often"), jetstream.WithScheduleTTLNever())
	publish("t.last", "last", jetstream.WithScheduleEvery(time.Second), jetstream.WithScheduleTarget("t.made.last"), jetstream.WithScheduleRollup())
	publish("t.copy", "", jetstream.WithScheduleEvery(time.Second), jetstream.WithScheduleTarget("t.made.copy"), jetstream.WithScheduleSource("t.source"))
	publish("t.zone", "zone", jetstream.WithScheduleCron("* * * * * *"), jetstream.WithScheduleTimeZone("Europe/Berlin"), jetstream.WithScheduleTarget("t.made.zone"))
	made := func(subject string) (m *jetstream.RawStreamMsg) {
		t.Helper()
		eventually(t, subject, func() (there bool) {
			var err error
			m, err = s.GetLastMsgForSubject(ctx, subject)
			return err == nil
		})
		return m
	}
	for subject, want := range map[string]struct{ data, scheduler, next, ttl string }{
		"t.made.once":  {"once", "t.once", "purge", "1h0m0s"},
		"t.made.often": {"often", "t.often", "2", "never"},
		"t.made.last":  {"last", "t.last", "2", ""},
		"t.made.copy":  {"of the source", "t.copy", "2", ""},
		"t.made.zone":  {"zone", "t.zone", "2", ""},
	} {
		m := made(subject)
		h := m.Header
		if string(m.Data) != want.data || h.Get(jetstream.SchedulerHeader) != want.scheduler || h.Get(jetstream.MsgTTLHeader) != want.ttl ||
			!strings.HasPrefix(h.Get(jetstream.ScheduleNextHeader), want.next) {
			t.Errorf("%s: got %q with %v, want %+v", subject, m.Data, h, want)
		}
	}
	if m := made("t.made.once"); m.Time.Before(at.Truncate(time.Second)) {
		t.Errorf("published at %v, scheduled for %v", m.Time, at)
	}
	eventually(t, "a second round", func() bool { return subjectsOf(t, s)["t.made.often"] >= 2 })
	if n := subjectsOf(t, s)["t.made.last"]; n != 1 {
		t.Errorf("%d messages where each replaces the one before", n)
	}
	if n := subjectsOf(t, s)["t.once"]; n != 0 {
		t.Errorf("a schedule that is over is still there")
	}
}

// TestScheduleErrors: each refusal is the value that is documented for it.
func TestScheduleErrors(t *testing.T) {
	g := withJetStream(t)
	ctx := t.Context()
	for name, cfg := range map[string]jetstream.StreamConfig{
		"T": {Name: "T", Subjects: []string{"t.>"}, AllowMsgSchedules: true}, "N": {Name: "N", Subjects: []string{"n.>"}},
	} {
		cfg.Storage = jetstream.MemoryStorage
		if _, err := g.js.CreateStream(ctx, cfg); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	target, every := jetstream.WithScheduleTarget("t.made"), jetstream.WithScheduleEvery(time.Hour)
	publish := func(subject string, opts ...jetstream.PublishOpt) func() error {
		return func() error { return second(g.js.Publish(ctx, subject, nil, opts...)) }
	}
	create := func(cfg jetstream.StreamConfig) func() error {
		return func() error { return second(g.js.CreateStream(ctx, cfg)) }
	}
	for name, c := range map[string]struct {
		call func() error
		want error
	}{
		"no schedules":   {publish("n.a", every, jetstream.WithScheduleTarget("n.made")), jetstream.ErrMessageSchedulesDisabled},
		"no target":      {publish("t.a", every), jetstream.ErrScheduleTargetInvalid},
		"another stream": {publish("t.a", every, jetstream.WithScheduleTarget("n.made")), jetstream.ErrScheduleTargetInvalid},
		"no pattern":     {publish("t.a", jetstream.WithScheduleCron("often"), target), jetstream.ErrSchedulePatternInvalid},
		"many sources":   {publish("t.a", every, target, jetstream.WithScheduleSource("t.*")), jetstream.ErrScheduleSourceInvalid},
		"no TTL": {func() error {
			m := &nats.Msg{Subject: "t.a", Header: nats.Header{jetstream.ScheduleTTLHeader: {"soon"}}}
			return second(g.js.PublishMsg(ctx, m, every, target))
		}, jetstream.ErrScheduleTTLInvalid},
		"no rollup": {func() error {
			m := &nats.Msg{Subject: "t.a", Header: nats.Header{jetstream.ScheduleRollupHeader: {"all"}}}
			return second(g.js.PublishMsg(ctx, m, every, target))
		}, jetstream.ErrScheduleRollupInvalid},
		"a mirror": {create(jetstream.StreamConfig{Name: "M", Mirror: &jetstream.StreamSource{Name: "N"}, AllowMsgSchedules: true}), jetstream.ErrMirrorWithMsgSchedules},
		"a source": {create(jetstream.StreamConfig{Name: "M", Sources: []*jetstream.StreamSource{{Name: "N"}}, AllowMsgSchedules: true}), jetstream.ErrSourceWithMsgSchedules},
	} {
		if err := c.call(); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}

// TestTTLAndRollup: what the headers of a message ask for happens, in both APIs.
func TestTTLAndRollup(t *testing.T) {
	m := newManager(t)
	ctx := t.Context()
	s := got[jetstream.Stream](t)(m.js.CreateStream(ctx, jetstream.StreamConfig{
		Name: "T", Subjects: []string{"t.>"}, AllowMsgTTL: true, AllowRollup: true, Storage: jetstream.MemoryStorage,
	}))
	got[*jetstream.PubAck](t)(m.js.Publish(ctx, "t.new", nil, jetstream.WithMsgTTL(time.Second)))
	got[*nats.PubAck](t)(m.old.Publish("t.old", nil, nats.MsgTTL(time.Second)))
	got[*jetstream.PubAck](t)(m.js.Publish(ctx, "t.stays", nil, jetstream.WithMsgTTL(time.Hour)))
	eventually(t, "the end of two messages", func() bool { return len(subjectsOf(t, s)) == 1 })
	m.store(t, "t.a", "t.a", "t.b")
	got[*jetstream.PubAck](t)(m.js.PublishMsg(ctx, &nats.Msg{Subject: "t.a", Header: nats.Header{jetstream.MsgRollup: {jetstream.MsgRollupSubject}}}))
	if have := subjectsOf(t, s); have["t.a"] != 1 || have["t.b"] != 1 {
		t.Errorf("after the rollup of a subject: %v", have)
	}
	got[*nats.PubAck](t)(m.old.PublishMsg(&nats.Msg{Subject: "t.c", Header: nats.Header{nats.MsgRollup: {nats.MsgRollupAll}}}))
	if have := subjectsOf(t, s); len(have) != 1 || have["t.c"] != 1 {
		t.Errorf("after the rollup of all: %v", have)
	}
}
