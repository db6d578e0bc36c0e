package session

import (
	"fmt"
	"slices"

	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/pool"
)

// answer is all that can be seen of a machine after an event.
type answer struct {
	event    string // "ok", "tick", ...; see events
	number   uint64 // of the dial, for ok and fail
	due      bool   // the deadline was reached before the event
	acts     []Action
	status   Status
	deadline mono.Time
	now      mono.Time
	servers  []pool.Server
}

// observer checks the invariants of package session from outside: it knows the actions, the status and the deadline, and nothing of the
// machine's fields.
type observer struct {
	cfg Config

	status    Status
	flights   map[uint64]*pool.Server
	lastDial  uint64
	link      bool
	connected bool // a link was told and its end not yet
	ever      bool
	answers   int // of Connect
	done      bool
	closed    bool // TellClosed
	asking    Kind // AskDelay or AskServer, while outstanding
	resting   bool // in a pause
	over      bool
}

func newObserver(cfg Config) *observer {
	return &observer{cfg: cfg, flights: make(map[uint64]*pool.Server)}
}

// legal are the transitions that a user may see.
var legal = map[Status][]Status{
	Disconnected: {Connecting, Closed},
	Connecting:   {Connected, Reconnecting, Closed},
	Connected:    {Reconnecting, DrainingSubs, Disconnected, Closed},
	Reconnecting: {Connected, Closed},
	DrainingSubs: {DrainingPubs, Disconnected, Closed},
	DrainingPubs: {Disconnected, Closed},
	Closed:       {},
}

// see checks one event. Its error begins with the name of the invariant that is broken.
func (o *observer) see(a *answer) error {
	if o.over {
		if len(a.acts) > 0 || a.status != Closed || a.deadline != mono.Never {
			return fmt.Errorf("closed is final: after Finish, %s gave %v, status %v, deadline %v", a.event, a.acts, a.status, a.deadline)
		}
		return nil
	}
	if err := o.before(a); err != nil {
		return err
	}
	for i, act := range a.acts {
		if o.over {
			return fmt.Errorf("closed is final: %v behind finish", act)
		}
		if err := o.act(a, i, act); err != nil {
			return err
		}
	}
	return o.after(a)
}

// before takes note of what the event itself changes.
func (o *observer) before(a *answer) error {
	switch a.event {
	case "ok", "fail":
		if o.flights[a.number] != nil {
			delete(o.flights, a.number)
			return nil
		}
		if len(a.acts) > 0 {
			return fmt.Errorf("ill-timed events do nothing: result of dial %d, which is not in flight, gave %v", a.number, a.acts)
		}
	case "delay":
		if o.asking == AskDelay {
			o.asking, o.resting = 0, true
			return nil
		}
	case "chosen":
		if o.asking == AskServer {
			o.asking, o.resting = 0, true
			return nil
		}
	case "tick":
		if !a.due && len(a.acts) > 0 {
			return fmt.Errorf("ill-timed events do nothing: tick before the deadline gave %v", a.acts)
		}
		if a.due {
			o.asking = 0
		}
		return nil
	case "force":
		if o.asking == AskDelay {
			o.asking = 0
		}
		return nil
	default:
		return nil
	}
	if (a.event == "delay" || a.event == "chosen") && len(a.acts) > 0 {
		return fmt.Errorf("ill-timed events do nothing: %s, which nobody asked for, gave %v", a.event, a.acts)
	}
	return nil
}

func (o *observer) act(a *answer, i int, act Action) error {
	switch act.Kind {
	case Dial:
		return o.dial(a, act)
	case Abort:
		if o.flights[act.Dial] == nil {
			return fmt.Errorf("every dial ends once: abort of %d, which is not in flight", act.Dial)
		}
		delete(o.flights, act.Dial)
	case Install:
		switch {
		case a.event != "ok" || a.number != act.Dial:
			return fmt.Errorf("one install per success: install of %d at %s %d", act.Dial, a.event, a.number)
		case o.link:
			return fmt.Errorf("one install per success: install of %d over a link", act.Dial)
		case len(o.flights) > 0:
			return fmt.Errorf("every dial ends once: %d in flight at the install", len(o.flights))
		}
		o.link, o.resting, o.asking = true, false, 0
	case CloseLink:
		o.link = false
	case SendPing:
		if !o.link {
			return fmt.Errorf("pings need a link: %s gave one without", a.event)
		}
	case AskDelay, AskServer:
		if o.asking != 0 || len(o.flights) > 0 {
			return fmt.Errorf("one wait at a time: %v while %v is asked and %d dials are in flight", act, o.asking, len(o.flights))
		}
		o.asking, o.resting = act.Kind, false
	case Emit:
		if !slices.Contains(legal[o.status], act.Status) {
			return fmt.Errorf("legal transitions: %v to %v", o.status, act.Status)
		}
		o.status = act.Status
	case ConnectDone, ConnectFailed:
		if o.answers++; o.answers > 1 {
			return fmt.Errorf("connect is answered once: %v is a second answer", act)
		}
		o.done = act.Kind == ConnectDone
	case Finish:
		o.over = true
		return o.finished()
	default:
		return o.tell(i, act)
	}
	return nil
}

