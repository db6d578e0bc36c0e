package nats

import "time"

// ConsumerInfo is what the server knows about a consumer.
type ConsumerInfo struct {
	// Stream that it reads.
	Stream string `json:"stream_name"`
	// Name of the consumer.
	Name string `json:"name"`
	// Created is when it was made.
	Created time.Time `json:"created"`
	// Config as it is in force, with the server's defaults filled in.
	Config ConsumerConfig `json:"config"`
	// Delivered is the last message delivered.
	Delivered SequenceInfo `json:"delivered"`
	// AckFloor is the last message below which everything is acknowledged.
	AckFloor SequenceInfo `json:"ack_floor"`
	// NumAckPending is the number of messages that wait for their acks.
	NumAckPending int `json:"num_ack_pending"`
	// NumRedelivered is how many of them were delivered more than once.
	NumRedelivered int `json:"num_redelivered"`
	// NumWaiting is the number of pull requests that wait.
	NumWaiting int `json:"num_waiting"`
	// NumPending is the number of messages not delivered yet.
	NumPending uint64 `json:"num_pending"`
	// Cluster tells the leader and the replicas; nil without a cluster.
	Cluster *ClusterInfo `json:"cluster,omitempty"`
	// PushBound says that somebody listens on the deliver subject of a push consumer.
	PushBound bool `json:"push_bound,omitempty"`
	// TimeStamp is when the server wrote this answer.
	TimeStamp time.Time `json:"ts"`
	// PriorityGroups tell who is pinned.
	PriorityGroups []PriorityGroupState `json:"priority_groups,omitempty"`
	// Paused says that the consumer does not deliver.
	Paused bool `json:"paused,omitempty"`
	// PauseRemaining is how long still; 0: it is not paused.
	PauseRemaining time.Duration `json:"pause_remaining,omitempty"`
}

// SequenceInfo is a place in a consumer and in its stream.
type SequenceInfo struct {
	// Consumer sequence.
	Consumer uint64 `json:"consumer_seq"`
	// Stream sequence.
	Stream uint64 `json:"stream_seq"`
	// Last is when it was reached; nil: never.
	Last *time.Time `json:"last_active,omitempty"`
}

// SequencePair is the place of a message in a consumer and in its stream.
type SequencePair struct {
	// Consumer sequence.
	Consumer uint64 `json:"consumer_seq"`
	// Stream sequence.
	Stream uint64 `json:"stream_seq"`
}

// PriorityGroupState tells who is pinned in a group.
type PriorityGroupState struct {
	// Group is its name.
	Group string `json:"group"`
	// PinnedClientID is the pin's id; empty: nobody is pinned.
	PinnedClientID string `json:"pinned_client_id,omitempty"`
	// PinnedTS is since when.
	PinnedTS time.Time `json:"pinned_ts,omitempty"`
}
