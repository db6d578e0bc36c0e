package jetstream

import "github.com/gannet-io/nats/internal/js/wire"

// RetentionPolicy says when a stream may drop a message.
type RetentionPolicy int

const (
	// LimitsPolicy keeps messages until a limit is reached.
	LimitsPolicy RetentionPolicy = iota
	// InterestPolicy keeps messages until all consumers have acknowledged them; without a consumer none is kept.
	InterestPolicy
	// WorkQueuePolicy keeps messages until one consumer has acknowledged them.
	WorkQueuePolicy
)

var (
	retentionsJSON = []string{"limits", "interest", "workqueue"}
	retentionsText = []string{"Limits", "Interest", "WorkQueue"}
)

// String is the name of the retention policy; "Unknown Retention Policy" for a value that is none.
func (p RetentionPolicy) String() string {
	return wire.EnumName(retentionsText, p, "Unknown Retention Policy")
}

// MarshalJSON writes the server's name of the retention policy. An unknown value is an error.
func (p RetentionPolicy) MarshalJSON() ([]byte, error) {
	return wire.EnumJSON("retention policy", retentionsJSON, p)
}

// UnmarshalJSON reads the server's name of the retention policy. An unknown name is an error.
func (p *RetentionPolicy) UnmarshalJSON(data []byte) error {
	return wire.EnumFromJSON("retention policy", retentionsJSON, data, p)
}

// DiscardPolicy says which message goes when a limit is reached.
type DiscardPolicy int

const (
	// DiscardOld drops the oldest messages.
	DiscardOld DiscardPolicy = iota
	// DiscardNew refuses the new message.
	DiscardNew
)

var (
	discardsJSON = []string{"old", "new"}
	discardsText = []string{"DiscardOld", "DiscardNew"}
)

// String is the name of the discard policy; "Unknown Discard Policy" for a value that is none.
func (p DiscardPolicy) String() string {
	return wire.EnumName(discardsText, p, "Unknown Discard Policy")
}

// MarshalJSON writes the server's name of the discard policy. An unknown value is an error.
func (p DiscardPolicy) MarshalJSON() ([]byte, error) {
	return wire.EnumJSON("discard policy", discardsJSON, p)
}

// UnmarshalJSON reads the server's name of the discard policy. An unknown name is an error.
func (p *DiscardPolicy) UnmarshalJSON(data []byte) error {
	return wire.EnumFromJSON("discard policy", discardsJSON, data, p)
}

// StorageType is where a stream keeps its messages.
type StorageType int

const (
	// FileStorage keeps them on disk.
	FileStorage StorageType = iota
	// MemoryStorage keeps them in memory: a restart of all replicas loses them.
	MemoryStorage
)

var (
	storagesJSON = []string{"file", "memory"}
	storagesText = []string{"File", "Memory"}
)

// String is the name of the storage type; "Unknown Storage Type" for a value that is none.
func (p StorageType) String() string { return wire.EnumName(storagesText, p, "Unknown Storage Type") }

// MarshalJSON writes the server's name of the storage type. An unknown value is an error.
func (p StorageType) MarshalJSON() ([]byte, error) {
	return wire.EnumJSON("storage type", storagesJSON, p)
}

// UnmarshalJSON reads the server's name of the storage type. An unknown name is an error.
func (p *StorageType) UnmarshalJSON(data []byte) error {
	return wire.EnumFromJSON("storage type", storagesJSON, data, p)
}

// StoreCompression is how a stream compresses what it keeps on disk.
type StoreCompression uint8

const (
	// NoCompression keeps messages as they are.
	NoCompression StoreCompression = iota
	// S2Compression compresses blocks of messages with S2.
	S2Compression
)

var (
	compressionsJSON = []string{"none", "s2"}
	compressionsText = []string{"None", "S2"}
)

// String is the name of the compression; "Unknown StoreCompression" for a value that is none.
func (p StoreCompression) String() string {
	return wire.EnumName(compressionsText, p, "Unknown StoreCompression")
}

