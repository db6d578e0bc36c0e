package test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// check draws the balance of a history, and says in figures what it was. stored is everything that the bucket has.
func (c *chronicle) check(stored []entry) (told []string) {
	c.settle(stored)
	begin := time.Now()
	for _, ops := range kvModel.Partition(c.ops) {
		switch porcupine.CheckOperationsTimeout(kvModel, ops, time.Minute) {
		case porcupine.Illegal:
			c.report("not linearizable:\n%s", story(shortest(ops)))
		case porcupine.Unknown:
			c.report("whether it is linearizable was not found out in time:\n%s", story(ops))
		}
	}
	took := time.Since(begin)
	ends := map[string]int{}
	for _, op := range c.ops {
		ends[kvDoes[op.Input.(kvCall).do]+" "+kvEnds[op.Output.(kvAnswer).end]]++
	}
	return []string{
		fmt.Sprintf("%d calls, %d keys, checked in %v: %v; failed: %v", len(c.ops), c.made, took.Round(time.Millisecond), ends, c.odd),
		c.checkReads(stored),
	}
}

// settle takes out writes of which nobody knows whether they were stored, when they were not, and gives the others their revisions. It
// compares what was acknowledged with what is stored.
func (c *chronicle) settle(stored []entry) {
	byValue, deletions := map[string]entry{}, map[string]int{}
	for _, e := range stored {
		if e.op != 0 {
			deletions[e.key]++
			continue
		}
		if other, is := byValue[e.value]; is {
			c.report("stored twice: %v and %v", other, e)
		}
		byValue[e.value] = e
	}
	sure, doubtful, asked := map[string]int{}, map[string]int{}, map[string]bool{}
	c.ops = slices.DeleteFunc(c.ops, func(op porcupine.Operation) bool {
		call, a := op.Input.(kvCall), op.Output.(kvAnswer)
		e, is := byValue[call.value]
		asked[call.value] = true
		switch {
		case !call.do.writes():
			return false
		case call.do == doDelete || call.do == doDeleteLast:
			if a.end == endDone {
				sure[call.key]++
			} else if a.end == endUnknown {
				doubtful[call.key]++
			}
			return false
		case a.end == endDone && (e.key != call.key || e.revision != a.revision):
			c.report("%v -> %v, but stored is %v", call, a, e)
		case a.end != endDone && a.end != endUnknown && is:
			c.report("%v -> %v, but stored is %v", call, a, e)
		}
		return a.end == endUnknown && !is
	})
	for i, op := range c.ops {
		call, a := op.Input.(kvCall), op.Output.(kvAnswer)
		if e, is := byValue[call.value]; is && a.end == endUnknown && call.do.writes() {
			c.ops[i].Output = kvAnswer{end: endDone, revision: e.revision}
		}
	}
	for value, e := range byValue {
		if !asked[value] {
			c.report("stored is %v, which nobody wrote", e)
		}
	}
	for key := range maps.Keys(lastOf(stored)) {
		if n := deletions[key]; n < sure[key] || n > sure[key]+doubtful[key] {
			c.report("%s was deleted %d times, acknowledged %d, in doubt %d", key, n, sure[key], doubtful[key])
		}
	}
}

// checkReads checks what replicas answered: each answer is a revision of the key that was there at some time before.
func (c *chronicle) checkReads(stored []entry) (told string) {
	byRevision := map[uint64]entry{}
	for _, e := range stored {
		byRevision[e.revision] = e
	}
	written := map[string]porcupine.Operation{} // by value
	for _, op := range c.ops {
		if call := op.Input.(kvCall); call.do.writes() {
			written[call.value] = op
		}
	}
	old, back, absent := 0, 0, 0
	for _, r := range c.reads {
		switch {
		case !r.found:
			if r.asked != 0 && byRevision[r.asked].op == 0 {
				absent++
			}
			continue
		case r.asked != 0 && r.revision != r.asked:
			c.report("asked for %s@%d, got @%d", r.key, r.asked, r.revision)
		}
		if e := byRevision[r.revision]; e.key != r.key || e.value != r.value || e.op != 0 {
			c.report("read %s=%s@%d, stored is %v", r.key, r.value, r.revision, e)
			continue
		}
		if op, is := written[r.value]; !is || op.Call > r.end {
			c.report("read %s=%s@%d before it was written", r.key, r.value, r.revision)
		}
		if r.back {
			back++
		}
		if r.asked == 0 && c.isOld(r) {
			old++
		}
	}
	return fmt.Sprintf("%d reads at replicas: %d got what was not the last value any more, %d went back over the same link, %d did not find a revision that was there",
		len(c.reads), old, back, absent)
}

// isOld reports whether a later write of the key had been acknowledged before the read began.
func (c *chronicle) isOld(r directRead) bool {
	return slices.ContainsFunc(c.ops, func(op porcupine.Operation) bool {
		call, a := op.Input.(kvCall), op.Output.(kvAnswer)
		return call.key == r.key && call.do.writes() && a.end == endDone && a.revision > r.revision && op.Return < r.begin
	})
}