func (o *observer) dial(a *answer, act Action) error {
	o.flights[act.Dial] = act.Server
	seen := make(map[*pool.Server]bool)
	for _, s := range o.flights {
		if seen[s] {
			return fmt.Errorf("dials differ: two of %s at once", s.URL.Host)
		}
		seen[s] = true
	}
	switch {
	case act.Dial <= o.lastDial:
		return fmt.Errorf("every dial ends once: number %d after %d", act.Dial, o.lastDial)
	case len(o.flights) > maxDials:
		return fmt.Errorf("dials differ: %d at once", len(o.flights))
	case o.link:
		return fmt.Errorf("one install per success: dial %d over a link", act.Dial)
	case o.asking != 0:
		return fmt.Errorf("one wait at a time: dial %d while %v is asked", act.Dial, o.asking)
	case o.resting && a.event == "tick" && !a.due, o.resting && !slices.Contains([]string{"tick", "force", "chosen"}, a.event):
		return fmt.Errorf("one wait at a time: %s cut a pause short", a.event)
	}
	o.lastDial, o.resting = act.Dial, false
	return nil
}

func (o *observer) tell(i int, act Action) error {
	broken := false
	switch act.Kind {
	case TellConnected:
		broken = o.ever || o.connected
		o.ever, o.connected = true, true
	case TellReconnected:
		broken = !o.ever || o.connected
		o.connected = true
	case TellDisconnected:
		o.connected = false
	case TellClosed:
		broken = o.closed || o.connected
		o.closed = true
	case TellReconnectFailed:
		broken = o.connected
	case FailPending:
		broken = act.Err == nil
	case TellError:
		broken = act.Err == nil
	}
	if broken {
		return fmt.Errorf("callbacks in order: %v as action %d (connected %v, ever %v, connect done %v)", act, i, o.connected, o.ever, o.done)
	}
	return nil
}

func (o *observer) finished() error {
	switch {
	case len(o.flights) > 0:
		return fmt.Errorf("every dial ends once: %d in flight at the end", len(o.flights))
	case o.answers != 1:
		return fmt.Errorf("connect is answered once: %d answers at the end", o.answers)
	case o.link:
		return fmt.Errorf("a closed link is closed: finish without close-link")
	case o.done != o.closed:
		return fmt.Errorf("callbacks in order: connect succeeded %v, closed told %v", o.done, o.closed)
	case o.status != Closed:
		return fmt.Errorf("legal transitions: finish in %v", o.status)
	}
	return nil
}

// after checks what must hold between events.
func (o *observer) after(a *answer) error {
	if a.status != o.status {
		return fmt.Errorf("the status was emitted: it is %v, the last emitted one is %v", a.status, o.status)
	}
	if o.over {
		if a.deadline != mono.Never {
			return fmt.Errorf("closed is final: deadline %v behind finish", a.deadline)
		}
		return nil
	}
	switch up := a.status == Connected || a.status == DrainingSubs || a.status == DrainingPubs; {
	case up != o.link:
		return fmt.Errorf("a closed link is closed: status %v with link %v", a.status, o.link)
	case up != o.connected:
		return fmt.Errorf("callbacks in order: status %v, told connected %v", a.status, o.connected)
	case up && o.cfg.PingInterval > 0 && a.deadline == mono.Never:
		return fmt.Errorf("every state ends: pings are on and nothing is due")
	case a.status == Reconnecting:
		return o.reconnecting(a)
	case a.status == Connecting && len(o.flights) == 0:
		return fmt.Errorf("every state ends: connecting without a dial")
	}
	for _, s := range a.servers {
		if max := o.cfg.MaxReconnect; max > 0 && s.Failures >= max {
			return fmt.Errorf("failures are counted: %s is in the pool with %d of %d", s.URL.Host, s.Failures, max)
		}
	}
	return nil
}

func (o *observer) reconnecting(a *answer) error {
	if len(o.flights) == 0 && o.asking == 0 {
		o.resting = true
	}
	waits := 0
	for _, is := range []bool{len(o.flights) > 0, o.asking != 0, o.resting} {
		if is {
			waits++
		}
	}
	switch {
	case waits != 1:
		return fmt.Errorf("one wait at a time: %d dials, %v asked, pause %v", len(o.flights), o.asking, o.resting)
	case a.deadline == mono.Never && (len(o.flights) == 0 || o.cfg.DialLimit > 0):
		return fmt.Errorf("every state ends: reconnecting with %d dials and nothing due", len(o.flights))
	}
	return nil
}
