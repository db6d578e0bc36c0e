package sockets

import "github.com/gannet-io/nats/test/bench/meter"

// publish appends messages to the write buffer, which goes out when it is full.
func publish(r *meter.Run) error {
	return publishing(r, func(c *conn, n int, data []byte) error {
		for range n {
			if err := c.publish(meter.Subject, nil, nil, data); err != nil {
				return err
			}
		}
		return nil
	})
}

// publishHeaders encodes the header once for each message: a program may have changed its map since the last.
func publishHeaders(r *meter.Run) error {
	header := map[string][]string{meter.HeaderA: {meter.ValueA}, meter.HeaderB: {meter.ValueB}}
	var block []byte
	return publishing(r, func(c *conn, n int, data []byte) error {
		for range n {
			block = append(block[:0], headerLine...)
			for name, values := range header {
				for _, v := range values {
					block = append(append(append(append(block, name...), ": "...), v...), "\r\n"...)
				}
			}
			block = append(block, "\r\n"...)
			if err := c.publish(meter.Subject, nil, block, data); err != nil {
				return err
			}
		}
		return nil
	})
}

// publishing claims the bytes of so many messages as there are operations; the peer counts what arrives.
func publishing(r *meter.Run, work func(c *conn, n int, data []byte) error) error {
	c, err := dial(r.URL)
	if err != nil {
		return err
	}
	defer c.Close()
	data := r.Payload()
	before := len(c.out)
	if err := work(c, 1, data); err != nil {
		return err
	}
	r.Sent((r.Warm + r.Ops) * (len(c.out) - before))
	c.out = c.out[:before]
	return measure(r, func(n int, _ bool) error {
		if err := work(c, n, data); err != nil {
			return err
		}
		return c.settle()
	})
}
