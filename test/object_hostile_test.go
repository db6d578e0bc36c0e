package test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
)

// Names that nobody should give an object, nil where something is needed: no panic, no protocol, and the link stays.
func TestObjectHostileArguments(t *testing.T) {
	g := withObjects(t)
	js := legacyJS(t, g.nc)
	old := got[nats.ObjectStore](t)(js.ObjectStore("B"))
	smuggled := subscribeSync(t, g.nc, "smuggled")
	over, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer cancel()
	names := []string{
		"", " ", "a b", "a\r\nPUB smuggled 0\r\n\r\n", "\x00", "\x7f", "*", ">", ".", "../x", "\xff\xfe", strings.Repeat("x", 2048), strings.Repeat("x", 2049),
		strings.Repeat("x", 1<<17),
	}
	for _, name := range names {
		for _, ctx := range []context.Context{nil, over, late, t.Context()} {
			_, putErr := g.b.PutBytes(ctx, name, []byte("x"))
			_, _ = g.b.Put(ctx, jetstream.ObjectMeta{Name: name, Description: name, Headers: nats.Header{name: {name}}, Metadata: map[string]string{name: name}}, nil)
			data, getErr := g.b.GetString(ctx, name)
			if ok := ctx == t.Context() && name != "" && len(name) <= 2048; ok != (putErr == nil) || ok && (data != "" || getErr != nil) {
				t.Errorf("%.20q with %v: put %v, got %q, %v", name, ctx, putErr, data, getErr)
			}
			_, _ = g.b.GetInfo(ctx, name, nil)
			_, _ = g.b.AddLink(ctx, name+"l", &jetstream.ObjectInfo{Bucket: name, ObjectMeta: jetstream.ObjectMeta{Name: name}})
			_, _ = g.b.AddLink(ctx, name, nil)
			_, _ = g.b.AddBucketLink(ctx, name, nil)
			_, _ = g.b.AddBucketLink(ctx, name, foreignBucket{})
			_ = g.b.UpdateMeta(ctx, name, jetstream.ObjectMeta{Name: name + "2"})
			_, _ = jetstream.OpenObject(ctx, g.b, name)
			_, _ = jetstream.OpenObject(ctx, nil, name)
			_, _ = jetstream.PutObject(ctx, foreignBucket{}, jetstream.ObjectMeta{}, nil, nil)
			_ = g.b.Delete(ctx, name)
			_, _ = g.js.ObjectStore(ctx, name)
			_, _ = g.js.CreateObjectStore(ctx, jetstream.ObjectStoreConfig{Bucket: name, MaxBytes: math.MinInt64, Replicas: -1})
			_ = g.js.DeleteObjectStore(ctx, name+".")
			if ctx == nil {
				_, err := g.b.List(nil) //nolint:staticcheck // nil on purpose
				wantError(t, "List(nil)", err, nats.ErrInvalidContext)
				wantError(t, "Watch(nil)", second(g.b.Watch(nil)), nats.ErrInvalidContext)
				wantError(t, "Seal(nil)", g.b.Seal(nil), nats.ErrInvalidContext)
				wantError(t, "ObjectFS(nil)", second(jetstream.ObjectFS(nil, g.b)), nats.ErrInvalidContext)
			}
			_, _ = old.PutString(name, "x", nats.Context(ctx), nil)
			_, _ = old.GetInfo(name, nats.Context(ctx), nil)
			_, _ = old.GetBytes(name, nil, nats.Context(ctx))
			_, _ = old.List(nats.Context(over), nil)
			_ = old.UpdateMeta(name, nil)
			_, _ = old.Put(nil, nil)
			_, _ = old.AddLink(name, nil)
			_, _ = old.AddBucketLink(name, nil)
			_ = old.Delete(name)
			_, _ = js.ObjectStore(name)
			_, _ = js.CreateObjectStore(nil)
			_ = js.DeleteObjectStore(name + ".")
			for range js.ObjectStoreNames(nats.Context(over)) {
			}
		}
	}
	for range jetstreamNames(g.js.ObjectStoreNames(nil)) {
		t.Error("a list without a context has names")
	}
	_ = jetstream.GetObjectDigestValue(nil)
	_ = nats.GetObjectDigestValue(nil)
	for _, status := range []*jetstream.ObjectBucketStatus{nil, {}} {
		if status.Bucket() != "" || status.Size() != 0 || status.StreamInfo() == nil || status.TTL() != 0 {
			t.Errorf("an empty status: %+v", status)
		}
	}
	must(t, g.nc.Flush())
	if n, _, err := smuggled.Pending(); n != 0 || err != nil {
		t.Errorf("%d messages were smuggled, %v", n, err)
	}
	if n := g.nc.Stats().Reconnects; n != 0 || g.nc.LastError() != nil {
		t.Errorf("%d links broke: %v", n, g.nc.LastError())
	}
}

