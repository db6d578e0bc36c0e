package sockets

import (
	"time"

	"github.com/gannet-io/nats/test/bench/meter"
)

// connectAndClose ends a connection with the PONG behind CONNECT. One after the other, they share their buffers.
func connectAndClose(r *meter.Run) error {
	c := newConn()
	s := r.Sampler(r.Ops, 1)
	return measure(r, func(n int, measured bool) error {
		for range n {
			start := time.Now()
			if err := c.dial(r.URL); err != nil {
				return err
			}
			if err := c.settle(); err != nil {
				return err
			}
			if err := c.Close(); err != nil {
				return err
			}
			if measured {
				s.Add(time.Since(start))
			}
		}
		return nil
	})
}
