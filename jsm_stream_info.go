package nats

import "time"

// StreamInfo is what the server knows about a stream.
type StreamInfo struct {
	// Config as it is in force, with the server's defaults filled in.
	Config StreamConfig `json:"config"`
	// Created is when the stream was made.
	Created time.Time `json:"created"`
	// State at the time of the answer.
	State StreamState `json:"state"`
	// Cluster tells the leader and the replicas; nil without a cluster.
	Cluster *ClusterInfo `json:"cluster,omitempty"`
	// Mirror tells how far a mirror is.
	Mirror *StreamSourceInfo `json:"mirror,omitempty"`
	// Sources tell how far each source is.
	Sources []*StreamSourceInfo `json:"sources,omitempty"`
	// Alternates are the stream and its mirrors, the nearest first.
	Alternates []*StreamAlternate `json:"alternates,omitempty"`
	// Domain that the stream is in.
	Domain string `json:"domain,omitempty"`
	// TimeStamp is when the server wrote this answer.
	TimeStamp time.Time `json:"ts"`
}

// StreamState counts what a stream holds.
type StreamState struct {
	// Msgs is the number of messages.
	Msgs uint64 `json:"messages"`
	// Bytes they take up.
	Bytes uint64 `json:"bytes"`
	// FirstSeq is the sequence of the oldest message.
	FirstSeq uint64 `json:"first_seq"`
	// FirstTime is when it was stored.
	FirstTime time.Time `json:"first_ts"`
	// LastSeq is the sequence of the newest message.
	LastSeq uint64 `json:"last_seq"`
	// LastTime is when it was stored.
	LastTime time.Time `json:"last_ts"`
	// Consumers is the number of consumers.
	Consumers int `json:"consumer_count"`
	// Deleted lists sequences between FirstSeq and LastSeq that are gone; only when it was asked for.
	Deleted []uint64 `json:"deleted"`
	// NumDeleted is how many of them there are.
	NumDeleted int `json:"num_deleted"`
	// Lost is what the server found to be lost; nil: nothing.
	Lost *LostStreamData `json:"lost,omitempty"`
	// NumSubjects is the number of different subjects.
	NumSubjects uint64 `json:"num_subjects"`
	// Subjects counts the messages of each; only when a filter for them was given.
	Subjects map[string]uint64 `json:"subjects"`
}

// LostStreamData is what a server could not read back after a crash.
type LostStreamData struct {
	// Msgs are the sequences.
	Msgs []uint64 `json:"msgs"`
	// Bytes they took up.
	Bytes uint64 `json:"bytes"`
}

// StreamSourceInfo tells how far a mirror or source is.
type StreamSourceInfo struct {
	// Name of the origin.
	Name string `json:"name"`
	// Lag is the number of messages still to come.
	Lag uint64 `json:"lag"`
	// Active is the time since the last message from the origin; -1: none came.
	Active time.Duration `json:"active"`
	// FilterSubject that selects what is copied.
	FilterSubject string `json:"filter_subject,omitempty"`
	// SubjectTransforms that select and map what is copied.
	SubjectTransforms []SubjectTransformConfig `json:"subject_transforms,omitempty"`
	// External tells how the origin is reached.
	External *ExternalStream `json:"external"`
	// Error is what went wrong last; nil: nothing.
	Error *APIError `json:"error"`
	// Seq is the last sequence of the origin that was copied.
	Seq uint64 `json:"seq,omitempty"`
}

// StreamAlternate is a stream, or a mirror of it, that a client may read from.
type StreamAlternate struct {
	// Name of the stream.
	Name string `json:"name"`
	// Domain that it is in.
	Domain string `json:"domain,omitempty"`
	// Cluster that it is in.
	Cluster string `json:"cluster"`
}

// ClusterInfo tells which servers hold a stream or consumer.
type ClusterInfo struct {
	// Name of the cluster.
	Name string `json:"name,omitempty"`
	// RaftGroup that the servers form.
	RaftGroup string `json:"raft_group,omitempty"`
	// Leader is the name of the server that leads; empty: none does at the moment.
	Leader string `json:"leader,omitempty"`
	// LeaderSince is when it became the leader.
	LeaderSince *time.Time `json:"leader_since,omitempty"`
	// SystemAcc says that the traffic of the group runs in the system account.
	SystemAcc bool `json:"system_account,omitempty"`
	// TrafficAcc is the account of the group's traffic.
	TrafficAcc string `json:"traffic_account,omitempty"`
	// Replicas are the other servers.
	Replicas []*PeerInfo `json:"replicas,omitempty"`
	// Desired is where a stream or consumer that moves is going; nil: it does not move.
	Desired *DesiredClusterInfo `json:"desired,omitempty"`
}

// PeerInfo is one of the servers that hold a stream or consumer.
type PeerInfo struct {
	// Name of the server.
	Name string `json:"name"`
	// Current says that it has everything.
	Current bool `json:"current"`
	// Offline says that it cannot be reached.
	Offline bool `json:"offline,omitempty"`
	// Active is the time since it was last heard of.
	Active time.Duration `json:"active"`
	// Lag is the number of operations that it is behind.
	Lag uint64 `json:"lag,omitempty"`
	// Peer is its id.
	Peer string `json:"peer"`
	// Pending says that it is about to join.
	Pending bool `json:"pending,omitempty"`
}

// DesiredClusterInfo is the target of a stream or consumer that moves.
type DesiredClusterInfo struct {
	// Name of the cluster.
	Name string `json:"name,omitempty"`
	// Replicas are the servers that will hold it.
	Replicas []*DesiredPeerInfo `json:"replicas,omitempty"`
	// Created is when the move began.
	Created time.Time `json:"created"`
	// Origin is what it was before.
	Origin *DesiredClusterInfoOrigin `json:"origin,omitempty"`
	// Status is how far the move is.
	Status *DesiredClusterInfoStatus `json:"status,omitempty"`
}

// DesiredClusterInfoOrigin is what a stream or consumer was before it began to move.
type DesiredClusterInfoOrigin struct {
	// Placement before the move.
	Placement *Placement `json:"placement,omitempty"`
	// Replicas before the move.
	Replicas int `json:"replicas"`
	// Retention before the move.
	Retention *RetentionPolicy `json:"retention,omitempty"`
}

// DesiredClusterInfoStatus is how far a move is.
type DesiredClusterInfoStatus struct {
	// Type is the phase.
	Type MigrationStatusType `json:"type"`
	// Description of the phase.
	Description string `json:"description"`
	// Err is what holds it up.
	Err string `json:"err,omitempty"`
}

// DesiredPeerInfo is one of the servers that a stream or consumer moves to.
type DesiredPeerInfo struct {
	// Name of the server.
	Name string `json:"name"`
	// Peer is its id.
	Peer string `json:"peer"`
	// Offline says that it cannot be reached.
	Offline bool `json:"offline,omitempty"`
}

// RawStreamMsg is a message as a stream holds it, read without a consumer.
type RawStreamMsg struct {
	// Subject it was published on.
	Subject string
	// Sequence in the stream.
	Sequence uint64
	// Header of the message; nil: none. A direct get adds the server's Nats-Stream, Nats-Subject, Nats-Sequence and
	// Nats-Time-Stamp.
	Header Header
	// Data is the payload.
	Data []byte
	// Time is when it was stored.
	Time time.Time
}
