package scenario

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/test/compat/stage"
)

var objects = []stage.Scenario{
	{Name: "object buckets", Rows: []string{"14.1", "14.2"}, Run: eachObjects(objectBuckets)},
	{Name: "object put", Rows: []string{"14.3", "14.4", "14.5"}, Run: eachObjects(objectPut)},
	{Name: "object get", Rows: []string{"14.5", "14.6", "14.9"}, Run: eachObjects(objectGet)},
	{Name: "object reading takes its time", Rows: []string{"14.7"}, Long: true, Run: eachObjects(objectTime), Differs: []stage.Difference{
		stage.Differs("14.7", "new: a pause of 6 s: read", "nil"),
	}},
	{Name: "object delete", Rows: []string{"14.8", "14.9"}, Run: eachObjects(objectDelete)},
	{Name: "object meta data", Rows: []string{"14.10"}, Run: eachObjects(objectMeta)},
	{Name: "object links", Rows: []string{"14.11"}, Run: eachObjects(objectLinks)},
	{Name: "object watch and list", Rows: []string{"14.12"}, Run: eachObjects(objectWatch)},
}

// bucket is an object store of either API.
type bucket interface {
	put(meta *jetstream.ObjectMeta, r io.Reader) (*jetstream.ObjectInfo, error)
	get(ctx context.Context, name string, deleted bool) (io.ReadCloser, error)
	info(name string, deleted bool) (*jetstream.ObjectInfo, error)
	update(name string, meta jetstream.ObjectMeta) error
	remove(name string) error
	link(name string, to *jetstream.ObjectInfo) (*jetstream.ObjectInfo, error)
	linkBucket(name string, to bucket) (*jetstream.ObjectInfo, error)
	seal() error
	list(deleted bool) ([]string, error)
	watch(updatesOnly, ignoreDeletes bool) (updates func(wait time.Duration) (name string, ok bool), stop func(), err error)
	status() (string, error)
}

// objectsOf is what scenarios of one API need.
type objectsOf struct {
	*client
	api    string
	create func(name string) (bucket, error)
	open   func(name string) (bucket, error)
	delete func(name string) error
}

// eachObjects plays f for both APIs, each with buckets of its own.
func eachObjects(f func(o *objectsOf, b bucket)) func(*stage.Stage) {
	return func(s *stage.Stage) {
		for _, o := range objectsOfBoth(newJetStreamClient(s)) {
			b, err := o.create("B" + o.api)
			s.Must(err, "create a bucket")
			o.part("")
			f(o, b)
		}
	}
}

func objectsOfBoth(c *client) []*objectsOf {
	ctx := context.Background()
	return []*objectsOf{
		{client: c, api: "old", delete: c.old.DeleteObjectStore, create: func(name string) (bucket, error) {
			b, err := c.old.CreateObjectStore(&nats.ObjectStoreConfig{Bucket: name, TTL: time.Hour, Description: "d", Metadata: map[string]string{"k": "v"}})
			return &oldBucket{b}, err
		}, open: func(name string) (bucket, error) {
			b, err := c.old.ObjectStore(name)
			return &oldBucket{b}, err
		}},
		{client: c, api: "new", delete: func(name string) error { return c.new.DeleteObjectStore(ctx, name) }, create: func(name string) (bucket, error) {
			b, err := c.new.CreateObjectStore(ctx, jetstream.ObjectStoreConfig{Bucket: name, TTL: time.Hour, Description: "d", Metadata: map[string]string{"k": "v"}})
			return &newBucket{b}, err
		}, open: func(name string) (bucket, error) {
			b, err := c.new.ObjectStore(ctx, name)
			return &newBucket{b}, err
		}},
	}
}

func (o *objectsOf) part(name string) {
	if name != "" {
		name = ": " + name
	}
	o.s.Part(o.api + name)
}

// stream is the bucket's stream.
func (o *objectsOf) stream() string { return "OBJ_B" + o.api }

// note notes an object without what differs from run to run.
func (o *objectsOf) note(key string, i *jetstream.ObjectInfo, err error) {
	o.s.Error(key, err)
	if i != nil {
		o.s.Note(key, "%s", shape(i))
	}
}

