package test

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// balance compares what the author was told with what is stored.
func (a *author) balance(stored map[uint64]string) {
	t := a.c.t
	t.Helper()
	at := map[uint64][]uint64{} // number: sequences, in order
	var order []uint64
	for _, seq := range slices.Sorted(maps.Keys(stored)) {
		var id int
		var n uint64
		if _, err := fmt.Sscanf(stored[seq], "%d/%d", &id, &n); err != nil || id != a.id {
			continue
		}
		at[n] = append(at[n], seq)
		order = append(order, n)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	var lost, doubled, elsewhere, unwanted, acked []uint64
	for n, how := range a.fates {
		seqs := at[n]
		switch {
		case how == kept && len(seqs) == 0:
			lost = append(lost, n)
		case how == kept && a.seqs[n] > 0 && !slices.Contains(seqs, a.seqs[n]):
			elsewhere = append(elsewhere, n)
		case how == refused && len(seqs) > 0:
			unwanted = append(unwanted, n)
		}
		if how == kept {
			acked = append(acked, n)
		}
		if len(seqs) > 1 {
			doubled = append(doubled, n)
		}
	}
	t.Logf("%-18s %5d messages, %5d acked, %5d stored, %3d calls failed, longest time without an ack %v", a.name+":", len(a.fates), len(acked), len(order), a.failed, a.gap.Round(time.Millisecond))
	for what, ns := range map[string][]uint64{
		"acknowledged and lost": lost, "stored twice": doubled, "not where the ack said": elsewhere, "stored, although refused": unwanted,
	} {
		if slices.Sort(ns); len(ns) > 0 {
			t.Errorf("%s: %d messages %s: %v", a.name, len(ns), what, ns[:min(len(ns), 10)])
		}
	}
	if a.ordered && !slices.IsSorted(order) {
		t.Errorf("%s: stored out of order", a.name)
	}
	if a.sure && a.c.served && a.failed > 0 {
		t.Errorf("%s: %d calls failed, although the servers were well: %v", a.name, a.failed, a.told.list())
	}
	if a.group > 0 {
		a.groups(at)
	}
	a.overruns.check(t, a.name, 0, &a.c.stalls)
	if n := a.told.list()[errUnresolved.Error()]; n > 0 {
		t.Errorf("%s: %d futures are not resolved", a.name, n)
	}
	a.nothingPending()
}

// nothingPending checks that the library, too, knows of no future that has not ended.
func (a *author) nothingPending() {
	t := a.c.t
	t.Helper()
	var futures interface {
		PublishAsyncPending() int
		PublishAsyncComplete() <-chan struct{}
	} = a.js
	if a.old != nil {
		futures = a.old
	}
	if n := futures.PublishAsyncPending(); n > 0 {
		t.Errorf("%s: %d futures are pending", a.name, n)
	}
	await(t, a.name+": all futures to be complete", futures.PublishAsyncComplete())
}

// groups checks that batches are whole, in one piece, and in order.
func (a *author) groups(at map[uint64][]uint64) {
	for n := range at {
		first := n - n%a.group
		for i := range a.group {
			seqs := at[first+i]
			if len(seqs) == 0 || len(at[first]) == 0 || seqs[0] != at[first][0]+i {
				a.c.t.Errorf("%s: batch %d is stored at %v, message %d of it at %v", a.name, first, at[first], i, seqs)
				return
			}
		}
	}
}
