package engine

import (
	"testing"
	"testing/synctest"
)

// A limit of more than nine digits is none to nats-server 2.15: it would end the subscription at once.
func TestLargeLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t)
		c, far := s.connect(Events{})
		defer c.Close()
		sub, err := c.Subscribe("in", "", newCollector())
		if err != nil {
			t.Fatal(err)
		}
		if err := c.UnsubscribeAfter(sub, 1<<62); err != nil {
			t.Fatal(err)
		}
		far.expect("SUB in 1")
		far.expect("UNSUB 1 999999999")
	})
}
