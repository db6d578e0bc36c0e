package scenario

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
	"github.com/gannet-io/nats/test/compat/stage"
)

var apis = []stage.Scenario{
	{Name: "API, messages of a stream", Rows: []string{"6.4", "6.5"}, Run: streamMessages},
	{Name: "API, lists", Rows: []string{"6.3", "6.7", "6.11"}, Run: pagedLists},
	{Name: "API, pause, unpin", Rows: []string{"6.8"}, Run: pauseUnpin},
	{Name: "API, old durable consumers, names of consumers", Rows: []string{"6.6", "6.10", "6.13"}, Run: consumerSubjects},
	{Name: "API, no JetStream", Rows: []string{"6.15"}, Run: noJetStream, Differs: []stage.Difference{
		stage.Differs("6.15", "old objects", "nats.ErrJetStreamNotEnabled"), stage.Differs("6.15", "new objects", "jetstream.ErrJetStreamNotEnabled"),
	}},
	{Name: "API, filters that the server ignores", Rows: []string{"16.24"}, Run: ignoredFilters},
	{Name: "statuses, heartbeats and API levels", Rows: []string{"10.1"}, Run: heartbeatsAndLevels},
	{Name: "statuses, inactive consumers", Rows: []string{"10.14", "10.15", "10.17"}, Run: inactiveConsumers},
}

// calls notes the API requests that do makes: subject and payload.
func calls(s *stage.Stage, key string, do func() error) {
	before := len(s.Tap().Published("$JS."))
	s.Error(key, do())
	for _, f := range s.Tap().Published("$JS.")[before:] {
		// The first page has no offset, or one of 0.
		s.Note(key+" sends", "%s %s", f.Subject, strings.Replace(f.Data, `{"offset":0}`, "{}", 1))
	}
}

func streamMessages(s *stage.Stage) {
	s.Peer().Stream("S", "s.>")
	s.Peer().Stream("D", "d.>", `"allow_direct":true`)
	s.Peer().Store("s.a", "1", "2", "3")
	s.Peer().Store("d.a", "1", "2", "3")
	s.Peer().Store("d.b", "4")
	c := newJetStreamClient(s)
	ctx := s.Context(resolved)
	for _, name := range []string{"S", "D"} {
		subject := strings.ToLower(name) + ".a"
		st, err := c.new.Stream(ctx, name)
		s.Must(err, "stream")
		s.Part("new " + name)
		show := func(m *jetstream.RawStreamMsg, err error) error {
			if err == nil {
				s.Note("got", "%s %d %q %v", m.Subject, m.Sequence, m.Data, m.Time.IsZero())
			}
			return err
		}
		calls(s, "get", func() error { return show(st.GetMsg(ctx, 2)) })
		calls(s, "get next", func() error { return show(st.GetMsg(ctx, 2, jetstream.WithGetMsgSubject(subject))) })
		calls(s, "get last", func() error { return show(st.GetLastMsgForSubject(ctx, subject)) })
		calls(s, "get missing", func() error { return show(st.GetMsg(ctx, 99)) })
		calls(s, "get last missing", func() error { return show(st.GetLastMsgForSubject(ctx, subject+".none")) })
		calls(s, "delete", func() error { return st.DeleteMsg(ctx, 1) })
		calls(s, "delete securely", func() error { return st.SecureDeleteMsg(ctx, 2) })
		s.Part("old " + name)
		shown := func(m *nats.RawStreamMsg, err error) error {
			if err == nil {
				s.Note("got", "%s %d %q %v", m.Subject, m.Sequence, m.Data, m.Time.IsZero())
			}
			return err
		}
		calls(s, "get", func() error { return shown(c.old.GetMsg(name, 3)) })
		calls(s, "get last", func() error { return shown(c.old.GetLastMsg(name, subject)) })
		calls(s, "get directly", func() error { return shown(c.old.GetMsg(name, 3, nats.DirectGet())) })
		calls(s, "get last directly", func() error { return shown(c.old.GetLastMsg(name, subject, nats.DirectGet())) })
		calls(s, "get missing", func() error { return shown(c.old.GetMsg(name, 99)) })
		calls(s, "delete", func() error { return c.old.DeleteMsg(name, 3) })
		s.Peer().Store(subject, "again")
		calls(s, "delete securely", func() error { return c.old.SecureDeleteMsg(name, map[string]uint64{"S": 4, "D": 5}[name]) })
	}
}

