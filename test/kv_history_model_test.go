package test

import (
	"fmt"
	"math"
	"testing"

	"github.com/anishathalye/porcupine"
)

// kvDo is what a call does to its key.
type kvDo int

const (
	doGet        kvDo = iota // asks the leader
	doPut                    // in any case
	doCreate                 // if there is no value
	doUpdate                 // if the last revision is the one that is expected
	doDelete                 // in any case
	doDeleteLast             // if the last revision is the one that is expected
)

var kvDoes = []string{"get", "put", "create", "update", "delete", "delete last"}

func (d kvDo) writes() bool { return d != doGet }

// kvCall is one call, as it was made.
type kvCall struct {
	do     kvDo
	key    string
	value  string // of a write: no other one has it
	expect uint64
}

// kvEnd is how a call ended.
type kvEnd int

const (
	endDone    kvEnd = iota // a write is stored, a read has found a value
	endRefused              // a write found another revision, a read no value
	endBusy                 // a write was refused because another one was on its way: that one may come to nothing
	endUnknown              // a write may be stored, now or later
)

var kvEnds = []string{"done", "refused", "busy", "unknown"}

// kvAnswer is what came of a call.
type kvAnswer struct {
	end      kvEnd
	revision uint64 // 0: not told
	value    string // of a read
}

func (c kvCall) String() string {
	return fmt.Sprintf("%s %s %q expecting %d", kvDoes[c.do], c.key, c.value, c.expect)
}

func (a kvAnswer) String() string {
	return fmt.Sprintf("%s @%d %q", kvEnds[a.end], a.revision, a.value)
}

// noEnd is when calls return whose end nobody knows.
const noEnd = math.MaxInt64

// kvState is one key. A deletion does not tell its revision: it is above the one before it.
type kvState struct {
	revision      uint64
	value         string
	live, written bool
}

// has reports whether the key's last revision is r; 0: there never was one. Those of deletions are not told, so nobody expects one.
func (s kvState) has(r uint64) bool { return s.live && s.revision == r || r == 0 && !s.written }

// kvModel is a bucket, key by key.
var kvModel = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byKey := map[string][]porcupine.Operation{}
		for _, op := range history {
			key := op.Input.(kvCall).key
			byKey[key] = append(byKey[key], op)
		}
		var parts [][]porcupine.Operation
		for _, ops := range byKey {
			parts = append(parts, ops)
		}
		return parts
	},
	Init: func() any { return kvState{} },
	Step: func(state, input, output any) (bool, any) {
		return state.(kvState).step(input.(kvCall), output.(kvAnswer))
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprint(input, " -> ", output) },
}

// step reports whether a call can have had its answer in this state, and the state after it.
func (s kvState) step(c kvCall, a kvAnswer) (bool, kvState) {
	if c.do == doGet {
		if a.end == endRefused {
			return !s.live, s
		}
		return s.live && s.revision == a.revision && s.value == a.value, s
	}
	var fits bool
	switch c.do {
	case doPut, doDelete:
		fits = true
	case doCreate:
		fits = !s.live
	case doUpdate, doDeleteLast:
		fits = s.has(c.expect)
	}
	switch a.end {
	case endRefused:
		return !fits, s
	case endBusy:
		return true, s
	case endUnknown:
		if !fits {
			return true, s // it was refused, and nobody heard
		}
	}
	switch {
	case !fits, a.revision != 0 && a.revision <= s.revision:
		return false, s
	case c.do == doDelete, c.do == doDeleteLast:
		return true, kvState{revision: max(a.revision, s.revision), written: true}
	}
	return true, kvState{revision: a.revision, value: c.value, live: true, written: true}
}

// The model accepts what a bucket may do, and nothing else.
func TestKVModel(t *testing.T) {
	t.Parallel()
	done := func(revision uint64, value string) kvAnswer { return kvAnswer{endDone, revision, value} }
	refused, unknown := kvAnswer{end: endRefused}, kvAnswer{end: endUnknown}
	put, create, remove, get := kvCall{do: doPut, value: "a"}, kvCall{do: doCreate, value: "b"}, kvCall{do: doDelete}, kvCall{do: doGet}
	update := func(expect uint64) kvCall { return kvCall{do: doUpdate, value: "c", expect: expect} }
	type step struct {
		call       kvCall
		answer     kvAnswer
		begin, end int64
	}
	for name, tc := range map[string]struct {
		steps []step
		want  bool
	}{
		"what was put is read":           {[]step{{put, done(1, ""), 0, 1}, {get, done(1, "a"), 2, 3}}, true},
		"a put is forgotten":             {[]step{{put, done(1, ""), 0, 1}, {get, refused, 2, 3}}, false},
		"an old value":                   {[]step{{put, done(1, ""), 0, 1}, {update(1), done(2, ""), 2, 3}, {get, done(1, "a"), 4, 5}}, false},
		"an old value beside the update": {[]step{{put, done(1, ""), 0, 1}, {update(1), done(2, ""), 2, 5}, {get, done(1, "a"), 3, 4}}, true},
		"two updates of one revision":    {[]step{{put, done(1, ""), 0, 1}, {update(1), done(2, ""), 2, 5}, {update(1), done(3, ""), 2, 5}}, false},
		"two creations":                  {[]step{{create, done(1, ""), 0, 5}, {create, done(2, ""), 0, 5}}, false},
		"a creation behind a deletion":   {[]step{{create, done(1, ""), 0, 1}, {remove, done(0, ""), 2, 3}, {create, done(3, ""), 4, 5}}, true},
		"revisions fall":                 {[]step{{put, done(2, ""), 0, 1}, {put, done(1, ""), 2, 3}}, false},
		"an update refused for nothing":  {[]step{{put, done(1, ""), 0, 1}, {update(1), refused, 2, 3}}, false},
		"busy says nothing":              {[]step{{put, done(1, ""), 0, 1}, {update(1), kvAnswer{end: endBusy}, 2, 3}}, true},
		"a doubtful deletion happens":    {[]step{{put, done(1, ""), 0, 1}, {remove, unknown, 2, noEnd}, {get, refused, 8, 9}}, true},
		"a doubtful deletion does not":   {[]step{{put, done(1, ""), 0, 1}, {remove, unknown, 2, noEnd}, {get, done(1, "a"), 8, 9}}, true},
		"it happens before it was asked": {[]step{{put, done(1, ""), 0, 1}, {get, refused, 2, 3}, {remove, unknown, 4, noEnd}}, false},
	} {
		var ops []porcupine.Operation
		for _, s := range tc.steps {
			ops = append(ops, porcupine.Operation{Input: s.call, Output: s.answer, Call: s.begin, Return: s.end})
		}
		if got := porcupine.CheckOperations(kvModel, ops); got != tc.want {
			t.Errorf("%s: got %v, want %v", name, got, tc.want)
		}
	}
}