func shape(i *jetstream.ObjectInfo) string {
	opts := "none"
	if i.Opts != nil {
		opts = fmt.Sprintf("chunk %d", i.Opts.ChunkSize)
		if l := i.Opts.Link; l != nil {
			opts += fmt.Sprintf(" link %q/%q", l.Bucket, l.Name)
		}
	}
	return fmt.Sprintf("%q %q headers %v metadata %v opts %s bucket %s size %d chunks %d digest %q deleted %v time %v nuid %v",
		i.Name, i.Description, i.Headers, i.Metadata, opts, i.Bucket, i.Size, i.Chunks, i.Digest, i.Deleted, !i.ModTime.IsZero(), len(i.NUID))
}

// stored notes what the stream has of a bucket.
func (o *objectsOf) stored(key string) {
	info, err := o.old.StreamInfo(o.stream(), &nats.StreamInfoRequest{SubjectsFilter: ">"})
	o.s.Must(err, "stream info")
	var lines []string
	for subject, n := range info.State.Subjects {
		if at := strings.LastIndex(subject, ".C."); at >= 0 {
			subject = subject[:at+3] + "<nuid>"
		}
		lines = append(lines, fmt.Sprintf("%s: %d", subject, n))
	}
	slices.Sort(lines)
	o.s.Note(key, "%v", lines)
}

// published matches what a client publishes, but for acks.
func published(f stage.Frame) bool { return f.Published() && !strings.HasPrefix(f.Subject, "$JS.ACK") }

// steps notes what was published from the nth publish on, without what is random.
func (o *objectsOf) steps(key string, from int) {
	var all []string
	for _, f := range o.s.Tap().Frames(published)[from:] {
		subject := f.Subject
		if at := strings.LastIndex(subject, ".C."); at >= 0 && strings.HasPrefix(subject, "$O.") {
			subject = subject[:at+3] + "<nuid>"
		}
		if strings.HasPrefix(subject, "$JS.API.CONSUMER.") { // whose name is random
			subject = strings.Join(strings.Split(subject, ".")[:5], ".")
		}
		if strings.Contains(f.Header, "Nats-Rollup: sub") {
			subject += " rollup"
		}
		if strings.Contains(subject, ".PURGE.") {
			subject += " of a subject " + fmt.Sprint(strings.Contains(f.Data, `.C.`))
		}
		all = append(all, subject)
	}
	o.s.Note(key+" sends", "%s", strings.Join(all, ", "))
}

// raw notes a meta message.
func (o *objectsOf) raw(key, subject string) {
	m, err := o.old.GetLastMsg(o.stream(), subject)
	o.s.Must(err, "get a message")
	var fields map[string]any
	o.s.Must(json.Unmarshal(m.Data, &fields), "decode a message")
	nuid, _ := fields["nuid"].(string)
	o.s.Note(key, "%s rollup %q", strings.Replace(string(m.Data), nuid, "<nuid>", 1), m.Header.Get("Nats-Rollup"))
}

func objectBuckets(o *objectsOf, b bucket) {
	info, err := o.old.StreamInfo(o.stream())
	o.s.Must(err, "stream info")
	c := info.Config
	o.s.Note("stream", "%s %v discard %v rollup %v direct %v age %v replicas %d bytes %d msgs %d per subject %d retention %v storage %v k=%s compression %v",
		c.Name, c.Subjects, c.Discard, c.AllowRollup, c.AllowDirect, c.MaxAge, c.Replicas, c.MaxBytes, c.MaxMsgs, c.MaxMsgsPerSubject, c.Retention,
		c.Storage, c.Metadata["k"], c.Compression)
	status, err := b.status()
	o.s.Error("status", err)
	o.s.Note("status", "%s", status)
	for _, name := range []string{"", "a.b", "a b", "*", ">", "none"} {
		o.part(fmt.Sprintf("%q", name))
		if name != "none" {
			_, err = o.create(name)
			o.s.Error("create", err)
		}
		_, err = o.open(name)
		o.s.Error("open", err)
	}
	o.part("")
	o.s.Error("delete none", o.delete("none"))
	o.s.Error("seal", b.seal())
	info, err = o.old.StreamInfo(o.stream())
	o.s.Must(err, "stream info")
	o.s.Note("sealed", "%v", info.Config.Sealed)
	_, err = b.put(&jetstream.ObjectMeta{Name: "x"}, strings.NewReader("x"))
	var old *nats.APIError
	var fresh *jetstream.APIError
	o.s.Note("put when sealed", "refused %v", errors.As(err, &old) || errors.As(err, &fresh))
	o.s.Error("delete", o.delete("B"+o.api))
	o.s.Error("delete again", o.delete("B"+o.api))
}

