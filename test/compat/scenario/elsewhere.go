package scenario

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
	"github.com/gannet-io/nats/test/compat/stage"
	"github.com/nats-io/nats-server/v2/server"
)

// elsewhere is what lies in another JetStream domain: the client is connected to a leaf node, what it uses is on the hub.
var elsewhere = []stage.Scenario{
	{Name: "elsewhere, streams", Rows: []string{"6.2", "6.4", "6.5", "6.6", "6.9", "7.24", "8.8"}, Run: streamElsewhere},
	{Name: "elsewhere, mirrors and sources of streams", Rows: []string{"6.2"}, Run: copiesElsewhere},
	{Name: "elsewhere, ordered delivery", Rows: []string{"11.1", "11.11"}, Run: orderedElsewhere},
	{Name: "elsewhere, key-value buckets", Rows: []string{"13.1", "13.5", "13.8", "13.11", "13.12", "13.13"}, Run: bucketElsewhere},
	{Name: "elsewhere, mirrors and sources of key-value buckets", Rows: []string{"13.1", "13.4", "13.5", "13.8", "13.11", "13.12"}, Long: true, Run: mirrorElsewhere},
	{Name: "elsewhere, a key-value bucket of another account", Rows: []string{"13.1", "13.5", "13.8", "13.11"}, Run: bucketOfAnotherAccount},
	{Name: "elsewhere, objects", Rows: []string{"14.3", "14.6", "14.8", "14.12"}, Run: objectsElsewhere},
}

// The domains.
const (
	hubDomain  = "hub"
	leafDomain = "leaf"
)

// twoDomains starts a hub, and a leaf node as the server of the stage.
func twoDomains(s *stage.Stage) {
	hub, err := natstest.Start(natstest.WithConfig(func(o *server.Options) {
		o.JetStreamDomain, o.LeafNode.Host, o.LeafNode.Port = hubDomain, "127.0.0.1", -1
	}))
	s.Must(err, "start the hub")
	s.Cleanup(func() { s.Must(hub.Close(), "close the hub") })
	facts, err := hub.Embedded().Varz(nil)
	s.Must(err, "port of the hub")
	s.Server(natstest.WithConfigText(fmt.Sprintf(
		`jetstream: {domain: %s}, leafnodes: {reconnect: 1, remotes: [{url: "nats://127.0.0.1:%d"}]}`, leafDomain, facts.LeafNode.Port)))
	s.Must(comes(func() bool { return hub.Embedded().NumLeafNodes() == 1 }), "connect the leaf node")
}

// comes waits until ok.
func comes(ok func() bool) error {
	for end := time.Now().Add(resolved); !ok(); <-time.After(time.Millisecond) {
		if time.Now().After(end) {
			return context.DeadlineExceeded
		}
	}
	return nil
}

// domains are clients of one connection for the hub, and for the leaf node.
func domains(s *stage.Stage) (hub, leaf *client) {
	twoDomains(s)
	leaf = newJetStreamClient(s)
	hub = &client{s: s, nc: leaf.nc}
	var err error
	hub.old, err = hub.nc.JetStream(nats.Domain(hubDomain))
	s.Must(err, "old context")
	hub.new, err = jetstream.NewWithDomain(hub.nc, hubDomain)
	s.Must(err, "new context")
	s.Must(comes(func() bool {
		_, err := hub.old.AccountInfo()
		return err == nil
	}), "reach the hub")
	return hub, leaf
}

// noteAPIs notes to which APIs requests went since the nth publish.
func (c *client) noteAPIs(since int) {
	seen := map[string]bool{}
	for _, f := range c.s.Tap().Frames(published)[since:] {
		if prefix, _, ok := strings.Cut(f.Subject, ".API."); ok && strings.HasPrefix(prefix, "$JS.") {
			seen[prefix] = true
		}
	}
	c.s.Note("requests go to", "%d APIs, the hub's %v", len(seen), seen["$JS."+hubDomain])
}

func (c *client) sent() int { return len(c.s.Tap().Frames(published)) }

