package wire

import "time"

// Payloads of API requests, and answers that hold no type of the public packages.

// NamesRequest asks for a page of stream names or infos, of those whose subjects overlap Subject when it is set.
type NamesRequest struct {
	Offset  int    `json:"offset"`
	Subject string `json:"subject,omitempty"`
}

// StreamInfoRequest refines a stream info; SubjectsFilter makes the answer list matching subjects, paged.
type StreamInfoRequest struct {
	Offset         int    `json:"offset,omitempty"`
	DeletedDetails bool   `json:"deleted_details,omitempty"`
	SubjectsFilter string `json:"subjects_filter,omitempty"`
}

// MsgGetRequest asks for one message: by sequence, the last of a subject, or the first of a subject from Seq on.
type MsgGetRequest struct {
	Seq     uint64 `json:"seq,omitempty"`
	LastFor string `json:"last_by_subj,omitempty"`
	NextFor string `json:"next_by_subj,omitempty"`
}

// MsgDeleteRequest removes one message; without NoErase its bytes are overwritten first.
type MsgDeleteRequest struct {
	Seq     uint64 `json:"seq"`
	NoErase bool   `json:"no_erase,omitempty"`
}

// MsgGetAnswer holds the message that a MsgGetRequest found.
type MsgGetAnswer struct {
	Message *StoredMsg `json:"message"`
}

// ConsumerRequest creates or updates a consumer. C is the caller's configuration type.
type ConsumerRequest[C any] struct {
	Stream string `json:"stream_name"`
	Config C      `json:"config"`
	Action Action `json:"action,omitempty"`
	// Pedantic makes the server refuse what it would change in the configuration (ADR-44).
	Pedantic bool `json:"pedantic,omitempty"`
}

// Action restricts a ConsumerRequest; the zero value allows both.
type Action string

const (
	CreateOrUpdate Action = ""       // whichever applies
	CreateOnly     Action = "create" // fail when there is one with another configuration
	UpdateOnly     Action = "update" // fail when there is none
)

// PauseRequest pauses a consumer, or resumes it when Until is nil.
type PauseRequest struct {
	Until *time.Time `json:"pause_until,omitempty"`
}

// UnpinRequest frees a pinned group from its client.
type UnpinRequest struct {
	Group string `json:"group"`
}

// ResetRequest moves a consumer to a sequence, or back to the one after its ack floor when Seq is 0.
type ResetRequest struct {
	Seq uint64 `json:"seq,omitempty"`
}

// Done is the answer of deletes and purges.
type Done struct {
	Success bool   `json:"success"`
	Purged  uint64 `json:"purged"`
}

// PageRequest asks, by direct get, for up to Batch messages (ADR-31): from Seq or Start on, of NextFor if it is set; or the last
// ones of the subjects MultiLast, which may have wildcards, as they were at UpToSeq or UpToTime.
type PageRequest struct {
	Seq       uint64     `json:"seq,omitempty"`
	NextFor   string     `json:"next_by_subj,omitempty"`
	Start     *time.Time `json:"start_time,omitempty"`
	MultiLast []string   `json:"multi_last,omitempty"`
	UpToSeq   uint64     `json:"up_to_seq,omitempty"`
	UpToTime  *time.Time `json:"up_to_time,omitempty"`
	Batch     int        `json:"batch,omitempty"`
	MaxBytes  int        `json:"max_bytes,omitempty"`
}
