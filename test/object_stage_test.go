package test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
)

// objectStage is a server, a connection, and the bucket B in both APIs.
type objectStage struct {
	srv *natstest.Server
	nc  *nats.Conn
	js  jetstream.JetStream
	b   jetstream.ObjectStore

	admin jetstream.Stream // the bucket's stream, over a connection that no proxy disturbs
}

func withObjects(t *testing.T) *objectStage {
	t.Helper()
	t.Parallel()
	checkLeaks(t)
	srv := natstest.Run(t)
	return objectStageAt(t, srv, srv.URL())
}

// withObjectProxy is withObjects whose connection passes a proxy.
func withObjectProxy(t *testing.T, opts ...nats.Option) (*objectStage, *natstest.Proxy) {
	t.Helper()
	t.Parallel()
	checkLeaks(t)
	srv := natstest.Run(t)
	p := natstest.NewProxy(t, srv.URL())
	return objectStageAt(t, srv, p.URL(), append([]nats.Option{quickly(), silent()}, opts...)...), p
}

func objectStageAt(t *testing.T, srv *natstest.Server, url string, opts ...nats.Option) *objectStage {
	t.Helper()
	steady := newJS(t, dial(t, srv.URL()))
	got[jetstream.ObjectStore](t)(steady.CreateObjectStore(t.Context(), jetstream.ObjectStoreConfig{Bucket: "B"}))
	g := &objectStage{srv: srv, nc: dial(t, url, opts...)}
	g.js = newJS(t, g.nc)
	g.b = got[jetstream.ObjectStore](t)(g.js.ObjectStore(t.Context(), "B"))
	g.admin = got[jetstream.Stream](t)(steady.Stream(t.Context(), "OBJ_B"))
	return g
}

// chunks counts the chunks that the stream has, by object.
func (g *objectStage) chunks(t testing.TB) map[string]uint64 {
	t.Helper()
	info := got[*jetstream.StreamInfo](t)(g.admin.Info(context.Background(), jetstream.WithSubjectFilter("$O.B.C.>")))
	return info.State.Subjects
}

// wantChunks reports chunks that belong to no object that is listed in infos, and objects without all of theirs.
func (g *objectStage) wantChunks(t testing.TB, infos ...*jetstream.ObjectInfo) {
	t.Helper()
	left := g.chunks(t)
	for _, info := range infos {
		subject := "$O.B.C." + info.NUID
		if left[subject] != uint64(info.Chunks) {
			t.Errorf("%s has %d chunks in the stream, want %d", info.Name, left[subject], info.Chunks)
		}
		delete(left, subject)
	}
	if len(left) > 0 {
		t.Errorf("orphans are left: %v", left)
	}
}

// noise is n bytes that are the same for the same seed, and do not compress.
func noise(seed uint64, n int) []byte {
	b := make([]byte, n)
	fill := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	_, _ = fill.Read(b)
	return b
}

func wantBytes(t testing.TB, what string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got %d bytes, want %d%s", what, len(got), len(want), firstDifference(got, want))
	}
}

func firstDifference(a, b []byte) string {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("; they differ from byte %d on", i)
		}
	}
	return ""
}