func streamElsewhere(s *stage.Stage) {
	hub, _ := domains(s)
	ctx := context.Background()

	s.Part("old")
	n := hub.sent()
	_, err := hub.old.AddStream(&nats.StreamConfig{Name: "A", Subjects: []string{"a.>"}, Storage: nats.MemoryStorage, AllowDirect: true})
	s.Error("create stream", err)
	for _, way := range []string{oldSync, oldAsync} {
		ack, err := hub.publish(way, &nats.Msg{Subject: "a." + strings.Fields(way)[1], Data: []byte("1")}, how{})
		s.Note(way, "%s, %s", ack, s.Describe(err))
	}
	sub, err := hub.old.PullSubscribe("a.>", "d")
	s.Must(err, "subscribe")
	got, err := sub.Fetch(2)
	s.Error("fetch", err)
	for _, m := range got {
		meta, err := m.Metadata()
		s.Must(err, "meta data")
		s.Note("message", "%s %s/%s %d, domain %q, %s", m.Subject, meta.Stream, meta.Consumer, meta.Sequence.Stream, meta.Domain, s.Describe(m.AckSync()))
	}
	info, err := hub.old.ConsumerInfo("A", "d")
	s.Must(err, "consumer info")
	s.Note("consumer", "%d acked, %d pending", info.AckFloor.Stream, info.NumPending)
	m, err := hub.old.GetMsg("A", 1)
	s.Must(err, "get a message")
	s.Note("get a message", "%s %d %q", m.Subject, m.Sequence, m.Data)
	m, err = hub.old.GetLastMsg("A", "a.async", nats.DirectGet())
	s.Must(err, "get a message directly")
	s.Note("get a message directly", "%s %d %q", m.Subject, m.Sequence, m.Data)
	s.Error("delete stream", hub.old.DeleteStream("A"))
	hub.noteAPIs(n)

	s.Part("new")
	n = hub.sent()
	stream, err := hub.new.CreateStream(ctx, jetstream.StreamConfig{Name: "B", Subjects: []string{"b.>"}, Storage: jetstream.MemoryStorage, AllowDirect: true})
	s.Must(err, "create stream")
	for _, way := range []string{newSync, newAsync} {
		ack, err := hub.publish(way, &nats.Msg{Subject: "b." + strings.Fields(way)[1], Data: []byte("1")}, how{})
		s.Note(way, "%s, %s", ack, s.Describe(err))
	}
	consumer, err := stream.CreateConsumer(ctx, jetstream.ConsumerConfig{Durable: "d", AckPolicy: jetstream.AckExplicitPolicy})
	s.Must(err, "create consumer")
	batch, err := consumer.Fetch(2)
	s.Must(err, "fetch")
	for m := range batch.Messages() {
		meta, err := m.Metadata()
		s.Must(err, "meta data")
		s.Note("message", "%s %s/%s %d, domain %q, %s", m.Subject(), meta.Stream, meta.Consumer, meta.Sequence.Stream, meta.Domain, s.Describe(m.DoubleAck(ctx)))
	}
	s.Error("batch", batch.Error())
	now, err := consumer.Info(ctx)
	s.Must(err, "consumer info")
	s.Note("consumer", "%d acked, %d pending", now.AckFloor.Stream, now.NumPending)
	raw, err := stream.GetMsg(ctx, 1)
	s.Must(err, "get a message")
	s.Note("get a message", "%s %d %q", raw.Subject, raw.Sequence, raw.Data)
	s.Error("delete stream", hub.new.DeleteStream(ctx, "B"))
	hub.noteAPIs(n)
}

// copiesElsewhere copies a stream of the hub to the leaf node.
func copiesElsewhere(s *stage.Stage) {
	hub, leaf := domains(s)
	ctx := context.Background()
	_, err := hub.old.AddStream(&nats.StreamConfig{Name: "A", Subjects: []string{"a.>"}, Storage: nats.MemoryStorage})
	s.Must(err, "create stream")
	for _, subject := range []string{"a.1", "a.2"} {
		_, err := hub.publish(oldSync, &nats.Msg{Subject: subject}, how{})
		s.Must(err, "publish")
	}
	external := "$JS." + hubDomain + ".API"
	copied := func(name string) {
		stream, err := leaf.new.Stream(ctx, name)
		s.Must(err, "stream")
		cfg := stream.CachedInfo().Config
		for _, src := range append(slices.Clone(cfg.Sources), cfg.Mirror) {
			if src != nil {
				s.Note("copies", "%s domain %q external %+v filter %q", src.Name, src.Domain, *src.External, src.FilterSubject)
			}
		}
		s.Error("arrives", comes(func() bool { _, err := stream.GetLastMsgForSubject(ctx, "a.2"); return err == nil }))
		s.Must(leaf.new.DeleteStream(ctx, name), "delete stream")
	}

	s.Part("old")
	byDomain, byAPI := nats.StreamSource{Name: "A", Domain: hubDomain}, nats.StreamSource{Name: "A", External: &nats.ExternalStream{APIPrefix: external}}
	for _, cfg := range []nats.StreamConfig{
		{Description: "domain", Mirror: &byDomain}, {Description: "API", Mirror: &byAPI}, {Description: "source", Sources: []*nats.StreamSource{&byDomain}},
	} {
		given := fmt.Sprintf("%+v %+v", byDomain, byAPI)
		s.Part("old, " + cfg.Description)
		cfg.Name, cfg.Storage = "M", nats.MemoryStorage
		_, err := leaf.old.AddStream(&cfg)
		s.Error("create", err)
		s.Note("the program's is unchanged", "%v", given == fmt.Sprintf("%+v %+v", byDomain, byAPI))
		copied("M")
	}
	s.Part("old, both")
	_, err = leaf.old.AddStream(&nats.StreamConfig{Name: "M", Mirror: &nats.StreamSource{Name: "A", Domain: hubDomain, External: byAPI.External}})
	s.Note("create", "refused %v", err != nil)

	newByDomain := jetstream.StreamSource{Name: "A", Domain: hubDomain}
	newByAPI := jetstream.StreamSource{Name: "A", External: &jetstream.ExternalStream{APIPrefix: external}}
	for _, cfg := range []jetstream.StreamConfig{
		{Description: "domain", Mirror: &newByDomain}, {Description: "API", Mirror: &newByAPI},
		{Description: "source", Sources: []*jetstream.StreamSource{&newByDomain}},
	} {
		given := fmt.Sprintf("%+v %+v", newByDomain, newByAPI)
		s.Part("new, " + cfg.Description)
		cfg.Name, cfg.Storage = "M", jetstream.MemoryStorage
		_, err := leaf.new.CreateStream(ctx, cfg)
		s.Error("create", err)
		s.Note("the program's is unchanged", "%v", given == fmt.Sprintf("%+v %+v", newByDomain, newByAPI))
		copied("M")
	}
	s.Part("new, both")
	_, err = leaf.new.CreateStream(ctx, jetstream.StreamConfig{Name: "M", Mirror: &jetstream.StreamSource{Name: "A", Domain: hubDomain, External: newByAPI.External}})
	s.Note("create", "refused %v", err != nil)
}

