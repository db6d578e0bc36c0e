package jetstream

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nuid"

	"github.com/gannet-io/nats/internal/subject"
)

// OrderedConsumerConfig says what an ordered consumer reads: one reader, no acks, no gaps. The library makes a consumer of the server from it, and
// another one whenever that one is lost. The zero value is everything, from the first message of the stream on.
type OrderedConsumerConfig struct {
	// FilterSubjects select messages, and must not overlap; none: all. Two and more need server 2.10.
	FilterSubjects []string `json:"filter_subjects,omitempty"`
	// DeliverPolicy is where to begin; all messages by default.
	DeliverPolicy DeliverPolicy `json:"deliver_policy"`
	// OptStartSeq is where DeliverByStartSequencePolicy begins; other policies ignore it.
	OptStartSeq uint64 `json:"opt_start_seq,omitempty"`
	// OptStartTime is where DeliverByStartTimePolicy begins; other policies ignore it.
	OptStartTime *time.Time `json:"opt_start_time,omitempty"`
	// ReplayPolicy is how fast: at once (zero value), or at the pace at which the messages came.
	ReplayPolicy ReplayPolicy `json:"replay_policy"`
	// InactiveThreshold after which the server deletes a consumer that was left behind; 0: 5 minutes.
	InactiveThreshold time.Duration `json:"inactive_threshold,omitempty"`
	// HeadersOnly leaves payloads out and adds the header Nats-Msg-Size.
	HeadersOnly bool `json:"headers_only,omitempty"`
	// MaxResetAttempts is how often a new consumer is tried to be made, in a row, before that is given up; the attempts go on for at least
	// 1 + 2 + 4 + 8 + 10 + 10 ... seconds, a term for each attempt but the first. Then Fetch, Next and an iterator return the error; a Consume
	// has its error handler told, and begins anew. 0 and less: no limit.
	MaxResetAttempts int
	// Metadata are free pairs.
	Metadata map[string]string `json:"metadata,omitempty"`
	// NamePrefix begins the names of the consumers: <prefix>_1, <prefix>_2 and so on. Empty: a unique one. Two ordered consumers of one
	// stream must not share one.
	NamePrefix string `json:"-"`
}

// orderedInactive is the inactive threshold of ordered consumers unless the user sets it.
const orderedInactive = 5 * time.Minute

// check looks for what cannot be. It leaves to the server what it refuses with an error of its own.
func (c *OrderedConsumerConfig) check(stream string) error {
	if err := checkStream(stream); err != nil {
		return err
	}
	if c.NamePrefix != "" && !subject.ValidName(c.NamePrefix) {
		return fmt.Errorf("%w: %q", ErrInvalidConsumerName, c.NamePrefix)
	}
	for _, s := range c.filters() {
		if err := checkSubject(s); err != nil {
			return err
		}
	}
	return nil
}

// own returns c with memory and a prefix of its own.
func (c OrderedConsumerConfig) own() OrderedConsumerConfig {
	c.FilterSubjects = slices.Clone(c.FilterSubjects)
	c.Metadata = maps.Clone(c.Metadata)
	if c.OptStartTime != nil {
		at := *c.OptStartTime
		c.OptStartTime = &at
	}
	if c.NamePrefix == "" {
		c.NamePrefix = nuid.Next()
	}
	return c
}

// filters are FilterSubjects, but a single empty one is none.
func (c *OrderedConsumerConfig) filters() []string {
	if len(c.FilterSubjects) == 1 && c.FilterSubjects[0] == "" {
		return nil
	}
	return c.FilterSubjects
}

func (c *OrderedConsumerConfig) inactive() time.Duration {
	if c.InactiveThreshold == 0 {
		return orderedInactive
	}
	return c.InactiveThreshold
}

// consumer is the configuration of a consumer that starts at a stream sequence; 0: by the policy.
func (c *OrderedConsumerConfig) consumer(name string, from uint64) ConsumerConfig {
	cfg := ConsumerConfig{
		Name:              name,
		AckPolicy:         AckNonePolicy,
		DeliverPolicy:     c.DeliverPolicy,
		ReplayPolicy:      c.ReplayPolicy,
		InactiveThreshold: c.inactive(),
		HeadersOnly:       c.HeadersOnly,
		Metadata:          c.Metadata,
		Replicas:          1,
		MemoryStorage:     true,
	}
	switch filters := c.filters(); len(filters) {
	case 0:
	case 1:
		cfg.FilterSubject = filters[0]
	default:
		cfg.FilterSubjects = filters
	}
	switch {
	case from > 0:
		cfg.DeliverPolicy, cfg.OptStartSeq = DeliverByStartSequencePolicy, from
	case c.DeliverPolicy == DeliverByStartSequencePolicy:
		cfg.OptStartSeq = c.OptStartSeq
	case c.DeliverPolicy == DeliverByStartTimePolicy:
		cfg.OptStartTime = c.OptStartTime
	case c.DeliverPolicy == DeliverLastPerSubjectPolicy && len(c.filters()) == 0:
		cfg.FilterSubjects = []string{">"} // servers want a filter with this policy
	}
	return cfg
}

// start is where a new consumer has to start that replaces info's before a message has come; 0: by the policy once more, which loses nothing
// of what was stored meanwhile. With DeliverLastPerSubjectPolicy it may skip what was replaced meanwhile.
func (c *OrderedConsumerConfig) start(info *ConsumerInfo) uint64 {
	switch c.DeliverPolicy {
	case DeliverNewPolicy, DeliverLastPolicy, DeliverByStartTimePolicy:
		return info.Delivered.Stream + 1
	case DeliverLastPerSubjectPolicy:
		if info.NumPending == 0 {
			return info.Delivered.Stream + 1
		}
	}
	return 0
}

// patience is how long attempts, so many, go on at least.
func patience(attempts int) time.Duration {
	var sum time.Duration
	for i := range max(attempts-1, 0) {
		step := 10 * time.Second
		if i < 4 {
			step = min(step, time.Second<<i)
		}
		if sum += step; sum > 24*time.Hour {
			break
		}
	}
	return sum
}

// orderedFailure is what goes wrong when a consumer cannot be made: err is that of the last attempt.
func orderedFailure(err error) error {
	if err == nil || errors.Is(err, ErrOrderedConsumerReset) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrOrderedConsumerReset, err)
}
