package scenario

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
	"github.com/gannet-io/nats/test/compat/stage"
	"github.com/nats-io/nats-server/v2/server"
)

var manages = []stage.Scenario{
	{Name: "API, account", Rows: []string{"6.1"}, Run: account},
	{Name: "API, streams", Rows: []string{"6.2"}, Run: manageStreams},
	{Name: "API, consumers", Rows: []string{"6.6", "6.7"}, Run: manageConsumers},
	{Name: "API, reset", Rows: []string{"6.8"}, Run: resetConsumer},
	{Name: "API, long lists", Rows: []string{"6.11"}, Run: longLists},
	{Name: "API, prefixes", Rows: []string{"6.1", "6.2"}, Run: prefixes},
	{Name: "API, answers", Rows: []string{"6.14", "17.1"}, Run: answers},
}

// noteCalls notes the API requests that do makes, with their fields in order.
func noteCalls(s *stage.Stage, key string, do func() error) {
	before := len(s.Tap().Published("$JS."))
	s.Error(key, do())
	for _, f := range s.Tap().Published("$JS.")[before:] {
		s.Note(key+" sends", "%s %s", f.Subject, orderedFields(f.Data))
	}
}

// orderedFields is JSON with sorted keys, at every level.
func orderedFields(data string) string {
	var value any
	if json.Unmarshal([]byte(data), &value) != nil {
		return data
	}
	if fields, ok := value.(map[string]any); ok {
		for key, none := range map[string]any{"action": "", "offset": 0.0} { // which may be left out
			if fields[key] == none {
				delete(fields, key)
			}
		}
	}
	text, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func account(s *stage.Stage) {
	s.Server(natstest.WithConfig(func(o *server.Options) { o.JetStreamDomain = "hub" }))
	s.Peer().Stream("S", "s.>")
	s.Peer().Consumer("S", "C")
	c := newJetStreamClient(s)
	noteCalls(s, "old", func() error {
		a, err := c.old.AccountInfo()
		if err == nil {
			s.Note("old says", "%d streams, %d consumers, domain %q, limits %+v, store %d", a.Streams, a.Consumers, a.Domain, a.Limits, a.Store)
		}
		return err
	})
	noteCalls(s, "new", func() error {
		a, err := c.new.AccountInfo(context.Background())
		if err == nil {
			s.Note("new says", "%d streams, %d consumers, domain %q, limits %+v, store %d", a.Streams, a.Consumers, a.Domain, a.Limits, a.Store)
		}
		return err
	})
}

func manageStreams(s *stage.Stage) {
	c := newJetStreamClient(s)
	ctx := s.Context(resolved)
	store := func() { s.Peer().Store("s.a", "1", "2", "3"); s.Peer().Store("s.b", "4", "5", "6") }

	s.Part("old")
	cfg := &nats.StreamConfig{Name: "S", Subjects: []string{"s.>"}, Storage: nats.MemoryStorage}
	shown := func(i *nats.StreamInfo, err error) error {
		if err == nil {
			s.Note("info", "%s %q, %d messages, %d-%d, %d consumers, deleted %v of %d, subjects %v, duplicates %v, %d %d %d %d",
				i.Config.Name, i.Config.Description, i.State.Msgs, i.State.FirstSeq, i.State.LastSeq, i.State.Consumers, i.State.Deleted, i.State.NumDeleted, sorted(i.State.Subjects),
				i.Config.Duplicates, i.Config.MaxMsgs, i.Config.MaxBytes, i.Config.MaxConsumers, i.Config.Replicas)
		}
		return err
	}
	noteCalls(s, "create", func() error { return shown(c.old.AddStream(cfg)) })
	noteCalls(s, "create again", func() error { return shown(c.old.AddStream(cfg)) })
	cfg.Description = "new words"
	noteCalls(s, "update", func() error { return shown(c.old.UpdateStream(cfg)) })
	store()
	s.Must(c.old.DeleteMsg("S", 2), "delete")
	noteCalls(s, "info", func() error { return shown(c.old.StreamInfo("S")) })
	noteCalls(s, "info with deletions", func() error { return shown(c.old.StreamInfo("S", &nats.StreamInfoRequest{DeletedDetails: true})) })
	noteCalls(s, "info with subjects", func() error { return shown(c.old.StreamInfo("S", &nats.StreamInfoRequest{SubjectsFilter: "s.>"})) })
	noteCalls(s, "name by subject", func() error {
		name, err := c.old.StreamNameBySubject("s.a")
		s.Note("name", "%s", name)
		return err
	})
	noteCalls(s, "name by a subject of none", func() error { _, err := c.old.StreamNameBySubject("x"); return err })
	s.Part("old, purge")
	noteCalls(s, "subject, keep", func() error { return c.old.PurgeStream("S", &nats.StreamPurgeRequest{Subject: "s.a", Keep: 1}) })
	noteCalls(s, "sequence", func() error { return c.old.PurgeStream("S", &nats.StreamPurgeRequest{Sequence: 5}) })
	s.Error("keep and sequence", c.old.PurgeStream("S", &nats.StreamPurgeRequest{Keep: 1, Sequence: 5}))
	noteCalls(s, "all", func() error { return c.old.PurgeStream("S") })
	s.Part("old")
	noteCalls(s, "delete", func() error { return c.old.DeleteStream("S") })
	noteCalls(s, "delete again", func() error { return c.old.DeleteStream("S") })

	s.Part("new")
	fresh := jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}, Storage: jetstream.MemoryStorage}
	show := func(i *jetstream.StreamInfo, err error) error {
		if err == nil {
			s.Note("info", "%s %q, %d messages, %d-%d, %d consumers, deleted %v of %d, subjects %v, duplicates %v, %d %d %d %d",
				i.Config.Name, i.Config.Description, i.State.Msgs, i.State.FirstSeq, i.State.LastSeq, i.State.Consumers, i.State.Deleted, i.State.NumDeleted, sorted(i.State.Subjects),
				i.Config.Duplicates, i.Config.MaxMsgs, i.Config.MaxBytes, i.Config.MaxConsumers, i.Config.Replicas)
		}
		return err
	}
	var st jetstream.Stream
	of := func(made jetstream.Stream, err error) error {
		if err == nil {
			st = made
			return show(st.CachedInfo(), nil)
		}
		return err
	}
	noteCalls(s, "create", func() error { return of(c.new.CreateStream(ctx, fresh)) })
	noteCalls(s, "create again", func() error { return of(c.new.CreateStream(ctx, fresh)) })
	fresh.Description = "new words"
	noteCalls(s, "update", func() error { return of(c.new.UpdateStream(ctx, fresh)) })
	fresh.Description = "newer words"
	noteCalls(s, "create or update", func() error { return of(c.new.CreateOrUpdateStream(ctx, fresh)) })
	store()
	s.Must(st.DeleteMsg(ctx, 2), "delete")
	noteCalls(s, "look up", func() error { return of(c.new.Stream(ctx, "S")) })
	noteCalls(s, "info", func() error { return show(st.Info(ctx)) })
	noteCalls(s, "info with deletions", func() error { return show(st.Info(ctx, jetstream.WithDeletedDetails(true))) })
	noteCalls(s, "info with subjects", func() error { return show(st.Info(ctx, jetstream.WithSubjectFilter("s.>"))) })
	noteCalls(s, "name by subject", func() error {
		name, err := c.new.StreamNameBySubject(ctx, "s.a")
		s.Note("name", "%s", name)
		return err
	})
	noteCalls(s, "name by a subject of none", func() error { _, err := c.new.StreamNameBySubject(ctx, "x"); return err })
	s.Part("new, purge")
	noteCalls(s, "subject, keep", func() error { return st.Purge(ctx, jetstream.WithPurgeSubject("s.a"), jetstream.WithPurgeKeep(1)) })
	noteCalls(s, "sequence", func() error { return st.Purge(ctx, jetstream.WithPurgeSequence(5)) })
	noteCalls(s, "keep and sequence", func() error { return st.Purge(ctx, jetstream.WithPurgeKeep(1), jetstream.WithPurgeSequence(5)) })
	noteCalls(s, "all", func() error { return st.Purge(ctx) })
	s.Part("new")
	noteCalls(s, "delete", func() error { return c.new.DeleteStream(ctx, "S") })
	noteCalls(s, "delete again", func() error { return c.new.DeleteStream(ctx, "S") })
}

