package test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
)

// entry is an entry of either API.
type entry struct {
	bucket, key, value string
	revision, delta    uint64
	created            time.Time
	op                 uint8
}

// String shows what a test compares: key=value@revision, or key-@revision for a deletion and key--@revision for a purge.
func (e entry) String() string {
	switch e.op {
	case 0:
		return fmt.Sprintf("%s=%s@%d", e.key, e.value, e.revision)
	case 1:
		return fmt.Sprintf("%s-@%d", e.key, e.revision)
	}
	return fmt.Sprintf("%s--@%d", e.key, e.revision)
}

// mark is how the nil entry of a watch reads.
const mark = "mark"

// kvConfig is what both APIs can configure.
type kvConfig struct {
	bucket   string
	history  uint8
	ttl      time.Duration
	replicas int
	mirror   string
	sources  []string
	file     bool // survives the server
}

// watchHow are the options of a watch.
type watchHow struct {
	ctx                                       context.Context
	history, updates, ignoreDeletes, metaOnly bool
	resume                                    uint64 // newer API only
}

// bucket is a bucket in either API.
type bucket interface {
	name() string
	get(key string) (entry, error)
	revision(key string, revision uint64) (entry, error)
	put(key, value string) (uint64, error)
	create(key, value string) (uint64, error)
	update(key, value string, last uint64) (uint64, error)
	remove(key string, purge bool, last uint64) error
	keys(how watchHow) ([]string, error)
	list() (<-chan string, func(), error)
	history(key string) ([]entry, error)
	purgeDeletes(age time.Duration) error
	values() (uint64, error)
	watch(how watchHow, keys ...string) (*watching, error)
}

// watching is a watch in either API.
type watching struct {
	// take waits for an update: an entry as text, or mark. came is false when nothing came, not even the end, which is not open.
	take func(d time.Duration) (update string, open, came bool)
	stop func()
	err  func() error
}

// kvErrs are the errors of an API.
type kvErrs struct {
	notFound, exists, mismatch, invalidKey, noKeys, bucketNotFound, badBucket, invalidBucket, bucketExists, tooLarge error
}

// kvAPI is one of the two APIs.
type kvAPI struct {
	errs   kvErrs
	create func(t testing.TB, nc *nats.Conn, c kvConfig) (bucket, error)
	open   func(t testing.TB, nc *nats.Conn, name string) (bucket, error)
	delete func(t testing.TB, nc *nats.Conn, name string) error
	names  func(t testing.TB, nc *nats.Conn) []string
}

var kvAPIs = map[string]kvAPI{
	"older": {
		errs: kvErrs{
			nats.ErrKeyNotFound, nats.ErrKeyExists, nats.ErrKeyRevisionMismatch, nats.ErrInvalidKey, nats.ErrNoKeysFound, nats.ErrBucketNotFound,
			nats.ErrBadBucket, nats.ErrInvalidBucketName, nats.ErrStreamNameAlreadyInUse, nats.ErrHistoryToLarge,
		},
		create: func(t testing.TB, nc *nats.Conn, c kvConfig) (bucket, error) {
			cfg := &nats.KeyValueConfig{Bucket: c.bucket, History: c.history, TTL: c.ttl, Replicas: c.replicas}
			if !c.file {
				cfg.Storage = nats.MemoryStorage
			}
			if c.mirror != "" {
				cfg.Mirror = &nats.StreamSource{Name: c.mirror}
			}
			for _, s := range c.sources {
				cfg.Sources = append(cfg.Sources, &nats.StreamSource{Name: s})
			}
			b, err := legacyJS(t, nc).CreateKeyValue(cfg)
			return oldBucket{b}, err
		},
		open: func(t testing.TB, nc *nats.Conn, name string) (bucket, error) {
			b, err := legacyJS(t, nc).KeyValue(name)
			return oldBucket{b}, err
		},
		delete: func(t testing.TB, nc *nats.Conn, name string) error { return legacyJS(t, nc).DeleteKeyValue(name) },
		names: func(t testing.TB, nc *nats.Conn) []string {
			return slices.Collect(seq(legacyJS(t, nc).KeyValueStoreNames()))
		},
	},
	"newer": {
		errs: kvErrs{
			jetstream.ErrKeyNotFound, jetstream.ErrKeyExists, jetstream.ErrKeyRevisionMismatch, jetstream.ErrInvalidKey, jetstream.ErrNoKeysFound,
			jetstream.ErrBucketNotFound, jetstream.ErrBadBucket, jetstream.ErrInvalidBucketName, jetstream.ErrBucketExists, jetstream.ErrHistoryTooLarge,
		},
		create: func(t testing.TB, nc *nats.Conn, c kvConfig) (bucket, error) {
			cfg := jetstream.KeyValueConfig{Bucket: c.bucket, History: c.history, TTL: c.ttl, Replicas: c.replicas}
			if !c.file {
				cfg.Storage = jetstream.MemoryStorage
			}
			if c.mirror != "" {
				cfg.Mirror = &jetstream.StreamSource{Name: c.mirror}
			}
			for _, s := range c.sources {
				cfg.Sources = append(cfg.Sources, &jetstream.StreamSource{Name: s})
			}
			b, err := newJS(t, nc).CreateKeyValue(t.Context(), cfg)
			return newBucket{t, b}, err
		},
		open: func(t testing.TB, nc *nats.Conn, name string) (bucket, error) {
			b, err := newJS(t, nc).KeyValue(t.Context(), name)
			return newBucket{t, b}, err
		},
		delete: func(t testing.TB, nc *nats.Conn, name string) error {
			return newJS(t, nc).DeleteKeyValue(t.Context(), name)
		},
		names: func(t testing.TB, nc *nats.Conn) []string {
			return slices.Collect(seq(newJS(t, nc).KeyValueStoreNames(t.Context()).Name()))
		},
	},
}

