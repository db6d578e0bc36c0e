package wire

import (
	"time"

	"github.com/gannet-io/nats/internal/proto"
)

// StoredMsg is a message as the stream keeps it. Header is a raw block, empty when there is none.
type StoredMsg struct {
	Subject  string    `json:"subject"`
	Sequence uint64    `json:"seq"`
	Header   []byte    `json:"hdrs"`
	Data     []byte    `json:"data"`
	Time     time.Time `json:"time"`
}

// DirectMsg reads the answer to a direct get, which is the message itself with headers that the server added. ok is false
// for a status, and for anything else without them. A message that was stored with an inline status in its header block has
// them too, so a status is not looked for. The slices are the arguments.
func DirectMsg(hdr, data []byte) (m StoredMsg, ok bool) {
	seq, rest, ok := cutNumber(string(proto.HeaderValue(hdr, HdrSequence)))
	if !ok || rest != "" {
		return StoredMsg{}, false
	}
	subject := proto.HeaderValue(hdr, HdrSubject)
	at, err := time.Parse(time.RFC3339Nano, string(proto.HeaderValue(hdr, HdrTimestamp)))
	if err != nil || len(subject) == 0 {
		return StoredMsg{}, false
	}
	return StoredMsg{Subject: string(subject), Sequence: seq, Header: hdr, Data: data, Time: at}, true
}

// PageEnd is the status that ends a page of direct gets.
type PageEnd struct {
	Pending uint64 // messages that match behind this page
	Last    uint64 // sequence of the last message
	UpTo    uint64 // the stream's state that the page shows; 0: it is not fixed
}

// PageEndOf reads the header block of a 204 EOB.
func PageEndOf(hdr []byte) PageEnd {
	number := func(name string) uint64 {
		n, _, _ := cutNumber(string(proto.HeaderValue(hdr, name)))
		return n
	}
	return PageEnd{Pending: number(HdrNumPending), Last: number(HdrLastSequence), UpTo: number(HdrUpToSequence)}
}
