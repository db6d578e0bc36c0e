package scenario

import (
	"context"
	"slices"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
	"github.com/gannet-io/nats/test/compat/stage"
)

// kvCopies are what both APIs can copy a bucket from.
type kvCopies struct{ mirror, source *jetstream.StreamSource }

// createCopy creates a bucket in one of the APIs.
func (c *client) createCopy(api, name string, from kvCopies) (*kvBucket, error) {
	if api == "new" {
		cfg := jetstream.KeyValueConfig{Bucket: name, Storage: jetstream.MemoryStorage, Mirror: from.mirror}
		if from.source != nil {
			cfg.Sources = []*jetstream.StreamSource{from.source}
		}
		b, err := c.new.CreateKeyValue(context.Background(), cfg)
		return newBucketOf(b), err
	}
	old := func(src *jetstream.StreamSource) *nats.StreamSource {
		if src == nil {
			return nil
		}
		o := &nats.StreamSource{Name: src.Name, Domain: src.Domain}
		if src.External != nil {
			o.External = &nats.ExternalStream{APIPrefix: src.External.APIPrefix, DeliverPrefix: src.External.DeliverPrefix}
		}
		return o
	}
	cfg := &nats.KeyValueConfig{Bucket: name, Storage: nats.MemoryStorage, Mirror: old(from.mirror)}
	if from.source != nil {
		cfg.Sources = []*nats.StreamSource{old(from.source)}
	}
	b, err := c.old.CreateKeyValue(cfg)
	return oldBucketOf(b), err
}

// openCopy opens a bucket in one of the APIs.
func (c *client) openCopy(api, name string) (*kvBucket, error) {
	if api == "new" {
		return newKV(c).open(name)
	}
	return oldKV(c).open(name)
}

// play writes and reads.
func (b *kvBucket) play(s *stage.Stage) {
	note := func(key string, rev uint64, err error) { s.Note(key, "%d, %s", rev, s.Describe(err)) }
	rev, err := b.put("a", "1")
	note("put", rev, err)
	rev, err = b.create("c", "2")
	note("create", rev, err)
	rev, err = b.create("c", "3")
	note("create again", rev, err)
	rev, err = b.update("a", "4", 1)
	note("update", rev, err)
	rev, err = b.update("a", "5", 1)
	note("update another revision", rev, err)
	s.Error("delete", b.remove("c"))
	text, err := b.get("a")
	s.Note("get", "%s, %s", text, s.Describe(err))
	text, err = b.revision("a", 1)
	s.Note("get what is not kept", "%s, %s", text, s.Describe(err))
	text, err = b.get("c")
	s.Note("get a deleted key", "%s, %s", text, s.Describe(err))
	rev, err = b.create("c", "6")
	note("create a deleted key", rev, err)
	s.Error("purge", b.purge("c"))
	var seen []string
	s.Error("watch", b.watch(kvWatch{}, []string{">"}, func(u string) { seen = append(seen, u) }))
	s.Note("watched", "%v", seen)
	keys, err := b.keys()
	s.Note("keys", "%v, %s", keys, s.Describe(err))
	history, err := b.history("a")
	s.Note("history", "%v, %s", history, s.Describe(err))
	status, err := b.status()
	s.Note("status", "%s, %s", status, s.Describe(err))
}

// noteSubjects notes where the client wrote to since the nth publish.
func (c *client) noteSubjects(since int) {
	for _, f := range c.s.Tap().Frames(kvWrites)[since:] {
		c.s.Note("writes to", "%s", f.Subject)
	}
}

func bucketElsewhere(s *stage.Stage) {
	hub, _ := domains(s)
	for _, api := range []string{"old", "new"} {
		s.Part(api)
		n, writes := hub.sent(), len(s.Tap().Frames(kvWrites))
		b, err := hub.createCopy(api, "b", kvCopies{})
		s.Must(err, "create bucket")
		b.play(s)
		hub.noteAPIs(n)
		hub.noteSubjects(writes)
		s.Must(hub.old.DeleteKeyValue("b"), "delete bucket")
	}
}

