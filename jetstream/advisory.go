package jetstream

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Subjects of advisories and metrics, for [Advisories]. What stands for a name in them is a stream, or a stream and a consumer: with a
// stream's name in place of its > only that stream's come.
const (
	// AdvisoryAll are all of them.
	AdvisoryAll = "$JS.EVENT.>"
	// AdvisoryStreams are those about streams.
	AdvisoryStreams = "$JS.EVENT.ADVISORY.STREAM.>"
	// AdvisoryConsumers are those about consumers.
	AdvisoryConsumers = "$JS.EVENT.ADVISORY.CONSUMER.>"
	// AdvisoryMaxDeliveries are those about messages that were delivered too often: [MaxDeliveries].
	AdvisoryMaxDeliveries = "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>"
	// AdvisoryTerminated are those about messages that a client terminated: [MsgTerminated].
	AdvisoryTerminated = "$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.>"
	// AdvisoryAPI are those about requests to the JetStream API: [APIAudit].
	AdvisoryAPI = "$JS.EVENT.ADVISORY.API"
	// MetricAcks are the samples of consumers with a SampleFrequency: [AckSample].
	MetricAcks = "$JS.EVENT.METRIC.CONSUMER.ACK.>"
)

// Advisory is a message in which a server tells what happened in JetStream: one of the types below, or [UnknownAdvisory].
type Advisory interface {
	// Head is what all advisories have.
	Head() AdvisoryHead
}

// AdvisoryHead is what all advisories have.
type AdvisoryHead struct {
	// Type is the name of the schema, such as io.nats.jetstream.advisory.v1.stream_action.
	Type string `json:"type"`
	// ID is unique.
	ID string `json:"id"`
	// Time at which it happened.
	Time time.Time `json:"timestamp"`
	// Domain of the server, if it has one.
	Domain string `json:"domain"`
}

// Head returns h.
func (h AdvisoryHead) Head() AdvisoryHead { return h }

// AdvisoryAction is what was done to a stream or a consumer.
type AdvisoryAction string

// Actions.
const (
	ActionCreated  AdvisoryAction = "create"
	ActionDeleted  AdvisoryAction = "delete"
	ActionModified AdvisoryAction = "modify"
)

// StreamAction: a stream was created, changed or deleted.
type StreamAction struct {
	AdvisoryHead
	Stream string         `json:"stream"` // its name
	Action AdvisoryAction `json:"action"` // created, changed or deleted
}

// ConsumerAction: a consumer was created or deleted. One that is deleted because nobody used it is among them.
type ConsumerAction struct {
	AdvisoryHead
	Stream   string         `json:"stream"`   // of the consumer
	Consumer string         `json:"consumer"` // its name
	Action   AdvisoryAction `json:"action"`   // created or deleted
}

// ConsumerPaused: a consumer was paused until a time, or goes on.
type ConsumerPaused struct {
	AdvisoryHead
	Stream     string    `json:"stream"`      // of the consumer
	Consumer   string    `json:"consumer"`    // its name
	Paused     bool      `json:"paused"`      // false: it goes on
	PauseUntil time.Time `json:"pause_until"` // zero when it goes on
}

// MaxDeliveries: a message was delivered as often as its consumer allows, and not acknowledged. It will not be delivered again.
type MaxDeliveries struct {
	AdvisoryHead
	Stream     string `json:"stream"`     // of the message
	Consumer   string `json:"consumer"`   // that gave it up
	StreamSeq  uint64 `json:"stream_seq"` // of the message, for GetMsg
	Deliveries uint64 `json:"deliveries"` // in all
}

// MsgNaked: a client sent a nak.
type MsgNaked struct {
	AdvisoryHead
	Stream      string `json:"stream"`       // of the message
	Consumer    string `json:"consumer"`     // that delivered it
	ConsumerSeq uint64 `json:"consumer_seq"` // of the delivery
	StreamSeq   uint64 `json:"stream_seq"`   // of the message
	Deliveries  uint64 `json:"deliveries"`   // so far
}

// MsgTerminated: a client terminated a message, with a reason perhaps.
type MsgTerminated struct {
	AdvisoryHead
	Stream      string `json:"stream"`       // of the message
	Consumer    string `json:"consumer"`     // that delivered it
	ConsumerSeq uint64 `json:"consumer_seq"` // of the delivery
	StreamSeq   uint64 `json:"stream_seq"`   // of the message
	Deliveries  uint64 `json:"deliveries"`   // so far
	Reason      string `json:"reason"`       // the client's; empty: none
}

