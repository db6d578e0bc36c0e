package jetstream

import (
	"time"

	"github.com/gannet-io/nats/internal/js/run"
	"github.com/gannet-io/nats/internal/js/wire"
)

// orderedLeft is a consumer that an ordered one has left.
type orderedLeft struct {
	name   string
	unsure bool // the server has not said that it exists
	once   bool // there are others enough to insist on
}

func (o *orderedSource) appendLeftLocked(all []orderedLeft) []orderedLeft {
	for _, name := range o.left {
		all = append(all, orderedLeft{name: name, unsure: true})
	}
	return all
}

// chosenFor bounds the deletion of a consumer whose name begins as the program says: somebody may want to use the name again.
const chosenFor = 5 * time.Second

// remove has the server delete a consumer. It does not wait.
func (o *orderedSource) remove(l orderedLeft) {
	a := o.js.api
	inactive := o.cfg.inactive()
	if o.chosen {
		inactive = min(inactive, chosenFor)
	}
	run.Remove(o.js.eng, run.Leftover{
		Request: a.Prefix + wire.ConsumerDelete(o.stream, l.name), Header: a.Header, Inactive: inactive, Unsure: l.unsure, Once: l.once,
		Sent: a.Sent,
	})
}
