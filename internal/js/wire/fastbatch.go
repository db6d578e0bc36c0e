package wire

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// FastOp is the operation of a fast batch (ADR-50) that a message carries in its reply subject.
type FastOp uint8

// Operations of a fast batch.
const (
	FastStart     FastOp = iota // the first message
	FastAppend                  // another one
	FastCommit                  // the last one
	FastCommitEnd               // no message: the batch is over
	FastPing                    // no message: what has the server?
)

const fastSuffix = "$FI"

// AppendFastReply writes the reply subject of the message n of a batch that allows no gaps. inbox is that of the publisher, every the
// number of messages between two acks that it asks for.
func AppendFastReply(dst []byte, inbox, batch string, every, n uint64, op FastOp) []byte {
	dst = append(append(dst, inbox...), '.')
	dst = append(append(dst, batch...), '.')
	dst = append(strconv.AppendUint(dst, every, 10), ".fail."...)
	dst = append(strconv.AppendUint(dst, n, 10), '.')
	dst = append(strconv.AppendUint(dst, uint64(op), 10), '.')
	return append(dst, fastSuffix...)
}

// FastReply is what a reply subject of a fast batch says.
type FastReply struct {
	Batch []byte // borrows from the subject
	N     uint64
	Op    FastOp
}

// ParseFastReply reads what [AppendFastReply] wrote with the same inbox.
func ParseFastReply(subject []byte, inbox string) (r FastReply, ok bool) {
	rest, ok := bytes.CutPrefix(subject, []byte(inbox))
	if !ok || len(rest) == 0 || rest[0] != '.' {
		return FastReply{}, false
	}
	var tokens [6][]byte // batch, every, mode, n, op, suffix
	rest = rest[1:]
	for i := range tokens {
		if tokens[i], rest, ok = bytes.Cut(rest, []byte(".")); ok != (i < len(tokens)-1) {
			return FastReply{}, false
		}
	}
	n, err := strconv.ParseUint(string(tokens[3]), 10, 64)
	if err != nil || len(tokens[4]) != 1 || string(tokens[5]) != fastSuffix {
		return FastReply{}, false
	}
	op := FastOp(tokens[4][0] - '0')
	return FastReply{Batch: tokens[0], N: n, Op: op}, op <= FastPing
}

// FastAnswerKind says what an answer to a fast batch is.
type FastAnswerKind uint8

// Kinds of answers.
const (
	FastBad     FastAnswerKind = iota // cannot be read
	FastFlow                          // an ack for the messages up to Seq; the next one comes Every messages later
	FastGap                           // a message is missing
	FastRefused                       // the message Seq was refused: Error
	FastAck                           // the end: Count messages are stored
	FastFailed                        // an ordinary error instead of an ack
)

// FastAnswer is an answer to a message of a fast batch.
type FastAnswer struct {
	Kind       FastAnswerKind
	Seq, Every uint64
	Error      *APIError
	// Of the end.
	Ack   PubAck
	Count uint64
}

// ParseFastAnswer reads the payload of an answer. Its strings do not borrow.
func ParseFastAnswer(data []byte) (a FastAnswer) {
	var in struct {
		Type      string    `json:"type"`
		Seq       uint64    `json:"seq"`
		Msgs      uint64    `json:"msgs"`
		Error     *APIError `json:"error"`
		Stream    string    `json:"stream"`
		Domain    string    `json:"domain"`
		Duplicate bool      `json:"duplicate"`
		Value     string    `json:"val"`
		Count     uint64    `json:"count"`
	}
	if json.Unmarshal(data, &in) != nil {
		return FastAnswer{}
	}
	a = FastAnswer{Seq: in.Seq, Every: in.Msgs, Error: in.Error, Count: in.Count}
	switch {
	case in.Type == "ack":
		a.Kind = FastFlow
	case in.Type == "gap":
		a.Kind = FastGap
	case in.Type == "err" && in.Error != nil:
		a.Kind = FastRefused
	case in.Type != "":
	case in.Error != nil:
		a.Kind = FastFailed
	case in.Stream != "":
		a.Kind = FastAck
		a.Ack = PubAck{Stream: in.Stream, Sequence: in.Seq, Duplicate: in.Duplicate, Domain: in.Domain, Value: in.Value}
	}
	return a
}

const (
	// ErrCodeUnknownBatch: the server does not know the fast batch.
	ErrCodeUnknownBatch = 10208
	// ErrCodeNoFastBatches: the stream does not take any; it has forgotten those that it took.
	ErrCodeNoFastBatches = 10205
)
