package test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/anishathalye/porcupine"
)

// record is a history as a perfect bucket would have it: calls, what is stored, what watches got.
type record struct {
	ops    []porcupine.Operation
	reads  []directRead
	stored []entry
	all    kvWatch // of everything
	last   kvWatch // begins in the middle with the last revision of each key
}

// messy is the one key with calls that overlap and deletions in doubt, which may explain a lot.
const messy = "k0"

// newRecord plays calls against a bucket in memory.
func newRecord(seed uint64) *record {
	r := &record{last: kvWatch{last: true}}
	rng := rand.New(rand.NewPCG(seed, 1))
	state := map[string]kvState{}
	for n := range 400 {
		call := kvCall{do: kvDo(rng.IntN(len(kvDoes))), key: fmt.Sprint("k", rng.IntN(liveKeys))}
		now, a := state[call.key], kvAnswer{}
		if call.do.writes() {
			call.value = fmt.Sprint("v", n)
		}
		if call.do == doUpdate || call.do == doDeleteLast {
			if call.expect = now.revision; rng.IntN(4) == 0 || !now.live {
				call.expect = now.revision + 1000
			}
		}
		a.revision = uint64(len(r.stored) + 1)
		if call.do == doGet {
			a.revision, a.value = now.revision, now.value
		}
		fits, then := now.step(call, a)
		switch {
		case !fits:
			a = kvAnswer{end: endRefused}
		case call.do.writes():
			state[call.key] = then
			r.store(call, then)
		}
		if call.do == doDelete || call.do == doDeleteLast {
			a.revision = 0 // not told
		}
		begin := int64(10 * n)
		op := porcupine.Operation{ClientId: n % 3, Input: call, Output: a, Call: begin, Return: begin + 5}
		if call.key == messy {
			op.Return = begin + 25
		}
		if rng.IntN(20) == 0 && call.do.writes() && (call.do < doDelete || call.key == messy) {
			op.Output, op.Return = kvAnswer{end: endUnknown}, noEnd
		}
		r.ops = append(r.ops, op)
		if call.do == doGet {
			r.reads = append(r.reads, directRead{key: call.key, found: fits, revision: a.revision, value: a.value, begin: begin, end: begin + 15})
		}
	}
	first := slices.SortedFunc(maps.Values(lastOf(r.stored[:50])), func(a, b entry) int { return int(a.revision) - int(b.revision) })
	r.last.got, r.last.first = texts(append(first, r.stored[50:]...)), len(first)
	r.all.got = texts(r.stored)
	return r
}

func (r *record) store(call kvCall, then kvState) {
	e := entry{key: call.key, value: call.value, revision: uint64(len(r.stored) + 1)}
	if !then.live {
		e.op, e.value = 1, ""
	}
	r.stored = append(r.stored, e)
}

// problems is what the checks report.
func (r *record) problems() (all []string) {
	report := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	c := &chronicle{report: report, ops: slices.Clone(r.ops), reads: r.reads}
	c.check(r.stored)
	r.all.compare(r.stored, report)
	r.last.compare(r.stored, report)
	return all
}

// find is a call in the second half; skip leaves out so many.
func (r *record) find(skip int, is func(c kvCall, a kvAnswer) bool) *porcupine.Operation {
	for i := len(r.ops) / 2; i < len(r.ops); i++ {
		if c := r.ops[i].Input.(kvCall); c.key == messy || !is(c, r.ops[i].Output.(kvAnswer)) {
			continue
		}
		if skip--; skip < 0 {
			return &r.ops[i]
		}
	}
	panic("there is no such call")
}

func acked(c kvCall, a kvAnswer) bool { return a.end == endDone && c.do == doPut }
func gotten(c kvCall, a kvAnswer) bool {
	return a.end == endDone && c.do == doGet
}
func turnedDown(c kvCall, a kvAnswer) bool { return a.end == endRefused && c.do == doUpdate }

// drop makes as if a revision had never been stored, for watches too.
func (r *record) drop(revision uint64) {
	e := r.stored[revision-1]
	r.stored = slices.Delete(slices.Clone(r.stored), int(revision-1), int(revision))
	gone := func(text string) bool { return text == e.String() }
	r.all.got, r.last.got = slices.DeleteFunc(r.all.got, gone), slices.DeleteFunc(r.last.got, gone)
}

// add stores an entry at the end, and has watches see it.
func (r *record) add(e entry) {
	e.revision = uint64(len(r.stored) + 1)
	r.stored = append(r.stored, e)
	r.all.got, r.last.got = append(r.all.got, e.String()), append(r.last.got, e.String())
}

