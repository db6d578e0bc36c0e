package obj

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/gannet-io/nats/internal/js/wire"
)

// Meta is what the user says about an object.
type Meta struct {
	Name        string              `json:"name"`
	Description string              `json:"description,omitempty"`
	Headers     map[string][]string `json:"headers,omitempty"`
	Metadata    map[string]string   `json:"metadata,omitempty"`
	Opts        *Options            `json:"options,omitempty"`
}

// Options of an object. ChunkSize is in bytes; 0: [DefaultChunk].
type Options struct {
	Link      *Link  `json:"link,omitempty"`
	ChunkSize uint32 `json:"max_chunk_size,omitempty"`
}

// Link names another object, or with an empty name a bucket.
type Link struct {
	Bucket string `json:"bucket"`
	Name   string `json:"name,omitempty"`
}

// Info is an object without its bytes.
type Info struct {
	Meta
	Bucket  string    `json:"bucket"`
	NUID    string    `json:"nuid"`
	Size    uint64    `json:"size"`
	ModTime time.Time `json:"mtime"` // zero on the wire: the message's time counts
	Chunks  uint32    `json:"chunks"`
	Digest  string    `json:"digest,omitempty"`
	Deleted bool      `json:"deleted,omitempty"`

	seq uint64 // of the meta message
}

// link is where an object leads; nil: it is none.
func (m *Meta) link() *Link {
	if m.Opts == nil {
		return nil
	}
	return m.Opts.Link
}

// parseInfo reads a meta message. It may come from anybody who can publish.
func parseInfo(data []byte, seq uint64, at time.Time) (*Info, error) {
	info := new(Info)
	if err := json.Unmarshal(data, info); err != nil || info.Name == "" {
		return nil, BadMeta
	}
	info.seq, info.ModTime = seq, at
	return info, nil
}

func infoOf(m *wire.StoredMsg) (*Info, error) { return parseInfo(m.Data, m.Sequence, m.Time) }

// encode is the meta message of info.
func (i *Info) encode() ([]byte, error) {
	sent := *i
	sent.ModTime = time.Time{}
	data, err := json.Marshal(&sent)
	if err != nil {
		return nil, BadMeta
	}
	return data, nil
}

// says reports whether i is what data says.
func (i *Info) says(data []byte) bool {
	if i == nil {
		return false
	}
	own, err := i.encode()
	return err == nil && bytes.Equal(own, data)
}