// MarshalJSON writes the server's name of the compression. An unknown value is an error.
func (p StoreCompression) MarshalJSON() ([]byte, error) {
	return wire.EnumJSON("compression", compressionsJSON, p)
}

// UnmarshalJSON reads the server's name of the compression. An unknown name is an error.
func (p *StoreCompression) UnmarshalJSON(data []byte) error {
	return wire.EnumFromJSON("compression", compressionsJSON, data, p)
}

// PersistModeType says when a publish is acknowledged.
type PersistModeType int

const (
	// DefaultPersistMode acknowledges once the message is stored.
	DefaultPersistMode PersistModeType = iota
	// AsyncPersistMode acknowledges before: faster, but a crash loses acknowledged messages.
	AsyncPersistMode
)

var (
	persistModesJSON = []string{"default", "async"}
	persistModesText = []string{"Default", "Async"}
)

// String is the name of the persist mode; "Unknown Persist Mode" for a value that is none.
func (p PersistModeType) String() string {
	return wire.EnumName(persistModesText, p, "Unknown Persist Mode")
}

// MarshalJSON writes the server's name of the persist mode. An unknown value is an error.
func (p PersistModeType) MarshalJSON() ([]byte, error) {
	return wire.EnumJSON("persist mode", persistModesJSON, p)
}

// UnmarshalJSON reads the server's name of the persist mode. An unknown name is an error.
func (p *PersistModeType) UnmarshalJSON(data []byte) error {
	return wire.EnumFromJSON("persist mode", persistModesJSON, data, p)
}

// DeliverPolicy says where a consumer begins.
type DeliverPolicy int

const (
	// DeliverAllPolicy begins at the first message.
	DeliverAllPolicy DeliverPolicy = iota
	// DeliverLastPolicy begins at the last message.
	DeliverLastPolicy
	// DeliverNewPolicy begins with what comes after the consumer was created.
	DeliverNewPolicy
	// DeliverByStartSequencePolicy begins at OptStartSeq.
	DeliverByStartSequencePolicy
	// DeliverByStartTimePolicy begins at OptStartTime.
	DeliverByStartTimePolicy
	// DeliverLastPerSubjectPolicy begins with the last message of each subject.
	DeliverLastPerSubjectPolicy
)

var deliversJSON = []string{"all", "last", "new", "by_start_sequence", "by_start_time", "last_per_subject"}

// String is the name of the deliver policy; empty for a value that is none.
func (p DeliverPolicy) String() string { return wire.EnumName(deliversJSON, p, "") }

// MarshalJSON writes the server's name of the deliver policy. An unknown value is an error.
func (p DeliverPolicy) MarshalJSON() ([]byte, error) {
	return wire.EnumJSON("deliver policy", deliversJSON, p)
}

// UnmarshalJSON reads the server's name of the deliver policy. An unknown name is an error.
func (p *DeliverPolicy) UnmarshalJSON(data []byte) error {
	return wire.EnumFromJSON("deliver policy", deliversJSON, data, p)
}

// AckPolicy says which messages of a consumer must be acknowledged. The zero value is AckExplicitPolicy; in the older API of
// package nats it is AckNonePolicy.
type AckPolicy int

const (
	// AckExplicitPolicy wants an ack for each message.
	AckExplicitPolicy AckPolicy = iota
	// AckAllPolicy takes an ack as one for all messages before, too.
	AckAllPolicy
	// AckNonePolicy takes every message as acknowledged once it is delivered.
	AckNonePolicy
	// AckFlowControlPolicy takes answers to flow control for acks; it is for consumers that feed mirrors and sources.
	AckFlowControlPolicy
)

var (
	ackPoliciesJSON = []string{"explicit", "all", "none", "flow_control"}
	ackPoliciesText = []string{"AckExplicit", "AckAll", "AckNone", "AckFlowControl"}
)

