package test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
)

// stores writes to buckets: keys that are watched, a counter that several clients raise, objects.
type stores struct {
	c    *convoy
	keys jetstream.KeyValue // each key is written once
	sums jetstream.KeyValue // has the counter
	box  jetstream.ObjectStore

	mu       sync.Mutex
	raised   map[uint64]uint64 // value of the counter: its revision, as acknowledged
	doubts   int               // raises that may have happened
	wrong    []string
	objects  map[string][]byte // as acknowledged
	reads    int
	calls    map[string]int // failed ones, by kind
	told     tally
	overruns map[string]*overruns // by kind of call
}

const (
	counterKey  = "n"
	objectBytes = 100_000
)

// buckets makes the buckets and the readers of the watched one, and starts those who write.
func (c *convoy) buckets() {
	c.t.Helper()
	for _, name := range []string{"b", "sums"} {
		c.insist("bucket "+name, func(ctx context.Context) error {
			_, err := c.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: name, Replicas: 3, History: 64})
			return err
		})
	}
	c.insist("the object bucket", func(ctx context.Context) error {
		_, err := c.js.CreateObjectStore(ctx, jetstream.ObjectStoreConfig{Bucket: "o", Replicas: 3})
		return err
	})
	c.watches()
	for i := range 2 {
		s := &stores{c: c, raised: map[uint64]uint64{}, objects: map[string][]byte{}, calls: map[string]int{}, overruns: map[string]*overruns{}}
		for _, kind := range []string{"create", "get", "update", "put", "get object"} {
			s.overruns[kind] = new(overruns)
		}
		js := c.jetStream()
		c.insist("handles", func(ctx context.Context) (err error) {
			if s.keys, err = js.KeyValue(ctx, "b"); err == nil {
				if s.sums, err = js.KeyValue(ctx, "sums"); err == nil {
					s.box, err = js.ObjectStore(ctx, "o")
				}
			}
			return err
		})
		c.stores = append(c.stores, s)
		if i == 0 {
			c.crews.Go(s.count)
			c.crews.Go(func() { s.each(10*pace, s.object) })
		}
		c.crews.Go(func() { s.each(2*pace, s.raise) })
	}
}

// watches starts a watch of each API. What disturbs them they tell their connection's error handler.
func (c *convoy) watches() {
	c.t.Helper()
	watch := &reader{name: "watch", stream: convoyKV, beat: watchBeat}
	old := &reader{name: "old watch", stream: convoyKV, beat: watchBeat}
	watch.nc, old.nc = c.dial(watch.errors()), c.dial(old.errors())
	var w jetstream.KeyWatcher
	c.insist("the watch", func(context.Context) error {
		b, err := newJS(c.t, watch.nc).KeyValue(context.Background(), "b")
		if err == nil {
			w, err = b.WatchAll(context.Background())
		}
		return err
	})
	watch.work = func(r *reader) { follows(r, w.Updates(), w.Stop) }
	var o nats.KeyWatcher
	c.insist("the old watch", func(context.Context) error {
		b, err := legacyJS(c.t, old.nc).KeyValue("b")
		if err == nil {
			o, err = b.WatchAll()
		}
		return err
	})
	old.work = func(r *reader) { follows(r, o.Updates(), o.Stop) }
	c.addReader(watch)
	c.addReader(old)
}

// follows reads a watch to its end.
func follows[E interface {
	comparable
	Revision() uint64
}](r *reader, updates <-chan E, stop func() error) {
	go func() { <-r.c.quit; _ = stop() }()
	var none E
	for e := range updates {
		if e != none {
			r.got(e.Revision())
		}
	}
	if !r.ended() {
		r.c.t.Errorf("%s ended", r.name)
	}
}

func (s *stores) each(d time.Duration, f func(i int)) { s.c.every(d*min(slower, 3), f) }

// call is one call with its bound.
func (s *stores) call(kind string, f func(ctx context.Context) error) error {
	defer s.overruns[kind].bounded(time.Now(), callFor)
	ctx, cancel := context.WithTimeout(context.Background(), callFor)
	defer cancel()
	err := f(ctx)
	if err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.calls[kind]++
		s.told.add(fmt.Errorf("%s: %w", kind, err))
	}
	return err
}

// count creates the keys 1, 2, 3 …, each until it is there.
func (s *stores) count() {
	s.each(pace, func(i int) {
		for !s.isLate() {
			var rev uint64
			err := s.call("create", func(ctx context.Context) (err error) {
				rev, err = s.keys.Create(ctx, fmt.Sprint("k", i), fmt.Append(nil, i))
				if errors.Is(err, jetstream.ErrKeyExists) { // an earlier attempt
					return nil
				}
				return err
			})
			if err == nil {
				s.c.ack(convoyKV, rev)
				return
			}
		}
	})
}

