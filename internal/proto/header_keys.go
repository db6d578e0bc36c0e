package proto

import (
	"slices"
	"strings"
)

// HeaderKeys are the keys of a header: valid, and in the order of its block. Most headers of a program have the keys of one before them. To look
// those up takes less than half of the time of [AppendHeader], which iterates the map, checks each key and sorts. A HeaderKeys does not
// change.
type HeaderKeys struct{ sorted []string }

// The bounds of what is remembered: up to eight entries a map is looked up in without hashing.
const (
	mostKeys     = 8
	mostKeyBytes = 512
)

// NewHeaderKeys remembers the keys of h, which AppendHeader has accepted, in memory of its own; none when they are too many or too long.
func NewHeaderKeys(h map[string][]string) *HeaderKeys {
	k := new(HeaderKeys)
	if len(h) > mostKeys {
		return k
	}
	bytes := 0
	for key := range h {
		if bytes += len(key); bytes > mostKeyBytes {
			return new(HeaderKeys)
		}
		k.sorted = append(k.sorted, strings.Clone(key))
	}
	slices.Sort(k.sorted)
	return k
}

// Append writes h behind dst as [AppendHeader] does. It returns false, and dst as it was, when h has other keys, or none.
func (k *HeaderKeys) Append(dst []byte, h map[string][]string) (out []byte, ok bool) {
	if len(h) != len(k.sorted) || len(h) == 0 {
		return dst, false
	}
	out = appendVersion(dst)
	for _, key := range k.sorted {
		values, ok := h[key]
		if !ok {
			return dst, false
		}
		for _, value := range values {
			out = appendField(out, key, value)
		}
	}
	return append(out, "\r\n"...), true
}
