package nats

import (
	"context"
	"fmt"

	"github.com/gannet-io/nats/internal/kv"
)

// KeyWatcher delivers entries, each once, in the order of their revisions, whatever happens to links, servers and leaders meanwhile. What
// disturbs it is told to the connection's error handler. It ends by Stop, with its context, with the connection, and when the bucket is
// deleted.
//
// A reader who is slow holds up nobody else: some entries wait for him, and then the server waits.
type KeyWatcher interface {
	// Context is the one that was given with Context, or the JetStream context's; context.Background without either.
	Context() context.Context

	// Updates delivers the entries, and a nil entry where those end that were there at the beginning, unless the watch has
	// UpdatesOnly. It is closed when the watch has ended.
	Updates() <-chan KeyValueEntry

	// Stop ends the watch. Updates is closed soon afterwards. Again does nothing. The error is always nil.
	Stop() error

	// Error delivers why the watch ended, unless it was stopped, and is closed then.
	Error() <-chan error
}

// KeyLister is a list of keys on its way.
type KeyLister interface {
	// Keys is closed after the last key, or when the list ended early.
	Keys() <-chan string

	// Stop ends the list. A list that is read to its end need not be stopped. The error is always nil.
	Stop() error

	// Error delivers why the list ended early, and is closed when it has ended.
	Error() <-chan error
}

// kvWatch is the KeyWatcher, and kvList the KeyLister.
type (
	kvWatch struct {
		*kv.Watcher[KeyValueEntry]
		ctx  context.Context
		errs reasons
	}
	kvList struct {
		w    *kv.Watcher[string]
		errs reasons
	}
)

func (w kvWatch) Context() context.Context { return w.ctx }
func (w kvWatch) Error() <-chan error      { return w.errs }

func (w kvWatch) Stop() error {
	w.Watcher.Stop()
	return nil
}

func (l kvList) Keys() <-chan string { return l.w.Updates() }
func (l kvList) Error() <-chan error { return l.errs }

func (l kvList) Stop() error {
	l.w.Stop()
	return nil
}

// reasons is a channel for the reason of an end, with room for it.
type reasons chan error

func (r reasons) end(err error) {
	if err != nil {
		r <- err
	}
	close(r)
}

func (b *keyValue) Watch(keys string, opts ...WatchOpt) (KeyWatcher, error) {
	return b.watch([]string{keys}, opts)
}

func (b *keyValue) WatchAll(opts ...WatchOpt) (KeyWatcher, error) { return b.watch(nil, opts) }

func (b *keyValue) WatchFiltered(keys []string, opts ...WatchOpt) (KeyWatcher, error) {
	return b.watch(keys, opts)
}

func (b *keyValue) watch(keys []string, opts []WatchOpt) (KeyWatcher, error) {
	if err := checkFilters(keys...); err != nil {
		return nil, err
	}
	o, err := newWatchOpts(opts)
	if err != nil {
		return nil, err
	}
	ctx, errs := b.or(o.ctx), make(reasons, 1)
	w, err := kv.Watch(ctx, b.store, keys, o.WatchOptions, newKVEntry, kv.Hooks{Disturbed: b.disturbed, Ended: errs.end})
	if err != nil {
		return nil, err
	}
	return kvWatch{w, ctx, errs}, nil
}

// disturbed tells the connection's error handler about a watch.
func (b *keyValue) disturbed(err error) {
	b.js.nc.reportError(nil, fmt.Errorf("watch of bucket %s: %w", b.Bucket(), err))
}

func (b *keyValue) ListKeys(opts ...WatchOpt) (KeyLister, error) {
	o, err := newWatchOpts(opts)
	if err != nil {
		return nil, err
	}
	errs := make(reasons, 1)
	w, err := b.store.ListKeys(b.or(o.ctx), nil, o.WatchOptions, kv.Hooks{Disturbed: b.disturbed, Ended: errs.end})
	if err != nil {
		return nil, err
	}
	return kvList{w, errs}, nil
}

func checkFilters(filters ...string) error {
	for _, f := range filters {
		if !kv.ValidFilter(f) {
			return fmt.Errorf("%w: filter %q", ErrInvalidKey, f)
		}
	}
	return nil
}
