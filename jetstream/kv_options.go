package jetstream

import (
	"fmt"
	"time"

	"github.com/gannet-io/nats/internal/kv"
)

// Options of the calls of [KeyValue]. Nil ones are skipped.
type (
	// WatchOpt is an option of a watch.
	WatchOpt interface{ configureWatcher(*watchOpts) error }
	// KVCreateOpt is an option of [KeyValue.Create].
	KVCreateOpt interface{ configureCreate(*createOpts) error }
	// KVDeleteOpt is an option of [KeyValue.Delete] and [KeyValue.Purge].
	KVDeleteOpt interface{ configureDelete(*deleteOpts) error }
	// KVPurgeOpt is an option of [KeyValue.PurgeDeletes].
	KVPurgeOpt interface{ configurePurge(*purgeDeletesOpts) error }
)

type (
	watchOpts        struct{ kv.WatchOptions }
	createOpts       struct{ ttl time.Duration }
	deleteOpts       struct{ kv.Removal }
	purgeDeletesOpts struct{ age time.Duration }

	watchOptFn  func(*watchOpts) error
	createOptFn func(*createOpts) error
	deleteOptFn func(*deleteOpts) error
)

func (f watchOptFn) configureWatcher(o *watchOpts) error  { return f(o) }
func (f createOptFn) configureCreate(o *createOpts) error { return f(o) }
func (f deleteOptFn) configureDelete(o *deleteOpts) error { return f(o) }

// IncludeHistory makes a watch begin with all entries that are kept, instead of the last one of each key. Not together with [UpdatesOnly].
func IncludeHistory() WatchOpt {
	return watchOptFn(func(o *watchOpts) error {
		if o.UpdatesOnly {
			return errHistoryAndUpdates
		}
		o.History = true
		return nil
	})
}

// UpdatesOnly makes a watch deliver changes only, without a nil entry. Not together with [IncludeHistory].
func UpdatesOnly() WatchOpt {
	return watchOptFn(func(o *watchOpts) error {
		if o.History {
			return errHistoryAndUpdates
		}
		o.UpdatesOnly = true
		return nil
	})
}

var errHistoryAndUpdates = fmt.Errorf("%w: include history cannot be used with updates only", ErrInvalidOption)

// IgnoreDeletes leaves deletions out.
func IgnoreDeletes() WatchOpt {
	return watchOptFn(func(o *watchOpts) error {
		o.WatchOptions.IgnoreDeletes = true
		return nil
	})
}

// MetaOnly leaves values out.
func MetaOnly() WatchOpt {
	return watchOptFn(func(o *watchOpts) error {
		o.WatchOptions.MetaOnly = true
		return nil
	})
}

// ResumeFromRevision makes a watch begin with the entry of this revision, or the first one behind it, and deliver all that follow. 0: no
// effect.
func ResumeFromRevision(revision uint64) WatchOpt {
	return watchOptFn(func(o *watchOpts) error {
		o.From = revision
		return nil
	})
}

// KeyTTL gives a key a TTL of its own, in a bucket with LimitMarkerTTL: whole seconds count. 0: that of the bucket; a negative one is
// [ErrInvalidOption].
func KeyTTL(ttl time.Duration) KVCreateOpt {
	return createOptFn(func(o *createOpts) error {
		o.ttl = ttl
		return nil
	})
}

// LastRevision makes a delete or purge fail unless revision is the key's last one: the error matches [ErrKeyRevisionMismatch]. 0: no
// effect.
func LastRevision(revision uint64) KVDeleteOpt {
	return deleteOptFn(func(o *deleteOpts) error {
		o.Last = revision
		return nil
	})
}

// PurgeTTL gives the marker of a purge a TTL, after which nothing of the key is left, in a bucket with LimitMarkerTTL. 0: that of
// the bucket; a negative one is [ErrInvalidOption], and for a Delete any is [ErrTTLOnDeleteNotSupported].
func PurgeTTL(ttl time.Duration) KVDeleteOpt {
	return deleteOptFn(func(o *deleteOpts) error {
		o.TTL = ttl
		return nil
	})
}

// DeleteMarkersOlderThan is the age from which [KeyValue.PurgeDeletes] removes markers, too; of younger ones it removes only what is before
// them. 0: 30 minutes; negative: all markers.
type DeleteMarkersOlderThan time.Duration

func (d DeleteMarkersOlderThan) configurePurge(o *purgeDeletesOpts) error {
	o.age = time.Duration(d)
	return nil
}

func newWatchOpts(opts []WatchOpt) (o watchOpts, err error) {
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt.configureWatcher(&o); err != nil {
			return o, err
		}
	}
	return o, nil
}

func newDeleteOpts(op kv.Op, opts []KVDeleteOpt) (o deleteOpts, err error) {
	o.Op = op
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt.configureDelete(&o); err != nil {
			return o, err
		}
	}
	if op == kv.Delete && o.TTL != 0 {
		return o, ErrTTLOnDeleteNotSupported
	}
	return o, nil
}
