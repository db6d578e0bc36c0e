package engine

import (
	"testing"
	"testing/synctest"

	"github.com/gannet-io/nats/internal/natserr"
)

// nats-server 2.15 does not count a "no responders" message for the limit of an UNSUB, so a subscription that ends with one must be
// taken back with another UNSUB. An ordinary last message needs none.
func TestLimitAndNoResponders(t *testing.T) {
	const none = "HMSG in 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n"
	for name, tc := range map[string]struct {
		messages string
		again    bool
	}{
		"ordinary":       {"MSG in 1 1\r\na\r\nMSG in 1 1\r\nb\r\n", false},
		"last":           {"MSG in 1 1\r\na\r\n" + none, true},
		"first":          {none + "MSG in 1 1\r\nb\r\n", true},
		"503 with words": {"MSG in 1 1\r\na\r\nHMSG in 1 16 17\r\nNATS/1.0 503\r\n\r\nx\r\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScript(t)
				c, far := s.connect(Events{})
				defer c.Close()
				k := newCollector()
				sub, err := c.Subscribe("in", "", k)
				if err != nil {
					t.Fatal(err)
				}
				if err := c.UnsubscribeAfter(sub, 2); err != nil {
					t.Fatal(err)
				}
				far.expect("SUB in 1")
				far.expect("UNSUB 1 2")
				far.send(tc.messages)
				k.await(t, func() bool { return k.closed == natserr.MaxMessages })
				_ = c.Publish("end", "", nil, nil)
				if tc.again {
					far.expect("UNSUB 1")
				}
				far.expect("PUB end 0 ")
			})
		})
	}
}
