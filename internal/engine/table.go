package engine

import "sync/atomic"

// table finds the subscription of a SID without a lock: the reader does it for every run of messages. SIDs count up and are
// never used again, so a directory of pages is an array with the front given back; a map under a read lock cost 25 ns a message.
//
// Writers hold Conn.mu.
type table struct {
	dir  atomic.Pointer[[]atomic.Pointer[page]]
	next uint64 // the SID to come
	live int
}

const pageSize = 128

type page struct {
	subs [pageSize]atomic.Pointer[Sub]
	live int
}

func (t *table) lookup(sid uint64) *Sub {
	dir := t.dir.Load()
	if dir == nil || sid/pageSize >= uint64(len(*dir)) {
		return nil
	}
	p := (*dir)[sid/pageSize].Load()
	if p == nil {
		return nil
	}
	return p.subs[sid%pageSize].Load()
}

// add gives s the next SID.
func (t *table) add(s *Sub) {
	t.next++
	s.sid = t.next
	p := t.page(s.sid / pageSize)
	p.subs[s.sid%pageSize].Store(s)
	p.live++
	t.live++
}

// remove reports whether s was still there.
func (t *table) remove(s *Sub) bool {
	if t.lookup(s.sid) != s {
		return false
	}
	at := &(*t.dir.Load())[s.sid/pageSize]
	p := at.Load()
	p.subs[s.sid%pageSize].Store(nil)
	t.live--
	if p.live--; p.live == 0 && s.sid/pageSize != t.next/pageSize {
		at.Store(nil)
	}
	return true
}

// page returns the page with number i, growing the directory by doubling.
func (t *table) page(i uint64) *page {
	dir := t.dir.Load()
	if dir == nil || i >= uint64(len(*dir)) {
		size := uint64(1)
		if dir != nil {
			size = 2 * uint64(len(*dir))
		}
		grown := make([]atomic.Pointer[page], max(size, i+1))
		if dir != nil {
			for j := range *dir {
				grown[j].Store((*dir)[j].Load())
			}
		}
		t.dir.Store(&grown)
		dir = &grown
	}
	p := (*dir)[i].Load()
	if p == nil {
		p = new(page)
		(*dir)[i].Store(p)
		// The page that was the last one until now was kept though it might be empty.
		if before := (*dir)[max(i, 1)-1].Load(); before != p && before != nil && before.live == 0 {
			(*dir)[i-1].Store(nil)
		}
	}
	return p
}

// each calls f for every subscription, in the order of their SIDs.
func (t *table) each(f func(*Sub)) {
	dir := t.dir.Load()
	if dir == nil {
		return
	}
	for i := range *dir {
		p := (*dir)[i].Load()
		if p == nil {
			continue
		}
		for j := range p.subs {
			if s := p.subs[j].Load(); s != nil {
				f(s)
			}
		}
	}
}
