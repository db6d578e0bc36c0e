package proto

import (
	"bytes"
	"strings"
	"unsafe"

	"github.com/gannet-io/nats/internal/natserr"
)

// The headers that stand for the inline status of a block.
const (
	StatusHeader      = "Status"
	DescriptionHeader = "Description"
)

// maxPresize bounds what is made for a block before its keys are seen: a line may be of one byte.
const maxPresize = 64

// ParseHeader decodes a block. The map is never nil without an error. Keys keep their case, and the values of
// a repeated key are in the order of their lines. An inline status becomes [StatusHeader] and [DescriptionHeader], behind values
// of those names that the block has itself. White space in front of a value is cut. A line that begins with a space
// or tab continues the value before it, joined with one space. A line with an empty key is left out, and bytes behind the
// final empty line are ignored.
//
// A block without version line or final empty line, a line without colon, and an inline status of one or two bytes are
// [natserr.BadHeaderMsg].
//
// One string holds all keys and values, and one array the first values of (the first 64) keys, so whoever keeps one of
// them keeps the block.
func ParseHeader(b []byte) (map[string][]string, error) { return ParseHeaderText(string(b), nil) }

// ParseHeaderText is [ParseHeader] of a block that may be kept. values is memory for as many values as [CountValues] says, which must not be used
// again; with nil they get an array of their own.
func ParseHeaderText(block string, values []string) (map[string][]string, error) {
	first, rest, ok := cutLine(block)
	if !ok || !strings.HasPrefix(first, version) {
		return nil, natserr.BadHeaderMsg
	}
	status, description, ok := inline(first)
	if !ok {
		return nil, natserr.BadHeaderMsg
	}
	if cap(values) == 0 {
		values = make([]string, 0, min(CountValues(unsafe.Slice(unsafe.StringData(block), len(block))), maxPresize))
	}
	h := make(map[string][]string, cap(values))
	add := func(key, value string) {
		if before, again := h[key]; again {
			h[key] = append(before, value) // has no room in values, so it moves away
			return
		}
		i := len(values)
		values = append(values, value)
		h[key] = values[i : i+1 : i+1]
	}
	if !parseLines(rest, add) {
		return nil, natserr.BadHeaderMsg
	}
	if status != "" {
		add(StatusHeader, status)
	}
	if description != "" {
		add(DescriptionHeader, description)
	}
	return h, nil
}

// CountValues is how many values a block has at most: its lines but for the first and the last one, and the inline status.
func CountValues(block []byte) int {
	n := bytes.Count(block, newLine) - 2
	if len(block) > len(version) && block[len(version)] != '\r' {
		n += 2
	}
	return max(n, 0)
}

var newLine = []byte{'\n'}

// parseLines calls add for each header up to the empty line; false: the block is not one.
func parseLines(s string, add func(key, value string)) bool {
	for {
		line, rest, ok := cutLine(s)
		if !ok {
			return false
		}
		if line == "" {
			return true
		}
		colon := strings.IndexByte(line, ':')
		if colon < 0 || continues(line) {
			return false
		}
		key, value := line[:colon], trimLeft(line[colon+1:])
		if continues(rest) {
			value, rest = unfold(value, rest)
		}
		if key != "" {
			add(key, value)
		}
		s = rest
	}
}

// continues reports whether s begins with white space, which makes its first line a part of the value before it.
func continues(s string) bool { return s != "" && (s[0] == ' ' || s[0] == '\t') }

// unfold joins the lines at the start of s that continue value. A line of white space only adds nothing.
func unfold(value, s string) (joined, rest string) {
	var b strings.Builder
	b.WriteString(strings.TrimRight(value, " \t"))
	for continues(s) {
		line, next, ok := cutLine(s)
		if !ok {
			break // the block has no end: parseLines finds that out
		}
		if line = strings.Trim(line, " \t"); line != "" {
			if b.Len() > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(line)
		}
		s = next
	}
	return b.String(), s
}

// cutLine takes the first line off s, without its CRLF or LF; ok is false if it has no end.
func cutLine(s string) (line, rest string, ok bool) {
	end := strings.IndexByte(s, '\n')
	if end < 0 {
		return s, "", false
	}
	line, rest = s[:end], s[end+1:]
	if end > 0 && line[end-1] == '\r' {
		line = line[:end-1]
	}
	return line, rest, true
}

// inline takes the version line of a block apart: three bytes of status, if there is one, and the description behind it.
func inline[T []byte | string](line T) (status, description T, ok bool) {
	rest := trim(line[len(version):])
	switch n := len(rest); {
	case n == 0:
		return rest, rest, true
	case n < 3:
		return rest, rest, false
	}
	return rest[:3], trim(rest[3:]), true
}
