package scenario

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/test/compat/stage"
)

var serverStatuses = []stage.Scenario{
	{Name: "statuses of the server", Rows: []string{"10.1 old-fetch", "10.3 fetch", "10.4 no-wait", "10.5", "10.6", "16.27"}, Run: realStatuses},
	{Name: "statuses, inactive consumers of the older API", Rows: []string{"10.12 old-fetch", "10.13 old-fetch", "10.14 old-fetch", "10.15 old-fetch", "10.17 old"}, Run: oldInactiveConsumers},
	{Name: "statuses of direct gets", Rows: []string{"10.11", "6.5"}, Run: directStatuses, Differs: []stage.Difference{
		stage.Differs("6.14", "no sequence: old, get", noDirectMessage), stage.Differs("6.14", "no sequence: old, last", noDirectLast),
		stage.Differs("6.14", "no sequence: new, get", invalidDirect), stage.Differs("6.14", "no sequence: new, last", invalidDirect),
		stage.Differs("6.14", "odd sequence: old, get", noDirectMessage), stage.Differs("6.14", "odd sequence: old, last", noDirectLast),
		stage.Differs("6.14", "odd sequence: new, get", invalidDirect), stage.Differs("6.14", "odd sequence: new, last", invalidDirect),
	}},
}

// What is told of direct answers without a message.
const (
	noDirectMessage = `"nats: bad jetstream answer to DIRECT.GET.S: no message in it", 0 "" true []`
	noDirectLast    = `"nats: bad jetstream answer to DIRECT.GET.S.s.a: no message in it", 0 "" true []`
	invalidDirect   = `is jetstream.ErrInvalidJetStreamResponse, 0 "" true []`
)

