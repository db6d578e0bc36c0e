package scenario

import (
	"context"
	"encoding/json"
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

var keyValues = []stage.Scenario{
	{Name: "key-value buckets", Rows: []string{"13.1", "13.3", "13.4", "13.15", "13.16", "16.26"}, Run: eachKV(kvBuckets)},
	{Name: "key-value names", Rows: []string{"13.2", "16.25", "16.26"}, Run: eachKV(kvNames)},
	{Name: "key-value writing", Rows: []string{"13.5", "13.6", "13.7", "13.8", "13.11"}, Run: eachKV(kvWriting), Differs: []stage.Difference{
		stage.Differs("13.5", "old: ids of conditional writes", "some true, all true"),
		stage.Differs("13.5", "new: ids of conditional writes", "some true, all true"),
	}},
	{Name: "key-value elsewhere", Rows: []string{"13.1"}, Run: kvElsewhere},
	{Name: "key-value times to live", Rows: []string{"13.8 new", "13.9", "13.10"}, Run: kvTimes, Differs: []stage.Difference{
		stage.Differs("13.10", "old: marked", `[t/w=""@5 KeyValuePurgeOp t/x=""@6 KeyValueDeleteOp t/y=""@7 KeyValuePurgeOp t/z=""@8 KeyValuePutOp mark stopped, open=false]`),
		stage.Differs("13.10", "old: get w", "none, nats.ErrKeyNotFound"), stage.Differs("13.10", "old: history of w", `[t/w=""@5 KeyValuePurgeOp], nil`),
		stage.Differs("13.10", "old: get x", "none, nats.ErrKeyNotFound"), stage.Differs("13.10", "old: history of x", `[t/x=""@6 KeyValueDeleteOp], nil`),
		stage.Differs("13.10", "old: get y", "none, nats.ErrKeyNotFound"), stage.Differs("13.10", "old: history of y", `[t/y=""@7 KeyValuePurgeOp], nil`),
	}},
	{Name: "key-value watch", Rows: []string{"13.12"}, Run: eachKV(kvWatching), Differs: []stage.Difference{
		stage.Differs("13.12", "old: history and updates", "is nats.ErrInvalidArg"),
	}},
	{Name: "key-value watch, its consumer and its end", Rows: []string{"13.12"}, Run: kvWatchMore},
	{Name: "key-value keys and history", Rows: []string{"13.13", "13.14"}, Run: eachKV(kvKeys)},
}

// noteConfig notes the configuration of a bucket's stream, but for what depends on the server.
func (o *kvOf) noteConfig(bucket string) {
	var info struct {
		Config map[string]any `json:"config"`
	}
	o.s.Must(json.Unmarshal([]byte(o.s.Peer().API("STREAM.INFO.KV_"+bucket, "")), &info), "stream info")
	delete(info.Config, "metadata")
	text, err := json.Marshal(info.Config)
	o.s.Must(err, "configuration")
	o.s.Note("stream of "+bucket, "%s", text)
}

func kvBuckets(o *kvOf, _ *kvBucket) {
	s := o.s
	o.noteConfig("b")
	for _, c := range []struct {
		name    string
		history uint8
		ttl     time.Duration
		mirror  string
		sources []string
	}{
		{name: "c"}, {name: "d", history: 64, ttl: time.Hour}, {name: "e", ttl: time.Second},
		{name: "m", mirror: "b"}, {name: "n", mirror: "KV_b"}, {name: "s", sources: []string{"b", "KV_c"}},
	} {
		before := len(s.Tap().Published("$JS.API."))
		_, err := o.create(c.name, c.history, c.ttl, c.mirror, c.sources...)
		s.Error("create "+c.name, err)
		for _, f := range s.Tap().Published("$JS.API.")[before:] {
			s.Note("create "+c.name+" asks", "%s", f.Subject)
		}
		o.noteConfig(c.name)
	}
	names := o.names()
	slices.Sort(names)
	s.Note("names", "%v", names)
	_, err := o.create("c", 1, 0, "")
	s.Error("create the same", err)
	_, err = o.create("c", 2, 0, "")
	s.Error("create another", err)
	_, err = o.create("f", 65, 0, "")
	s.Error("history of 65", err)
	_, err = o.open("f")
	s.Error("open", err)
	s.Error("delete", o.delete("f"))
	s.Peer().Stream("KV_f", "f")
	_, err = o.open("f")
	s.Error("open what is no bucket", err)
	s.Peer().API("STREAM.DELETE.KV_f", "")
	for _, name := range []string{"m", "n"} {
		s.Must(o.delete(name), "delete mirror")
	}
	b, err := o.open("d")
	s.Error("open", err)
	status, err := b.status()
	s.Error("status", err)
	s.Note("status", "%s", status)
}

func kvNames(o *kvOf, b *kvBucket) {
	s := o.s
	for _, name := range []string{"", "a b", "a.b", "a*", ">", "a/b", "ä", "A-z_0"} {
		_, err := o.create(name, 0, 0, "")
		s.Error(fmt.Sprintf("create bucket %q", name), err)
		_, err = o.open(name)
		s.Error(fmt.Sprintf("open bucket %q", name), err)
	}
	for _, key := range []string{"", ".a", "a.", "a b", "a*", "a>", "a..b", "ä", "*", ">", "a/b=c_d-e.F.0"} {
		s.Part(o.api + fmt.Sprintf(" %q", key))
		_, err := b.put(key, "1")
		s.Error("put", err)
		_, err = b.get(key)
		s.Error("get", err)
		_, err = b.create(key, "1")
		s.Error("create", err)
		_, err = b.update(key, "1", 1)
		s.Error("update", err)
		s.Error("delete", b.remove(key))
		s.Error("purge", b.purge(key))
		_, err = b.history(key)
		s.Error("history", err)
	}
	s.Part(o.api)
	for _, keys := range []string{"", ".a", "a.", "a b", "a..b", "a.>.b", "*", ">", "a.*", "*.a", "a.>"} {
		s.Error(fmt.Sprintf("watch %q", keys), b.watch(kvWatch{updates: true}, []string{keys}, func(string) {}))
	}
}

// kvWrites matches what is published to buckets.
func kvWrites(f stage.Frame) bool {
	return f.Published() && strings.Contains(f.Subject, "$KV.") && !strings.Contains(f.Subject, ".GET.") && !strings.Contains(f.Subject, "CONSUMER.")
}

// noteWrites notes what was published to buckets since the nth write, but for message ids, and returns how many there are.
func (o *kvOf) noteWrites(from int) int {
	o.s.Must(o.nc.Flush(), "flush")
	frames := o.s.Tap().Frames(kvWrites)
	for _, f := range frames[min(from, len(frames)):] {
		lines := slices.DeleteFunc(strings.Split(strings.TrimSpace(f.Header), "\r\n"), isMessageID)
		slices.Sort(lines)
		o.s.Note("sent", "%s %q %s", f.Subject, lines, f.Data)
	}
	return len(frames)
}

func isMessageID(line string) bool { return strings.HasPrefix(line, "Nats-Msg-Id: ") }

// noteIDs notes whether writes that expect a revision had ids of their own, and others none.
func (o *kvOf) noteIDs() {
	expecting, plain := map[bool]int{}, map[bool]int{}
	for _, f := range o.s.Tap().Frames(kvWrites) {
		of := plain
		if strings.Contains(f.Header, "Nats-Expected-") {
			of = expecting
		}
		of[slices.ContainsFunc(strings.Split(f.Header, "\r\n"), isMessageID)]++
	}
	o.s.Note("ids of conditional writes", "some %v, all %v", expecting[true] > 0, expecting[false] == 0)
	o.s.Note("ids of plain writes", "some %v", plain[true] > 0)
}

func kvWriting(o *kvOf, b *kvBucket) {
	s := o.s
	n := len(s.Tap().Frames(kvWrites))
	show := func(what string, revision uint64, err error) {
		s.Error(what, err)
		s.Note(what+", revision", "%d", revision)
		n = o.noteWrites(n)
	}
	get := func(what string, text string, err error) {
		s.Error(what, err)
		s.Note(what+", entry", "%s", text)
	}
	rev, err := b.put("a", "1")
	show("put", rev, err)
	rev, err = b.create("b", "2")
	show("create", rev, err)
	rev, err = b.update("a", "3", 1)
	show("update", rev, err)
	rev, err = b.create("a", "4")
	show("create an existing key", rev, err)
	s.Note("its text ends so", "%v", err != nil && strings.HasSuffix(err.Error(), "key exists"))
	rev, err = b.update("a", "4", 99)
	show("update a wrong revision", rev, err)
	show("delete a wrong revision", 0, b.removeLast("a", 99))
	show("purge a wrong revision", 0, b.purgeLast("a", 99))
	show("delete revision 0", 0, b.removeLast("a", 0))
	text, err := b.get("a")
	get("deleted", text, err)
	text, err = b.revision("a", 4)
	get("the deletion", text, err)
	text, err = b.revision("a", 1)
	get("before the deletion", text, err)
	text, err = b.revision("a", 2)
	get("of another key", text, err)
	text, err = b.revision("a", 99)
	get("never", text, err)
	text, err = b.revision("b", 0)
	get("revision 0", text, err)
	rev, err = b.create("a", "5")
	show("create a deleted key", rev, err)
	show("purge", 0, b.purgeLast("a", 5))
	rev, err = b.create("a", "7")
	show("create a purged key", rev, err)
	rev, err = b.update("c", "8", 0)
	show("update a key that is not there", rev, err)
	show("delete a key that is not there", 0, b.remove("d"))
	show("purge a key that is not there", 0, b.purge("d"))
	rev, err = b.put("e", "")
	show("put nothing", rev, err)
	text, err = b.get("e")
	get("nothing", text, err)
	rev, err = b.put("f", strings.Repeat("x", 2<<20))
	s.Error("too large", err)
	s.Note("too large, revision", "%d", rev)
	text, err = b.get("z")
	get("absent", text, err)
	o.noteIDs()
}

func kvElsewhere(s *stage.Stage) {
	s.Server(natstest.WithConfig(func(o *server.Options) { o.JetStreamDomain = "hub" }))
	c := newClient(s).jetStream([]nats.JSOpt{nats.Domain("hub")}, nil)
	js, err := jetstream.NewWithDomain(c.nc, "hub")
	s.Must(err, "new context")
	c.new = js
	for _, api := range []struct {
		name string
		o    *kvOf
	}{{"old", oldKV(c)}, {"new", newKV(c)}} {
		s.Part(api.name)
		b, err := api.o.create("b", 0, 0, "")
		s.Must(err, "create bucket")
		m, err := api.o.create("m", 0, 0, "b")
		s.Must(err, "create mirror")
		n := len(s.Tap().Frames(kvWrites))
		_, err = b.put("a", "1")
		s.Error("put", err)
		_, err = m.put("a", "2")
		s.Error("put through the mirror", err)
		_, err = b.create("a", "3")
		s.Error("create", err)
		s.Error("delete", b.remove("a"))
		api.o.noteWrites(n)
		s.Must(api.o.delete("m"), "delete mirror")
		s.Must(api.o.delete("b"), "delete bucket")
	}
}

func kvTimes(s *stage.Stage) {
	c := newJetStreamClient(s)
	o := newKV(c)
	ctx := context.Background()
	_, err := c.new.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "p", Storage: jetstream.MemoryStorage})
	s.Must(err, "plain bucket")
	b, err := c.new.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "t", Storage: jetstream.MemoryStorage, LimitMarkerTTL: time.Second, History: 3})
	s.Must(err, "bucket")
	o.noteConfig("t")
	n := o.noteWrites(0)
	_, err = b.Create(ctx, "a", []byte("1"), jetstream.KeyTTL(time.Second))
	s.Error("create", err)
	_, err = b.Create(ctx, "k", []byte("2"), jetstream.KeyTTL(90*time.Minute))
	s.Error("create for long", err)
	s.Error("purge", b.Purge(ctx, "k", jetstream.PurgeTTL(time.Hour)))
	s.Error("delete", b.Delete(ctx, "k", jetstream.PurgeTTL(time.Hour)))
	o.noteWrites(n)
	p, err := c.new.KeyValue(ctx, "p")
	s.Must(err, "plain bucket")
	_, err = p.Create(ctx, "a", nil, jetstream.KeyTTL(time.Second))
	s.Error("create with a time in a plain bucket", err)
	w, err := b.Watch(ctx, "a", jetstream.UpdatesOnly())
	s.Must(err, "watch")
	e := stage.Take(s, w.Updates(), "the marker")
	s.Note("the server's marker", "%s", kvText(e, e.Operation()))
	s.Error("stop", w.Stop())
	_, err = b.Get(ctx, "a")
	s.Error("expired", err)
	s.Peer().Publish("$KV.t.w", "", "Nats-Marker-Reason: MaxAge", "")
	s.Peer().Publish("$KV.t.x", "", "Nats-Marker-Reason: Remove", "")
	s.Peer().Publish("$KV.t.y", "", "Nats-Marker-Reason: Purge", "")
	s.Peer().Publish("$KV.t.z", "", "Nats-Marker-Reason: Other", "")
	s.Peer().Flush()
	old, err := c.old.KeyValue("t")
	s.Must(err, "bucket of the older API")
	for _, of := range []struct {
		api string
		*kvBucket
	}{{"old", oldBucketOf(old)}, {"new", newBucketOf(b)}} {
		s.Part(of.api)
		var seen []string
		s.Error("watch", of.watch(kvWatch{}, []string{"w", "x", "y", "z"}, func(u string) { seen = append(seen, u) }))
		s.Note("marked", "%v", seen)
		for _, key := range []string{"w", "x", "y", "z"} {
			text, err := of.get(key)
			s.Note("get "+key, "%s, %s", text, s.Describe(err))
			all, err := of.history(key)
			s.Note("history of "+key, "%v, %s", all, s.Describe(err))
		}
	}
}