// AckSample: how long a message took from its delivery to its ack.
type AckSample struct {
	AdvisoryHead
	Stream      string        `json:"stream"`       // of the message
	Consumer    string        `json:"consumer"`     // that delivered it
	ConsumerSeq uint64        `json:"consumer_seq"` // of the delivery
	StreamSeq   uint64        `json:"stream_seq"`   // of the message
	Delay       time.Duration `json:"ack_time"`     // in ns on the wire
	Deliveries  uint64        `json:"deliveries"`   // this one included
}

// LeaderElected: a consumer, a stream, or, if both are empty, the domain's meta group has a new leader.
type LeaderElected struct {
	AdvisoryHead
	Account  string      `json:"account"`  // of the stream
	Stream   string      `json:"stream"`   // empty: the meta group
	Consumer string      `json:"consumer"` // empty: not a consumer
	Cluster  string      `json:"cluster"`  // of the leader
	Leader   string      `json:"leader"`   // the server's name
	Replicas []*PeerInfo `json:"replicas"` // the other servers
}

// QuorumLost: a consumer, or, if that is empty, a stream stands still, because too few of its servers can be reached.
type QuorumLost struct {
	AdvisoryHead
	Account  string      `json:"account"`  // of the stream
	Stream   string      `json:"stream"`   // that stands still, or that of the consumer
	Consumer string      `json:"consumer"` // that stands still; empty: the stream does
	Replicas []*PeerInfo `json:"replicas"` // the servers, and how they are
}

// BatchAbandoned: an atomic batch was given up; nothing of it is stored. Reason is timeout, large, incomplete or unsupported.
type BatchAbandoned struct {
	AdvisoryHead
	Account string `json:"account"` // of the stream
	Stream  string `json:"stream"`  // that the batch was for
	BatchID string `json:"batch"`   // as [Batch.ID]
	Reason  string `json:"reason"`  // one of those above
}

// GroupPinned: a client of a priority group was pinned, or, if PinnedID is empty, unpinned for Reason.
type GroupPinned struct {
	AdvisoryHead
	Account  string `json:"account"`   // of the stream
	Stream   string `json:"stream"`    // of the consumer
	Consumer string `json:"consumer"`  // that has the group
	Group    string `json:"group"`     // its name
	PinnedID string `json:"pinned_id"` // of the pin
	Reason   string `json:"reason"`    // empty when it was pinned
}

// SnapshotTaken: a snapshot of a stream was begun, or, if End is set, is complete.
type SnapshotTaken struct {
	AdvisoryHead
	Stream string          `json:"stream"` // its name
	State  *StreamState    `json:"state"`  // of the stream, when the snapshot was begun; nil when it is complete
	Start  time.Time       `json:"start"`  // of the snapshot; zero when it was begun
	End    time.Time       `json:"end"`    // zero when it was begun
	Client *AdvisoryClient `json:"client"` // that asked for it
	Error  string          `json:"error"`  // empty: none
}

// StreamRestored: the restoration of a stream was begun, or, if End is set, is complete.
type StreamRestored struct {
	AdvisoryHead
	Stream string          `json:"stream"` // its name
	Start  time.Time       `json:"start"`  // of the restoration; zero when it was begun
	End    time.Time       `json:"end"`    // zero when it was begun
	Bytes  int64           `json:"bytes"`  // received
	Client *AdvisoryClient `json:"client"` // that asked for it
}

// ServerTrouble: a server has no more storage, was removed from the cluster, or has lowered the quorum of the meta group; the type of the
// head says which.
type ServerTrouble struct {
	AdvisoryHead
	Server     string `json:"server"`      // the server's name
	ServerID   string `json:"server_id"`   // of this run of it
	Stream     string `json:"stream"`      // that found no storage; empty: none
	Cluster    string `json:"cluster"`     // of the server
	PrevQuorum int    `json:"prev_quorum"` // before, with meta_rescue
	NewQuorum  int    `json:"new_quorum"`  // from now on, with meta_rescue
}

// APIAudit: a client used the JetStream API.
type APIAudit struct {
	AdvisoryHead
	Server   string          `json:"server"`   // that was asked
	Client   *AdvisoryClient `json:"client"`   // that asked
	Subject  string          `json:"subject"`  // of the request
	Request  string          `json:"request"`  // as JSON text; empty: none
	Response string          `json:"response"` // as JSON text
}

// APILimitReached: a server has dropped requests to the JetStream API, because there were too many.
type APILimitReached struct {
	AdvisoryHead
	Server  string `json:"server"`  // that dropped them
	Dropped int64  `json:"dropped"` // number of requests
}

