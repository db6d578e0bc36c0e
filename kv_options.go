package nats

import (
	"context"
	"fmt"
	"time"

	"github.com/gannet-io/nats/internal/kv"
)

// Options of the calls of [KeyValue]. Nil ones are skipped.
type (
	// WatchOpt is an option of a watch, of a bucket or of an object store.
	WatchOpt interface{ configureWatcher(*watchOpts) error }
	// DeleteOpt is an option of [KeyValue.Delete] and [KeyValue.Purge].
	DeleteOpt interface{ configureDelete(*deleteOpts) error }
	// PurgeOpt is an option of [KeyValue.PurgeDeletes].
	PurgeOpt interface{ configurePurge(*purgeOpts) error }
)

type (
	watchOpts struct {
		kv.WatchOptions
		ctx context.Context // nil: none given
	}
	deleteOpts struct{ kv.Removal }
	purgeOpts  struct {
		ctx context.Context // nil: none given
		age time.Duration
	}

	watchOptFn  func(*watchOpts) error
	deleteOptFn func(*deleteOpts) error
)

func (f watchOptFn) configureWatcher(o *watchOpts) error  { return f(o) }
func (f deleteOptFn) configureDelete(o *deleteOpts) error { return f(o) }

func (c ContextOpt) configureWatcher(o *watchOpts) error { return c.set(&o.ctx) }
func (c ContextOpt) configurePurge(o *purgeOpts) error   { return c.set(&o.ctx) }

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

var errHistoryAndUpdates = fmt.Errorf("%w: include history cannot be used with updates only", ErrInvalidArg)

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

// LastRevision makes a delete or purge fail unless revision is the key's last one: the error matches [ErrKeyRevisionMismatch]. 0: no
// effect.
func LastRevision(revision uint64) DeleteOpt {
	return deleteOptFn(func(o *deleteOpts) error {
		o.Last = revision
		return nil
	})
}

// DeleteMarkersOlderThan is the age from which [KeyValue.PurgeDeletes] removes markers, too; of younger ones it removes only what is before
// them. 0: 30 minutes; negative: all markers.
type DeleteMarkersOlderThan time.Duration

func (d DeleteMarkersOlderThan) configurePurge(o *purgeOpts) error {
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
