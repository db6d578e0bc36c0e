package micro

import "slices"

// Group gives endpoints a common prefix of their subjects, a queue group, and middleware. Its methods may be called concurrently.
type Group interface {
	// AddGroup returns a group inside of this one. Name is one or more tokens; empty: none is added. A bad one is found by AddEndpoint.
	AddGroup(name string, opts ...GroupOpt) Group
	// AddEndpoint adds an endpoint whose subject begins with the group's prefix; everything else, errors too, is as in [Service].AddEndpoint.
	AddEndpoint(name string, handler Handler, opts ...EndpointOpt) error
}

// GroupOpt is an option of AddGroup. Nil options are skipped.
type GroupOpt func(*groupOpts)

type groupOpts struct {
	queue      string
	disabled   bool
	middleware []Middleware
}

// WithGroupQueueGroup sets the queue group of the group's endpoints; empty: that of the group around it, or of the service.
func WithGroupQueueGroup(queueGroup string) GroupOpt {
	return func(o *groupOpts) { o.queue = queueGroup }
}

// WithGroupQueueGroupDisabled has every instance get every request of the group's endpoints, unless they have a queue group of their own.
// It rules over [WithGroupQueueGroup].
func WithGroupQueueGroupDisabled() GroupOpt {
	return func(o *groupOpts) { o.disabled = true }
}

// WithGroupMiddleware puts middleware around the handlers of the group's endpoints, the first outermost, inside that of what is around the group.
func WithGroupMiddleware(middleware ...Middleware) GroupOpt {
	middleware = slices.Clone(middleware)
	return func(o *groupOpts) { o.middleware = append(slices.Clip(o.middleware), middleware...) }
}

func (p place) AddGroup(name string, opts ...GroupOpt) Group {
	var o groupOpts
	for _, opt := range opts {
		if opt != nil {
			opt(&o)
		}
	}
	switch {
	case p.prefix == "":
		p.prefix = name
	case name != "":
		p.prefix += "." + name
	}
	switch {
	case o.disabled:
		p.queue = ""
	case o.queue != "":
		p.queue = o.queue
	}
	p.middleware = append(slices.Clip(p.middleware), o.middleware...)
	return p
}

func (p place) AddEndpoint(name string, handler Handler, opts ...EndpointOpt) error {
	return p.add(name, handler, opts)
}