// seq are the values of a channel.
func seq[V any](c <-chan V) func(yield func(V) bool) {
	return func(yield func(V) bool) {
		for v := range c {
			if !yield(v) {
				return
			}
		}
	}
}

// kvStage is a server with a bucket b in one of the APIs.
type kvStage struct {
	srv *natstest.Server
	nc  *nats.Conn
	api kvAPI
	b   bucket
}

// eachKV runs f for both APIs, each with a server and a bucket of its own.
func eachKV(t *testing.T, c kvConfig, f func(t *testing.T, g *kvStage)) {
	t.Parallel()
	for name, api := range kvAPIs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkLeaks(t)
			srv := natstest.Run(t)
			f(t, kvStageAt(t, srv, srv.URL(), api, c))
		})
	}
}

func kvStageAt(t *testing.T, srv *natstest.Server, url string, api kvAPI, c kvConfig, opts ...nats.Option) *kvStage {
	t.Helper()
	if c.bucket == "" {
		c.bucket = "b"
	}
	g := &kvStage{srv: srv, nc: dial(t, url, opts...), api: api}
	g.b = got[bucket](t)(api.create(t, g.nc, c))
	return g
}

// puts stores values, each given as key=value, key- for a deletion, key-- for a purge.
func puts(t testing.TB, b bucket, what ...string) {
	t.Helper()
	for _, w := range what {
		key, value, isPut := strings.Cut(w, "=")
		var err error
		switch {
		case isPut:
			_, err = b.put(key, value)
		case strings.HasSuffix(w, "--"):
			err = b.remove(strings.TrimSuffix(w, "--"), true, 0)
		default:
			err = b.remove(strings.TrimSuffix(w, "-"), false, 0)
		}
		must(t, err)
	}
}

// wants takes as many updates as are wanted, and compares.
func (w *watching) wants(t testing.TB, want ...string) {
	t.Helper()
	var got []string
	for range want {
		got = append(got, w.next(t))
	}
	if !slices.Equal(got, want) {
		t.Errorf("watched %q, want %q", got, want)
	}
}

func (w *watching) next(t testing.TB) string {
	t.Helper()
	u, open, came := w.take(patience)
	switch {
	case !came:
		t.Fatalf("waited %v in vain for an update", patience)
	case !open:
		t.Fatalf("the watch has ended: %v", w.err())
	}
	return u
}

// ends reads the rest, and returns the reason of the end.
func (w *watching) ends(t testing.TB, d time.Duration) error {
	t.Helper()
	for end := time.Now().Add(d); ; {
		switch _, open, came := w.take(time.Until(end)); {
		case !came:
			t.Fatalf("the watch has not ended after %v", d)
		case !open:
			return w.err()
		}
	}
}

// taker is the take of a watching.
func taker[E any](from <-chan E, text func(E) string) func(time.Duration) (string, bool, bool) {
	return func(d time.Duration) (update string, open, came bool) {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case e, open := <-from:
			if !open {
				return "", false, true
			}
			return text(e), true, true
		case <-timer.C:
			return "", true, false
		}
	}
}

func watch(t testing.TB, b bucket, how watchHow, keys ...string) *watching {
	t.Helper()
	w := got[*watching](t)(b.watch(how, keys...))
	t.Cleanup(w.stop)
	return w
}

func texts(es []entry) (s []string) {
	for _, e := range es {
		s = append(s, e.String())
	}
	return s
}
