package engine

import (
	"fmt"
	"sync"
	"testing"

	"github.com/gannet-io/nats/internal/proto"
)

// TestAppendHeader: whatever headers came before, the block is that of the proto package.
func TestAppendHeader(t *testing.T) {
	t.Parallel()
	headers := []map[string][]string{
		nil, {}, {"A": {"1"}}, {"B": {"2", " 3\n"}}, {"B": {"2"}, "A": {"1"}}, {"A": nil, "b": {"2"}}, {"A": {"1"}, "B": {"2"}, "C": {"3"}},
		{"no token": {"1"}}, {"A": {"1"}, "": {"2"}}, {},
	}
	many := map[string][]string{}
	for i := range 13 {
		many[fmt.Sprint("Key-", i)] = []string{"v"}
	}
	headers = append(headers, many)
	c := new(Conn)
	var all sync.WaitGroup
	for first := range 4 {
		all.Go(func() {
			for i := range 20 * learnEvery {
				h := headers[(i*i+first)%len(headers)]
				got, err := c.AppendHeader([]byte("x"), h)
				want, wantErr := proto.AppendHeader([]byte("x"), h)
				if err != wantErr || string(got) != string(want) {
					t.Errorf("%q: got %q, %v; want %q, %v", h, got, err, want, wantErr)
				}
				own, err := c.EncodeHeader(h)
				if err == nil && string(own) != string(want[1:]) || err != wantErr || err != nil && own != nil {
					t.Errorf("EncodeHeader(%q): got %q, %v; want %q, %v", h, own, err, want[1:], wantErr)
				}
			}
		})
	}
	all.Wait()
}

// TestHeaderKeysAreLearnt: the keys of the first header are known at once; others take their place when they have come often enough.
func TestHeaderKeysAreLearnt(t *testing.T) {
	t.Parallel()
	c := new(Conn)
	knows := func(h map[string][]string) bool {
		set := c.keys.sets[len(h)].Load()
		if set == nil {
			return false
		}
		_, ok := set.Append(nil, h)
		return ok
	}
	first, second, other := map[string][]string{"A": {"1"}}, map[string][]string{"B": {"1"}}, map[string][]string{"A": {"1"}, "B": {"1"}}
	encode := func(h map[string][]string) {
		if _, err := c.AppendHeader(nil, h); err != nil {
			t.Fatal(err)
		}
	}
	encode(first)
	encode(other)
	for range learnEvery - 1 {
		encode(second)
		encode(first)
	}
	if !knows(first) || knows(second) || !knows(other) {
		t.Errorf("known: %v, %v, %v; want the first one and that of two keys", knows(first), knows(second), knows(other))
	}
	encode(second)
	if knows(first) || !knows(second) || !knows(other) {
		t.Errorf("known after %d others: %v, %v, %v; want the second one and that of two keys", learnEvery, knows(first), knows(second), knows(other))
	}
}

// TestAppendHeaderDoesNotAllocate, neither where keys are known nor where they take turns. Not parallel: allocations are counted for the whole process.
func TestAppendHeaderDoesNotAllocate(t *testing.T) {
	c := new(Conn)
	turns := []map[string][]string{{"A": {"1"}}, {"B": {"1"}}}
	i := 0
	got := testing.AllocsPerRun(10_000, func() {
		var buf [64]byte
		if _, err := c.AppendHeader(buf[:0], turns[i%2]); err != nil {
			t.Error(err)
		}
		i++
	})
	if got >= 1 {
		t.Errorf("got %v allocations per call, want 0", got)
	}
}