// String is the name of the ack policy; "Unknown AckPolicy" for a value that is none.
func (p AckPolicy) String() string { return wire.EnumName(ackPoliciesText, p, "Unknown AckPolicy") }

// MarshalJSON writes the server's name of the ack policy. An unknown value is an error.
func (p AckPolicy) MarshalJSON() ([]byte, error) {
	return wire.EnumJSON("ack policy", ackPoliciesJSON, p)
}

// UnmarshalJSON reads the server's name of the ack policy. An unknown name is an error.
func (p *AckPolicy) UnmarshalJSON(data []byte) error {
	return wire.EnumFromJSON("ack policy", ackPoliciesJSON, data, p)
}

// ReplayPolicy says how fast a consumer delivers what is stored.
type ReplayPolicy int

const (
	// ReplayInstantPolicy delivers as fast as possible.
	ReplayInstantPolicy ReplayPolicy = iota
	// ReplayOriginalPolicy delivers at the pace at which the messages came.
	ReplayOriginalPolicy
)

var replaysJSON = []string{"instant", "original"}

// String is the name of the replay policy; empty for a value that is none.
func (p ReplayPolicy) String() string { return wire.EnumName(replaysJSON, p, "") }

// MarshalJSON writes the server's name of the replay policy. An unknown value is an error.
func (p ReplayPolicy) MarshalJSON() ([]byte, error) {
	return wire.EnumJSON("replay policy", replaysJSON, p)
}

// UnmarshalJSON reads the server's name of the replay policy. An unknown name is an error.
func (p *ReplayPolicy) UnmarshalJSON(data []byte) error {
	return wire.EnumFromJSON("replay policy", replaysJSON, data, p)
}

// PriorityPolicy says which of several clients gets the messages of a pull consumer (ADR-42).
type PriorityPolicy int

const (
	// PriorityPolicyNone serves clients in turn.
	PriorityPolicyNone PriorityPolicy = iota
	// PriorityPolicyPinned serves one client until it is silent for too long.
	PriorityPolicyPinned
	// PriorityPolicyOverflow serves clients that set a minimum only once so many messages are pending.
	PriorityPolicyOverflow
	// PriorityPolicyPrioritized serves the clients of the lowest priority number first.
	PriorityPolicyPrioritized
)

var prioritiesJSON = []string{"none", "pinned_client", "overflow", "prioritized"}

// MarshalJSON writes the server's name of the priority policy. An unknown value is an error.
func (p PriorityPolicy) MarshalJSON() ([]byte, error) {
	return wire.EnumJSON("priority policy", prioritiesJSON, p)
}

// UnmarshalJSON reads the server's name of the priority policy; an empty one is PriorityPolicyNone. An unknown name is an
// error.
func (p *PriorityPolicy) UnmarshalJSON(data []byte) error {
	if string(data) == `""` {
		*p = PriorityPolicyNone
		return nil
	}
	return wire.EnumFromJSON("priority policy", prioritiesJSON, data, p)
}

// MigrationStatusType is the phase of a stream or consumer that moves to other servers.
type MigrationStatusType string

const (
	// MigrationStatusMeta: the cluster decides.
	MigrationStatusMeta MigrationStatusType = "meta"
	// MigrationStatusMembership: servers join and leave the group.
	MigrationStatusMembership MigrationStatusType = "membership"
	// MigrationStatusSnapshot: a snapshot is being sent.
	MigrationStatusSnapshot MigrationStatusType = "snapshot"
	// MigrationStatusCatchup: new servers catch up.
	MigrationStatusCatchup MigrationStatusType = "catchup"
	// MigrationStatusQuorum: a majority is missing.
	MigrationStatusQuorum MigrationStatusType = "quorum"
	// MigrationStatusBlocked: something else holds it up.
	MigrationStatusBlocked MigrationStatusType = "blocked"
	// MigrationStatusUnavailable: its status cannot be told.
	MigrationStatusUnavailable MigrationStatusType = "unavailable"
)