// AdvisoryClient is the client that caused an advisory.
type AdvisoryClient struct {
	ID        uint64        `json:"id"`          // number of the connection on its server
	Name      string        `json:"name"`        // that [nats.Name] gave it
	Host      string        `json:"host"`        // address that it came from
	Account   string        `json:"acc"`         // of the connection
	Service   string        `json:"svc"`         // account that offers the API, when it was imported; empty: its own
	User      string        `json:"user"`        // empty: not told
	Server    string        `json:"server"`      // that it is connected to
	Cluster   string        `json:"cluster"`     // of that server
	Language  string        `json:"lang"`        // of the library
	Version   string        `json:"ver"`         // of the library
	Start     time.Time     `json:"start"`       // of the connection
	RTT       time.Duration `json:"rtt"`         // round trip between client and server; 0: not measured
	Kind      string        `json:"kind"`        // such as Client or Leafnode
	Type      string        `json:"client_type"` // nats, mqtt or websocket
	MQTTID    string        `json:"client_id"`   // of an MQTT client
	IssuerKey string        `json:"issuer_key"`  // that signed the user's JWT; empty: none
	NameTag   string        `json:"name_tag"`    // name in the user's JWT
	Tags      []string      `json:"tags"`        // of the user's JWT
}

// UnknownAdvisory is an advisory of a type that this package does not know.
type UnknownAdvisory struct {
	AdvisoryHead
	// Data is the whole message, in JSON.
	Data json.RawMessage
}

// advisoryKinds are the types by the last part of their names.
var advisoryKinds = map[string]func() Advisory{
	"stream_action":           func() Advisory { return new(StreamAction) },
	"consumer_action":         func() Advisory { return new(ConsumerAction) },
	"consumer_pause":          func() Advisory { return new(ConsumerPaused) },
	"max_deliver":             func() Advisory { return new(MaxDeliveries) },
	"nak":                     func() Advisory { return new(MsgNaked) },
	"terminated":              func() Advisory { return new(MsgTerminated) },
	"consumer_ack":            func() Advisory { return new(AckSample) },
	"domain_leader_elected":   func() Advisory { return new(LeaderElected) },
	"stream_leader_elected":   func() Advisory { return new(LeaderElected) },
	"consumer_leader_elected": func() Advisory { return new(LeaderElected) },
	"stream_quorum_lost":      func() Advisory { return new(QuorumLost) },
	"consumer_quorum_lost":    func() Advisory { return new(QuorumLost) },
	"stream_batch_abandoned":  func() Advisory { return new(BatchAbandoned) },
	"consumer_group_pinned":   func() Advisory { return new(GroupPinned) },
	"consumer_group_unpinned": func() Advisory { return new(GroupPinned) },
	"snapshot_create":         func() Advisory { return new(SnapshotTaken) },
	"snapshot_complete":       func() Advisory { return new(SnapshotTaken) },
	"restore_create":          func() Advisory { return new(StreamRestored) },
	"restore_complete":        func() Advisory { return new(StreamRestored) },
	"server_out_of_space":     func() Advisory { return new(ServerTrouble) },
	"server_removed":          func() Advisory { return new(ServerTrouble) },
	"meta_rescue":             func() Advisory { return new(ServerTrouble) },
	"api_audit":               func() Advisory { return new(APIAudit) },
	"api_limit_reached":       func() Advisory { return new(APILimitReached) },
}

// The two families of schemas.
const (
	advisoryPrefix = "io.nats.jetstream.advisory.v1."
	metricPrefix   = "io.nats.jetstream.metric.v1."
)

// ErrBadAdvisory is wrapped by the error of an advisory that cannot be read.
var ErrBadAdvisory JetStreamError = &jsError{message: "bad advisory"}

// ParseAdvisory reads the payload of an advisory, into a pointer to one of the types above, [UnknownAdvisory] for a type that is none of them. An
// error wraps [ErrBadAdvisory]: the payload is no JSON object, or its fields are not those of its type.
func ParseAdvisory(data []byte) (Advisory, error) {
	var head AdvisoryHead
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadAdvisory, err)
	}
	kind, known := advisoryKinds[advisoryKind(head.Type)]
	if !known {
		return &UnknownAdvisory{AdvisoryHead: head, Data: append(json.RawMessage(nil), data...)}, nil
	}
	a := kind()
	if err := json.Unmarshal(data, a); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadAdvisory, err)
	}
	return a, nil
}

// advisoryKind is a schema's name without its family; empty if it is of another one.
func advisoryKind(schema string) string {
	for _, prefix := range []string{advisoryPrefix, metricPrefix} {
		if kind, ok := strings.CutPrefix(schema, prefix); ok {
			return kind
		}
	}
	return ""
}