// realStatuses has the server say all that it says to pull requests, and notes what it said and how the fetch ended.
func realStatuses(s *stage.Stage) {
	s.Peer().Stream("S", "s.>")
	s.Peer().Store("s.big", "0123456789012345678901234567890123456789")
	c := newJetStreamClient(s)
	said := func(key string, fetch func() string) {
		status := func(f stage.Frame) bool { return !f.FromClient && f.Status() != "" }
		before := len(s.Tap().Frames(status))
		s.Note(key, "%s", fetch())
		s.Must(c.nc.Flush(), "flush")
		var texts []string
		for _, f := range s.Tap().Frames(status)[before:] {
			texts = append(texts, strings.TrimPrefix(headerKeys(f), "NATS/1.0 "))
		}
		texts = slices.Compact(texts) // how many heartbeats come depends on the machine
		s.Note(key+": said", "%s", strings.Join(texts, "; "))
	}
	filters := map[string]string{"H": "s.none"}
	fetches := map[string]func(name string, n int, wait time.Duration, limits ...int) string{
		"old": func(name string, n int, wait time.Duration, limits ...int) string {
			opts := []nats.PullOpt{nats.MaxWait(wait)}
			if len(limits) > 0 {
				opts = append(opts, nats.PullMaxBytes(limits[0]))
			}
			msgs, err := c.bindTo(name, filters[name]).Fetch(n, opts...)
			return fmt.Sprintf("%d, %s", len(msgs), s.Describe(err))
		},
		"new": func(name string, n int, wait time.Duration, limits ...int) string {
			opts := []jetstream.FetchOpt{jetstream.FetchMaxWait(wait)}
			if len(limits) > 0 {
				opts = append(opts, jetstream.FetchMaxBytes(limits[0]))
			}
			b, err := c.handle(name).Fetch(n, opts...)
			s.Must(err, "fetch")
			subjects, err := read(b)
			return fmt.Sprintf("%d, %s", len(subjects), s.Describe(err))
		},
	}
	for _, api := range []string{"old", "new"} {
		fetch := fetches[api]
		name := func(kind string, config ...string) string {
			filters[kind+api] = "s.none"
			if kind == "B" {
				filters[kind+api] = "s.big"
			}
			s.Peer().Consumer("S", kind+api, append(config, fmt.Sprintf(`"filter_subject":%q`, filters[kind+api]))...)
			return kind + api
		}
		empty := name("E")
		said(api+", nothing", func() string { return fetch(empty, 1, 500*time.Millisecond) })
		said(api+", nothing for five", func() string { return fetch(empty, 5, 500*time.Millisecond) })
		said(api+", bytes", func() string { return fetch(name("B"), 1, 500*time.Millisecond, 10) })
		limited := name("L", `"max_batch":5,"max_expires":1000000000,"max_bytes":100`)
		said(api+", batch", func() string { return fetch(limited, 6, 500*time.Millisecond) })
		said(api+", expires", func() string { return fetch(limited, 1, 5*time.Second) })
		said(api+", max bytes", func() string { return fetch(limited, 1, 500*time.Millisecond, 101) })
		waiting := name("W", `"max_waiting":1`)
		s.Peer().Publish(pullSubject+"S."+waiting, "elsewhere", "", `{"batch":1,"expires":5000000000}`)
		s.Peer().Silence("elsewhere")
		s.Peer().Publish(pullSubject+"S."+waiting, "elsewhere", "", `{"batch":1,"expires":5000000000}`)
		s.Peer().AwaitPull("S", waiting)
		said(api+", waiting", func() string { return fetch(waiting, 1, 500*time.Millisecond) })
		deleted := name("D")
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			s.Tap().Await(1, pullsOf(deleted))
			s.Peer().AwaitPull("S", deleted)
			s.Peer().API("CONSUMER.DELETE.S."+deleted, "")
		}()
		said(api+", deleted", func() string { return fetch(deleted, 1, 5*time.Second) })
		s.Join(gone)
		said(api+", nobody listens", func() string {
			if api == "old" {
				sub, err := c.old.PullSubscribe("", deleted, nats.Bind("S", deleted), nats.SkipConsumerLookup())
				s.Must(err, "bind")
				_, err = sub.Fetch(1, nats.MaxWait(time.Second))
				return s.Describe(err)
			}
			s.Peer().Consumer("S", deleted)
			cons := c.handle(deleted)
			s.Peer().API("CONSUMER.DELETE.S."+deleted, "")
			_, err := cons.Next(jetstream.FetchMaxWait(time.Second))
			return s.Describe(err)
		})
	}
	s.Peer().Consumer("S", "N", `"filter_subject":"s.none"`)
	said("new, no wait", func() string {
		b, err := c.handle("N").FetchNoWait(1)
		s.Must(err, "fetch")
		subjects, err := read(b)
		return fmt.Sprintf("%d, %s", len(subjects), s.Describe(err))
	})
	s.Peer().Consumer("S", "G", `"priority_groups":["g"],"priority_policy":"overflow"`)
	said("new, no group", func() string { return fetches["new"]("G", 1, 500*time.Millisecond) })
	s.Peer().Consumer("S", "H", `"filter_subject":"s.none"`)
	said("new, heartbeats", func() string {
		_, err := c.handle("H").Next(jetstream.FetchMaxWait(1500*time.Millisecond), jetstream.FetchHeartbeat(600*time.Millisecond))
		return s.Describe(err)
	})
	said("old, heartbeats", func() string {
		msgs, err := c.bindTo("H", "s.none").Fetch(1, nats.MaxWait(1500*time.Millisecond), nats.PullHeartbeat(600*time.Millisecond))
		return fmt.Sprintf("%d, %s", len(msgs), s.Describe(err))
	})
}

// bindTo is bind for a consumer with a filter.
func (c *client) bindTo(name, filter string) *nats.Subscription {
	sub, err := c.old.PullSubscribe(filter, name, nats.Bind("S", name))
	c.s.Must(err, "bind "+name)
	return sub
}

