package jetstream

import (
	"context"
	"fmt"

	"github.com/gannet-io/nats/internal/kv"
)

// KeyWatcher delivers entries, each once, in the order of their revisions, whatever happens to links, servers and leaders meanwhile. What
// disturbs it is told to the connection's error handler. It ends by Stop, with its context, with the connection, and when the bucket is
// deleted; [KeyWatcherErr] says why.
//
// A reader who is slow holds up nobody else: some entries wait for him, and then the server waits.
type KeyWatcher interface {
	// Updates delivers the entries, and a nil entry where those end that were there at the beginning, unless the watch has
	// UpdatesOnly. It is closed when the watch has ended.
	Updates() <-chan KeyValueEntry

	// Stop ends the watch. Updates is closed soon afterwards. Again does nothing. The error is always nil.
	Stop() error
}

// KeyLister is a list of keys on its way.
type KeyLister interface {
	// Keys is closed after the last key, or when the list ended early: [KeyListerErr] says why.
	Keys() <-chan string

	// Stop ends the list. A list that is read to its end need not be stopped. The error is always nil.
	Stop() error
}

// watcher is the KeyWatcher, and lister the KeyLister.
type (
	watcher struct {
		*kv.Watcher[KeyValueEntry]
	}
	lister struct{ w *kv.Watcher[string] }
)

func (w watcher) Stop() error {
	w.Watcher.Stop()
	return nil
}

func (l lister) Keys() <-chan string { return l.w.Updates() }

func (l lister) Stop() error {
	l.w.Stop()
	return nil
}

// KeyWatcherErr says why a watch ended: nil while its Updates is open, and when it was stopped; the context's error; nats.ErrConnectionClosed, also
// by a drain; or [ErrBucketNotFound] when the bucket was deleted. It is nil for a watcher that is not of this package.
func KeyWatcherErr(w KeyWatcher) error {
	if w, ok := w.(watcher); ok && w.Watcher != nil {
		return w.Err()
	}
	return nil
}

// KeyListerErr says why a list of keys ended early: nil while its Keys is open, when it is complete, and when it was stopped; else as
// [KeyWatcherErr].
func KeyListerErr(l KeyLister) error {
	if l, ok := l.(lister); ok && l.w != nil {
		return l.w.Err()
	}
	return nil
}

func (b *keyValue) Watch(ctx context.Context, keys string, opts ...WatchOpt) (KeyWatcher, error) {
	return b.watch(ctx, []string{keys}, opts)
}

func (b *keyValue) WatchAll(ctx context.Context, opts ...WatchOpt) (KeyWatcher, error) {
	return b.watch(ctx, nil, opts)
}

func (b *keyValue) WatchFiltered(ctx context.Context, keys []string, opts ...WatchOpt) (KeyWatcher, error) {
	return b.watch(ctx, keys, opts)
}

func (b *keyValue) watch(ctx context.Context, keys []string, opts []WatchOpt) (KeyWatcher, error) {
	if err := checkFilters(keys...); err != nil {
		return nil, err
	}
	o, err := newWatchOpts(opts)
	if err != nil {
		return nil, err
	}
	w, err := kv.Watch(ctx, b.store, keys, o.WatchOptions, newEntry, kv.Hooks{Disturbed: b.disturbed})
	if err != nil {
		return nil, err
	}
	return watcher{w}, nil
}

// disturbed tells the connection's error handler about a watch.
func (b *keyValue) disturbed(err error) {
	b.js.report(fmt.Errorf("watch of bucket %s: %w", b.Bucket(), err))
}

func (b *keyValue) ListKeys(ctx context.Context, opts ...WatchOpt) (KeyLister, error) {
	return b.list(ctx, nil, opts)
}

func (b *keyValue) ListKeysFiltered(ctx context.Context, filters ...string) (KeyLister, error) {
	return b.list(ctx, filters, nil)
}

func (b *keyValue) list(ctx context.Context, filters []string, opts []WatchOpt) (KeyLister, error) {
	if err := checkFilters(filters...); err != nil {
		return nil, err
	}
	o, err := newWatchOpts(opts)
	if err != nil {
		return nil, err
	}
	w, err := b.store.ListKeys(ctx, filters, o.WatchOptions, kv.Hooks{Disturbed: b.disturbed})
	if err != nil {
		return nil, err
	}
	return lister{w}, nil
}

func checkFilters(filters ...string) error {
	for _, f := range filters {
		if !kv.ValidFilter(f) {
			return fmt.Errorf("%w: filter %q", ErrInvalidKey, f)
		}
	}
	return nil
}