func sorted(subjects map[string]uint64) (all []string) {
	for _, subject := range slices.Sorted(maps.Keys(subjects)) {
		all = append(all, fmt.Sprintf("%s=%d", subject, subjects[subject]))
	}
	return all
}

func manageConsumers(s *stage.Stage) {
	s.Peer().Stream("S", "s.>")
	s.Peer().Store("s.a", "1", "2")
	c := newJetStreamClient(s)
	ctx := s.Context(resolved)
	s.Part("old")
	shown := func(i *nats.ConsumerInfo, err error) error {
		if err == nil {
			s.Note("info", "%s %s %q pending %d, ack pending %d, waiting %d, ack %v, wait %v, deliver %d, max pending %d, max waiting %d, threshold %v", i.Stream, i.Name,
				i.Config.Description, i.NumPending, i.NumAckPending, i.NumWaiting, i.Config.AckPolicy, i.Config.AckWait, i.Config.MaxDeliver, i.Config.MaxAckPending, i.Config.MaxWaiting,
				i.Config.InactiveThreshold)
		}
		return err
	}
	cfg := &nats.ConsumerConfig{Durable: "C", AckPolicy: nats.AckExplicitPolicy}
	noteCalls(s, "create", func() error { return shown(c.old.AddConsumer("S", cfg)) })
	noteCalls(s, "create the same", func() error { return shown(c.old.AddConsumer("S", cfg)) })
	cfg.Description = "new words"
	noteCalls(s, "create another", func() error { return shown(c.old.AddConsumer("S", cfg)) })
	noteCalls(s, "update", func() error { return shown(c.old.UpdateConsumer("S", cfg)) })
	noteCalls(s, "info", func() error { return shown(c.old.ConsumerInfo("S", "C")) })
	noteCalls(s, "delete", func() error { return c.old.DeleteConsumer("S", "C") })
	noteCalls(s, "delete again", func() error { return c.old.DeleteConsumer("S", "C") })
	noteCalls(s, "update a missing one", func() error { return shown(c.old.UpdateConsumer("S", cfg)) })
	noteCalls(s, "zero", func() error {
		i, err := c.old.AddConsumer("S", &nats.ConsumerConfig{Name: "Z"})
		s.Note("ack policy", "%v", i.Config.AckPolicy)
		return err
	})
	s.Part("new")
	show := func(cons jetstream.Consumer, err error) error {
		if err == nil {
			i := cons.CachedInfo()
			s.Note("info", "%s %s %q pending %d, ack pending %d, waiting %d, ack %v, wait %v, deliver %d, max pending %d, max waiting %d, threshold %v", i.Stream, i.Name,
				i.Config.Description, i.NumPending, i.NumAckPending, i.NumWaiting, i.Config.AckPolicy, i.Config.AckWait, i.Config.MaxDeliver, i.Config.MaxAckPending, i.Config.MaxWaiting,
				i.Config.InactiveThreshold)
		}
		return err
	}
	fresh := jetstream.ConsumerConfig{Durable: "D"}
	noteCalls(s, "create", func() error { return show(c.new.CreateConsumer(ctx, "S", fresh)) })
	noteCalls(s, "create the same", func() error { return show(c.new.CreateConsumer(ctx, "S", fresh)) })
	fresh.Description = "new words"
	noteCalls(s, "create another", func() error { return show(c.new.CreateConsumer(ctx, "S", fresh)) })
	noteCalls(s, "update", func() error { return show(c.new.UpdateConsumer(ctx, "S", fresh)) })
	fresh.Description = "newer words"
	noteCalls(s, "create or update", func() error { return show(c.new.CreateOrUpdateConsumer(ctx, "S", fresh)) })
	noteCalls(s, "look up", func() error { return show(c.new.Consumer(ctx, "S", "D")) })
	noteCalls(s, "delete", func() error { return c.new.DeleteConsumer(ctx, "S", "D") })
	noteCalls(s, "delete again", func() error { return c.new.DeleteConsumer(ctx, "S", "D") })
	noteCalls(s, "update a missing one", func() error { return show(c.new.UpdateConsumer(ctx, "S", fresh)) })
	push := jetstream.ConsumerConfig{Durable: "P", DeliverSubject: "d"}
	noteCalls(s, "create for push", func() error { _, err := c.new.CreatePushConsumer(ctx, "S", push); return err })
	push.Description = "new words"
	noteCalls(s, "update for push", func() error { _, err := c.new.UpdatePushConsumer(ctx, "S", push); return err })
	noteCalls(s, "create or update for push", func() error { _, err := c.new.CreateOrUpdatePushConsumer(ctx, "S", push); return err })
}

