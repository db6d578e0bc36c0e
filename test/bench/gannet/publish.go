package gannet

import (
	"errors"
	"strconv"
	"sync"

	"github.com/gannet-io/nats"

	"github.com/gannet-io/nats/test/bench/meter"
)

func publish(r *meter.Run) error {
	nc, err := connect(r)
	if err != nil {
		return err
	}
	defer nc.Close()
	data := r.Payload()
	r.Sent((r.Warm + r.Ops) * len("PUB "+meter.Subject+" "+strconv.Itoa(len(data))+"\r\n\r\n"+string(data)))
	return measure(r, nc, func(n int) error {
		for range n {
			if err := nc.Publish(meter.Subject, data); err != nil {
				return err
			}
		}
		return nil
	})
}

func publishHeaders(r *meter.Run) error {
	nc, err := connect(r)
	if err != nil {
		return err
	}
	defer nc.Close()
	msg := nats.NewMsg(meter.Subject)
	msg.Data = r.Payload()
	msg.Header.Set(meter.HeaderA, meter.ValueA)
	msg.Header.Set(meter.HeaderB, meter.ValueB)
	r.Sent((r.Warm + r.Ops) * len("HPUB "+meter.Subject+" 99 999\r\n\r\n"+string(msg.Data)+meter.HeaderA+meter.ValueA+
		meter.HeaderB+meter.ValueB))
	return measure(r, nc, func(n int) error {
		for range n {
			if err := nc.PublishMsg(msg); err != nil {
				return err
			}
		}
		return nil
	})
}

// measure runs work as warm-up and as measured stretch, each time up to the PONG behind the last message.
func measure(r *meter.Run, nc *nats.Conn, work func(n int) error) error {
	if err := share(r, r.Warm, work); err != nil {
		return err
	}
	if err := nc.FlushTimeout(meter.Timeout); err != nil {
		return err
	}
	if err := r.Begin(); err != nil {
		return err
	}
	if err := share(r, r.Ops, work); err != nil {
		return err
	}
	if err := nc.FlushTimeout(meter.Timeout); err != nil {
		return err
	}
	r.End()
	return nil
}

// share runs n operations with the job's goroutines.
func share(r *meter.Run, n int, work func(n int) error) error {
	if r.Workers() == 1 {
		return work(n)
	}
	errs := make([]error, r.Workers())
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { errs[i] = work(r.Share(n, i)) })
	}
	all.Wait()
	return errors.Join(errs...)
}