// shortest is the beginning of a history that is not linearizable, up to the answer that makes it so. Of calls that had no answer by then
// nothing is known.
func shortest(ops []porcupine.Operation) []porcupine.Operation {
	ops = slices.Clone(ops)
	slices.SortFunc(ops, func(a, b porcupine.Operation) int { return cmp.Compare(a.Return, b.Return) })
	n := sort.Search(len(ops), func(n int) bool {
		return porcupine.CheckOperationsTimeout(kvModel, until(ops, ops[n].Return), time.Minute) == porcupine.Illegal
	})
	return until(ops, ops[min(n, len(ops)-1)].Return)
}

// until is what was known at a time.
func until(ops []porcupine.Operation, at int64) (known []porcupine.Operation) {
	for _, op := range ops {
		if op.Return > at {
			op.Return, op.Output = noEnd, kvAnswer{end: endUnknown}
		}
		if op.Call <= at && (op.Return != noEnd || op.Input.(kvCall).do.writes()) {
			known = append(known, op)
		}
	}
	return known
}

// story is the history of one key.
func story(ops []porcupine.Operation) string {
	ops = slices.Clone(ops)
	sort.Slice(ops, func(i, j int) bool { return ops[i].Call < ops[j].Call })
	var b strings.Builder
	for _, op := range ops {
		end := "never"
		if op.Return != noEnd {
			end = time.Duration(op.Return).String()
		}
		fmt.Fprintf(&b, "%v to %s, client %d: %v -> %v\n", time.Duration(op.Call), end, op.ClientId, op.Input, op.Output)
	}
	return b.String()
}

// kvWatches are watches of the bucket b over bad links, in both APIs.
type kvWatches struct {
	t   *testing.T
	s   *storm
	all []*kvWatch
	wg  sync.WaitGroup
}

// kvWatch is one of them.
type kvWatch struct {
	*watching
	name string
	last bool // wants the last revision of each key only

	mu    sync.Mutex
	got   []string
	first int // how many of them came before the mark
}

// newKVWatches starts those that see everything from the beginning.
func newKVWatches(s *storm) *kvWatches {
	w := &kvWatches{t: s.t, s: s}
	s.t.Cleanup(w.stop)
	for i, older := range []bool{false, true, false} {
		w.add(i, older, watchHow{history: i > 0}, "from the beginning")
	}
	return w
}

// late starts some in the middle.
func (w *kvWatches) late() {
	w.t.Helper()
	for _, older := range []bool{false, true} {
		w.add(2, older, watchHow{history: true}, "with history")
		w.add(1, older, watchHow{}, "of last values").last = true
	}
}

func (w *kvWatches) add(i int, older bool, how watchHow, name string) *kvWatch {
	w.t.Helper()
	b := w.s.open(w.s.dial(i), older, "b")
	one := &kvWatch{name: fmt.Sprintf("watch %s, older %v", name, older)}
	w.s.insist(name, func(context.Context) (err error) { one.watching, err = b.watch(how); return err })
	w.all = append(w.all, one)
	w.wg.Go(one.read)
	return one
}

func (w *kvWatch) read() {
	for {
		u, open, came := w.take(patience)
		switch {
		case !open:
			return
		case came:
			w.note(u)
		}
	}
}

func (w *kvWatch) note(update string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if update == mark {
		w.first = len(w.got)
	} else {
		w.got = append(w.got, update)
	}
}

func (w *kvWatch) seen() (got []string, first int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.got), w.first
}

func (w *kvWatches) stop() {
	for _, one := range w.all {
		one.stop()
	}
	w.wg.Wait()
}

// end waits for the last entry, and compares.
func (w *kvWatches) end(stored []entry) {
	t := w.t
	t.Helper()
	last := stored[len(stored)-1].String()
	for _, one := range w.all {
		eventually(t, one.name+": the last entry", func() bool {
			got, _ := one.seen()
			return len(got) > 0 && got[len(got)-1] == last
		})
	}
	w.stop()
	for _, one := range w.all {
		one.compare(stored, func(format string, args ...any) { t.Errorf(one.name+": "+format, args...) })
	}
}

// compare wants the watch to have got everything that is stored, or that and the last of each key.
func (w *kvWatch) compare(stored []entry, report func(format string, args ...any)) {
	got, first := w.seen()
	want := texts(stored)
	if w.last {
		compareLasts(got, want, first, lastOf(stored), report)
		return
	}
	if i := firstOther(got, want); i >= 0 {
		report("got %d entries, want %d; they differ from %d on: %v, want %v", len(got), len(want), i,
			got[min(i, len(got)):min(i+3, len(got))], want[min(i, len(want)):min(i+3, len(want))])
	}
}

// compareLasts is for a watch that begins with the last entries: what it got is stored, in order, once each, nothing is left out behind the
// first entries, and it ends with the last of each key.
func compareLasts(got, want []string, first int, last map[string]entry, report func(format string, args ...any)) {
	place := map[string]int{}
	for i, text := range want {
		place[text] = i
	}
	at := -1
	final := map[string]string{}
	for n, text := range got {
		i, is := place[text]
		if !is || i <= at || n > 0 && n >= first && i != at+1 {
			report("got %s behind %s", text, want[max(at, 0)])
		}
		at = i
		final[text[:strings.IndexAny(text, "=-")]] = text
	}
	for key, e := range last {
		if final[key] != e.String() {
			report("ends with %q, want %v", final[key], e)
		}
	}
}

// firstOther is the first place at which lists differ; -1: they do not.
func firstOther(a, b []string) int {
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || a[i] != b[i] {
			return i
		}
	}
	return -1
}
