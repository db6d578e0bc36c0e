package jetstream

import (
	"errors"
	"strings"
	"testing"
)

// A list that lacks something gives what there is, and says what it lacks.
func TestListsThatAreIncomplete(t *testing.T) {
	t.Parallel()
	const (
		streams   = `{"total":2,"limit":256,"streams":[{"config":{"name":"KV_A","subjects":["$KV.A.>"]}},{"config":{"name":"OBJ_A"}}],"missing":["KV_B"]}`
		consumers = `{"total":2,"limit":256,"consumers":[{"name":"A"}],"missing":["KV_B"]}`
	)
	ctx := t.Context()
	for name, list := range map[string]func(js *jetStream) (int, error){
		"streams": func(js *jetStream) (n int, err error) {
			l := js.ListStreams(ctx)
			for range l.Info() {
				n++
			}
			return n - 1, l.Err()
		},
		"consumers": func(js *jetStream) (n int, err error) {
			l := handle(js, false).ListConsumers(ctx)
			for range l.Info() {
				n++
			}
			return n, l.Err()
		},
		"buckets": func(js *jetStream) (n int, err error) {
			l := js.KeyValueStores(ctx)
			for range l.Status() {
				n++
			}
			return n, l.Error()
		},
		"object stores": func(js *jetStream) (n int, err error) {
			l := js.ObjectStores(ctx)
			for range l.Status() {
				n++
			}
			return n, l.Error()
		},
	} {
		answer := streams
		if name == "consumers" {
			answer = consumers
		}
		js, _ := scripted(answer)
		n, err := list(js)
		if n != 1 || !errors.Is(err, ErrListIncomplete) || !strings.Contains(err.Error(), "KV_B") {
			t.Errorf("%s: got %d, %v, want 1 and an error that names KV_B", name, n, err)
		}
	}
}