func (s *stores) isLate() bool {
	select {
	case <-s.c.giveUp:
		return true
	default:
		return false
	}
}

// raise adds one to the counter, unless somebody else was quicker.
func (s *stores) raise(int) {
	var value, rev uint64
	err := s.call("get", func(ctx context.Context) error {
		e, err := s.sums.Get(ctx, counterKey)
		switch {
		case errors.Is(err, jetstream.ErrKeyNotFound):
			return nil
		case err != nil:
			return err
		}
		rev = e.Revision()
		value, err = strconv.ParseUint(string(e.Value()), 10, 64)
		return err
	})
	if err != nil {
		return
	}
	var at uint64
	var lost bool
	err = s.call("update", func(ctx context.Context) (err error) {
		at, err = s.sums.Update(ctx, counterKey, fmt.Append(nil, value+1), rev)
		if lost = errors.Is(err, jetstream.ErrKeyRevisionMismatch); lost {
			return nil
		}
		return err
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err != nil:
		s.doubts++
	case !lost:
		if other, ok := s.raised[value+1]; ok {
			s.wrong = append(s.wrong, fmt.Sprintf("raised to %d twice, revisions %d and %d", value+1, other, at))
		}
		s.raised[value+1] = at
	}
}

// object stores an object and reads it.
func (s *stores) object(i int) {
	name, data := fmt.Sprint("o", i), noise(uint64(i), objectBytes)
	if s.call("put", func(ctx context.Context) error { _, err := s.box.PutBytes(ctx, name, data); return err }) != nil {
		return
	}
	s.mu.Lock()
	s.objects[name] = data
	s.mu.Unlock() // not deferred: what follows waits
	s.read(name, data)
}

// read gets an object. Replicas answer too, so that one that was stored a moment ago may be unknown to them.
func (s *stores) read(name string, want []byte) (ok bool) {
	var got []byte
	for end := time.Now().Add(quiet); ; pause() {
		err := s.call("get object", func(ctx context.Context) (err error) { got, err = s.box.GetBytes(ctx, name); return err })
		if err == nil {
			break
		}
		if !errors.Is(err, jetstream.ErrObjectNotFound) || time.Now().After(end) {
			return false
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	if !bytes.Equal(got, want) {
		s.wrong = append(s.wrong, fmt.Sprintf("object %s is another one: %s", name, firstDifference(got, want)))
	}
	return true
}

// balance reads everything again.
func (s *stores) balance(others map[uint64]uint64) {
	t := s.c.t
	t.Helper()
	for value, at := range s.raised {
		if other, ok := others[value]; ok {
			s.wrong = append(s.wrong, fmt.Sprintf("raised to %d by two, revisions %d and %d", value, at, other))
		}
		others[value] = at
	}
	for name, data := range s.objects {
		if !s.read(name, data) {
			s.wrong = append(s.wrong, "object "+name+" cannot be read")
		}
	}
	t.Logf("%-18s %5d raises, %3d in doubt, %4d objects, %4d read; failed %v", "buckets:", len(s.raised), s.doubts, len(s.objects), s.reads, s.calls)
	if len(s.wrong) > 0 {
		t.Errorf("buckets: %d wrong: %v", len(s.wrong), s.wrong[:min(len(s.wrong), 10)])
	}
	for kind, o := range s.overruns {
		o.check(t, "buckets, "+kind, 0, &s.c.stalls)
	}
}

// counter checks the counter against what was acknowledged: no raise is lost, none came from nowhere.
func (c *convoy) counter(raised map[uint64]uint64) {
	c.t.Helper()
	var have, doubts uint64
	c.insist("the counter", func(ctx context.Context) error {
		s, err := c.js.Stream(ctx, "KV_sums")
		if err != nil {
			return err
		}
		m, err := s.GetLastMsgForSubject(ctx, "$KV.sums."+counterKey)
		if err != nil {
			return err
		}
		have, err = strconv.ParseUint(string(m.Data), 10, 64)
		return err
	})
	for _, s := range c.stores {
		doubts += uint64(s.doubts)
	}
	top := uint64(0)
	for value := range raised {
		top = max(top, value)
	}
	c.t.Logf("counter: %d, acknowledged %d of them, highest %d, in doubt %d", have, len(raised), top, doubts)
	if have < top || have < uint64(len(raised)) || have > uint64(len(raised))+doubts {
		c.t.Errorf("the counter is %d, %d raises were acknowledged, the highest to %d, %d are in doubt", have, len(raised), top, doubts)
	}
}
