package test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"testing"

	"github.com/gannet-io/nats/jetstream"
)

// objectCluster is the bucket B with three replicas.
func objectCluster(t *testing.T, seed uint64) (*storm, *objectStage) {
	t.Helper()
	s := newStorm(t, seed, "OBJ_B")
	s.insist("the bucket", func(ctx context.Context) error {
		_, err := s.js.CreateOrUpdateObjectStore(ctx, jetstream.ObjectStoreConfig{Bucket: "B", Replicas: 3})
		return err
	})
	g := &objectStage{nc: s.dial(0)}
	g.js = newJS(t, g.nc)
	s.insist("handles", func(ctx context.Context) (err error) {
		if g.b, err = g.js.ObjectStore(ctx, "B"); err == nil {
			g.admin, err = s.js.Stream(ctx, "OBJ_B")
		}
		return err
	})
	return s, g
}

// The bucket's leader changes, dies and comes back in the middle of puts and gets: objects are whole, and no chunk is left over. With even seeds
// chunks go in batches.
func objectsInACluster(t *testing.T, seed uint64) {
	s, g := objectCluster(t, seed)
	if seed%2 == 0 {
		g.batching(t, s.js, true)
	}
	data := noise(seed, 4<<20)
	leader := s.cluster.StreamLeader("OBJ_B")
	var infos []*jetstream.ObjectInfo
	for i, fault := range []func() error{
		func() error { s.stepDown(); return nil },
		func() error { s.stepDown(); s.proxies[0].Cut(); return nil },
		func() error { leader = s.cluster.StreamLeader("OBJ_B"); return leader.Kill() },
		func() error { return leader.Restart(true) },
	} {
		name := fmt.Sprint("x", i)
		info, err := g.b.Put(t.Context(), jetstream.ObjectMeta{Name: name}, &event{r: bytes.NewReader(data), left: len(data) / 2, do: fault})
		if err != nil {
			t.Fatalf("put %d: %v", i, err)
		}
		infos = append(infos, info)
	}
	must(t, s.cluster.WaitReady())
	must(t, s.cluster.WaitCurrent("OBJ_B"))
	for i, fault := range []func() error{
		func() error { s.stepDown(); return nil },
		func() error { s.proxies[0].Cut(); s.stepDown(); return nil },
	} {
		r := got[jetstream.ObjectResult](t)(g.b.Get(t.Context(), infos[i].Name))
		all, err := io.ReadAll(&event{r: r, left: len(data) / 2, do: fault})
		must(t, err)
		wantBytes(t, infos[i].Name, all, data)
		must(t, r.Close())
	}
	for _, info := range infos {
		wantBytes(t, info.Name, got[[]byte](t)(g.b.GetBytes(t.Context(), info.Name)), data)
	}
	s.insist("the chunks", func(ctx context.Context) error { _, err := g.admin.Info(ctx); return err })
	g.wantSoon(t, infos...)
}