func objectPut(o *objectsOf, b bucket) {
	for _, size := range []int{0, 1, 128 << 10, 128<<10 + 1, 1 << 20} {
		info, err := b.put(&jetstream.ObjectMeta{Name: "x", Description: "d", Metadata: map[string]string{"a": "b"}, Headers: nats.Header{"H": {"v", "w"}}},
			bytes.NewReader(bytes.Repeat([]byte("x"), size)))
		o.note(fmt.Sprint(size), info, err)
		o.stored(fmt.Sprint(size))
	}
	o.raw("meta", "$O.B"+o.api+".M.eA==")
	before := len(o.s.Tap().Frames(published))
	_, err := b.put(&jetstream.ObjectMeta{Name: "x"}, bytes.NewReader(make([]byte, 300<<10)))
	o.s.Must(err, "put")
	o.steps("put over another", before)
	info, err := b.put(&jetstream.ObjectMeta{Name: "chunks of 1000", Opts: &jetstream.ObjectMetaOptions{ChunkSize: 1000}}, bytes.NewReader(make([]byte, 2500)))
	o.note("chunks of 1000", info, err)
	info, err = b.put(&jetstream.ObjectMeta{Name: "no reader"}, nil)
	o.note("no reader", info, err)
	_, err = b.put(&jetstream.ObjectMeta{}, nil)
	o.s.Error("no name", err)
	_, err = b.put(&jetstream.ObjectMeta{Name: "l", Opts: &jetstream.ObjectMetaOptions{Link: &jetstream.ObjectLink{Bucket: "B", Name: "x"}}}, nil)
	o.s.Error("link", err)
	_, err = b.put(&jetstream.ObjectMeta{Name: "x"}, io.MultiReader(bytes.NewReader(make([]byte, 300<<10)), brokenReader{}))
	o.s.Note("broken reader", "%v", errors.Is(err, errBroken))
	o.stored("after the broken reader")
}

var errBroken = errors.New("broken")

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errBroken }

func (o *objectsOf) read(key string, r io.ReadCloser, err error) {
	if err != nil {
		o.s.Error(key+": get", err)
		return
	}
	data, err := io.ReadAll(r)
	o.s.Error(key+": read", err)
	o.s.Note(key, "%d bytes", len(data))
	o.s.Error(key+": close", r.Close())
}

func objectGet(o *objectsOf, b bucket) {
	ctx := context.Background()
	for _, size := range []int{0, 1, 128 << 10, 300 << 10} {
		name := fmt.Sprint(size)
		_, err := b.put(&jetstream.ObjectMeta{Name: name}, bytes.NewReader(make([]byte, size)))
		o.s.Must(err, "put")
		r, err := b.get(ctx, name, false)
		o.read(name, r, err)
	}
	info, err := b.info("1", false)
	o.note("info", info, err)
	for _, name := range []string{"", "none"} {
		r, err := b.get(ctx, name, false)
		o.read(fmt.Sprintf("%q", name), r, err)
		_, err = b.info(name, false)
		o.s.Error(fmt.Sprintf("%q: info", name), err)
	}
	// The digest of something else.
	o.s.Peer().Store("$O.B"+o.api+".C.N", "abc")
	o.s.Peer().Store("$O.B"+o.api+".M.d3Jvbmc=", fmt.Sprintf(
		`{"name":"wrong","bucket":"B%s","nuid":"N","size":3,"chunks":1,"digest":"SHA-256=LXEWQrcmsEQBYnyp-6wy9chTD7GQPMTbAiWHF5IaSIE="}`, o.api))
	r, err := b.get(ctx, "wrong", false)
	o.s.Must(err, "get")
	_, err = io.ReadAll(r)
	o.s.Error("another digest: read", err)
	_ = r.Close()
	ctx, cancel := context.WithCancel(ctx)
	r, err = b.get(ctx, fmt.Sprint(300<<10), false)
	o.s.Must(err, "get")
	cancel()
	time.Sleep(100 * time.Millisecond)
	_, err = io.ReadAll(r)
	o.s.Error("read after cancel", err)
}