func resetConsumer(s *stage.Stage) {
	p := newPuller(s)
	s.Peer().Store("s.a", "1", "2", "3", "4")
	ctx := s.Context(resolved)
	for range 3 {
		s.Must(p.next().DoubleAck(ctx), "ack")
	}
	noteCalls(s, "reset", func() error { _, err := p.new.ResetConsumer(ctx, "S", "C"); return err })
	s.Note("then", "%s", p.next().Data())
	noteCalls(s, "reset to 2", func() error {
		r, err := p.new.ResetConsumerToSequence(ctx, "S", "C", 2)
		if err == nil {
			s.Note("answer", "%d", r.ResetSeq)
		}
		return err
	})
	s.Note("then", "%s", p.next().Data())
	noteCalls(s, "reset to 0", func() error { _, err := p.new.ResetConsumerToSequence(ctx, "S", "C", 0); return err })
	noteCalls(s, "reset a missing one", func() error { _, err := p.new.ResetConsumer(s.Context(300*time.Millisecond), "S", "X"); return err })
}

// longLists: the server gives 256 entries at a time, of names 1024.
func longLists(s *stage.Stage) {
	const total = 260
	s.Peer().Stream("S", "s.>")
	for i := range total {
		s.Peer().Publish(fmt.Sprintf("$JS.API.CONSUMER.CREATE.S.C%d", i), "", "",
			fmt.Sprintf(`{"stream_name":"S","config":{"durable_name":"C%d","name":"C%d","ack_policy":"explicit","mem_storage":true}}`, i, i))
	}
	for !strings.Contains(s.Peer().API("CONSUMER.LIST.S", ""), fmt.Sprintf(`"total":%d,`, total)) {
		s.Pause(10 * time.Millisecond)
	}
	c := newJetStreamClient(s)
	st, err := c.new.Stream(s.Context(resolved), "S")
	s.Must(err, "stream")
	count := func(key string, list func() int) {
		before := len(s.Tap().Published("$JS.API.CONSUMER."))
		n := list()
		s.Note(key, "%d in %d requests", n, len(s.Tap().Published("$JS.API.CONSUMER."))-before)
	}
	count("new consumers", func() (n int) {
		for range st.ListConsumers(s.Context(resolved)).Info() {
			n++
		}
		return n
	})
	count("new names", func() (n int) {
		for range st.ConsumerNames(s.Context(resolved)).Name() {
			n++
		}
		return n
	})
	count("old consumers", func() (n int) {
		for range c.old.Consumers("S") {
			n++
		}
		return n
	})
	count("old names", func() (n int) {
		for range c.old.ConsumerNames("S") {
			n++
		}
		return n
	})
}

