package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gannet-io/nats/test/bench/meter"
)

// stage keeps the peers. What is real is started when first needed and serves all scenarios; streams are made through nats.go
// in this process, which is not measured.
type stage struct {
	cpus []int // for the peers; none: any

	server *server
	echo   *process
	nc     *nats.Conn
	js     jetstream.JetStream
	serial int
	full   string // the stream that is filled, and for how many messages
	filled int
}

// ready completes a job for one run. done ends what belongs to the run and checks that the peer saw what the client claims.
func (st *stage) ready(ctx context.Context, s Scenario) (j meter.Job, done func(meter.Figures) error, err error) {
	j = s.Job
	if s.Place.fake() {
		return st.fake(ctx, s)
	}
	if err := st.real(ctx); err != nil {
		return j, nil, err
	}
	j.URL = st.server.url
	done = func(meter.Figures) error { return nil }
	switch {
	case s.Place == RealEcho:
		err = st.startEcho(ctx)
	case s.Place.placed():
		done, err = st.stream(ctx, s, &j)
	}
	return j, done, err
}

func (st *stage) fake(ctx context.Context, s Scenario) (j meter.Job, done func(meter.Figures) error, err error) {
	j = s.Job
	if j.Board, err = meter.NewBoard(); err != nil {
		return j, nil, err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(j.Board)
		}
	}()
	r := role{Sink: true}
	if s.Place == Replay {
		r = role{Replay: &s.Frames, Board: j.Board}
	}
	p, err := spawn(ctx, r, st.cpus, 0)
	if err != nil {
		return j, nil, err
	}
	w, err := p.listen()
	if err != nil {
		_ = p.end()
		return j, nil, err
	}
	j.URL = w.URL
	return j, func(f meter.Figures) error {
		defer os.Remove(j.Board)
		_ = p.input.Close()
		w, err := p.listen()
		if ended := p.end(); err == nil {
			err = ended
		}
		if err == nil && w.Bytes < f.Wire {
			err = fmt.Errorf("%d bytes reached the peer, %d were published", w.Bytes, f.Wire)
		}
		return err
	}, nil
}

func (st *stage) real(ctx context.Context) error {
	if st.server != nil {
		return nil
	}
	var err error
	if st.server, err = startServer(ctx, st.cpus); err != nil {
		return err
	}
	if st.nc, err = nats.Connect(st.server.url); err != nil {
		return err
	}
	st.js, err = jetstream.New(st.nc, jetstream.WithPublishAsyncMaxPending(1000))
	return err
}

func (st *stage) startEcho(ctx context.Context) error {
	if st.echo != nil {
		return nil
	}
	p, err := spawn(ctx, role{Echo: st.server.url}, st.cpus, 0)
	if err != nil {
		return err
	}
	st.echo = p
	_, err = p.listen()
	return err
}

// stream makes the stream, and the consumer, of one run.
func (st *stage) stream(ctx context.Context, s Scenario, j *meter.Job) (func(meter.Figures) error, error) {
	st.serial++
	switch s.Place {
	case FullStream:
		return st.consumer(ctx, s, j)
	case ReadStream:
		err := st.fill(ctx, s.Job)
		j.Stream = st.full
		return func(meter.Figures) error { return nil }, err
	}
	j.Stream = fmt.Sprintf("BENCH-%d", st.serial)
	storage := jetstream.MemoryStorage
	if s.Place == FileStream {
		storage = jetstream.FileStorage
	}
	stream, err := st.js.CreateStream(ctx, jetstream.StreamConfig{Name: j.Stream, Subjects: []string{j.Stream}, Storage: storage})
	if err != nil {
		return nil, err
	}
	return func(meter.Figures) error {
		info, err := stream.Info(ctx)
		if err == nil && info.State.Msgs != uint64(j.Warm+j.Ops) {
			err = fmt.Errorf("the stream has %d messages, %d were published", info.State.Msgs, j.Warm+j.Ops)
		}
		if gone := st.js.DeleteStream(ctx, j.Stream); err == nil {
			err = gone
		}
		return err
	}, nil
}

func (st *stage) consumer(ctx context.Context, s Scenario, j *meter.Job) (func(meter.Figures) error, error) {
	if err := st.fill(ctx, s.Job); err != nil {
		return nil, err
	}
	j.Stream, j.Consumer = st.full, fmt.Sprintf("run-%d", st.serial)
	c, err := st.js.CreateConsumer(ctx, st.full, jetstream.ConsumerConfig{
		Durable: j.Consumer, AckPolicy: jetstream.AckExplicitPolicy, AckWait: time.Minute, MaxAckPending: 10_000,
	})
	if err != nil {
		return nil, err
	}
	return func(meter.Figures) error {
		err := st.acked(ctx, c, uint64(j.Warm+j.Ops))
		if gone := st.js.DeleteConsumer(ctx, j.Stream, j.Consumer); err == nil {
			err = gone
		}
		return err
	}, nil
}

// acked waits until the consumer's ack floor shows n messages: acks are not answered, so the last may still be on their way.
func (st *stage) acked(ctx context.Context, c jetstream.Consumer, n uint64) error {
	for end := time.Now().Add(10 * time.Second); ; {
		info, err := c.Info(ctx)
		if err != nil || info.AckFloor.Consumer == n {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("acknowledged up to %d, delivered %d, want %d", info.AckFloor.Consumer, info.Delivered.Consumer, n)
		}
	}
}

// fill makes the stream that the fetching scenarios share, anew when one needs another number of messages.
func (st *stage) fill(ctx context.Context, j meter.Job) error {
	n := j.Warm + j.Ops
	if st.full != "" && st.filled == n {
		return nil
	}
	st.full, st.filled = "BENCH-FULL", 0 // until it is filled: a client would wait for what is missing
	_ = st.js.DeleteStream(ctx, st.full) // there may be none
	_, err := st.js.CreateStream(ctx, jetstream.StreamConfig{
		Name: st.full, Subjects: []string{st.full}, Storage: jetstream.MemoryStorage,
	})
	if err != nil {
		return err
	}
	data := j.Payload()
	for range n {
		if _, err := st.js.PublishAsync(st.full, data); err != nil {
			return err
		}
	}
	if err := meter.Await(st.js.PublishAsyncComplete(), "filling a stream"); err != nil {
		return err
	}
	st.filled = n
	return nil
}

// close ends everything.
func (st *stage) close() {
	if st.echo != nil {
		_ = st.echo.end()
	}
	if st.nc != nil {
		st.nc.Close()
	}
	if st.server != nil {
		st.server.close()
	}
}
