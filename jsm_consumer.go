package nats

import (
	"errors"
	"fmt"
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
	return j.putConsumerIf(wire.CreateOrUpdate, stream, name, cfg, opts)
}

// putConsumerIf is putConsumer for a consumer that exists, or for one that does not.
func (j *js) putConsumerIf(action wire.Action, stream, name string, cfg *ConsumerConfig, opts []JSOpt) (*ConsumerInfo, error) {
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
	req := wire.ConsumerRequest[*ConsumerConfig]{Stream: stream, Config: cfg, Action: action}
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

// mismatch is a setting in which a consumer differs from what is wanted.
type mismatch struct {
	field      string
	want, have any
	conflict   bool
}

// conflict names the first field of cfg that the existing configuration have contradicts, empty when there is none.
func (cfg *ConsumerConfig) conflict(have *ConsumerConfig) string {
	m, _ := cfg.mismatch(have)
	return m.field
}

// mismatch is the first field of cfg that the existing configuration have contradicts. Policies count always; other fields only
// when cfg sets them, since the server fills in the rest. Filters, back-offs and limits of requests do not
// count.
func (cfg *ConsumerConfig) mismatch(have *ConsumerConfig) (mismatch, bool) {
	lateStart := cfg.OptStartTime != nil && (have.OptStartTime == nil || !cfg.OptStartTime.Equal(*have.OptStartTime))
	for _, m := range []mismatch{
		{"ack policy", cfg.AckPolicy, have.AckPolicy, cfg.AckPolicy != have.AckPolicy},
		{"deliver policy", cfg.DeliverPolicy, have.DeliverPolicy, cfg.DeliverPolicy != have.DeliverPolicy},
		{"replay policy", cfg.ReplayPolicy, have.ReplayPolicy, cfg.ReplayPolicy != have.ReplayPolicy},
		{"optional start time", cfg.OptStartTime, have.OptStartTime, lateStart},
		whereSet("description", cfg.Description, have.Description),
		whereSet("optional start sequence", cfg.OptStartSeq, have.OptStartSeq),
		whereSet("ack wait", cfg.AckWait, have.AckWait),
		whereSet("max deliver", cfg.MaxDeliver, have.MaxDeliver),
		whereSet("rate limit", cfg.RateLimit, have.RateLimit),
		whereSet("sample frequency", cfg.SampleFrequency, have.SampleFrequency),
		whereSet("max waiting", cfg.MaxWaiting, have.MaxWaiting),
		whereSet("max ack pending", cfg.MaxAckPending, have.MaxAckPending),
		whereSet("flow control", cfg.FlowControl, have.FlowControl),
		whereSet("heartbeat", cfg.Heartbeat, have.Heartbeat),
		whereSet("replicas", cfg.Replicas, have.Replicas),
		whereSet("memory storage", cfg.MemoryStorage, have.MemoryStorage),
	} {
		if m.conflict {
			return m, true
		}
	}
	return mismatch{}, false
}

// whereSet is the comparison of a field that counts only when want is not the zero value.
func whereSet[T comparable](field string, want, have T) mismatch {
	return mismatch{field, want, have, differs(want, have)}
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
	return jsList(j, c, err, wire.ConsumerList(stream), "", func(i ConsumerInfo) (*ConsumerInfo, bool) {
		if i.Name == "" { // none of its servers can be reached: the leader of the cluster lists what it knows itself
			i.Stream, i.Name = stream, i.Config.name()
		}
		return &i, i.Name != ""
	})
}

func (j *js) ConsumerNames(stream string, opts ...JSOpt) <-chan string {
	c, err := j.streamCall(stream, opts)
	return jsList(j, c, err, wire.ConsumerNames(stream), "", nameEntry)
}
