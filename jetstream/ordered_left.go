package jetstream

import (
	"time"

	"github.com/gannet-io/nats/internal/js/run"
)

// chosenFor bounds the deletion of a consumer whose name begins as the program says: somebody may want to use the name again.
const chosenFor = 5 * time.Second

// leftover is one of the consumers, to be deleted; unsure: the server has not said that it exists.
func (o *orderedSource) leftover(name string, unsure bool) run.Leftover {
	l := run.LeftBehind(o.js.api, o.stream, name)
	l.Inactive, l.Unsure, l.Sent = o.cfg.inactive(), unsure, o.js.api.Sent
	if o.chosen {
		l.Inactive = min(l.Inactive, chosenFor)
	}
	return l
}

func (o *orderedSource) appendLeftLocked(all []run.Leftover) []run.Leftover {
	for _, name := range o.left {
		all = append(all, o.leftover(name, true))
	}
	return all
}

// remove has the server delete consumers. It does not wait.
func (o *orderedSource) remove(left []run.Leftover) {
	for _, l := range left {
		run.Remove(o.js.eng, l)
	}
}
