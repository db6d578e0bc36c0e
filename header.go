package nats

import (
	"slices"

	"github.com/gannet-io/nats/internal/proto"
)

// Header are the headers of a message: values by key. Keys keep their case, and Get, Set and the others take it into account. A nil Header can be
// read and deleted from. It must not be changed while its message is being published.
type Header map[string][]string

// Add appends value to the values of key.
func (h Header) Add(key, value string) { h[key] = append(h[key], value) }

// Set makes value the only value of key.
func (h Header) Set(key, value string) { h[key] = []string{value} }

// Get returns the first value of key, empty when there is none.
func (h Header) Get(key string) string {
	if v := h[key]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// Values returns all values of key, nil when there are none. It is no copy.
func (h Header) Values(key string) []string { return h[key] }

// Del removes key.
func (h Header) Del(key string) { delete(h, key) }

// DecodeHeadersMsg reads a header block as it stands on the wire, from NATS/1.0 to the empty line; a status and its description become
// the headers Status and Description. An unreadable block is [ErrBadHeaderMsg].
func DecodeHeadersMsg(data []byte) (Header, error) {
	h, err := proto.ParseHeader(data)
	if err != nil {
		return nil, err
	}
	return h, nil
}

func sameHeader(a, b Header) bool {
	if len(a) != len(b) {
		return false
	}
	for key, values := range a {
		if others, ok := b[key]; !ok || !slices.Equal(values, others) {
			return false
		}
	}
	return true
}
