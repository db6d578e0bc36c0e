package wire

import (
	"math"
	"strings"
	"time"
	"unsafe"
)

// Meta is what the reply subject of a stream's message says about it.
type Meta struct {
	Stream, Consumer, Domain string
	StreamSeq, ConsumerSeq   uint64
	Delivered, Pending       uint64
	Timestamp                time.Time
}

// The two forms of the reply subject:
//
//	$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<unix ns>.<pending>
//	$JS.ACK.<domain or _>.<account hash>.<stream>. … .<pending>[.<anything>]
const (
	ackPrefix   = "$JS.ACK."
	ackTokensV1 = 9  // exactly
	ackTokensV2 = 11 // or more; ten are neither form
	noDomain    = "_"
)

// IsAckSubject reports whether a reply subject begins like one of a stream's message; ParseAckSubject may still refuse it.
func IsAckSubject(reply string) bool {
	return len(reply) > len(ackPrefix) && reply[:len(ackPrefix)] == ackPrefix
}

// ackFields are the parts of a reply subject, in one pass over it.
type ackFields struct {
	domain, stream, consumer string
	numbers                  [5]uint64 // delivered, stream seq, consumer seq, unix ns, pending
}

// ParseAckSubject parses both forms. ok is false for anything else: another number of tokens, an empty name, or a number
// that is none. The strings share reply's memory. It does not allocate.
func ParseAckSubject(reply string) (m Meta, ok bool) {
	var f ackFields
	if !f.parse(reply) {
		return Meta{}, false
	}
	return Meta{
		Stream:      f.stream,
		Consumer:    f.consumer,
		Domain:      f.domain,
		Delivered:   f.numbers[0],
		StreamSeq:   f.numbers[1],
		ConsumerSeq: f.numbers[2],
		Timestamp:   time.Unix(0, int64(f.numbers[3])),
		Pending:     f.numbers[4],
	}, true
}

// AckSequences is [ParseAckSubject] for hot paths that want the sequences only. It does not allocate.
func AckSequences(reply []byte) (stream, consumer uint64, ok bool) {
	var f ackFields
	if len(reply) == 0 || !f.parse(unsafe.String(&reply[0], len(reply))) { // f dies here, so nothing keeps reply
		return 0, 0, false
	}
	return f.numbers[1], f.numbers[2], true
}

// Place is where a message stands in its stream and in its consumer's delivery.
type Place struct {
	StreamSeq, ConsumerSeq uint64
	Pending                uint64 // how many more of the consumer's messages there were when it was sent
	UnixNano               int64  // when it was stored
}

// Time is when the message was stored.
func (p Place) Time() time.Time { return time.Unix(0, p.UnixNano) }

// AckPlace is [ParseAckSubject] for hot paths that want no names. It does not allocate.
func AckPlace(reply []byte) (p Place, ok bool) {
	var f ackFields
	if len(reply) == 0 || !f.parse(unsafe.String(&reply[0], len(reply))) { // as in AckSequences
		return Place{}, false
	}
	return Place{f.numbers[1], f.numbers[2], f.numbers[4], int64(f.numbers[3])}, true
}

func (f *ackFields) parse(s string) bool {
	if !IsAckSubject(s) {
		return false
	}
	tokens := strings.Count(s, ".") + 1
	s = s[len(ackPrefix):]
	switch {
	case tokens == ackTokensV1:
	case tokens >= ackTokensV2:
		if f.domain, s = cutToken(s); f.domain == noDomain {
			f.domain = ""
		}
		_, s = cutToken(s)
	default:
		return false
	}
	f.stream, s = cutToken(s)
	f.consumer, s = cutToken(s)
	if f.stream == "" || f.consumer == "" {
		return false
	}
	for i := range f.numbers {
		var ok bool
		if f.numbers[i], s, ok = cutNumber(s); !ok {
			return false
		}
	}
	return f.numbers[3] <= math.MaxInt64
}

// cutToken returns the first token of s, and what follows its dot.
func cutToken(s string) (token, rest string) {
	if dot := strings.IndexByte(s, '.'); dot >= 0 {
		return s[:dot], s[dot+1:]
	}
	return s, ""
}