func objectTime(o *objectsOf, b bucket) {
	_, err := b.put(&jetstream.ObjectMeta{Name: "x"}, bytes.NewReader(make([]byte, 64<<20)))
	o.s.Must(err, "put")
	if o.api == "new" { // the older API lets some such readers pass, depending on what has come before the pause
		o.part("a pause of 6 s")
		r, err := b.get(context.Background(), "x", false)
		o.s.Must(err, "get")
		time.Sleep(6 * time.Second)
		_, err = io.ReadAll(r)
		o.s.Error("read", err)
		_ = r.Close()
	}
	o.part("a deadline")
	r, err := b.get(o.s.Context(500*time.Millisecond), "x", false)
	o.s.Must(err, "get")
	time.Sleep(time.Second)
	_, err = io.ReadAll(r)
	o.s.Error("read", err)
	_ = r.Close()
}

func objectDelete(o *objectsOf, b bucket) {
	_, err := b.put(&jetstream.ObjectMeta{Name: "x", Description: "d"}, bytes.NewReader(make([]byte, 300<<10)))
	o.s.Must(err, "put")
	o.s.Error("delete", b.remove("x"))
	o.stored("deleted")
	o.raw("marker", "$O.B"+o.api+".M.eA==")
	_, err = b.info("x", false)
	o.s.Error("info", err)
	info, err := b.info("x", true)
	o.note("info, deleted too", info, err)
	_, err = b.get(context.Background(), "x", false)
	o.s.Error("get", err)
	r, err := b.get(context.Background(), "x", true)
	o.read("get, deleted too", r, err)
	o.s.Error("delete again", b.remove("x"))
	o.s.Error("delete none", b.remove("none"))
	o.s.Error("delete nothing", b.remove(""))
	info, err = b.put(&jetstream.ObjectMeta{Name: "x"}, strings.NewReader("again"))
	o.note("put again", info, err)
	o.stored("put again")
}

func objectMeta(o *objectsOf, b bucket) {
	for _, name := range []string{"x", "y", "gone"} {
		_, err := b.put(&jetstream.ObjectMeta{Name: name}, strings.NewReader(name))
		o.s.Must(err, "put")
	}
	o.s.Must(b.remove("gone"), "delete")
	o.s.Error("absent", b.update("none", jetstream.ObjectMeta{Name: "none"}))
	o.s.Error("deleted", b.update("gone", jetstream.ObjectMeta{Name: "gone"}))
	o.s.Error("no name", b.update("x", jetstream.ObjectMeta{}))
	o.s.Error("taken", b.update("x", jetstream.ObjectMeta{Name: "y"}))
	o.s.Error("same name", b.update("x", jetstream.ObjectMeta{Name: "x", Description: "D", Headers: nats.Header{"A": {"b"}}, Opts: &jetstream.ObjectMetaOptions{ChunkSize: 7}}))
	info, err := b.info("x", false)
	o.note("same name", info, err)
	o.s.Error("other name", b.update("x", jetstream.ObjectMeta{Name: "z", Metadata: map[string]string{"a": "b"}}))
	_, err = b.info("x", true)
	o.s.Error("the old name", err)
	info, err = b.info("z", false)
	o.note("the new name", info, err)
	o.s.Error("the name of a deleted one", b.update("z", jetstream.ObjectMeta{Name: "gone"}))
	o.stored("afterwards")
	r, err := b.get(context.Background(), "gone", false)
	o.read("the bytes", r, err)
}

