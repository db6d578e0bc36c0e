package test

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
	"github.com/nats-io/nats-server/v2/server"
)

// leavers read something of the streams S, KV_b and OBJ_b with consumers that the library makes. leave ends the reading.
var leavers = map[string]func(t *testing.T, nc *nats.Conn, prefix string) (leave func()){
	"ordered consumer": func(t *testing.T, nc *nats.Conn, prefix string) func() {
		c := got[jetstream.Consumer](t)(prefixed(t, nc, prefix).OrderedConsumer(t.Context(), "S", jetstream.OrderedConsumerConfig{}))
		return got[jetstream.ConsumeContext](t)(c.Consume(func(jetstream.Msg) {})).Stop
	},
	"ordered subscription": func(t *testing.T, nc *nats.Conn, prefix string) func() {
		return subscribed(t, nc, prefix, nats.OrderedConsumer(), nats.InactiveThreshold(time.Hour))
	},
	"subscription": func(t *testing.T, nc *nats.Conn, prefix string) func() {
		return subscribed(t, nc, prefix, nats.AckNone())
	},
	"pull subscription": func(t *testing.T, nc *nats.Conn, prefix string) func() {
		sub := got[*nats.Subscription](t)(legacyJS(t, nc, nats.APIPrefix(prefix)).PullSubscribe("s.>", "", nats.InactiveThreshold(time.Hour)))
		return func() { must(t, sub.Drain()) }
	},
	"watch": func(t *testing.T, nc *nats.Conn, prefix string) func() {
		w := got[jetstream.KeyWatcher](t)(leaverBucket(t, nc, prefix).WatchAll(t.Context()))
		return func() { must(t, w.Stop()) }
	},
	"keys": func(t *testing.T, nc *nats.Conn, prefix string) func() {
		kv := leaverBucket(t, nc, prefix)
		return func() { got[[]string](t)(kv.Keys(t.Context())) }
	},
	"history": func(t *testing.T, nc *nats.Conn, prefix string) func() {
		kv := leaverBucket(t, nc, prefix)
		return func() { got[[]jetstream.KeyValueEntry](t)(kv.History(t.Context(), "k")) }
	},
	"object read": func(t *testing.T, nc *nats.Conn, prefix string) func() {
		o := got[jetstream.ObjectStore](t)(prefixed(t, nc, prefix).ObjectStore(t.Context(), "b"))
		ctx, cancel := context.WithCancel(t.Context())
		r := got[jetstream.ObjectResult](t)(o.Get(ctx, "o"))
		return func() {
			cancel()
			runtime.KeepAlive(r) // one that is forgotten is closed by the garbage collector
		}
	},
	"object watch": func(t *testing.T, nc *nats.Conn, prefix string) func() {
		o := got[jetstream.ObjectStore](t)(prefixed(t, nc, prefix).ObjectStore(t.Context(), "b"))
		w := got[jetstream.ObjectWatcher](t)(o.Watch(t.Context()))
		return func() { must(t, w.Stop()) }
	},
}

func prefixed(t *testing.T, nc *nats.Conn, prefix string) jetstream.JetStream {
	t.Helper()
	return got[jetstream.JetStream](t)(jetstream.NewWithAPIPrefix(nc, prefix))
}

func leaverBucket(t *testing.T, nc *nats.Conn, prefix string) jetstream.KeyValue {
	t.Helper()
	return got[jetstream.KeyValue](t)(prefixed(t, nc, prefix).KeyValue(t.Context(), "b"))
}

func subscribed(t *testing.T, nc *nats.Conn, prefix string, opts ...nats.SubOpt) func() {
	t.Helper()
	opts = append(opts, nats.BindStream("S"))
	sub := got[*nats.Subscription](t)(legacyJS(t, nc, nats.APIPrefix(prefix)).Subscribe("s.>", func(*nats.Msg) {}, opts...))
	return func() { must(t, sub.AutoUnsubscribe(1)) }
}

// stockLeavers stores what they read. In a cluster nobody may listen for a moment behind the creation of a stream.
func stockLeavers(t *testing.T, js jetstream.JetStream, replicas int) {
	t.Helper()
	kv := got[jetstream.KeyValue](t)(js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "b", Replicas: replicas}))
	o := got[jetstream.ObjectStore](t)(js.CreateObjectStore(t.Context(), jetstream.ObjectStoreConfig{Bucket: "b", Replicas: replicas}))
	for what, store := range map[string]func() error{
		"a message": func() error { _, err := js.Publish(t.Context(), "s.a", nil); return err },
		"a value":   func() error { _, err := kv.PutString(t.Context(), "k", "v"); return err },
		"an object": func() error { _, err := o.PutBytes(t.Context(), "o", make([]byte, 1<<20)); return err },
	} {
		eventually(t, what, func() bool { return store() == nil })
	}
}

// consumersOf are those of all that leavers read.
func consumersOf(js jetstream.JetStream) (all []string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second) // without a leader nobody answers
	defer cancel()
	for _, stream := range []string{"S", "KV_b", "OBJ_b"} {
		s, err := js.Stream(ctx, stream)
		if err != nil {
			return []string{err.Error()}
		}
		names := s.ConsumerNames(ctx)
		for name := range names.Name() {
			all = append(all, stream+" "+name)
		}
		if err := names.Err(); err != nil {
			all = append(all, err.Error())
		}
	}
	return all
}

