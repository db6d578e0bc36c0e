package jetstream

// AccountInfo is what an account uses of JetStream, and may use.
type AccountInfo struct {
	Tier

	// Domain of the account's JetStream.
	Domain string `json:"domain"`
	// API counts requests.
	API APIStats `json:"api"`
	// Tiers are the use by replication factor, as "R1" and "R3", where limits are given that way; the embedded one is then
	// the sum.
	Tiers map[string]Tier `json:"tiers"`
}

// Tier is use and limits, of an account or of one replication factor in it.
type Tier struct {
	// Memory in use, in bytes.
	Memory uint64 `json:"memory"`
	// Store is the disk space in use, in bytes.
	Store uint64 `json:"storage"`
	// ReservedMemory in bytes, for streams with MaxBytes.
	ReservedMemory uint64 `json:"reserved_memory"`
	// ReservedStore in bytes, for streams with MaxBytes.
	ReservedStore uint64 `json:"reserved_storage"`
	// Streams is the number of streams.
	Streams int `json:"streams"`
	// Consumers is the number of consumers.
	Consumers int `json:"consumers"`
	// Limits of the account.
	Limits AccountLimits `json:"limits"`
}

// APIStats counts requests to the JetStream API.
type APIStats struct {
	// Level of the API that the server offers (ADR-44).
	Level int `json:"level"`
	// Total of requests.
	Total uint64 `json:"total"`
	// Errors among them.
	Errors uint64 `json:"errors"`
	// Inflight is the number of requests that the server works on.
	Inflight uint64 `json:"inflight,omitempty"`
}

// AccountLimits bound what an account may use. -1: no limit.
type AccountLimits struct {
	// MaxMemory in bytes.
	MaxMemory int64 `json:"max_memory"`
	// MaxStore is the most disk space, in bytes.
	MaxStore int64 `json:"max_storage"`
	// MaxStreams is the most streams.
	MaxStreams int `json:"max_streams"`
	// MaxConsumers is the most consumers of a stream.
	MaxConsumers int `json:"max_consumers"`
	// MaxAckPending that a consumer may have.
	MaxAckPending int `json:"max_ack_pending"`
	// MemoryMaxStreamBytes that a memory stream may reserve.
	MemoryMaxStreamBytes int64 `json:"memory_max_stream_bytes"`
	// StoreMaxStreamBytes that a file stream may reserve.
	StoreMaxStreamBytes int64 `json:"storage_max_stream_bytes"`
	// MaxBytesRequired says that streams must set MaxBytes.
	MaxBytesRequired bool `json:"max_bytes_required"`
}