func oldInactiveConsumers(s *stage.Stage) {
	s.Peer().Stream("S", "s.>")
	s.Peer().Store("s.a", "1")
	c := newJetStreamClient(s)
	for _, cfg := range []nats.ConsumerConfig{{AckPolicy: nats.AckExplicitPolicy}, {Durable: "D", AckPolicy: nats.AckExplicitPolicy}} {
		info, err := c.old.AddConsumer("S", &cfg)
		s.Must(err, "consumer")
		s.Note("threshold", "durable %q, %v", cfg.Durable, info.Config.InactiveThreshold)
	}
	// gone tells how long a consumer lives after it was used.
	gone := func(use func(*nats.Subscription), opts ...nats.SubOpt) time.Duration {
		sub, err := c.old.PullSubscribe("s.a", "", append(opts, nats.InactiveThreshold(500*time.Millisecond), nats.BindStream("S"))...)
		s.Must(err, "pull subscription")
		use(sub)
		for start := time.Now(); time.Since(start) < 15*time.Second; s.Pause(20 * time.Millisecond) {
			if _, err := sub.ConsumerInfo(); err != nil {
				return time.Since(start)
			}
		}
		return 0
	}
	soon := gone(func(sub *nats.Subscription) { s.Must(c.oldOne(sub).Ack(), "ack") })
	s.Note("acked", "gone between threshold and threshold + jitter %v", soon > 500*time.Millisecond && soon < 2500*time.Millisecond)
	late := gone(func(sub *nats.Subscription) { c.oldOne(sub) }, nats.AckWait(2*time.Second))
	s.Note("not acked", "gone after the ack wait %v", late > 2*time.Second)
	kept := gone(func(sub *nats.Subscription) {
		s.Must(c.oldOne(sub).Ack(), "ack")
		msgs, err := sub.Fetch(1, nats.MaxWait(2500*time.Millisecond))
		s.Note("a long fetch", "%d, %s", len(msgs), s.Describe(err))
	})
	s.Note("waiting keeps it", "%v", kept > 100*time.Millisecond)
	sub, err := c.old.PullSubscribe("s.a", "", nats.InactiveThreshold(500*time.Millisecond), nats.BindStream("S"))
	s.Must(err, "pull subscription")
	s.Pause(2500 * time.Millisecond)
	_, err = sub.Fetch(1, nats.MaxWait(time.Second))
	s.Error("fetch when it is gone", err)
}

func (c *client) oldOne(sub *nats.Subscription) *nats.Msg {
	msgs, err := sub.Fetch(1, nats.MaxWait(5*time.Second))
	c.s.Must(err, "fetch")
	return msgs[0]
}

// directStatuses answers direct gets by hand.
func directStatuses(s *stage.Stage) {
	const config = `{"config":{"name":"S","subjects":["s.>"],"allow_direct":true},"state":{},"created":"2026-01-02T03:04:05Z"}`
	var says atomic.Value
	api(s, func(verb string, f stage.Frame) string {
		switch verb {
		case "STREAM.INFO.S":
			return config
		case "DIRECT.GET.S", "DIRECT.GET.S.s.a":
			header, body := says.Load().(string), ""
			if header[0] == 'N' {
				body = "x"
			}
			s.Peer().Publish(f.Reply, "", header, body)
		}
		return "-"
	})
	c := newJetStreamClient(s)
	st, err := c.new.Stream(s.Context(resolved), "S")
	s.Must(err, "stream")
	const fields = "Nats-Stream: S\nNats-Subject: s.a\nNats-Sequence: 7\nNats-Time-Stamp: 2026-01-02T03:04:05.6Z\nMine: m"
	for _, h := range []struct{ name, header string }{
		{"a message", fields},
		{"", "404 Message Not Found"}, {"", "404 No Results"}, {"", "404"},
		{"", "408 Empty Request"}, {"", "408 Bad Request"}, {"", "408 Malformed Request"}, {"", "413 Too Many Results"},
		{"", "503"}, {"", "500 Trouble"},
		{"no sequence", "Nats-Stream: S"}, {"odd sequence", "Nats-Stream: S\nNats-Sequence: x\nNats-Subject: s.a\nNats-Time-Stamp: 2026-01-02T03:04:05Z"},
	} {
		says.Store(h.header)
		s.Part(cmp.Or(h.name, h.header))
		note := func(key string, seq uint64, subject string, at time.Time, header nats.Header, err error) {
			s.Note(key, "%s, %d %q %v %q", s.Describe(err), seq, subject, at.IsZero(), header["Mine"])
		}
		byOld := func(key string, get func() (*nats.RawStreamMsg, error)) {
			m, err := get()
			if m == nil {
				m = &nats.RawStreamMsg{}
			}
			note("old, "+key, m.Sequence, m.Subject, m.Time, m.Header, err)
		}
		byNew := func(key string, get func() (*jetstream.RawStreamMsg, error)) {
			m, err := get()
			if m == nil {
				m = &jetstream.RawStreamMsg{}
			}
			note("new, "+key, m.Sequence, m.Subject, m.Time, m.Header, err)
		}
		byOld("get", func() (*nats.RawStreamMsg, error) { return c.old.GetMsg("S", 7, nats.DirectGet()) })
		byOld("last", func() (*nats.RawStreamMsg, error) { return c.old.GetLastMsg("S", "s.a", nats.DirectGet()) })
		byNew("get", func() (*jetstream.RawStreamMsg, error) { return st.GetMsg(context.Background(), 7) })
		byNew("last", func() (*jetstream.RawStreamMsg, error) { return st.GetLastMsgForSubject(context.Background(), "s.a") })
	}
}
