package jetstream

import "time"

// StreamConfig is the configuration of a stream. Zero values of limits mean no limit, unless said otherwise; the server
// fills in its defaults and returns them in [StreamInfo].
type StreamConfig struct {
	// Name of the stream. Required: no white space, and none of . * > / \.
	Name string `json:"name"`
	// Description is free text.
	Description string `json:"description,omitempty"`
	// Subjects that the stream stores, wildcards allowed. None: the name of the stream, unless it mirrors or sources.
	Subjects []string `json:"subjects,omitempty"`
	// Retention says when messages may go: limits (zero value), interest or work queue.
	Retention RetentionPolicy `json:"retention"`
	// MaxConsumers is the most consumers; 0 and -1: no limit.
	MaxConsumers int `json:"max_consumers"`
	// MaxMsgs is the most messages, what happens at the limit is up to Discard; 0 and -1: no limit.
	MaxMsgs int64 `json:"max_msgs"`
	// MaxBytes is the most bytes, headers and overhead included; 0 and -1: no limit.
	MaxBytes int64 `json:"max_bytes"`
	// Discard says which message goes at a limit: the oldest (zero value), or the new one, which is then refused.
	Discard DiscardPolicy `json:"discard"`
	// DiscardNewPerSubject applies DiscardNew to MaxMsgsPerSubject too.
	DiscardNewPerSubject bool `json:"discard_new_per_subject,omitempty"`
	// MaxAge is how long a message is kept; 0: for ever.
	MaxAge time.Duration `json:"max_age"`
	// MaxMsgsPerSubject is the most messages of one subject; 0 and -1: no limit.
	MaxMsgsPerSubject int64 `json:"max_msgs_per_subject"`
	// MaxMsgSize is the most bytes of one message, headers included; 0 and -1: no limit but the server's.
	MaxMsgSize int32 `json:"max_msg_size,omitempty"`
	// Storage is file (zero value) or memory.
	Storage StorageType `json:"storage"`
	// Replicas in a cluster, 1 to 5; 0: 1.
	Replicas int `json:"num_replicas"`
	// NoAck switches publish acknowledgements off.
	NoAck bool `json:"no_ack,omitempty"`
	// Duplicates is the window in which a repeated Nats-Msg-Id is a duplicate; 0: 2 minutes, or MaxAge when that is less.
	Duplicates time.Duration `json:"duplicate_window,omitempty"`
	// Template is not used any more.
	//
	// Deprecated: stream templates do not exist any more.
	Template string `json:"template_owner,omitempty"`
	// Placement restricts the servers that may hold the stream; nil: any.
	Placement *Placement `json:"placement,omitempty"`
	// Mirror makes the stream a copy of another one; it has no subjects then.
	Mirror *StreamSource `json:"mirror,omitempty"`
	// Sources are streams whose messages are copied into this one.
	Sources []*StreamSource `json:"sources,omitempty"`
	// Sealed streams take no message and lose none. It is set by an update, and cannot be taken back.
	Sealed bool `json:"sealed,omitempty"`
	// DenyDelete refuses to delete single messages. It cannot be taken back.
	DenyDelete bool `json:"deny_delete,omitempty"`
	// DenyPurge refuses to purge. It cannot be taken back.
	DenyPurge bool `json:"deny_purge,omitempty"`
	// AllowRollup honours the header Nats-Rollup, which replaces older messages.
	AllowRollup bool `json:"allow_rollup_hdrs,omitempty"`
	// Compression of stored messages: none (zero value) or S2.
	Compression StoreCompression `json:"compression"`
	// FirstSeq is the sequence of the first message; 0: 1.
	FirstSeq uint64 `json:"first_seq,omitempty"`
	// SubjectTransform changes subjects of messages before they are stored.
	SubjectTransform *SubjectTransformConfig `json:"subject_transform,omitempty"`
	// RePublish publishes messages again once they are stored.
	RePublish *RePublish `json:"republish,omitempty"`
	// AllowDirect lets every replica answer gets, instead of the leader only.
	AllowDirect bool `json:"allow_direct"`
	// MirrorDirect lets mirrors answer gets for their origin.
	MirrorDirect bool `json:"mirror_direct"`
	// ConsumerLimits are defaults and upper bounds for consumers that do not set their own.
	ConsumerLimits StreamConsumerLimits `json:"consumer_limits,omitempty"`
	// Metadata are free pairs; names that begin with _nats. belong to the server.
	Metadata map[string]string `json:"metadata,omitempty"`
	// AllowMsgTTL honours the header Nats-TTL (server 2.11).
	AllowMsgTTL bool `json:"allow_msg_ttl,omitempty"`
	// SubjectDeleteMarkerTTL makes the server leave a marker of this age when the last message of a subject expires; 0:
	// none. It needs AllowMsgTTL (server 2.11).
	SubjectDeleteMarkerTTL time.Duration `json:"subject_delete_marker_ttl,omitempty"`
	// AllowMsgCounter makes each subject a counter, changed by the header Nats-Incr (server 2.12).
	AllowMsgCounter bool `json:"allow_msg_counter,omitempty"`
	// AllowAtomicPublish allows batches that are stored together or not at all (server 2.12, ADR-50).
	AllowAtomicPublish bool `json:"allow_atomic,omitempty"`
	// AllowMsgSchedules honours the headers Nats-Schedule (server 2.12, ADR-51).
	AllowMsgSchedules bool `json:"allow_msg_schedules,omitempty"`
	// PersistMode says when a publish is acknowledged: once it is stored (zero value), or before (server 2.12).
	PersistMode PersistModeType `json:"persist_mode,omitempty"`
	// AllowBatchPublish allows fast batches with flow control (server 2.14, ADR-50).
	AllowBatchPublish bool `json:"allow_batched,omitempty"`
}