func kvWatching(o *kvOf, b *kvBucket) {
	s := o.s
	write := func(key, value string) { _, err := b.put(key, value); s.Must(err, "put") }
	write("a", "1")
	write("a.x", "2")
	write("a", "3")
	write("b.x", "4")
	s.Must(b.remove("b.x"), "delete")
	s.Must(b.purge("c"), "purge")
	for _, w := range []struct {
		name string
		how  kvWatch
		keys []string
	}{
		{"all", kvWatch{}, nil},
		{"one", kvWatch{}, []string{"a"}},
		{"wildcard", kvWatch{}, []string{"*.x"}},
		{"several", kvWatch{}, []string{"a", "b.>"}},
		{"absent", kvWatch{}, []string{"z"}},
		{"history", kvWatch{history: true}, nil},
		{"without deletions", kvWatch{ignoreDeletes: true}, nil},
		{"without values", kvWatch{metaOnly: true}, nil},
		{"updates", kvWatch{updates: true}, nil},
		{"history without deletions", kvWatch{history: true, ignoreDeletes: true}, []string{"b.x"}},
		{"history and updates", kvWatch{history: true, updates: true}, nil},
	} {
		var seen []string
		s.Error(w.name, b.watch(w.how, w.keys, func(u string) {
			seen = append(seen, u)
			if u == "mark" && w.name == "one" && len(seen) == 2 {
				write("a", "5")
			}
		}))
		s.Note(w.name+", seen", "%s", strings.Join(seen, " | "))
	}
}

