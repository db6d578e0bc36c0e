package micro

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/gannet-io/nats"
)

// interceptor is the error handler of a connection with services. It calls the one that was there before.
type interceptor struct {
	before   nats.ErrHandler
	services map[*service]bool // guarded by interceptors.mu
}

// interceptors are those of the connections that have services now.
var interceptors = struct {
	mu sync.Mutex // before the connections' locks
	of map[*nats.Conn]*interceptor
}{of: make(map[*nats.Conn]*interceptor)}

// intercept has errors of the connection's subscriptions reach s.
func intercept(s *service) {
	interceptors.mu.Lock()
	defer interceptors.mu.Unlock()
	i := interceptors.of[s.nc]
	if i == nil {
		i = &interceptor{before: s.nc.ErrorHandler(), services: make(map[*service]bool)}
		interceptors.of[s.nc] = i
		s.nc.SetErrorHandler(i.handle)
	}
	i.services[s] = true
}

// release ends intercept. The last service restores the handler, unless somebody has set another one.
func release(s *service) {
	interceptors.mu.Lock()
	defer interceptors.mu.Unlock()
	i := interceptors.of[s.nc]
	if i == nil {
		return
	}
	delete(i.services, s)
	if len(i.services) > 0 {
		return
	}
	delete(interceptors.of, s.nc)
	if i.installedIn(s.nc) {
		s.nc.SetErrorHandler(i.before)
	}
}

func (i *interceptor) handle(nc *nats.Conn, sub *nats.Subscription, err error) {
	for _, s := range i.list() {
		s.subscriptionFailed(sub, err)
	}
	if i.before != nil {
		i.before(nc, sub, err)
	}
}

// installedIn reports whether the connection's handler is an interceptor's. Functions cannot be compared, but their code can, and a connection has
// one interceptor at most.
func (i *interceptor) installedIn(nc *nats.Conn) bool {
	return reflect.ValueOf(nc.ErrorHandler()).Pointer() == reflect.ValueOf(nats.ErrHandler(i.handle)).Pointer()
}

func (i *interceptor) list() []*service {
	interceptors.mu.Lock()
	defer interceptors.mu.Unlock()
	return slices.Collect(maps.Keys(i.services))
}

// handlerBehind is the connection's error handler without the services.
func handlerBehind(nc *nats.Conn) nats.ErrHandler {
	interceptors.mu.Lock()
	defer interceptors.mu.Unlock()
	if i := interceptors.of[nc]; i != nil && i.installedIn(nc) {
		return i.before
	}
	return nc.ErrorHandler()
}

// subscriptionFailed counts and tells an error if it is about a subscription of the service. It runs on the connection's callback goroutine.
func (s *service) subscriptionFailed(sub *nats.Subscription, err error) {
	if err == nil {
		return
	}
	for _, l := range s.all() {
		if l.sub != sub && !(sub == nil && l.isDenied(err)) {
			continue
		}
		if l.ep != nil {
			l.ep.fail(1, err.Error())
		}
		if h := s.config.ErrorHandler; h != nil {
			h(s, &NATSError{l.sub.Subject, err.Error(), err})
		}
	}
}

// isDenied reports whether the server's words deny this subscription: such errors name no subscription.
func (l *line) isDenied(err error) bool {
	if !errors.Is(err, nats.ErrPermissionViolation) {
		return false
	}
	denied := fmt.Sprintf("Subscription to %q", l.sub.Subject)
	if l.sub.Queue != "" {
		denied += fmt.Sprintf(" using queue %q", l.sub.Queue)
	}
	return strings.HasSuffix(err.Error(), denied)
}

// tell has the service's error handler called; the connection's, if it has none. It does not block. Among more than a thousand that wait it
// is dropped: what it is about has been counted.
func (s *service) tell(subj string, err error) {
	e := &NATSError{subj, err.Error(), err}
	s.eng.News(func() {
		if h := s.config.ErrorHandler; h != nil {
			h(s, e)
			return
		}
		if h := handlerBehind(s.nc); h != nil {
			h(s.nc, nil, e)
		}
	})
}
