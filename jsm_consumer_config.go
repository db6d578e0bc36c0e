package nats

import "time"

// ConsumerConfig is the configuration of a consumer. Zero values leave the choice to the server, which returns its
// defaults in [ConsumerInfo].
type ConsumerConfig struct {
	// Name of the consumer: no white space, and none of . * > / \.
	Name string `json:"name,omitempty"`
	// Durable is a name too, for a consumer that stays when nobody uses it. Name and Durable must not differ.
	Durable string `json:"durable_name,omitempty"`
	// Description is free text.
	Description string `json:"description,omitempty"`
	// DeliverPolicy is where to begin; all messages by default.
	DeliverPolicy DeliverPolicy `json:"deliver_policy"`
	// OptStartSeq is where DeliverByStartSequencePolicy begins.
	OptStartSeq uint64 `json:"opt_start_seq,omitempty"`
	// OptStartTime is where DeliverByStartTimePolicy begins.
	OptStartTime *time.Time `json:"opt_start_time,omitempty"`
	// AckPolicy says which messages must be acknowledged; the zero value is none.
	AckPolicy AckPolicy `json:"ack_policy"`
	// AckWait is how long the server waits for an ack before it delivers again; 0: 30 seconds.
	AckWait time.Duration `json:"ack_wait,omitempty"`
	// MaxDeliver is how many times a message is delivered at most; 0 and -1: no limit.
	MaxDeliver int `json:"max_deliver,omitempty"`
	// BackOff are the waits before redeliveries, instead of AckWait; the last one is repeated. None: AckWait.
	BackOff []time.Duration `json:"backoff,omitempty"`
	// FilterSubject selects messages; empty: all. Not together with FilterSubjects.
	FilterSubject string `json:"filter_subject,omitempty"`
	// ReplayPolicy is how fast: at once (zero value), or at the pace at which the messages came.
	ReplayPolicy ReplayPolicy `json:"replay_policy"`
	// RateLimit of a push consumer, in bits a second; 0: none.
	RateLimit uint64 `json:"rate_limit_bps,omitempty"`
	// SampleFrequency is the percentage of acks for which the server publishes a metric, as "30" or "30%"; empty: none.
	SampleFrequency string `json:"sample_freq,omitempty"`
	// MaxWaiting is the most pull requests that may wait; 0: 512.
	MaxWaiting int `json:"max_waiting,omitempty"`
	// MaxAckPending is the most messages that may wait for their acks; 0: 1000, -1: no limit.
	MaxAckPending int `json:"max_ack_pending,omitempty"`
	// FlowControl slows a push consumer down to what the client keeps up with; it needs a heartbeat.
	FlowControl bool `json:"flow_control,omitempty"`
	// Heartbeat makes a push consumer send a sign of life when it has had nothing else to send for so long, at least 100 ms; 0: none.
	Heartbeat time.Duration `json:"idle_heartbeat,omitempty"`
	// HeadersOnly leaves payloads out and adds the header Nats-Msg-Size.
	HeadersOnly bool `json:"headers_only,omitempty"`
	// MaxRequestBatch is the most messages that one pull may ask for; 0: no limit.
	MaxRequestBatch int `json:"max_batch,omitempty"`
	// MaxRequestExpires is the longest that one pull may wait; 0: no limit.
	MaxRequestExpires time.Duration `json:"max_expires,omitempty"`
	// MaxRequestMaxBytes is the most bytes that one pull may ask for; 0: no limit.
	MaxRequestMaxBytes int `json:"max_bytes,omitempty"`
	// DeliverSubject makes it a push consumer that delivers there; empty: a pull consumer.
	DeliverSubject string `json:"deliver_subject,omitempty"`
	// DeliverGroup is the queue group of a push consumer; empty: none.
	DeliverGroup string `json:"deliver_group,omitempty"`
	// InactiveThreshold after which a consumer without activity is deleted, silently; 0: 5 seconds for an ephemeral consumer,
	// never for a durable one.
	InactiveThreshold time.Duration `json:"inactive_threshold,omitempty"`
	// Replicas of the consumer's state; 0: as the stream.
	Replicas int `json:"num_replicas"`
	// MemoryStorage keeps its state in memory.
	MemoryStorage bool `json:"mem_storage,omitempty"`
	// FilterSubjects select messages, and must not overlap (server 2.10). Not together with FilterSubject.
	FilterSubjects []string `json:"filter_subjects,omitempty"`
	// Metadata are free pairs; names that begin with _nats. belong to the server.
	Metadata map[string]string `json:"metadata,omitempty"`
	// PauseUntil creates the consumer paused (server 2.11); nil: not.
	PauseUntil *time.Time `json:"pause_until,omitempty"`
	// PriorityPolicy distributes messages among the clients of a group (server 2.11, ADR-42): "overflow", "pinned_client" or "prioritized"; empty, or "none":
	// not. Pull requests of a group are a matter of package jetstream.
	PriorityPolicy string `json:"priority_policy,omitempty"`
	// PinnedTTL is how long a pinned client may be silent before another one is pinned; 0: 2 minutes.
	PinnedTTL time.Duration `json:"priority_timeout,omitempty"`
	// PriorityGroups are the names of the groups; the server takes one. None: no groups.
	PriorityGroups []string `json:"priority_groups,omitempty"`
}