func kvKeys(o *kvOf, b *kvBucket) {
	s := o.s
	list := func(what string) {
		keys, err := b.keys()
		s.Error(what+", keys", err)
		s.Note(what+", keys", "%v", keys)
		keys, err = b.list()
		s.Error(what+", list", err)
		s.Note(what+", list", "%v", keys)
	}
	list("empty")
	_, err := b.history("a")
	s.Error("no history", err)
	for _, kv := range [][2]string{{"b", "1"}, {"a", "2"}, {"b", "3"}, {"c", "4"}, {"d", "5"}} {
		_, err := b.put(kv[0], kv[1])
		s.Must(err, "put")
	}
	s.Must(b.remove("c"), "delete")
	s.Must(b.purge("d"), "purge")
	list("some")
	for _, key := range []string{"a", "b", "c", "d", "z"} {
		entries, err := b.history(key)
		s.Error("history of "+key, err)
		s.Note("history of "+key, "%v", entries)
	}
	values := func(what string) {
		status, err := b.status()
		s.Must(err, "status")
		s.Note(what, "%s", status)
	}
	values("before")
	s.Error("purge markers", b.purgeDeletes(0))
	values("young markers stay")
	s.Error("purge older ones", b.purgeDeletes(time.Hour))
	values("older than an hour")
	s.Error("purge all", b.purgeDeletes(-1))
	values("all")
	list("at last")
}

