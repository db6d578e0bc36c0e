package test

import (
	"context"
	"testing"
	"time"

	"github.com/gannet-io/nats/jetstream"
)

// newBucket is a bucket of the newer API.
type newBucket struct {
	t testing.TB
	jetstream.KeyValue
}

// ctx bounds calls. It outlives the test's own, for what is cleaned up.
func (b newBucket) ctx() context.Context { return context.WithoutCancel(b.t.Context()) }

func (how watchHow) in(b newBucket) context.Context {
	if how.ctx != nil {
		return how.ctx
	}
	return b.ctx()
}

func (b newBucket) name() string { return b.Bucket() }

func newEntry(e jetstream.KeyValueEntry, err error) (entry, error) {
	if err != nil || e == nil {
		return entry{}, err
	}
	return entry{e.Bucket(), e.Key(), string(e.Value()), e.Revision(), e.Delta(), e.Created(), uint8(e.Operation())}, nil
}

func (b newBucket) get(key string) (entry, error) { return newEntry(b.Get(b.ctx(), key)) }
func (b newBucket) revision(key string, rev uint64) (entry, error) {
	return newEntry(b.GetRevision(b.ctx(), key, rev))
}
func (b newBucket) put(key, value string) (uint64, error) { return b.Put(b.ctx(), key, []byte(value)) }
func (b newBucket) create(key, value string) (uint64, error) {
	return b.Create(b.ctx(), key, []byte(value))
}
func (b newBucket) update(key, value string, last uint64) (uint64, error) {
	return b.Update(b.ctx(), key, []byte(value), last)
}

func (b newBucket) remove(key string, purge bool, last uint64) error {
	if purge {
		return b.Purge(b.ctx(), key, jetstream.LastRevision(last))
	}
	return b.Delete(b.ctx(), key, jetstream.LastRevision(last))
}

func (b newBucket) keys(how watchHow) ([]string, error) { return b.Keys(how.in(b), how.newer()...) }

func (b newBucket) list() (<-chan string, func(), error) {
	l, err := b.ListKeys(b.ctx())
	if err != nil {
		return nil, nil, err
	}
	return l.Keys(), func() { _ = l.Stop() }, nil
}

func (b newBucket) history(key string) (es []entry, err error) {
	all, err := b.History(b.ctx(), key)
	for _, e := range all {
		one, _ := newEntry(e, nil)
		es = append(es, one)
	}
	return es, err
}

func (b newBucket) purgeDeletes(age time.Duration) error {
	return b.PurgeDeletes(b.ctx(), jetstream.DeleteMarkersOlderThan(age))
}

func (b newBucket) values() (uint64, error) {
	s, err := b.Status(b.ctx())
	if err != nil {
		return 0, err
	}
	return s.Values(), nil
}

func (how watchHow) newer() (opts []jetstream.WatchOpt) {
	if how.resume > 0 {
		opts = append(opts, jetstream.ResumeFromRevision(how.resume))
	}
	for on, opt := range map[*bool]jetstream.WatchOpt{
		&how.history: jetstream.IncludeHistory(), &how.updates: jetstream.UpdatesOnly(), &how.ignoreDeletes: jetstream.IgnoreDeletes(), &how.metaOnly: jetstream.MetaOnly(),
	} {
		if *on {
			opts = append(opts, opt)
		}
	}
	return append(opts, nil)
}

func (b newBucket) watch(how watchHow, keys ...string) (*watching, error) {
	var w jetstream.KeyWatcher
	var err error
	switch {
	case len(keys) == 0:
		w, err = b.WatchAll(how.in(b), how.newer()...)
	case len(keys) == 1:
		w, err = b.Watch(how.in(b), keys[0], how.newer()...)
	default:
		w, err = b.WatchFiltered(how.in(b), keys, how.newer()...)
	}
	if err != nil {
		return nil, err
	}
	return &watching{
		take: taker(w.Updates(), func(e jetstream.KeyValueEntry) string {
			if e == nil {
				return mark
			}
			one, _ := newEntry(e, nil)
			return one.String()
		}),
		stop: func() { _ = w.Stop() },
		err:  func() error { return jetstream.KeyWatcherErr(w) },
	}, nil
}