// Each kind of fault that a bucket, a cluster or a watch could have is reported, one at a time, and nothing is where there is none.
func TestKVHistoryIsChecked(t *testing.T) {
	t.Parallel()
	middle := func(r *record) int { return r.last.first + 20 }
	faults := map[string]func(r *record){
		"a write is lost": func(r *record) { r.drop(r.find(0, acked).Output.(kvAnswer).revision) },
		"a write is stored twice": func(r *record) {
			r.add(r.stored[r.find(0, acked).Output.(kvAnswer).revision-1])
		},
		"a write in doubt is stored twice": func(r *record) {
			op := r.find(0, acked)
			e := r.stored[op.Output.(kvAnswer).revision-1]
			op.Output, op.Return = kvAnswer{end: endUnknown}, noEnd
			r.add(e)
		},
		"what was refused is stored": func(r *record) {
			c := r.find(0, turnedDown).Input.(kvCall)
			r.add(entry{key: c.key, value: c.value})
		},
		"what nobody wrote is stored": func(r *record) { r.add(entry{key: "k1", value: "who?"}) },
		"another revision is acknowledged": func(r *record) {
			op := r.find(0, acked)
			a := op.Output.(kvAnswer)
			a.revision++
			op.Output = a
		},
		"a deletion is lost": func(r *record) {
			r.drop(r.stored[slices.IndexFunc(r.stored, func(e entry) bool { return e.op == 1 && e.key != messy })].revision)
		},
		"a deletion that nobody asked for": func(r *record) { r.add(entry{key: "k1", op: 1}) },
		"a leader reads the revision before": func(r *record) {
			op := r.find(0, func(c kvCall, a kvAnswer) bool { return gotten(c, a) && r.before(c.key, a.revision) != nil })
			e := r.before(op.Input.(kvCall).key, op.Output.(kvAnswer).revision)
			op.Output = kvAnswer{revision: e.revision, value: e.value}
		},
		"a leader does not find the key": func(r *record) { r.find(0, gotten).Output = kvAnswer{end: endRefused} },
		"a leader reads the future": func(r *record) {
			op := r.find(0, gotten)
			for _, e := range slices.Backward(r.stored) {
				if e.key == op.Input.(kvCall).key && e.op == 0 {
					op.Output = kvAnswer{revision: e.revision, value: e.value}
					return
				}
			}
		},
		"an update is refused for nothing": func(r *record) {
			op := r.find(0, func(c kvCall, a kvAnswer) bool { return a.end == endDone && c.do == doUpdate })
			r.drop(op.Output.(kvAnswer).revision)
			op.Output = kvAnswer{end: endRefused}
		},
		"two updates of one revision": func(r *record) {
			op := r.find(1, func(c kvCall, a kvAnswer) bool { return a.end == endDone && c.do == doUpdate })
			c := op.Input.(kvCall)
			c.expect = r.before(c.key, c.expect).revision
			op.Input = c
		},
		"a creation on top of a value": func(r *record) {
			op := r.find(0, func(c kvCall, a kvAnswer) bool { return a.end == endDone && c.do == doUpdate })
			c := op.Input.(kvCall)
			c.do = doCreate
			op.Input = c
		},
		"a replica reads another value":       func(r *record) { r.read().value += "x" },
		"a replica reads another revision":    func(r *record) { r.read().revision-- },
		"a replica reads what is not yet":     func(r *record) { d := r.read(); d.begin, d.end = 0, 1 },
		"a replica is asked for one, reads..": func(r *record) { d := r.read(); d.asked = d.revision + 1 },
		"a watch leaves one out":              func(r *record) { r.all.got = slices.Delete(r.all.got, 20, 21) },
		"a watch leaves out the last":         func(r *record) { r.all.got = r.all.got[:len(r.all.got)-1] },
		"a watch gets one twice":              func(r *record) { r.all.got = slices.Insert(r.all.got, 20, r.all.got[20]) },
		"a watch gets two in another order": func(r *record) {
			r.all.got[20], r.all.got[21] = r.all.got[21], r.all.got[20]
		},
		"a watch of last values leaves one out":         func(r *record) { r.last.got = slices.Delete(r.last.got, middle(r), middle(r)+1) },
		"a watch of last values gets one twice":         func(r *record) { r.last.got = slices.Insert(r.last.got, middle(r), r.last.got[middle(r)]) },
		"a watch of last values begins with an old one": func(r *record) { r.last.got[0] = r.all.got[0] + "?" },
		"a watch of last values leaves out the last":    func(r *record) { r.last.got = r.last.got[:len(r.last.got)-1] },
	}
	for seed := range uint64(5) {
		if got := newRecord(seed).problems(); len(got) > 0 {
			t.Errorf("seed %d, without a fault: %q", seed, got)
		}
		for name, spoil := range faults {
			r := newRecord(seed)
			spoil(r)
			if len(r.problems()) == 0 {
				t.Errorf("seed %d: not noticed: %s", seed, name)
			}
		}
	}
}

// before is the value of a key before a revision; nil: there was none.
func (r *record) before(key string, revision uint64) *entry {
	for _, e := range slices.Backward(r.stored[:revision-1]) {
		if e.key == key && e.op == 0 {
			return &e
		}
	}
	return nil
}

// read is a read at a replica that found something.
func (r *record) read() *directRead {
	return &r.reads[slices.IndexFunc(r.reads, func(d directRead) bool { return d.found && d.begin > 100 })]
}
