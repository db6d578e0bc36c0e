package nats

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/subject"
)

func (j *js) AddConsumer(stream string, cfg *ConsumerConfig, opts ...JSOpt) (*ConsumerInfo, error) {
	if cfg == nil {
		cfg = &ConsumerConfig{}
	}
	name := cfg.name()
	if name != "" {
		info, err := j.ConsumerInfo(stream, name, opts...)
		switch {
		case err == nil && cfg.conflict(&info.Config) != "":
			return nil, fmt.Errorf("%w: creating consumer %q on stream %q", ErrConsumerNameAlreadyInUse, name, stream)
		case err == nil:
			return info, nil
		case !errors.Is(err, ErrConsumerNotFound) && !errors.Is(err, ErrStreamNotFound):
			return nil, err
		}
	}
	return j.putConsumer(stream, name, cfg, opts)
}

func (j *js) UpdateConsumer(stream string, cfg *ConsumerConfig, opts ...JSOpt) (*ConsumerInfo, error) {
	if cfg == nil {
		return nil, ErrConsumerConfigRequired
	}
	if err := checkConsumerName(cfg.name()); err != nil {
		return nil, err
	}
	return j.putConsumer(stream, cfg.name(), cfg, opts)
}

// name is Name or Durable, empty for an ephemeral consumer that the server is to name.
func (cfg *ConsumerConfig) name() string {
	if cfg.Name != "" {
		return cfg.Name
	}
	return cfg.Durable
}

func (j *js) putConsumer(stream, name string, cfg *ConsumerConfig, opts []JSOpt) (*ConsumerInfo, error) {
	c, err := j.streamCall(stream, opts)
	if err != nil {
		return nil, err
	}
	if name != "" && !subject.ValidName(name) {
		return nil, ErrInvalidConsumerName
	}
	if cfg.FilterSubject != "" && !subject.ValidSubscribe(cfg.FilterSubject) {
		return nil, fmt.Errorf("%w: %q", ErrInvalidFilterSubject, cfg.FilterSubject)
	}
	req := wire.ConsumerRequest[*ConsumerConfig]{Stream: stream, Config: cfg}
	info, err := jsAsk[ConsumerInfo](c, j.createSubject(c, stream, name, cfg), req, ErrStreamNotFound, ErrConsumerNotFound)
	switch {
	case err != nil:
		return nil, notEnabled(err)
	case !subject.ValidName(info.Name):
		return nil, ErrConsumerCreationResponseEmpty
	case len(cfg.FilterSubjects) > 0 && len(info.Config.FilterSubjects) == 0:
		return nil, ErrConsumerMultipleFilterSubjectsNotSupported
	}
	return &info, nil
}

// createSubject is where the request to create a consumer goes. Servers before 2.9 know unnamed and durable consumers only.
func (j *js) createSubject(c *jsCall, stream, name string, cfg *ConsumerConfig) string {
	filter := cfg.FilterSubject
	if filter == ">" || len(cfg.FilterSubjects) > 0 {
		filter = ""
	}
	switch {
	case name == "":
		return wire.ConsumerCreateEphemeral(stream)
	case cfg.Durable != "" && (c.opts.legacyDurable || j.before29()):
		return wire.ConsumerCreateDurable(stream, cfg.Durable)
	}
	return wire.ConsumerCreate(stream, name, filter)
}

func (j *js) before29() bool { return j.nc != nil && before29(j.nc.eng.Info().Version) }

// before29 reports whether a server's version is below 2.9; one that cannot be read is not.
func before29(version string) bool {
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	if len(parts) < 2 {
		return false
	}
	major, err1 := strconv.Atoi(parts[0])
	minor, err2 := strconv.Atoi(parts[1])
	return err1 == nil && err2 == nil && (major < 2 || major == 2 && minor < 9)
}

// conflict names the first field of cfg that the existing configuration have contradicts, empty when there is none. Policies
// count always; other fields only when cfg sets them, since the server fills in the rest. Filters and limits of requests do
// not count.
func (cfg *ConsumerConfig) conflict(have *ConsumerConfig) string {
	for _, f := range []struct {
		name     string
		conflict bool
	}{
		{"ack policy", cfg.AckPolicy != have.AckPolicy},
		{"deliver policy", cfg.DeliverPolicy != have.DeliverPolicy},
		{"replay policy", cfg.ReplayPolicy != have.ReplayPolicy},
		{"description", differs(cfg.Description, have.Description)},
		{"start sequence", differs(cfg.OptStartSeq, have.OptStartSeq)},
		{"start time", cfg.OptStartTime != nil && (have.OptStartTime == nil || !cfg.OptStartTime.Equal(*have.OptStartTime))},
		{"ack wait", differs(cfg.AckWait, have.AckWait)},
		{"max deliver", differs(cfg.MaxDeliver, have.MaxDeliver)},
		{"backoff", len(cfg.BackOff) > 0 && !slices.Equal(cfg.BackOff, have.BackOff)},
		{"rate limit", differs(cfg.RateLimit, have.RateLimit)},
		{"sample frequency", differs(cfg.SampleFrequency, have.SampleFrequency)},
		{"max waiting", differs(cfg.MaxWaiting, have.MaxWaiting)},
		{"max ack pending", differs(cfg.MaxAckPending, have.MaxAckPending)},
		{"flow control", differs(cfg.FlowControl, have.FlowControl)},
		{"heartbeat", differs(cfg.Heartbeat, have.Heartbeat)},
		{"replicas", differs(cfg.Replicas, have.Replicas)},
		{"memory storage", differs(cfg.MemoryStorage, have.MemoryStorage)},
	} {
		if f.conflict {
			return f.name
		}
	}
	return ""
}

// differs reports whether want is set and is not have.
func differs[T comparable](want, have T) bool {
	var unset T
	return want != unset && want != have
}

func (j *js) DeleteConsumer(stream, consumer string, opts ...JSOpt) error {
	c, err := j.consumerCall(stream, consumer, opts)
	if err != nil {
		return err
	}
	_, err = jsAsk[wire.Done](c, wire.ConsumerDelete(stream, consumer), nil, ErrConsumerNotFound)
	return err
}

func (j *js) ConsumerInfo(stream, name string, opts ...JSOpt) (*ConsumerInfo, error) {
	c, err := j.consumerCall(stream, name, opts)
	if err != nil {
		return nil, err
	}
	info, err := jsAsk[ConsumerInfo](c, wire.ConsumerInfo(stream, name), nil, ErrConsumerNotFound, ErrStreamNotFound)
	if err != nil {
		return nil, notEnabled(err)
	}
	return &info, nil
}

func (j *js) ConsumersInfo(stream string, opts ...JSOpt) <-chan *ConsumerInfo {
	return j.Consumers(stream, opts...)
}

func (j *js) Consumers(stream string, opts ...JSOpt) <-chan *ConsumerInfo {
	c, err := j.streamCall(stream, opts)
	return jsList(c, err, wire.ConsumerList(stream), "", func(i ConsumerInfo) (*ConsumerInfo, bool) { return &i, i.Name != "" })
}

func (j *js) ConsumerNames(stream string, opts ...JSOpt) <-chan string {
	c, err := j.streamCall(stream, opts)
	return jsList(c, err, wire.ConsumerNames(stream), "", nameEntry)
}