// api answers every JetStream request on a server without JetStream.
func api(s *stage.Stage, answer func(verb string, f stage.Frame) string) {
	s.Server(natstest.WithoutJetStream())
	s.Peer().Respond("$JS.API.>", func(f stage.Frame) string { return answer(strings.TrimPrefix(f.Subject, "$JS.API."), f) })
}

func pagedLists(s *stage.Stage) {
	const total, page = 5, 2
	config := func(i int) string {
		return fmt.Sprintf(`{"config":{"name":"S%d","subjects":["s%d"]},"state":{},"created":"2026-01-02T03:04:05Z"}`, i, i)
	}
	consumer := func(i int) string {
		return fmt.Sprintf(`{"stream_name":"S","name":"C%d","config":{"ack_policy":"explicit"},"created":"2026-01-02T03:04:05Z"}`, i)
	}
	api(s, func(verb string, f stage.Frame) string {
		var in struct{ Offset int }
		if f.Data != "" {
			if err := json.Unmarshal([]byte(f.Data), &in); err != nil {
				return err.Error()
			}
		}
		list := func(field string, entry func(int) string) string {
			var entries []string
			for i := in.Offset; i < min(in.Offset+page, total); i++ {
				entries = append(entries, entry(i))
			}
			return fmt.Sprintf(`{"total":%d,"offset":%d,"limit":%d,%q:[%s]}`, total, in.Offset, page, field, strings.Join(entries, ","))
		}
		switch verb, _, _ := strings.Cut(verb, ".S"); verb {
		case "STREAM.NAMES":
			return list("streams", func(i int) string { return fmt.Sprintf(`"S%d"`, i) })
		case "STREAM.LIST":
			return list("streams", config)
		case "CONSUMER.NAMES":
			return list("consumers", func(i int) string { return fmt.Sprintf(`"C%d"`, i) })
		case "CONSUMER.LIST":
			return list("consumers", consumer)
		case "STREAM.INFO":
			return strings.Replace(config(0), "S0", "S", 1)
		}
		return "-"
	})
	c := newJetStreamClient(s)
	ctx := s.Context(resolved)
	names := func(found []string) error { s.Note("names", "%v", found); return nil }
	drain := func(ch <-chan string) (all []string) {
		for name := range ch {
			all = append(all, name)
		}
		return all
	}
	calls(s, "new stream names", func() error {
		l := c.new.StreamNames(ctx)
		_ = names(drain(l.Name()))
		return l.Err()
	})
	calls(s, "new stream names with a subject", func() error {
		l := c.new.StreamNames(ctx, jetstream.WithStreamListSubject("s1"))
		_ = names(drain(l.Name()))
		return l.Err()
	})
	calls(s, "new streams", func() error {
		var all []string
		l := c.new.ListStreams(ctx)
		for info := range l.Info() {
			all = append(all, info.Config.Name)
		}
		_ = names(all)
		return l.Err()
	})
	st, err := c.new.Stream(ctx, "S")
	s.Must(err, "stream")
	calls(s, "new consumer names", func() error {
		l := st.ConsumerNames(ctx)
		_ = names(drain(l.Name()))
		return l.Err()
	})
	calls(s, "new consumers", func() error {
		var all []string
		l := st.ListConsumers(ctx)
		for info := range l.Info() {
			all = append(all, info.Name)
		}
		_ = names(all)
		return l.Err()
	})
	calls(s, "old stream names", func() error { return names(drain(c.old.StreamNames())) })
	calls(s, "old streams", func() error {
		var all []string
		for info := range c.old.Streams() {
			all = append(all, info.Config.Name)
		}
		return names(all)
	})
	calls(s, "old consumer names", func() error { return names(drain(c.old.ConsumerNames("S"))) })
	calls(s, "old consumers", func() error {
		var all []string
		for info := range c.old.Consumers("S") {
			all = append(all, info.Name)
		}
		return names(all)
	})
}

