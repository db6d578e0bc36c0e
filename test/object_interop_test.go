package test

import (
	"io"
	"slices"
	"testing"

	natsgo "github.com/nats-io/nats.go"
	natsgojs "github.com/nats-io/nats.go/jetstream"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
)

// What one library writes the other one reads: objects, their digests, links, markers, watches, in both APIs.
func TestObjectInterop(t *testing.T) {
	g := withObjects(t)
	theirs := got[*natsgo.Conn](t)(natsgo.Connect(g.srv.URL()))
	t.Cleanup(theirs.Close)
	theirOld := got[natsgo.ObjectStore](t)(got[natsgo.JetStreamContext](t)(theirs.JetStream()).ObjectStore("B"))
	theirNew := got[natsgojs.ObjectStore](t)(got[natsgojs.JetStream](t)(natsgojs.New(theirs)).ObjectStore(t.Context(), "B"))
	ourOld := got[nats.ObjectStore](t)(legacyJS(t, g.nc).ObjectStore("B"))

	their := got[natsgojs.ObjectWatcher](t)(theirNew.Watch(t.Context()))
	ours := got[jetstream.ObjectWatcher](t)(g.b.Watch(t.Context()))
	if i := <-their.Updates(); i != nil {
		t.Errorf("their watch of an empty bucket: got %v", i)
	}
	seen(t, ours.Updates(), 1)

	data := noise(1, 3<<20+1)
	puts := map[string]func() error{
		"ours new":   func() error { return second(g.b.PutBytes(t.Context(), "ours new", data)) },
		"ours old":   func() error { return second(ourOld.PutBytes("ours old", data)) },
		"theirs new": func() error { return second(theirNew.PutBytes(t.Context(), "theirs new", data)) },
		"theirs old": func() error { return second(theirOld.PutBytes("theirs old", data)) },
	}
	// What is replaced or deleted before it was delivered never comes, so both watches are looked at in between.
	bothSee := func(want ...string) {
		t.Helper()
		if names := seen(t, ours.Updates(), len(want)); !slices.Equal(names, want) {
			t.Errorf("our watch: got %q, want %q", names, want)
		}
		var theirNames []string
		for range want {
			i := <-their.Updates()
			if i.Deleted {
				i.Name += " deleted"
			}
			theirNames = append(theirNames, i.Name)
		}
		if !slices.Equal(theirNames, want) {
			t.Errorf("their watch: got %q, want %q", theirNames, want)
		}
	}
	names := []string{"ours new", "ours old", "theirs new", "theirs old"}
	for _, name := range names {
		must(t, puts[name]())
		wantBytes(t, name+" by us, new", got[[]byte](t)(g.b.GetBytes(t.Context(), name)), data)
		wantBytes(t, name+" by us, old", got[[]byte](t)(ourOld.GetBytes(name)), data)
		wantBytes(t, name+" by them, new", got[[]byte](t)(theirNew.GetBytes(t.Context(), name)), data)
		wantBytes(t, name+" by them, old", got[[]byte](t)(theirOld.GetBytes(name)), data)
		info := got[*jetstream.ObjectInfo](t)(g.b.GetInfo(t.Context(), name))
		other := got[*natsgojs.ObjectInfo](t)(theirNew.GetInfo(t.Context(), name))
		if info.Digest != other.Digest || info.Size != other.Size || info.Chunks != other.Chunks || !info.ModTime.Equal(other.ModTime) || info.NUID != other.NUID {
			t.Errorf("%s: we see %+v, they %+v", name, info, other)
		}
	}
	bothSee(names...)
	// Each replaces, describes and deletes what the other has put.
	must(t, second(theirNew.PutString(t.Context(), "ours new", "theirs")))
	must(t, second(g.b.PutString(t.Context(), "theirs new", "ours")))
	must(t, theirNew.UpdateMeta(t.Context(), "ours old", natsgojs.ObjectMeta{Name: "renamed by them"}))
	must(t, g.b.UpdateMeta(t.Context(), "theirs old", jetstream.ObjectMeta{Name: "renamed by us"}))
	bothSee("ours new", "theirs new", "renamed by them", "renamed by us")
	must(t, theirNew.Delete(t.Context(), "renamed by us"))
	must(t, g.b.Delete(t.Context(), "renamed by them"))
	// Links across.
	must(t, second(g.b.AddLink(t.Context(), "our link", got[*jetstream.ObjectInfo](t)(g.b.GetInfo(t.Context(), "ours new")))))
	must(t, second(theirNew.AddLink(t.Context(), "their link", got[*natsgojs.ObjectInfo](t)(theirNew.GetInfo(t.Context(), "theirs new")))))
	for name, want := range map[string]string{"our link": "theirs", "their link": "ours"} {
		if text := got[string](t)(g.b.GetString(t.Context(), name)); text != want {
			t.Errorf("%s by us: got %q, want %q", name, text, want)
		}
		if text := got[string](t)(theirNew.GetString(t.Context(), name)); text != want {
			t.Errorf("%s by them: got %q, want %q", name, text, want)
		}
	}
	bothSee("renamed by us deleted", "renamed by them deleted", "our link", "their link")
	must(t, their.Stop())
	must(t, ours.Stop())
	// A reader of theirs that has no idea of ours stops at the last chunk.
	r := got[natsgo.ObjectResult](t)(theirOld.Get("ours new"))
	must(t, second(io.ReadAll(r)))
	var live []*jetstream.ObjectInfo
	for _, name := range []string{"ours new", "theirs new"} {
		live = append(live, got[*jetstream.ObjectInfo](t)(g.b.GetInfo(t.Context(), name)))
	}
	g.wantChunks(t, live...)
}
