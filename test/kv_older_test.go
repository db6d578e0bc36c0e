package test

import (
	"time"

	"github.com/gannet-io/nats"
)

// oldBucket is a bucket of the older API.
type oldBucket struct{ nats.KeyValue }

func (b oldBucket) name() string { return b.Bucket() }

func oldEntry(e nats.KeyValueEntry, err error) (entry, error) {
	if err != nil || e == nil {
		return entry{}, err
	}
	return entry{e.Bucket(), e.Key(), string(e.Value()), e.Revision(), e.Delta(), e.Created(), uint8(e.Operation())}, nil
}

func (b oldBucket) get(key string) (entry, error) { return oldEntry(b.Get(key)) }
func (b oldBucket) revision(key string, rev uint64) (entry, error) {
	return oldEntry(b.GetRevision(key, rev))
}
func (b oldBucket) put(key, value string) (uint64, error)    { return b.Put(key, []byte(value)) }
func (b oldBucket) create(key, value string) (uint64, error) { return b.Create(key, []byte(value)) }
func (b oldBucket) update(key, value string, last uint64) (uint64, error) {
	return b.Update(key, []byte(value), last)
}

func (b oldBucket) remove(key string, purge bool, last uint64) error {
	if purge {
		return b.Purge(key, nats.LastRevision(last))
	}
	return b.Delete(key, nats.LastRevision(last))
}

func (b oldBucket) keys(how watchHow) ([]string, error) { return b.Keys(how.older()...) }

func (b oldBucket) list() (<-chan string, func(), error) {
	l, err := b.ListKeys()
	if err != nil {
		return nil, nil, err
	}
	return l.Keys(), func() { _ = l.Stop() }, nil
}

func (b oldBucket) history(key string) (es []entry, err error) {
	all, err := b.History(key)
	for _, e := range all {
		one, _ := oldEntry(e, nil)
		es = append(es, one)
	}
	return es, err
}

func (b oldBucket) purgeDeletes(age time.Duration) error {
	return b.PurgeDeletes(nats.DeleteMarkersOlderThan(age))
}

func (b oldBucket) values() (uint64, error) {
	s, err := b.Status()
	if err != nil {
		return 0, err
	}
	return s.Values(), nil
}

func (how watchHow) older() (opts []nats.WatchOpt) {
	if how.ctx != nil {
		opts = append(opts, nats.Context(how.ctx))
	}
	for on, opt := range map[*bool]nats.WatchOpt{
		&how.history: nats.IncludeHistory(), &how.updates: nats.UpdatesOnly(), &how.ignoreDeletes: nats.IgnoreDeletes(), &how.metaOnly: nats.MetaOnly(),
	} {
		if *on {
			opts = append(opts, opt)
		}
	}
	return append(opts, nil)
}

func (b oldBucket) watch(how watchHow, keys ...string) (*watching, error) {
	var w nats.KeyWatcher
	var err error
	switch {
	case len(keys) == 0:
		w, err = b.WatchAll(how.older()...)
	case len(keys) == 1:
		w, err = b.Watch(keys[0], how.older()...)
	default:
		w, err = b.WatchFiltered(keys, how.older()...)
	}
	if err != nil {
		return nil, err
	}
	return &watching{
		take: taker(w.Updates(), func(e nats.KeyValueEntry) string {
			if e == nil {
				return mark
			}
			one, _ := oldEntry(e, nil)
			return one.String()
		}),
		stop: func() { _ = w.Stop() },
		err:  func() error { return <-w.Error() },
	}, nil
}
