package jetstream

// StreamPurgeRequest says what a purge removes: everything when it is empty.
type StreamPurgeRequest struct {
	// Sequence below which messages are removed. Not together with Keep.
	Sequence uint64 `json:"seq,omitempty"`
	// Subject selects what is removed, wildcards allowed; empty: all.
	Subject string `json:"filter,omitempty"`
	// Keep is the number of newest messages that stay. Not together with Sequence.
	Keep uint64 `json:"keep,omitempty"`
}
