package sockets

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/gannet-io/nats/test/bench/meter"
)

// window publishes to a stream with a bounded number of acks outstanding.
type window struct {
	*conn
	subject string
	payload []byte
	ack     []byte // what an ack begins with
	msgID   bool
	reply   []byte // subject, written anew for each
	header  []byte // likewise

	pending []bool // by the number that is the last token of the reply subject; they are used in turns
	next    int    // the number that is next
	serial  int    // publishes so far
}

func jsPublishAsync(r *meter.Run) error {
	c, err := dial(r.URL)
	if err != nil {
		return err
	}
	defer c.Close()
	c.subscribe(inbox+"*", inboxSID)
	w := &window{conn: c, subject: r.Stream, payload: r.Payload(), ack: ackOf(r.Stream), msgID: r.MsgID, pending: make([]bool, r.Window)}
	return measure(r, func(n int, _ bool) error { return w.run(n) })
}

// run publishes n messages, and returns when all are acknowledged.
func (w *window) run(n int) error {
	for left := n; n > 0; n-- {
		for left > 0 && !w.pending[w.next] {
			if err := w.send(); err != nil {
				return err
			}
			left--
		}
		if err := w.message(); err != nil {
			return err
		}
		i, err := answered(w.conn, len(w.pending))
		if err != nil {
			return err
		}
		if !w.pending[i] {
			return fmt.Errorf("a second answer to %d", i)
		}
		if _, err := sequence(w.bytes(w.frame.data), w.ack); err != nil {
			return err
		}
		w.pending[i] = false
	}
	return nil
}

func (w *window) send() error {
	w.reply = appendReply(w.reply[:0], w.next)
	w.pending[w.next] = true
	w.serial++
	if w.next++; w.next == len(w.pending) {
		w.next = 0
	}
	if w.msgID {
		w.header = strconv.AppendInt(append(w.header[:0], headerLine+"Nats-Msg-Id: order-"...), int64(w.serial), 10)
		w.header = append(w.header, "\r\n\r\n"...)
	}
	return w.publish(w.subject, w.reply, w.header, w.payload)
}

func ackOf(stream string) []byte { return fmt.Appendf(nil, `{"stream":%q,"seq":`, stream) }

// sequence is the number in an ack, which begins as given. An error of the server begins otherwise.
func sequence(answer, ack []byte) (int, error) {
	rest, ok := bytes.CutPrefix(answer, ack)
	end := 0
	for end < len(rest) && '0' <= rest[end] && rest[end] <= '9' {
		end++
	}
	n := number(rest[:end])
	if !ok || n < 1 {
		return 0, fmt.Errorf("the server says %q", answer)
	}
	return n, nil
}