// TestLeftConsumers: a consumer that the library has made is deleted although no leader, or nobody at all, answers the first request for it, whatever it
// was made for.
func TestLeftConsumers(t *testing.T) {
	for name, leaver := range leavers {
		t.Run(name, func(t *testing.T) {
			g := withJetStream(t)
			stockLeavers(t, g.js, 1)
			porter, asked := dial(t, g.srv.URL()), make(chan string, 20)
			first := ""
			_, err := porter.Subscribe("deaf.>", func(m *nats.Msg) {
				operation := strings.TrimPrefix(m.Subject, "deaf.")
				if strings.HasPrefix(operation, "CONSUMER.DELETE.") {
					asked <- operation
					if first == "" {
						first = operation
						_ = m.Respond([]byte(`{"error":{"code":503,"err_code":10008,"description":"JetStream system temporarily unavailable"}}`))
						return
					}
				}
				_ = porter.PublishMsg(&nats.Msg{Subject: "$JS.API." + operation, Reply: m.Reply, Data: m.Data})
			})
			must(t, err)
			must(t, porter.Flush())
			leave := leaver(t, dial(t, g.srv.URL()), "deaf")
			leave()
			if first, second := await(t, "a deletion", asked), await(t, "another one", asked); first != second {
				t.Errorf("asked for %s, then for %s", first, second)
			}
			eventually(t, "no consumer to be left", func() bool { return len(consumersOf(g.js)) == 0 })
		})
	}
}

// TestLeftConsumersWithoutLink: the reading ends while there is no link. The consumer is deleted when there is one again.
func TestLeftConsumersWithoutLink(t *testing.T) {
	for name, leaver := range leavers {
		if name == "keys" || name == "history" { // they end by themselves
			continue
		}
		t.Run(name, func(t *testing.T) {
			g, p := behindProxy(t)
			js := g.steady
			stockLeavers(t, js, 1)
			deleted := make(chan string, 20)
			listener := dial(t, g.srv.URL())
			got[*nats.Subscription](t)(listener.Subscribe("$JS.API.CONSUMER.DELETE.>", func(m *nats.Msg) { deleted <- m.Subject }))
			must(t, listener.Flush())
			leave := leaver(t, g.nc, "$JS.API")
			p.Refuse()
			p.Cut()
			eventually(t, "the loss", g.nc.IsReconnecting)
			leave()
			must(t, p.Heal())
			await(t, "a deletion", deleted)
			eventually(t, "no consumer to be left", func() bool { return len(consumersOf(js)) == 0 })
		})
	}
}

// TestLeftConsumersAreTold: what may not be deleted is counted, and the log has it.
func TestLeftConsumersAreTold(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	srv := natstest.Run(t, natstest.WithConfig(func(o *server.Options) {
		o.Users = []*server.User{
			{Username: "all", Password: "p"},
			{Username: "some", Password: "p", Permissions: &server.Permissions{Publish: &server.SubjectPermission{Deny: []string{"$JS.API.CONSUMER.DELETE.>"}}}},
		}
	}))
	all, records := newJS(t, dial(t, srv.URL(), nats.UserInfo("all", "p"))), make(chan string, 100)
	got[jetstream.Stream](t)(all.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}}))
	nc := dial(t, srv.URL(), nats.UserInfo("some", "p"), silent(), nats.Logger(slog.New(recorder(records))))
	leavers["ordered consumer"](t, nc, "$JS.API")()
	for !strings.Contains(await(t, "the record", records), "consumer not deleted: $JS.API.CONSUMER.DELETE.S.") {
	}
	if n := nc.Health().LeftConsumers; n != 1 {
		t.Errorf("%d consumers are left, want 1", n)
	}
}

// recorder hands the text of each record on, with the attribute error.
type recorder chan<- string

func (r recorder) Enabled(context.Context, slog.Level) bool { return true }
func (r recorder) WithAttrs([]slog.Attr) slog.Handler       { return r }
func (r recorder) WithGroup(string) slog.Handler            { return r }
func (r recorder) Handle(_ context.Context, record slog.Record) error {
	text := record.Message
	record.Attrs(func(a slog.Attr) bool {
		if a.Key == "error" {
			text = fmt.Sprint(text, ": ", a.Value)
		}
		return true
	})
	r <- text
	return nil
}

// TestClusterJSLeftConsumers: two of three servers are gone, so that there is nobody who could delete anything, when readers end. What they leave is
// deleted when the servers are back, long before its threshold.
func TestClusterJSLeftConsumers(t *testing.T) {
	cluster := startJSCluster(t)
	js := newJS(t, dial(t, cluster.URL()))
	got[jetstream.Stream](t)(js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}, Replicas: 3}))
	stockLeavers(t, js, 3)
	servers := cluster.Servers()
	nc := dial(t, servers[0].URL(), nats.IgnoreDiscoveredServers())
	var leave []func()
	for name, leaver := range leavers {
		if name != "keys" && name != "history" {
			leave = append(leave, leaver(t, nc, "$JS.API"))
		}
	}
	eventually(t, "a consumer for each", func() bool { return len(consumersOf(js)) == len(leave) })
	for _, srv := range servers[1:] {
		must(t, srv.Stop())
	}
	for _, fn := range leave {
		fn()
	}
	for _, srv := range servers[1:] {
		must(t, srv.Restart(true))
	}
	must(t, cluster.WaitReady())
	for end := time.Now().Add(wholeAgain); ; pause() {
		left := consumersOf(js)
		if len(left) == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("left are %v", left)
		}
	}
	if n := nc.Health().LeftConsumers; n > 0 {
		t.Errorf("%d consumers are counted as left", n)
	}
}
