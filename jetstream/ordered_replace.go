package jetstream

import (
	"encoding/json"
	"time"

	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/proto"
)

// A consumer is replaced when servers go and leaders change, which is when requests get lost: one whose deletion nobody has answered is
// deleted again behind the next one that could be made.
const (
	replaceWithin = 2 * time.Second // for the answer
	replaceTries  = 3               // a deletion that is not permitted is not answered either
)

// replaced waits for the answer to a deletion.
type replaced struct {
	o    *orderedSource
	name string
}

var _ engine.Waiter = replaced{}

// replace has the server delete a consumer that there is another one for. It does not wait.
func (o *orderedSource) replace(name string) {
	o.noteTry(name)
	deadline := mono.Now().Add(replaceWithin)
	if _, err := o.js.eng.Ask(o.deletion(name), nil, nil, replaced{o, name}, deadline, engine.AskOpts{Now: true, FailOnDisconnect: true}); err != nil {
		o.heard(name, false)
	}
}

// Reply is part of [engine.Waiter]. What the server refuses, because there is none or for good, needs no other attempt.
func (r replaced) Reply(f *proto.Frame) {
	_, unheard := wire.StatusOf(f.Header, f.Data)
	var e wire.Envelope
	if err := json.Unmarshal(f.Data, &e); err != nil || e.Error != nil && e.Error.Code >= 500 {
		unheard = true
	}
	r.o.heard(r.name, !unheard)
}

// Fail is part of [engine.Waiter].
func (r replaced) Fail(error) { r.o.heard(r.name, false) }

func (o *orderedSource) noteTry(name string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.tries == nil {
		o.tries = make(map[string]int)
	}
	o.tries[name]++
}

// heard notes the outcome of a deletion.
func (o *orderedSource) heard(name string, done bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !done && !o.over && o.tries[name] < replaceTries && len(o.left) < leftMost {
		o.left = append(o.left, name)
		return
	}
	delete(o.tries, name)
}

// remove has the server delete a consumer at the end, when nobody is there to hear the answer. Without a link it is sent when there is one.
func (o *orderedSource) remove(name string) {
	_ = o.js.conn.PublishNow(o.deletion(name), o.js.eng.NewInbox(), nil, nil) // else the server does it after the threshold
}

// deletion is the subject of a request that is about to be sent.
func (o *orderedSource) deletion(name string) string {
	a := o.js.api
	subj := a.Prefix + wire.ConsumerDelete(o.stream, name)
	if a.Sent != nil {
		a.Sent(subj, nil)
	}
	return subj
}