// StreamConsumerLimits are bounds for the consumers of a stream. Zero: none.
type StreamConsumerLimits struct {
	// InactiveThreshold after which a consumer without activity is deleted; 0: none.
	InactiveThreshold time.Duration `json:"inactive_threshold,omitempty"`
	// MaxAckPending is the most messages that may wait for their acks; 0: none.
	MaxAckPending int `json:"max_ack_pending,omitempty"`
}

// SubjectTransformConfig maps subjects: those that match Source become Destination.
type SubjectTransformConfig struct {
	// Source is a subject, wildcards allowed; empty: every subject.
	Source string `json:"src"`
	// Destination may refer to wildcards of Source, as in {{wildcard(1)}}.
	Destination string `json:"dest"`
}

// Placement restricts which servers may hold a stream.
type Placement struct {
	// Cluster is the name of the cluster; empty: any.
	Cluster string `json:"cluster"`
	// Tags that a server must all have.
	Tags []string `json:"tags,omitempty"`
}

// RePublish publishes stored messages again, on another subject.
type RePublish struct {
	// Source selects messages by subject; empty: all.
	Source string `json:"src,omitempty"`
	// Destination is the new subject; it may refer to wildcards of Source.
	Destination string `json:"dest"`
	// HeadersOnly leaves the payload out and adds the header Nats-Msg-Size.
	HeadersOnly bool `json:"headers_only,omitempty"`
}

// StreamSource is the origin of a mirror, or one of the origins of a stream that sources.
type StreamSource struct {
	// Name of the origin.
	Name string `json:"name"`
	// OptStartSeq is the first sequence to copy; 0: all.
	OptStartSeq uint64 `json:"opt_start_seq,omitempty"`
	// OptStartTime is the earliest message to copy; nil: all.
	OptStartTime *time.Time `json:"opt_start_time,omitempty"`
	// FilterSubject selects what to copy; empty: all. Not together with SubjectTransforms.
	FilterSubject string `json:"filter_subject,omitempty"`
	// SubjectTransforms select what to copy and map its subjects.
	SubjectTransforms []SubjectTransformConfig `json:"subject_transforms,omitempty"`
	// External says how to reach an origin in another account or domain.
	External *ExternalStream `json:"external,omitempty"`
	// Consumer names a durable consumer of the origin to read through, instead of one that the server makes.
	Consumer *StreamConsumerSource `json:"consumer,omitempty"`
	// Domain of the origin: a short form of External. Not together with it.
	Domain string `json:"-"`
}

// StreamConsumerSource is a consumer that stands ready for a mirror or source to read through.
type StreamConsumerSource struct {
	// Name of the consumer.
	Name string `json:"name,omitempty"`
	// DeliverSubject is where it delivers.
	DeliverSubject string `json:"deliver_subject,omitempty"`
}

// ExternalStream says how to reach a stream in another account or domain.
type ExternalStream struct {
	// APIPrefix is the prefix of the JetStream API there, without the final dot.
	APIPrefix string `json:"api"`
	// DeliverPrefix of the subjects on which its messages come; empty: as they are.
	DeliverPrefix string `json:"deliver"`
}
