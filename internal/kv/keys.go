package kv

import (
	"context"
	"slices"
	"time"
)

// collect calls each with the entries that a watch with these options begins with. It waits for as long as entries keep coming; without a
// deadline of ctx the client's timeout without one ends it.
func (s *Store) collect(ctx context.Context, filters []string, o WatchOptions, each func(*Entry)) error {
	o.once, o.UpdatesOnly = true, false
	w, err := Watch(ctx, s, filters, o, func(e *Entry) *Entry { return e }, Hooks{})
	if err != nil {
		return err
	}
	defer w.Stop()
	silence := time.NewTimer(s.patience())
	defer silence.Stop()
	_, bounded := ctx.Deadline()
	for n := uint64(0); ; {
		select {
		case e, more := <-w.Updates():
			if !more {
				return w.Err()
			}
			n++
			each(e)
		case <-silence.C:
			if n == 0 && !bounded {
				return s.cfg.Errors.Silent
			}
			n = 0
			silence.Reset(s.patience())
		}
	}
}

// keyOptions are what a list of keys adds to the caller's.
func keyOptions(o WatchOptions) WatchOptions {
	o.IgnoreDeletes, o.MetaOnly, o.History = true, true, false
	return o
}

// Keys returns the keys that have a value, sorted; NoKeys when there are none.
func (s *Store) Keys(ctx context.Context, o WatchOptions) ([]string, error) {
	var keys []string
	if err := s.collect(ctx, nil, keyOptions(o), func(e *Entry) { keys = append(keys, e.Key) }); err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return nil, s.cfg.Errors.NoKeys
	}
	slices.Sort(keys)
	return slices.Compact(keys), nil
}

// ListKeys lists the keys that match one of filters, each once, in the order of their last revisions. The channel is closed behind the last
// one.
func (s *Store) ListKeys(ctx context.Context, filters []string, o WatchOptions, h Hooks) (*Watcher[string], error) {
	o = keyOptions(o)
	o.once, o.distinct, o.UpdatesOnly = true, true, false
	return Watch(ctx, s, filters, o, func(e *Entry) string { return e.Key }, h)
}

// History returns all entries of the keys that match, oldest first; KeyNotFound when there are none.
func (s *Store) History(ctx context.Context, filter string, o WatchOptions) ([]*Entry, error) {
	o.History = true
	var entries []*Entry
	if err := s.collect(ctx, []string{filter}, o, func(e *Entry) { entries = append(entries, e) }); err != nil {
		return nil, err
	}
	if len(entries) == 0 {
		return nil, s.cfg.Errors.KeyNotFound
	}
	return entries, nil
}
