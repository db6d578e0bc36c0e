package wire

import (
	"bytes"
	"encoding/json"
)

// PubAck is the stream's answer to a publish. Its fields are, in this order, those of the public types, so that a
// conversion is free.
type PubAck struct {
	Stream    string
	Sequence  uint64
	Duplicate bool
	Domain    string
	Value     string
}

// StreamAck is a [PubAck] in less room: what the acks of a stream have in common is there once. Millions of futures keep one.
type StreamAck struct {
	Like      *PubAck // shared, not to be changed; nil: the zero value
	Sequence  uint64
	Duplicate bool
}

// PubAck is all of it.
func (a StreamAck) PubAck() PubAck {
	if a.Like == nil {
		return PubAck{}
	}
	ack := *a.Like
	ack.Sequence, ack.Duplicate = a.Sequence, a.Duplicate
	return ack
}

func (a *PubAck) short() StreamAck { return StreamAck{a, a.Sequence, a.Duplicate} }

// AckParser reads publish acks. The server writes each stream's acks from one template in which only the sequence
// changes, so it compares with the prefix of the last ack and reads digits, in 10 to 20 ns; everything else, and the first
// ack of each form, goes through encoding/json (some 700 ns and 8 allocations).
//
// The zero value is ready. One per publisher, used on the reader goroutine: not for concurrent use.
type AckParser struct {
	prefix []byte  // `{"stream":"ORDERS","seq":`, empty: nothing learnt yet
	ack    *PubAck // what prefix + digits + `}` says, but for the sequence
}

// duplicateEnd is how the server ends the ack of a message it had already.
const duplicateEnd = `,"duplicate": true}`

// maxPrefix bounds what is kept of an ack: a stream name has at most 255 bytes and so has a domain.
const maxPrefix = 1 << 10

// Parse reads one ack. code is OK; InvalidAck when data is no JSON object with a stream; ServerRefused with err set when
// the server answered with an error. The strings of ack do not borrow from data.
func (p *AckParser) Parse(data []byte) (ack PubAck, code Code, err *APIError) {
	short, code, err := p.ParseShort(data)
	return short.PubAck(), code, err
}

// ParseShort is [AckParser.Parse] for who keeps the ack.
func (p *AckParser) ParseShort(data []byte) (ack StreamAck, code Code, err *APIError) {
	if n := len(p.prefix); n != 0 && len(data) > n+1 && string(data[:n]) == string(p.prefix) {
		if seq, rest, ok := leadingNumber(data[n:]); ok {
			if len(rest) == 1 && rest[0] == '}' {
				return StreamAck{p.ack, seq, p.ack.Duplicate}, OK, nil
			}
			if string(rest) == duplicateEnd {
				return StreamAck{p.ack, seq, true}, OK, nil
			}
		}
	}
	long, code, err := parseAckJSON(data)
	if code != OK {
		return StreamAck{}, code, err
	}
	p.learn(data, &long)
	return long.short(), OK, nil
}

func parseAckJSON(data []byte) (PubAck, Code, *APIError) {
	var answer struct {
		Error     *APIError `json:"error"`
		Stream    string    `json:"stream"`
		Sequence  uint64    `json:"seq"`
		Duplicate bool      `json:"duplicate"`
		Domain    string    `json:"domain"`
		Value     string    `json:"val"`
	}
	if json.Unmarshal(data, &answer) != nil {
		return PubAck{}, InvalidAck, nil
	}
	if answer.Error != nil {
		return PubAck{}, ServerRefused, answer.Error
	}
	if answer.Stream == "" {
		return PubAck{}, InvalidAck, nil
	}
	return PubAck{
		Stream:    answer.Stream,
		Sequence:  answer.Sequence,
		Duplicate: answer.Duplicate,
		Domain:    answer.Domain,
		Value:     answer.Value,
	}, OK, nil
}

// learn keeps the prefix of a valid ack that ends with `"seq":<digits>}`. Then the digits are the value of the object's
// last member, which wins over an earlier one of the same name: another number in their place gives another valid ack that
// differs in the sequence only.
func (p *AckParser) learn(data []byte, ack *PubAck) {
	const key = `"seq":`
	at := bytes.LastIndex(data, []byte(key))
	if at < 1 || at > maxPrefix || data[at-1] != ',' && data[at-1] != '{' {
		return // a quote that is not the first of a key may be an escaped one
	}
	seq, rest, ok := leadingNumber(data[at+len(key):])
	if !ok || string(rest) != "}" || seq != ack.Sequence {
		return
	}
	p.prefix = append(p.prefix[:0], data[:at+len(key)]...)
	p.ack = ack
}
