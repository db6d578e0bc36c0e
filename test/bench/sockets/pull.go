package sockets

import (
	"fmt"
	"strings"

	"github.com/gannet-io/nats/test/bench/meter"
)

// puller reads from a pull consumer, and acknowledges each message. The acks of one read are written together, and so are pull requests.
type puller struct {
	*conn
	subject string // of pull requests
	mem     memory
}

var ack = []byte("+ACK")

// expires is the rest of a pull request that may wait for messages.
const expires = `,"expires":30000000000}`

func jsFetch(r *meter.Run) error { return fetch(r, expires) }

func jsFetchNoWait(r *meter.Run) error { return fetch(r, `,"no_wait":true}`) }

// fetch asks for a batch when the last one has come.
func fetch(r *meter.Run, rest string) error {
	return pulling(r, func(p *puller, n int) error {
		for n > 0 {
			batch := min(n, r.Batch)
			if err := p.pull(batch, rest); err != nil {
				return err
			}
			for range batch {
				if err := p.take(); err != nil {
					return err
				}
			}
			n -= batch
		}
		return nil
	})
}

// What a library asks for if nobody says otherwise.
const (
	prefetch = 500
	refill   = prefetch / 2
)

// jsConsume asks for more when half of what it may have in advance has come.
func jsConsume(r *meter.Run) error {
	asked := 0
	return pulling(r, func(p *puller, n int) error {
		for range n {
			if asked <= prefetch-refill {
				if err := p.pull(prefetch-asked, expires); err != nil {
					return err
				}
				asked = prefetch
			}
			if err := p.take(); err != nil {
				return err
			}
			asked--
		}
		return nil
	})
}

// pulling ends with the PONG behind the last ack.
func pulling(r *meter.Run, work func(p *puller, n int) error) error {
	c, err := dial(r.URL)
	if err != nil {
		return err
	}
	defer c.Close()
	c.subscribe(inbox+"*", inboxSID)
	p := &puller{conn: c, subject: "$JS.API.CONSUMER.MSG.NEXT." + r.Stream + "." + r.Consumer}
	return measure(r, func(n int, measured bool) error {
		if err := work(p, n); err != nil {
			return err
		}
		if measured {
			return p.settle()
		}
		return p.write()
	})
}

func (p *puller) pull(n int, rest string) error {
	return p.publish(p.subject, []byte(inbox+"0"), nil, fmt.Appendf(nil, `{"batch":%d%s`, n, rest))
}

// take gives the next message to the program, which acknowledges it.
func (p *puller) take() error {
	if err := p.message(); err != nil {
		return err
	}
	m, err := p.mem.message(p.conn, "")
	if err != nil {
		return err
	}
	if !strings.HasPrefix(m.reply, "$JS.ACK.") {
		return fmt.Errorf("no message of a stream: %q %q", m.subject, m.header)
	}
	return p.publish(m.reply, nil, nil, ack)
}
