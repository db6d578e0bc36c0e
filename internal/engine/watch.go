package engine

import "github.com/gannet-io/nats/internal/session"

// Watch calls fn at every change of status; err is the cause of a disconnect. fn runs on the supervisor, must not block and
// must not call Close. After stop returned fn may still be running once.
func (c *Conn) Watch(fn func(s session.Status, err error)) (stop func()) { return c.watch.add(fn) }

func (c *Conn) tellWatchers(s session.Status, err error) {
	for _, fn := range c.watch.all() {
		fn(s, err)
	}
}