func objectLinks(o *objectsOf, b bucket) {
	other, err := o.create("other" + o.api)
	o.s.Must(err, "create")
	for _, name := range []string{"x", "gone"} {
		_, err := b.put(&jetstream.ObjectMeta{Name: name}, strings.NewReader("bytes of "+name))
		o.s.Must(err, "put")
	}
	x, err := b.info("x", false)
	o.s.Must(err, "info")
	o.s.Must(b.remove("gone"), "delete")
	gone, err := b.info("gone", true)
	o.s.Must(err, "info")

	l, err := b.link("l", x)
	o.note("link", l, err)
	o.raw("link", "$O.B"+o.api+".M.bA==")
	_, err = other.link("far", x)
	o.s.Error("far link", err)
	far, err := other.info("far", false)
	o.note("far link", far, err)
	tries := []struct {
		key  string
		name string
		to   *jetstream.ObjectInfo
	}{
		{"again", "l", x}, {"no name", "", x}, {"nothing", "a", nil}, {"nothing with a name", "a", &jetstream.ObjectInfo{Bucket: "B"}},
		{"deleted", "a", gone}, {"a link", "a", l}, {"taken", "x", x}, {"taken by a deleted one", "gone", x},
		{"absent", "dangling", &jetstream.ObjectInfo{Bucket: "B" + o.api, ObjectMeta: jetstream.ObjectMeta{Name: "none"}}},
	}
	for _, try := range tries {
		_, err := b.link(try.name, try.to)
		o.s.Error(try.key, err)
	}
	info, err := b.linkBucket("bucket", other)
	o.note("bucket link", info, err)
	_, err = b.linkBucket("", other)
	o.s.Error("bucket link without a name", err)
	_, err = b.linkBucket("x", other)
	o.s.Error("bucket link, taken", err)
	_, err = b.linkBucket("nil", nil)
	o.s.Error("bucket link to nothing", err)
	if info != nil {
		_, err = b.link("a", info)
		o.s.Error("a bucket link", err)
	}
	ctx := context.Background()
	for _, name := range []string{"l", "dangling", "bucket"} {
		r, err := b.get(ctx, name, false)
		o.read("get "+name, r, err)
	}
	r, err := other.get(ctx, "far", false)
	o.read("get far", r, err)
	o.s.Error("delete a link", b.remove("l"))
	o.stored("afterwards")
}

func objectWatch(o *objectsOf, b bucket) {
	_, err := b.list(false)
	o.s.Error("list of nothing", err)
	for _, name := range []string{"a", "b", "c"} {
		_, err := b.put(&jetstream.ObjectMeta{Name: name}, strings.NewReader(name))
		o.s.Must(err, "put")
	}
	o.s.Must(b.remove("b"), "delete")
	for _, deleted := range []bool{false, true} {
		names, err := b.list(deleted)
		o.s.Error(fmt.Sprintf("list, deleted %v", deleted), err)
		o.s.Note(fmt.Sprintf("list, deleted %v", deleted), "%v", names)
	}
	for _, w := range []struct {
		key                        string
		updatesOnly, ignoreDeletes bool
	}{{"watch", false, false}, {"updates only", true, false}, {"ignore deletes", false, true}} {
		o.part(w.key)
		next, stop, err := b.watch(w.updatesOnly, w.ignoreDeletes)
		o.s.Must(err, "watch")
		o.notices("initial", next)
		_, err = b.put(&jetstream.ObjectMeta{Name: w.key}, strings.NewReader("x"))
		o.s.Must(err, "put")
		o.s.Must(b.remove(w.key), "delete")
		o.notices("changes", next)
		stop()
		o.notices("after stop", next)
	}
}

func (o *objectsOf) notices(key string, next func(time.Duration) (string, bool)) {
	var all []string
	for wait := 2 * time.Second; ; wait = 300 * time.Millisecond {
		name, ok := next(wait)
		if !ok {
			break
		}
		all = append(all, name)
		if name == "closed" {
			break
		}
	}
	o.s.Note(key, "%v", all)
}