// prefixes: where requests go.
func prefixes(s *stage.Stage) {
	s.Server(natstest.WithoutJetStream())
	c := newClient(s)
	sent := func(key string, ask func() error) {
		before := len(s.Tap().Frames(asked))
		s.Error(key, ask())
		for _, f := range s.Tap().Frames(asked)[before:] {
			s.Note(key+" sends", "%s", f.Subject)
		}
	}
	for _, tc := range []struct {
		name string
		old  nats.JSOpt
		new  func() (jetstream.JetStream, error)
	}{
		{"domain", nats.Domain("hub"), func() (jetstream.JetStream, error) { return jetstream.NewWithDomain(c.nc, "hub") }},
		{"prefix", nats.APIPrefix("my.api"), func() (jetstream.JetStream, error) { return jetstream.NewWithAPIPrefix(c.nc, "my.api") }},
		{"prefix with a dot", nats.APIPrefix("my.api."), func() (jetstream.JetStream, error) { return jetstream.NewWithAPIPrefix(c.nc, "my.api.") }},
	} {
		s.Part(tc.name)
		old, err := c.nc.JetStream(tc.old)
		s.Error("old context", err)
		if err == nil {
			sent("old stream", func() error { _, err := old.StreamInfo("S"); return err })
			sent("old account", func() error { _, err := old.AccountInfo(); return err })
		}
		fresh, err := tc.new()
		s.Error("new context", err)
		if err == nil {
			sent("new stream", func() error { return fresh.DeleteStream(context.Background(), "S") })
			sent("new account", func() error { _, err := fresh.AccountInfo(context.Background()); return err })
		}
	}
}

