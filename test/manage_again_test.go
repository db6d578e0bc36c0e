package test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
)

// asJSON is a configuration as text, to compare what two APIs have.
func asJSON(t *testing.T, config any) string {
	t.Helper()
	data, err := json.Marshal(config)
	must(t, err)
	return string(data)
}

// TestManageWritingBack: a configuration that was read, and is written back as it is, changes nothing, whichever API reads and writes.
func TestManageWritingBack(t *testing.T) {
	m := newManager(t)
	ctx := t.Context()
	for _, cfg := range []jetstream.StreamConfig{
		{
			Name: "A", Description: "d", Subjects: []string{"a.>"}, Retention: jetstream.LimitsPolicy, MaxConsumers: 5, MaxMsgs: 100, MaxBytes: 1 << 20,
			Discard: jetstream.DiscardNew, DiscardNewPerSubject: true, MaxAge: time.Hour, MaxMsgsPerSubject: 10, MaxMsgSize: 1 << 10, Replicas: 1,
			Duplicates: time.Minute, AllowRollup: true, Compression: jetstream.S2Compression, FirstSeq: 100,
			SubjectTransform: &jetstream.SubjectTransformConfig{Source: "a.>", Destination: "a.b.>"},
			RePublish:        &jetstream.RePublish{Source: "a.>", Destination: "again.>", HeadersOnly: true},
			AllowDirect:      true, ConsumerLimits: jetstream.StreamConsumerLimits{InactiveThreshold: time.Minute, MaxAckPending: 50},
			Metadata: map[string]string{"k": "v"}, AllowMsgTTL: true, SubjectDeleteMarkerTTL: time.Minute, AllowAtomicPublish: true,
			AllowBatchPublish: true,
		},
		{Name: "T", Subjects: []string{"t.>"}, AllowMsgSchedules: true, AllowMsgTTL: true, AllowRollup: true},
		{Name: "C", Subjects: []string{"c.>"}, AllowMsgCounter: true, AllowDirect: true},
		{Name: "P", Subjects: []string{"p.>"}, PersistMode: jetstream.AsyncPersistMode, NoAck: true, DenyDelete: true, DenyPurge: true, MaxMsgs: -1},
		{Name: "S", Storage: jetstream.MemoryStorage, Sources: []*jetstream.StreamSource{
			{Name: "A", SubjectTransforms: []jetstream.SubjectTransformConfig{{Source: "a.b.>", Destination: "s.>"}}}, {Name: "P", FilterSubject: "p.x", OptStartSeq: 3},
		}},
		{Name: "M", Mirror: &jetstream.StreamSource{Name: "P", OptStartSeq: 2}, MirrorDirect: true},
	} {
		s := got[jetstream.Stream](t)(m.js.CreateStream(ctx, cfg))
		made := asJSON(t, s.CachedInfo().Config)
		older := got[*nats.StreamInfo](t)(m.old.StreamInfo(cfg.Name)).Config
		if again := asJSON(t, got[*nats.StreamInfo](t)(m.old.UpdateStream(&older)).Config); again != asJSON(t, older) {
			t.Errorf("%s, older API: it was\n%s, now\n%s", cfg.Name, asJSON(t, older), again)
		}
		if now := asJSON(t, got[*jetstream.StreamInfo](t)(s.Info(ctx)).Config); now != made {
			t.Errorf("%s, behind the older API: it was\n%s, now\n%s", cfg.Name, made, now)
		}
		if now := asJSON(t, got[jetstream.Stream](t)(m.js.UpdateStream(ctx, s.CachedInfo().Config)).CachedInfo().Config); now != made {
			t.Errorf("%s: it was\n%s, now\n%s", cfg.Name, made, now)
		}
	}
	s := got[jetstream.Stream](t)(m.js.Stream(ctx, "C"))
	until := time.Now().Add(time.Hour).UTC()
	for _, cfg := range []jetstream.ConsumerConfig{
		{
			Durable: "pull", Description: "d", DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: 3, AckWait: time.Second, MaxDeliver: 5,
			BackOff: []time.Duration{time.Second, 2 * time.Second}, FilterSubjects: []string{"c.a", "c.b"}, SampleFrequency: "50%", MaxWaiting: 7,
			MaxAckPending: 9, HeadersOnly: true, MaxRequestBatch: 11, MaxRequestExpires: time.Minute, MaxRequestMaxBytes: 1 << 10,
			InactiveThreshold: time.Hour, Replicas: 1, MemoryStorage: true, Metadata: map[string]string{"k": "v"}, PauseUntil: &until,
			PriorityPolicy: jetstream.PriorityPolicyPinned, PinnedTTL: time.Minute, PriorityGroups: []string{"g"},
		},
		{Name: "push", DeliverSubject: "there", DeliverGroup: "q", FlowControl: false, IdleHeartbeat: 0, RateLimit: 1 << 20, AckPolicy: jetstream.AckAllPolicy,
			ReplayPolicy: jetstream.ReplayOriginalPolicy, FilterSubject: "c.x", InactiveThreshold: time.Hour},
		{Name: "flow", DeliverSubject: "else", FlowControl: true, IdleHeartbeat: time.Second, AckPolicy: jetstream.AckNonePolicy, InactiveThreshold: time.Hour},
	} {
		name := cfg.Name + cfg.Durable
		read := func() jetstream.ConsumerConfig {
			t.Helper()
			if cfg.DeliverSubject == "" {
				return got[jetstream.Consumer](t)(s.Consumer(ctx, name)).CachedInfo().Config
			}
			return got[jetstream.PushConsumer](t)(s.PushConsumer(ctx, name)).CachedInfo().Config
		}
		if cfg.DeliverSubject == "" {
			got[jetstream.Consumer](t)(s.CreateConsumer(ctx, cfg))
		} else {
			got[jetstream.PushConsumer](t)(s.CreatePushConsumer(ctx, cfg))
		}
		made := read()
		older := got[*nats.ConsumerInfo](t)(m.old.ConsumerInfo("C", name)).Config
		if again := asJSON(t, got[*nats.ConsumerInfo](t)(m.old.UpdateConsumer("C", &older)).Config); again != asJSON(t, older) {
			t.Errorf("%s, older API: it was\n%s, now\n%s", name, asJSON(t, older), again)
		}
		if now := asJSON(t, read()); now != asJSON(t, made) {
			t.Errorf("%s, behind the older API: it was\n%s, now\n%s", name, asJSON(t, made), now)
		}
		if cfg.DeliverSubject == "" {
			got[jetstream.Consumer](t)(s.UpdateConsumer(ctx, made))
		} else {
			got[jetstream.PushConsumer](t)(s.UpdatePushConsumer(ctx, made))
		}
		if now := asJSON(t, read()); now != asJSON(t, made) {
			t.Errorf("%s: it was\n%s, now\n%s", name, asJSON(t, made), now)
		}
	}
}
