package sockets

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/gannet-io/nats/test/bench/meter"
)

// inbox is the beginning of reply subjects; behind it comes a number. One subscription takes all answers.
const (
	inbox    = "_INBOX.sockets."
	inboxSID = 1
)

var errAnswer = errors.New("not an answer of the scenario")

// asker keeps as many requests under way as the job has workers: for each answer it asks again. Those that are answered together are asked
// together.
type asker struct {
	*conn
	subject string
	payload []byte
	reply   []byte      // subject, written anew for each
	sent    []time.Time // by the number that is the last token of the reply subject
	left    int         // to be asked
}

func request(r *meter.Run) error {
	var mem memory
	return asks(r, meter.EchoSubject, func(c *conn) error {
		m, err := mem.message(c, "")
		if err == nil && len(m.data) != r.Size {
			err = fmt.Errorf("an answer of %d bytes", len(m.data))
		}
		return err
	})
}

func jsPublish(r *meter.Run) error {
	ack := ackOf(r.Stream)
	return asks(r, r.Stream, func(c *conn) error {
		_, err := sequence(c.bytes(c.frame.data), ack)
		return err
	})
}

func asks(r *meter.Run, subject string, check func(*conn) error) error {
	c, err := dial(r.URL)
	if err != nil {
		return err
	}
	defer c.Close()
	c.subscribe(inbox+"*", inboxSID)
	a := &asker{conn: c, subject: subject, payload: r.Payload(), sent: make([]time.Time, r.Workers())}
	s := r.Sampler(r.Ops, 1)
	return measure(r, func(n int, measured bool) error {
		return a.run(n, func(took time.Duration) error {
			if measured {
				s.Add(took)
			}
			return check(c)
		})
	})
}

// run asks n times, and calls answer for each that comes.
func (a *asker) run(n int, answer func(took time.Duration) error) error {
	now := time.Now()
	a.left = n
	for i := range a.sent {
		if err := a.ask(i, now); err != nil {
			return err
		}
	}
	for range n {
		if err := a.message(); err != nil {
			return err
		}
		i, err := answered(a.conn, len(a.sent))
		if err != nil {
			return err
		}
		now := time.Now()
		if err := answer(now.Sub(a.sent[i])); err != nil {
			return err
		}
		if err := a.ask(i, now); err != nil {
			return err
		}
	}
	return nil
}

func (a *asker) ask(i int, now time.Time) error {
	if a.left == 0 {
		return nil
	}
	a.left--
	a.sent[i] = now
	a.reply = appendReply(a.reply[:0], i)
	return a.publish(a.subject, a.reply, nil, a.payload)
}

func appendReply(b []byte, i int) []byte { return strconv.AppendInt(append(b, inbox...), int64(i), 10) }

// answered is which ask, of so many, a message answers.
func answered(c *conn, of int) (int, error) {
	token, ok := bytes.CutPrefix(c.bytes(c.frame.subject), []byte(inbox))
	i := number(token)
	if !ok || i < 0 || i >= of || c.frame.header.size() > 0 {
		return 0, fmt.Errorf("%w: %q %q", errAnswer, token, c.bytes(c.frame.header))
	}
	return i, nil
}
