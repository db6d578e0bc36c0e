package gannet

import (
	"fmt"
	"time"

	"github.com/gannet-io/nats"

	"github.com/gannet-io/nats/test/bench/meter"
	"github.com/gannet-io/nats/test/bench/peer"
)

func request(r *meter.Run) error {
	nc, err := connect(r)
	if err != nil {
		return err
	}
	defer nc.Close()
	data := r.Payload()
	return measureCalls(r, func() error {
		m, err := nc.Request(meter.EchoSubject, data, meter.Timeout)
		if err == nil && len(m.Data) != len(data) {
			err = fmt.Errorf("answer of %d bytes", len(m.Data))
		}
		return err
	})
}

// measureCalls is for operations that wait for an answer. Alone, each is timed; of concurrent ones, one in eight.
func measureCalls(r *meter.Run, call func() error) error {
	defer r.Load()()
	every := 1
	if r.Workers() > 1 && !r.Busy {
		every = 8
	}
	timed := func(n int) error {
		s := r.Sampler(n, every)
		for i := range n {
			if !s.Due(i) {
				if err := call(); err != nil {
					return err
				}
				continue
			}
			start := time.Now()
			if err := call(); err != nil {
				return err
			}
			s.Add(time.Since(start))
		}
		return nil
	}
	plain := func(n int) error {
		for range n {
			if err := call(); err != nil {
				return err
			}
		}
		return nil
	}
	if err := share(r, r.Warm, plain); err != nil {
		return err
	}
	if err := r.Begin(); err != nil {
		return err
	}
	if err := share(r, r.Ops, timed); err != nil {
		return err
	}
	r.End()
	return nil
}

// reply answers the requests that a fake server sends.
func reply(r *meter.Run) error {
	nc, err := connect(r)
	if err != nil {
		return err
	}
	defer nc.Close()
	flow, err := r.NewFlow()
	if err != nil {
		return err
	}
	data := r.Payload()
	c := newCounter(r, flow)
	_, err = nc.Subscribe(meter.SubjectOf(0), func(m *nats.Msg) {
		if err := m.Respond(data); err != nil {
			c.bad.Add(1)
		}
		c.message(m)
	})
	if err != nil {
		return err
	}
	r.Sent((r.Warm + r.Ops) * (len("PUB  16\r\n\r\n") + peer.ReplyLen + len(data)))
	if err := receive(r, nc, c, nil); err != nil {
		return err
	}
	return nc.FlushTimeout(meter.Timeout) // the last answers: the server counts them
}