func pauseUnpin(s *stage.Stage) {
	p := newPuller(s)
	s.Peer().Consumer("S", "G", `"priority_policy":"pinned_client","priority_groups":["g"]`)
	ctx := s.Context(resolved)
	st, err := p.new.Stream(ctx, "S")
	s.Must(err, "stream")
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	stamp := regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:.]+Z`)
	before := len(s.Tap().Published("$JS."))
	paused, err := st.PauseConsumer(ctx, "C", until)
	s.Error("pause", err)
	s.Note("paused", "%v %v %v", paused.Paused, paused.PauseUntil.Equal(until), paused.PauseRemaining > 59*time.Minute)
	paused, err = st.ResumeConsumer(ctx, "C")
	s.Error("resume", err)
	s.Note("resumed", "%v", paused.Paused)
	_, err = st.PauseConsumer(ctx, "X", until)
	s.Error("pause a missing one", err)
	s.Error("unpin", st.UnpinConsumer(ctx, "G", "g"))
	s.Error("unpin an unknown group", st.UnpinConsumer(ctx, "G", "h"))
	s.Error("unpin a missing one", st.UnpinConsumer(ctx, "X", "g"))
	for _, f := range s.Tap().Published("$JS.")[before:] {
		s.Note("sent", "%s %s", f.Subject, stamp.ReplaceAllString(f.Data, "TIME"))
	}
}

func consumerSubjects(s *stage.Stage) {
	s.Peer().Stream("S", "s.>")
	c := newJetStreamClient(s)
	ctx := s.Context(resolved)
	st, err := c.new.Stream(ctx, "S")
	s.Must(err, "stream")
	hash := regexp.MustCompile(`(CREATE\.S)\.[0-9A-Za-z]{8}$`)
	subjects := func(key string, do func() error) {
		before := len(s.Tap().Published("$JS."))
		s.Error(key, do())
		for _, f := range s.Tap().Published("$JS.")[before:] {
			var in struct {
				Action string
				Config struct {
					Name    string
					Durable string `json:"durable_name"`
				}
			}
			_ = json.Unmarshal([]byte(f.Data), &in)
			s.Note(key+" sends", "%s, action %q, durable %q, named %v", hash.ReplaceAllString(f.Subject, "$1.NAME"), in.Action, in.Config.Durable, in.Config.Name != "")
		}
	}
	create := func(cfg jetstream.ConsumerConfig) func() error {
		return func() error { _, err := st.CreateConsumer(ctx, cfg); return err }
	}
	subjects("new, no name", create(jetstream.ConsumerConfig{}))
	subjects("new, name", create(jetstream.ConsumerConfig{Name: "N1"}))
	subjects("new, durable", create(jetstream.ConsumerConfig{Durable: "D1"}))
	subjects("new, filter", create(jetstream.ConsumerConfig{Name: "F1", FilterSubject: "s.a"}))
	subjects("new, filter for all", create(jetstream.ConsumerConfig{Name: "F2", FilterSubject: ">"}))
	subjects("new, filters", create(jetstream.ConsumerConfig{Name: "F3", FilterSubjects: []string{"s.a", "s.b"}}))
	subjects("new, create or update", func() error {
		_, err := st.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{Durable: "D1"})
		return err
	})
	subjects("new, update", func() error {
		_, err := st.UpdateConsumer(ctx, jetstream.ConsumerConfig{Durable: "D1", Description: "x"})
		return err
	})
	add := func(cfg nats.ConsumerConfig) func() error {
		return func() error { _, err := c.old.AddConsumer("S", &cfg); return err }
	}
	subjects("old, no name", add(nats.ConsumerConfig{}))
	subjects("old, name", add(nats.ConsumerConfig{Name: "O1"}))
	subjects("old, durable", add(nats.ConsumerConfig{Durable: "O2", AckPolicy: nats.AckExplicitPolicy}))
	subjects("old, filter", add(nats.ConsumerConfig{Name: "O3", FilterSubject: "s.a"}))
	subjects("old, filter for all", add(nats.ConsumerConfig{Name: "O4", FilterSubject: ">"}))
	subjects("old, filters", add(nats.ConsumerConfig{Name: "O5", FilterSubjects: []string{"s.a", "s.b"}}))
	old, err := c.nc.JetStream(nats.UseLegacyDurableConsumers())
	s.Must(err, "context")
	subjects("old style, durable", func() error {
		_, err := old.AddConsumer("S", &nats.ConsumerConfig{Durable: "O6", AckPolicy: nats.AckExplicitPolicy})
		return err
	})
	subjects("old style, no name", func() error { _, err := old.AddConsumer("S", &nats.ConsumerConfig{}); return err })
	names := map[string]bool{}
	for range 3 {
		cons, err := st.CreateConsumer(ctx, jetstream.ConsumerConfig{})
		s.Must(err, "consumer")
		names[cons.CachedInfo().Name] = true
		s.Note("name", "%d characters", len(cons.CachedInfo().Name))
	}
	s.Note("names", "%d", len(names))
}

func noJetStream(s *stage.Stage) {
	s.Server(natstest.WithoutJetStream())
	c := newJetStreamClient(s)
	ctx := s.Context(resolved)
	_, err := c.new.AccountInfo(ctx)
	s.Error("new account", err)
	_, err = c.new.Stream(ctx, "S")
	s.Error("new stream", err)
	_, err = c.new.CreateStream(ctx, jetstream.StreamConfig{Name: "S"})
	s.Error("new create", err)
	_, err = c.new.Consumer(ctx, "S", "C")
	s.Error("new consumer", err)
	_, err = c.new.Publish(ctx, "s", nil, jetstream.WithRetryAttempts(1), jetstream.WithRetryWait(time.Millisecond))
	s.Error("new publish", err)
	l := c.new.StreamNames(ctx)
	for range l.Name() {
		s.Note("a name", "?")
	}
	s.Error("new names", l.Err())
	_, err = c.old.AccountInfo()
	s.Error("old account", err)
	_, err = c.old.StreamInfo("S")
	s.Error("old stream", err)
	_, err = c.old.AddStream(&nats.StreamConfig{Name: "S"})
	s.Error("old create", err)
	_, err = c.old.Publish("s", nil, nats.RetryAttempts(0))
	s.Error("old publish", err)
	_, err = c.old.PullSubscribe("s", "C")
	s.Error("old pull subscribe", err)
	_, err = c.old.SubscribeSync("s")
	s.Error("old subscribe", err)
	_, err = c.old.CreateKeyValue(&nats.KeyValueConfig{Bucket: "b"})
	s.Error("old key-value", err)
	_, err = c.old.KeyValue("b")
	s.Error("old key-value, open", err)
	_, err = c.old.CreateObjectStore(&nats.ObjectStoreConfig{Bucket: "b"})
	s.Error("old objects", err)
	_, err = c.old.ObjectStore("b")
	s.Error("old objects, open", err)
	_, err = c.new.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "b"})
	s.Error("new key-value", err)
	_, err = c.new.KeyValue(ctx, "b")
	s.Error("new key-value, open", err)
	_, err = c.new.CreateObjectStore(ctx, jetstream.ObjectStoreConfig{Bucket: "b"})
	s.Error("new objects", err)
	_, err = c.new.ObjectStore(ctx, "b")
	s.Error("new objects, open", err)
	_, err = c.new.OrderedConsumer(s.Context(time.Second), "S", jetstream.OrderedConsumerConfig{})
	s.Error("new ordered consumer", err)
}

func ignoredFilters(s *stage.Stage) {
	api(s, func(verb string, f stage.Frame) string {
		switch {
		case strings.HasPrefix(verb, "CONSUMER.INFO"):
			return `{"error":{"code":404,"err_code":10014,"description":"consumer not found"}}`
		case !strings.HasPrefix(verb, "CONSUMER.CREATE"):
			return "-"
		}
		return `{"stream_name":"S","name":"C","config":{"name":"C","ack_policy":"explicit"},"created":"2026-01-02T03:04:05Z"}`
	})
	c := newJetStreamClient(s)
	_, err := c.new.CreateConsumer(s.Context(resolved), "S", jetstream.ConsumerConfig{Name: "C", FilterSubjects: []string{"s.a", "s.b"}})
	s.Error("new", err)
	_, err = c.new.CreateConsumer(s.Context(resolved), "S", jetstream.ConsumerConfig{Name: "C", FilterSubjects: []string{"s.a"}})
	s.Error("new, one", err)
	_, err = c.old.AddConsumer("S", &nats.ConsumerConfig{Name: "C", FilterSubjects: []string{"s.a", "s.b"}})
	s.Error("old", err)
}

func heartbeatsAndLevels(s *stage.Stage) {
	p := newPuller(s)
	b, err := p.cons.Fetch(1, jetstream.FetchMaxWait(1200*time.Millisecond), jetstream.FetchHeartbeat(500*time.Millisecond))
	s.Must(err, "fetch")
	_, err = read(b)
	s.Error("fetch", err)
	beats := s.Tap().Frames(func(f stage.Frame) bool { return f.Status() == "100" })
	s.Note("heartbeats", "%d", len(beats))
	if len(beats) > 0 {
		s.Note("heartbeat", "%q", strings.TrimSpace(strings.Split(beats[0].Header, "\r\n")[0]))
		s.Note("names", "%v %v", strings.Contains(beats[0].Header, "Nats-Last-Consumer"), strings.Contains(beats[0].Header, "Nats-Last-Stream"))
	}
	m, err := p.nc.RequestMsg(&nats.Msg{Subject: "$JS.API.STREAM.INFO.S", Header: nats.Header{"Nats-Required-Api-Level": {"99"}}}, time.Second)
	s.Must(err, "request")
	var answer struct{ Error struct{ Code, Err_code int } }
	_ = json.Unmarshal(m.Data, &answer)
	s.Note("level 99", "status %q, code %d/%d", m.Header.Get("Status"), answer.Error.Code, answer.Error.Err_code)
}

func inactiveConsumers(s *stage.Stage) {
	s.Peer().Stream("S", "s.>")
	s.Peer().Store("s.a", "1")
	c := newJetStreamClient(s)
	ctx := context.Background()
	st, err := c.new.Stream(ctx, "S")
	s.Must(err, "stream")
	for _, cfg := range []jetstream.ConsumerConfig{{}, {Durable: "D"}} {
		cons, err := st.CreateConsumer(ctx, cfg)
		s.Must(err, "consumer")
		s.Note("threshold", "durable %q, %v", cfg.Durable, cons.CachedInfo().Config.InactiveThreshold)
	}
	gone := func(cfg jetstream.ConsumerConfig, ack bool) time.Duration {
		cons, err := st.CreateConsumer(ctx, cfg)
		s.Must(err, "consumer")
		m, err := cons.Next(jetstream.FetchMaxWait(time.Second))
		s.Must(err, "next")
		if ack {
			s.Must(m.Ack(), "ack")
		}
		start := time.Now()
		for time.Since(start) < 15*time.Second {
			if _, err := cons.Info(ctx); err != nil {
				return time.Since(start)
			}
			s.Pause(20 * time.Millisecond)
		}
		return 0
	}
	soon := gone(jetstream.ConsumerConfig{InactiveThreshold: 500 * time.Millisecond}, true)
	s.Note("acked", "gone between threshold and threshold + jitter %v", soon > 500*time.Millisecond && soon < 2500*time.Millisecond)
	late := gone(jetstream.ConsumerConfig{InactiveThreshold: 500 * time.Millisecond, AckWait: 2 * time.Second}, false)
	s.Note("not acked", "gone after the ack wait %v", late > 2*time.Second)
}