// kvWatchMore notes what a watch asks the server for, and how it ends with its context.
func kvWatchMore(s *stage.Stage) {
	c := newJetStreamClient(s)
	o := oldKV(c)
	_, err := o.create("b", 10, 0, "")
	s.Must(err, "create bucket")
	old, err := c.old.KeyValue("b")
	s.Must(err, "bucket")
	fresh, err := c.new.KeyValue(context.Background(), "b")
	s.Must(err, "bucket")
	for i, key := range []string{"a", "a", "b", "c"} {
		_, err := old.Put(key, fmt.Append(nil, i))
		s.Must(err, "put")
	}
	made := 0
	note := func(key string) {
		var request struct{ Config map[string]any }
		s.Tap().Await(made+1, creates)
		for _, f := range s.Tap().Frames(creates)[made:] {
			made++
			unmarshal(s, f.Data, &request)
			s.Note(key, "%v ack %v start %v only headers %v of %v%v, flow control %v", request.Config["deliver_policy"], request.Config["ack_policy"], request.Config["opt_start_seq"],
				request.Config["headers_only"], request.Config["filter_subject"], request.Config["filter_subjects"], request.Config["flow_control"])
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	byOld := func(opts ...nats.WatchOpt) <-chan nats.KeyValueEntry {
		w, err := old.WatchAll(append(opts, nats.Context(ctx))...)
		s.Must(err, "watch")
		note("old")
		return w.Updates()
	}
	byNew := func(opts ...jetstream.WatchOpt) <-chan jetstream.KeyValueEntry {
		w, err := fresh.WatchAll(ctx, opts...)
		s.Must(err, "watch")
		note("new")
		return w.Updates()
	}
	byOld(nats.IncludeHistory())
	byOld(nats.MetaOnly())
	byOld(nats.UpdatesOnly())
	byNew(jetstream.IncludeHistory())
	byNew(jetstream.MetaOnly())
	byNew(jetstream.UpdatesOnly())
	resumed := byNew(jetstream.ResumeFromRevision(3))
	s.Note("resumed at 3", "%s", stage.Take(s, resumed, "an entry").Key())
	ofOld, ofNew := byOld(), byNew()
	for range 3 {
		e := stage.Take(s, ofOld, "an entry")
		s.Note("old entry", "%s, %d more", e.Key(), e.Delta())
		f := stage.Take(s, ofNew, "an entry")
		s.Note("new entry", "%s, %d more", f.Key(), f.Delta())
	}
	s.Note("marks", "%v %v", stage.Take(s, ofOld, "the mark") == nil, stage.Take(s, ofNew, "the mark") == nil)
	cancel()
	s.Pause(quiet)
	_, err = old.Put("d", nil)
	s.Must(err, "put")
	_, isOpen, some := within(ofOld, quiet)
	s.Note("old after the end", "open %v, something %v", isOpen, some)
	_, isOpen, some = within(ofNew, quiet)
	s.Note("new after the end", "open %v, something %v", isOpen, some)
}
