package proto

import (
	"bytes"
	"strconv"
)

// Error is a violation of the protocol by the server. The connection cannot go on after it, because it is not known
// where the next operation begins.
type Error struct {
	Reason string // what is wrong: "payload of 99999999999 bytes exceeds 67108864"
	Near   string // the first bytes of the offending line, at most 64, quoted
}

// Error is the reason and the place.
func (e *Error) Error() string {
	return "nats: protocol error: " + e.Reason + " near " + e.Near
}

// violation makes an Error for the line that b begins with.
func violation(b []byte, reason string) *Error {
	if i := bytes.IndexByte(b[:min(len(b), 64)], '\n'); i >= 0 {
		b = b[:i]
	}
	return &Error{Reason: reason, Near: strconv.QuoteToASCII(string(b[:min(len(b), 64)]))}
}