// foreignBucket is a bucket of somebody else.
type foreignBucket struct{ jetstream.ObjectStore }

func jetstreamNames(l jetstream.ObjectStoreNamesLister) (names []string) {
	for name := range l.Name() {
		names = append(names, name)
	}
	if l.Error() == nil {
		names = append(names, "no error")
	}
	return names
}

// The errors of the newer API, as programs compare them.
func TestObjectErrors(t *testing.T) {
	g := withObjects(t)
	ctx := t.Context()
	x := got[*jetstream.ObjectInfo](t)(g.b.PutString(ctx, "x", "x"))
	got[*jetstream.ObjectInfo](t)(g.b.PutString(ctx, "gone", "x"))
	must(t, g.b.Delete(ctx, "gone"))
	gone := got[*jetstream.ObjectInfo](t)(g.b.GetInfo(ctx, "gone", jetstream.GetObjectInfoShowDeleted()))
	l := got[*jetstream.ObjectInfo](t)(g.b.AddLink(ctx, "l", x))
	got[*jetstream.ObjectInfo](t)(g.b.AddBucketLink(ctx, "bl", g.b))
	for what, tc := range map[string]struct{ got, want error }{
		"put without a name":   {second(g.b.Put(ctx, jetstream.ObjectMeta{}, nil)), jetstream.ErrBadObjectMeta},
		"put a link":           {second(g.b.Put(ctx, l.ObjectMeta, nil)), jetstream.ErrLinkNotAllowed},
		"get nothing":          {second(g.b.Get(ctx, "")), jetstream.ErrNameRequired},
		"get none":             {second(g.b.Get(ctx, "none")), jetstream.ErrObjectNotFound},
		"get a deleted one":    {second(g.b.Get(ctx, "gone")), jetstream.ErrObjectNotFound},
		"get a bucket":         {second(g.b.Get(ctx, "bl")), jetstream.ErrCantGetBucket},
		"delete none":          {g.b.Delete(ctx, "none"), jetstream.ErrObjectNotFound},
		"update none":          {g.b.UpdateMeta(ctx, "none", jetstream.ObjectMeta{Name: "x"}), jetstream.ErrUpdateMetaDeleted},
		"update a deleted one": {g.b.UpdateMeta(ctx, "gone", jetstream.ObjectMeta{Name: "x"}), jetstream.ErrUpdateMetaDeleted},
		"update to a taken":    {g.b.UpdateMeta(ctx, "l", jetstream.ObjectMeta{Name: "x"}), jetstream.ErrObjectAlreadyExists},
		"link nothing":         {second(g.b.AddLink(ctx, "", x)), jetstream.ErrNameRequired},
		"link to nothing":      {second(g.b.AddLink(ctx, "a", nil)), jetstream.ErrObjectRequired},
		"link to a deleted":    {second(g.b.AddLink(ctx, "a", gone)), jetstream.ErrNoLinkToDeleted},
		"link to a link":       {second(g.b.AddLink(ctx, "a", l)), jetstream.ErrNoLinkToLink},
		"link on an object":    {second(g.b.AddLink(ctx, "x", x)), jetstream.ErrObjectAlreadyExists},
		"link on a deleted":    {second(g.b.AddLink(ctx, "gone", x)), jetstream.ErrObjectAlreadyExists},
		"bucket link":          {second(g.b.AddBucketLink(ctx, "a", nil)), jetstream.ErrBucketRequired},
		"foreign bucket link":  {second(g.b.AddBucketLink(ctx, "a", foreignBucket{})), jetstream.ErrBucketMalformed},
		"bucket name":          {second(g.js.ObjectStore(ctx, "a.b")), jetstream.ErrInvalidStoreName},
		"no bucket":            {second(g.js.ObjectStore(ctx, "none")), jetstream.ErrBucketNotFound},
	} {
		if tc.got != tc.want {
			t.Errorf("%s: got %v, want %v", what, tc.got, tc.want)
		}
	}
	if err := second(g.js.UpdateObjectStore(ctx, jetstream.ObjectStoreConfig{Bucket: "none"})); !errors.Is(err, jetstream.ErrBucketNotFound) {
		t.Errorf("update no bucket: got %v", err)
	}
	if err := second(g.js.CreateObjectStore(ctx, jetstream.ObjectStoreConfig{Bucket: "B", Description: "another"})); !errors.Is(err, jetstream.ErrBucketExists) {
		t.Errorf("create an existing bucket: got %v", err)
	}
	must(t, g.b.Seal(ctx))
	if st := got[jetstream.ObjectStoreStatus](t)(g.b.Status(ctx)); !st.Sealed() || st.Bucket() != "B" || st.Size() == 0 {
		t.Errorf("sealed: %+v", st)
	}
	var refused *jetstream.APIError
	if err := second(g.b.PutString(ctx, "y", "y")); !errors.As(err, &refused) {
		t.Errorf("put into a sealed bucket: got %v, want a refusal", err)
	}
}
