package proto

import (
	"slices"
	"strings"

	"github.com/gannet-io/nats/internal/natserr"
)

// version begins each header block.
const version = "NATS/1.0"

// AppendHeader writes h behind dst as a header block: the version line, a line for each value, keys in sorted order and in
// the case they have, and the empty line. Each CR and LF in a value becomes a space, and white space around it is cut,
// so no value can begin a line of its own. A key that is not a token of RFC 9110 (empty, or with a colon, a
// space, a control character, a byte of 0x80 or more ...) is [natserr.BadHeaderMsg], and dst comes back as it was.
//
// An empty h writes nothing. A key without values writes no line. There is no allocation if dst has room and h at most
// eight keys.
func AppendHeader(dst []byte, h map[string][]string) ([]byte, error) {
	if len(h) == 0 {
		return dst, nil
	}
	type entry struct {
		key    string
		values []string
	}
	var few [8]entry
	entries := few[:0]
	if len(h) > len(few) {
		entries = make([]entry, 0, len(h))
	}
	for key, values := range h {
		if !validKey(key) {
			return dst, natserr.BadHeaderMsg
		}
		i := len(entries)
		entries = append(entries, entry{key, values})
		if len(h) <= len(few) {
			for ; i > 0 && entries[i].key < entries[i-1].key; i-- {
				entries[i], entries[i-1] = entries[i-1], entries[i]
			}
		}
	}
	if len(h) > len(few) {
		slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	}
	dst = appendVersion(dst)
	for i := range entries {
		for _, value := range entries[i].values {
			dst = appendField(dst, entries[i].key, value)
		}
	}
	return append(dst, "\r\n"...), nil
}

// HeaderLen is the number of bytes that AppendHeader writes for an h with valid keys.
func HeaderLen(h map[string][]string) int {
	if len(h) == 0 {
		return 0
	}
	n := len(version) + 2*len("\r\n")
	for key, values := range h {
		for _, value := range values {
			n += len(key) + len(": ") + len(trimValue(value)) + len("\r\n")
		}
	}
	return n
}

// appendVersion begins a header block.
func appendVersion(dst []byte) []byte {
	return append(append(dst, version...), "\r\n"...)
}

// appendField writes the line of a value.
func appendField(dst []byte, key, value string) []byte {
	dst = append(append(dst, key...), ": "...)
	start := len(dst)
	dst = append(dst, value...)
	if word(dst, start) < len(dst) {
		dst = appendLine(dst[:start], value)
	}
	return append(dst, "\r\n"...)
}

// appendLine writes a value that has white space or control characters.
func appendLine(dst []byte, value string) []byte {
	i := len(dst)
	dst = append(dst, trimValue(value)...)
	for ; i < len(dst); i++ {
		if dst[i] == '\r' || dst[i] == '\n' {
			dst[i] = ' '
		}
	}
	return dst
}

// trimValue cuts spaces, tabs, CR and LF from both ends.
func trimValue(s string) string {
	for len(s) > 0 && isSpace(s[0]) {
		s = s[1:]
	}
	for len(s) > 0 && isSpace(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// validKey reports whether s is a token of RFC 9110, section 5.6.2.
func validKey(s string) bool {
	for i := range len(s) {
		if !keyBytes[s[i]] {
			return false
		}
	}
	return s != ""
}

// keyBytes are the bytes of a token.
var keyBytes = func() (t [256]bool) {
	for _, c := range []byte("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		t[c] = true
	}
	return t
}()