func asked(f stage.Frame) bool {
	return f.Published() && (strings.HasPrefix(f.Subject, "$JS.") || strings.HasPrefix(f.Subject, "my."))
}

var oddAnswers = []string{
	`{"error":{"code":404,"err_code":10059,"description":"stream not found"}}`,
	`{"error":{"code":400,"err_code":10058,"description":"other words"}}`,
	`{"error":{"code":500,"err_code":19999,"description":"never heard of"}}`,
	`{"error":{"code":503,"description":"no number"}}`,
	`{"error":{}}`,
	`{"error":null}`,
	`{}`, ``, `null`, `[]`, `not json`, `{"error":"text"}`,
}

// answers has the same odd answer to every kind of request.
func answers(s *stage.Stage) {
	var says atomic.Value
	api(s, func(string, stage.Frame) string { return says.Load().(string) })
	c := newJetStreamClient(s)
	for _, answer := range oddAnswers {
		says.Store(answer)
		s.Part(answer)
		say := func(key string, ask func(context.Context) error) {
			ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
			defer cancel()
			err := ask(ctx)
			var bad *json.SyntaxError
			var odd *json.UnmarshalTypeError
			if errors.As(err, &bad) || errors.As(err, &odd) {
				s.Note(key, "of package json")
				return
			}
			s.ErrorText(key, err)
		}
		say("old, delete stream", func(ctx context.Context) error { return c.old.DeleteStream("S", nats.Context(ctx)) })
		say("old, delete consumer", func(ctx context.Context) error { return c.old.DeleteConsumer("S", "C", nats.Context(ctx)) })
		say("old, purge", func(ctx context.Context) error { return c.old.PurgeStream("S", nats.Context(ctx)) })
		say("new, delete stream", func(ctx context.Context) error { return c.new.DeleteStream(ctx, "S") })
		say("new, delete consumer", func(ctx context.Context) error { return c.new.DeleteConsumer(ctx, "S", "C") })
		say("new, account", func(ctx context.Context) error {
			_, err := c.new.AccountInfo(ctx)
			return err
		})
	}
}
