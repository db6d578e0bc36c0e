package nats

import (
	"context"
	"errors"
	"time"

	"github.com/gannet-io/nats/internal/js/run"
	"github.com/gannet-io/nats/internal/js/wire"
)

// What the consumers of an ordered subscription have, unless the options say otherwise.
const (
	orderedHeartbeat = 5 * time.Second
	orderedAckWait   = 22 * time.Hour // nothing is ever acknowledged
)

// inOrder makes an ordered subscription: its gate makes a consumer, and another one whenever that is in doubt.
func (p *pushRequest) inOrder() error {
	o, nc := p.o, p.js.nc
	base := o.cfg
	base.AckPolicy, base.AckWait, base.MaxDeliver = AckNonePolicy, orderedAckWait, 1
	base.FlowControl, base.Replicas, base.MemoryStorage = true, 1, true
	if base.Heartbeat <= 0 {
		base.Heartbeat = orderedHeartbeat
	}
	if len(base.FilterSubjects) == 0 {
		base.FilterSubject = p.subj
	}
	s := p.attach(p.subj, &base)
	c := s.cons
	c.ordered = true
	c.gate = run.NewGate(run.GateConfig{
		Link: nc.eng, Down: (*pushInlet)(s), Heartbeat: base.Heartbeat,
		Renew: &run.Renewing{API: p.js.api, Stream: p.stream, Start: startOf(&base), Config: orderedConfig(base), Inactive: base.InactiveThreshold},
		Tell:  s.tellNews, Over: s.gateOver,
	})
	nc.list(s)
	ctx := o.ctx
	if ctx == nil {
		ctx = context.Background()
	}
	if err := c.gate.Open(ctx); err != nil {
		var refused *wire.APIError
		if errors.As(err, &refused) {
			err = jsFailure(refused, nil, ErrStreamNotFound, ErrConsumerNotFound)
		}
		return p.fail(notEnabled(err))
	}
	c.pending.Store(c.gate.First().Pending)
	return p.begun()
}

// startOf is where a consumer of this configuration begins.
func startOf(cfg *ConsumerConfig) run.ReaderStart {
	switch cfg.DeliverPolicy {
	case DeliverLastPolicy:
		return run.ReaderStart{Policy: run.ReadLast}
	case DeliverLastPerSubjectPolicy:
		return run.ReaderStart{Policy: run.ReadLastPerSubject}
	case DeliverNewPolicy:
		return run.ReaderStart{Policy: run.ReadNew}
	case DeliverByStartSequencePolicy:
		return run.ReaderStart{Policy: run.ReadFromSeq, Seq: cfg.OptStartSeq}
	case DeliverByStartTimePolicy:
		if cfg.OptStartTime != nil {
			return run.ReaderStart{Policy: run.ReadFromTime, Time: *cfg.OptStartTime}
		}
	}
	return run.ReaderStart{}
}

// orderedConfig returns the configuration of each consumer.
func orderedConfig(base ConsumerConfig) func(name, inbox string, start run.ReaderStart) (config any, filter string) {
	return func(name, inbox string, start run.ReaderStart) (any, string) {
		cfg := base
		cfg.Name, cfg.DeliverSubject = name, inbox
		cfg.OptStartSeq, cfg.OptStartTime = 0, nil
		switch start.Policy {
		case run.ReadLast:
			cfg.DeliverPolicy = DeliverLastPolicy
		case run.ReadLastPerSubject:
			cfg.DeliverPolicy = DeliverLastPerSubjectPolicy
		case run.ReadNew:
			cfg.DeliverPolicy = DeliverNewPolicy
		case run.ReadFromSeq:
			cfg.DeliverPolicy, cfg.OptStartSeq = DeliverByStartSequencePolicy, max(start.Seq, 1)
		case run.ReadFromTime:
			cfg.DeliverPolicy, cfg.OptStartTime = DeliverByStartTimePolicy, &start.Time
		default:
			cfg.DeliverPolicy = DeliverAllPolicy
		}
		filter := cfg.FilterSubject
		if filter == ">" || len(cfg.FilterSubjects) > 0 {
			filter = ""
		}
		return &cfg, filter
	}
}
