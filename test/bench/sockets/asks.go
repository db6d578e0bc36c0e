// Package sockets is a client without a library: what it needs is the floor under every library, and what its latencies are the
// server has to answer for. It plays the scenarios of many that ask at once, in one loop over one socket.
package sockets

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/gannet-io/nats/test/bench/meter"
)

// Kinds are the scenario functions, as those of the libraries are.
var Kinds = map[string]func(*meter.Run) error{
	"request":    func(r *meter.Run) error { return asks(r, meter.EchoSubject) },
	"js publish": func(r *meter.Run) error { return asks(r, r.Stream) },
}

// asker keeps as many requests under way as the job has workers: for each answer it asks again. Those that are answered together are asked
// together.
type asker struct {
	conn    net.Conn
	in      *bufio.Reader
	out     []byte
	subject string
	payload []byte
	sent    []time.Time // by the number that is the last token of the reply subject
	left    int         // to be asked
}

const inbox = "_INBOX.sockets."

func asks(r *meter.Run, subject string) error {
	a, err := dial(r.URL)
	if err != nil {
		return err
	}
	defer a.conn.Close()
	a.subject, a.payload, a.sent = subject, r.Payload(), make([]time.Time, r.Workers())
	if err := a.run(r.Warm, func(time.Duration) {}); err != nil {
		return err
	}
	s := r.Sampler(r.Ops, 1)
	if err := r.Begin(); err != nil {
		return err
	}
	if err := a.run(r.Ops, s.Add); err != nil {
		return err
	}
	r.End()
	return nil
}

func dial(server string) (*asker, error) {
	u, err := url.Parse(server)
	if err != nil {
		return nil, err
	}
	c, err := net.Dial("tcp", u.Host)
	if err != nil {
		return nil, err
	}
	a := &asker{conn: c, in: bufio.NewReaderSize(c, 64<<10)}
	if _, err := a.in.ReadSlice('\n'); err != nil { // INFO
		return nil, err
	}
	a.out = fmt.Appendf(nil, "CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true,\"no_responders\":true,\"protocol\":1}\r\nSUB %s* 1\r\n", inbox)
	return a, nil
}

// run asks n times, and calls took for each answer.
func (a *asker) run(n int, took func(time.Duration)) error {
	now := time.Now()
	a.left = n
	for i := range a.sent {
		a.ask(i, now)
	}
	for got := 0; got < n; {
		if len(a.out) > 0 && a.in.Buffered() == 0 {
			if _, err := a.conn.Write(a.out); err != nil {
				return err
			}
			a.out = a.out[:0]
		}
		line, err := a.in.ReadSlice('\n')
		switch {
		case err != nil:
			return err
		case bytes.HasPrefix(line, []byte("PING")):
			a.out = append(a.out, "PONG\r\n"...)
			continue
		case !bytes.HasPrefix(line, []byte("MSG ")):
			return fmt.Errorf("the server says %q", line)
		}
		i, err := a.answer(line)
		if err != nil {
			return err
		}
		now := time.Now()
		took(now.Sub(a.sent[i]))
		a.ask(i, now)
		got++
	}
	return nil
}

func (a *asker) ask(i int, now time.Time) {
	if a.left == 0 {
		return
	}
	a.left--
	a.sent[i] = now
	a.out = append(append(append(a.out, "PUB "...), a.subject...), " "+inbox...)
	a.out = strconv.AppendInt(a.out, int64(i), 10)
	a.out = strconv.AppendInt(append(a.out, ' '), int64(len(a.payload)), 10)
	a.out = append(append(append(a.out, "\r\n"...), a.payload...), "\r\n"...)
}

var errAnswer = errors.New("not an answer of the scenario")

// answer reads one behind its line, `MSG subject sid size`, and returns which ask it is for.
func (a *asker) answer(line []byte) (i int, err error) {
	f := bytes.Fields(line)
	if len(f) != 4 || !bytes.HasPrefix(f[1], []byte(inbox)) {
		return 0, errAnswer
	}
	if i, err = strconv.Atoi(string(f[1][len(inbox):])); err != nil || i < 0 || i >= len(a.sent) {
		return 0, errAnswer
	}
	size, err := strconv.Atoi(string(f[3]))
	if err != nil {
		return 0, errAnswer
	}
	body, err := a.in.Peek(size)
	if err == nil && bytes.Contains(body, []byte(`"error"`)) {
		err = fmt.Errorf("the server says %q", body)
	}
	if err == nil {
		_, err = a.in.Discard(size + len("\r\n"))
	}
	return i, err
}