func orderedElsewhere(s *stage.Stage) {
	hub, _ := domains(s)
	_, err := hub.old.AddStream(&nats.StreamConfig{Name: "S", Subjects: []string{"s.>"}, Storage: nats.MemoryStorage})
	s.Must(err, "create stream")
	for i := range 3 {
		_, err := hub.publish(oldSync, &nats.Msg{Subject: "s.a", Data: fmt.Append(nil, i)}, how{})
		s.Must(err, "publish")
	}

	s.Part("old")
	n := hub.sent()
	sub, err := hub.old.SubscribeSync("s.>", nats.OrderedConsumer())
	s.Must(err, "subscribe")
	for range 3 {
		m, err := sub.NextMsg(resolved)
		s.Must(err, "next")
		meta, err := m.Metadata()
		s.Must(err, "meta data")
		s.Note("message", "%q %d, %d pending, domain %q", m.Data, meta.Sequence.Stream, meta.NumPending, meta.Domain)
	}
	info, err := sub.ConsumerInfo()
	s.Must(err, "consumer info")
	s.Note("consumer", "%v ack %v replicas %d memory %v", info.Config.DeliverPolicy, info.Config.AckPolicy, info.Config.Replicas, info.Config.MemoryStorage)
	s.Error("unsubscribe", sub.Unsubscribe())
	hub.noteAPIs(n)

	s.Part("new")
	n = hub.sent()
	ctx := context.Background()
	consumer, err := hub.new.OrderedConsumer(ctx, "S", jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: 2})
	s.Must(err, "ordered consumer")
	it, err := consumer.Messages()
	s.Must(err, "messages")
	for range 2 {
		m, err := it.Next()
		s.Must(err, "next")
		meta, err := m.Metadata()
		s.Must(err, "meta data")
		s.Note("message", "%q %d, %d pending, domain %q", m.Data(), meta.Sequence.Stream, meta.NumPending, meta.Domain)
	}
	it.Stop()
	hub.noteAPIs(n)
}

func objectsElsewhere(s *stage.Stage) {
	hub, _ := domains(s)
	data := bytes.Repeat([]byte("0123456789abcdef"), 20<<10)
	for _, o := range objectsOfBoth(hub) {
		s.Part(o.api)
		n := hub.sent()
		b, err := o.create("o")
		s.Must(err, "create bucket")
		info, err := b.put(&jetstream.ObjectMeta{Name: "x"}, bytes.NewReader(data))
		s.Must(err, "put")
		s.Note("put", "%s", shape(info))
		r, err := b.get(context.Background(), "x", false)
		s.Must(err, "get")
		var read bytes.Buffer
		_, err = read.ReadFrom(r)
		s.Note("get", "%v, %s, %s", bytes.Equal(read.Bytes(), data), s.Describe(err), s.Describe(r.Close()))
		names, err := b.list(false)
		s.Note("list", "%v, %s", names, s.Describe(err))
		s.Error("delete", b.remove("x"))
		_, err = b.info("x", false)
		s.Error("deleted", err)
		hub.noteAPIs(n)
		s.Must(o.delete("o"), "delete bucket")
	}
}
