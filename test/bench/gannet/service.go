package gannet

import (
	"github.com/gannet-io/nats/micro"

	"github.com/gannet-io/nats/test/bench/meter"
	"github.com/gannet-io/nats/test/bench/peer"
)

// service answers the requests that a fake server sends, as an endpoint of a service.
func service(r *meter.Run) error {
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
	_, err = micro.AddService(nc, micro.Config{Name: "bench", Version: "1.0.0", Endpoint: &micro.EndpointConfig{
		Subject: meter.SubjectOf(0),
		Handler: micro.HandlerFunc(func(req micro.Request) {
			if err := req.Respond(data); err != nil || len(req.Data()) != c.size {
				c.bad.Add(1)
			}
			c.count()
		}),
	}})
	if err != nil {
		return err
	}
	r.Sent((r.Warm + r.Ops) * (len("PUB  16\r\n\r\n") + peer.ReplyLen + len(data)))
	if err := receive(r, nc, c, nil); err != nil {
		return err
	}
	return nc.FlushTimeout(meter.Timeout) // the last answers: the server counts them
}