// bucketOfAnotherAccount reaches a bucket through what one account exports and the other one imports below a prefix.
func bucketOfAnotherAccount(s *stage.Stage) {
	s.Server(natstest.WithConfigText(`jetstream: enabled, accounts: {
		A: {jetstream: enabled, users: [{user: a, password: x}], exports: [{service: "$JS.API.>"}, {service: "$KV.>"}]}
		B: {users: [{user: b, password: x}], imports: [
			{service: {account: A, subject: "$JS.API.>"}, to: "from.a.>"}, {service: {account: A, subject: "$KV.>"}, to: "from.a.$KV.>"}
		]}
	}`))
	owner := newClient(s, nats.UserInfo("a", "x")).jetStream(nil, nil)
	guest := newClient(s, nats.UserInfo("b", "x"))
	var err error
	guest.old, err = guest.nc.JetStream(nats.APIPrefix("from.a"))
	s.Must(err, "old context")
	guest.new, err = jetstream.NewWithAPIPrefix(guest.nc, "from.a")
	s.Must(err, "new context")
	for _, api := range []string{"old", "new"} {
		s.Part(api)
		_, err := owner.createCopy(api, "b", kvCopies{})
		s.Must(err, "create bucket")
		b, err := guest.openCopy(api, "b")
		s.Must(err, "open bucket")
		n := len(s.Tap().Frames(kvWrites))
		rev, err := b.put("a", "1")
		s.Note("put", "%d, %s", rev, s.Describe(err))
		rev, err = b.create("a", "2")
		s.Note("create again", "%d, %s", rev, s.Describe(err))
		rev, err = b.update("a", "3", 1)
		s.Note("update", "%d, %s", rev, s.Describe(err))
		text, err := b.get("a")
		s.Note("get", "%s, %s", text, s.Describe(err))
		s.Error("delete", b.remove("a"))
		s.Error("purge", b.purge("a"))
		text, err = b.get("a")
		s.Note("get a purged key", "%s, %s", text, s.Describe(err))
		status, err := b.status()
		s.Note("status", "%s, %s", status, s.Describe(err))
		guest.noteSubjects(n)
		s.Must(owner.old.DeleteKeyValue("b"), "delete bucket")
	}
}

func mirrorElsewhere(s *stage.Stage) {
	hub, leaf := domains(s)
	domain := &jetstream.StreamSource{Name: "b", Domain: hubDomain}
	external := &jetstream.StreamSource{Name: "b", External: &jetstream.ExternalStream{APIPrefix: "$JS." + hubDomain + ".API"}}
	for _, api := range []string{"old", "new"} {
		for _, tc := range []struct {
			name, bucket string
			from         kvCopies
		}{
			{"mirror of a domain", "m", kvCopies{mirror: domain}},
			{"mirror of an external API", "m", kvCopies{mirror: external}},
			{"source in a domain", "m", kvCopies{source: domain}},
			{"source in an external API, the same name", "b", kvCopies{source: external}},
		} {
			s.Part(api + ", " + tc.name)
			origin, err := hub.createCopy(api, "b", kvCopies{})
			s.Must(err, "create bucket")
			_, err = origin.put("a", "1")
			s.Must(err, "put")
			made, err := leaf.createCopy(api, tc.bucket, tc.from)
			s.Must(err, "create copy")
			opened, err := leaf.openCopy(api, tc.bucket)
			s.Must(err, "open copy")
			leaf.noteCopy(tc.bucket)
			for _, b := range []*kvBucket{made, opened} {
				s.Error("arrives", comes(func() bool { _, err := b.get("a"); return err == nil }))
				text, err := b.get("a")
				s.Note("get", "%s, %s", text, s.Describe(err))
				var seen []string
				s.Error("watch", b.watch(kvWatch{}, []string{">"}, func(u string) { seen = append(seen, u) }))
				s.Note("watched", "%v", seen)
				keys, err := b.keys()
				s.Note("keys", "%v, %s", keys, s.Describe(err))
			}
			if tc.from.mirror != nil {
				n := len(s.Tap().Frames(kvWrites))
				leaf.writeThrough(made, origin)
				leaf.noteSubjects(n)
			}
			s.Must(leaf.old.DeleteKeyValue(tc.bucket), "delete copy")
			s.Must(hub.old.DeleteKeyValue("b"), "delete bucket")
		}
	}
}

// writeThrough writes to a mirror.
func (c *client) writeThrough(mirror, origin *kvBucket) {
	s := c.s
	rev, err := mirror.put("a", "2")
	s.Note("put", "%d, %s", rev, s.Describe(err))
	rev, err = mirror.create("c", "3")
	s.Note("create", "%d, %s", rev, s.Describe(err))
	rev, err = mirror.update("c", "4", 3)
	s.Note("update", "%d, %s", rev, s.Describe(err))
	s.Error("delete", mirror.remove("a"))
	s.Error("purge", mirror.purge("c"))
	for _, key := range []string{"a", "c"} {
		history, err := origin.history(key)
		s.Note("the origin has of "+key, "%v, %s", history, s.Describe(err))
	}
	s.Error("arrives", comes(func() bool { _, err := mirror.get("a"); return err != nil }))
}

// noteCopy notes from where a bucket's stream copies.
func (c *client) noteCopy(bucket string) {
	info, err := c.new.Stream(context.Background(), "KV_"+bucket)
	c.s.Must(err, "stream info")
	cfg := info.CachedInfo().Config
	for _, src := range append(slices.Clone(cfg.Sources), cfg.Mirror) {
		if src != nil {
			c.s.Note("copies", "%s domain %q external %+v transforms %v, direct %v, subjects %v", src.Name, src.Domain, *src.External, src.SubjectTransforms,
				cfg.MirrorDirect, cfg.Subjects)
		}
	}
}
