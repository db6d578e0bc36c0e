package wire

import (
	"github.com/gannet-io/nats/internal/proto"
	"github.com/gannet-io/nats/internal/subject"
)

// Status is one classified status message.
type Status struct {
	Code                      Code
	Number                    int // 404, 409 ...
	PendingMsgs, PendingBytes int // what a pull had left when the server ended it; -1 when it does not say
	// Description borrows from the header block.
	Description []byte
}

// StatusOf classifies a status frame from its header block; texts are matched without regard to case. ok is false for an
// ordinary message: no inline status, or a payload. It does not allocate.
//
// A publisher can store a message whose header block has an inline status. So a caller that reads stream messages and
// statuses on one subscription has to look at the subject too: a status comes on the inbox itself.
func StatusOf(hdr, data []byte) (s Status, ok bool) {
	if len(hdr) == 0 || len(data) != 0 {
		return Status{}, false
	}
	number := proto.Status(hdr)
	if number == 0 {
		return Status{}, false
	}
	words := proto.Description(hdr)
	return Status{
		Code:         codeOf(number, words),
		Number:       number,
		PendingMsgs:  count(proto.HeaderValue(hdr, HdrPendingMessages)),
		PendingBytes: count(proto.HeaderValue(hdr, HdrPendingBytes)),
		Description:  words,
	}, true
}

// Beat is what an idle heartbeat of a push consumer says beside that the server is alive.
type Beat struct {
	LastConsumer uint64 // consumer sequence of the last message that the server has sent
	Known        bool   // whether it says that
	// Stalled is the flow control reply that the server waits for; nil: none. It borrows from the header block.
	Stalled []byte
}

// BeatOf reads the header block of an idle heartbeat. A Stalled that could not be published to is left out.
func BeatOf(hdr []byte) (b Beat) {
	if v := proto.HeaderValue(hdr, HdrLastConsumer); len(v) > 0 && len(v) <= maxDigits {
		n, rest, ok := cutNumber(string(v)) // short enough for the stack
		b.LastConsumer, b.Known = n, ok && rest == ""
	}
	if v := proto.HeaderValue(hdr, HdrConsumerStalled); len(v) > 0 && len(v) <= maxStalled && subject.ValidPublish(string(v)) {
		b.Stalled = v
	}
	return b
}

// maxStalled bounds a flow control reply: two names and some numbers.
const maxStalled = 1024

// conflicts are the 409 texts with a meaning of their own; the server may add words behind them.
var conflicts = [...]struct {
	text string
	code Code
}{
	{"consumer deleted", ConsumerDeleted},
	{"leadership change", LeadershipChange},
	{"server shutdown", ServerShutdown},
	{"message size exceeds maxbytes", MaxBytesExceeded},
	{"batch completed", BatchCompleted},
}

func codeOf(number int, words []byte) Code {
	switch number {
	case 100:
		if foldPrefix(words, "flowcontrol request") {
			return FlowControl
		}
		return IdleHeartbeat // whatever else a 100 says, it is a sign of life
	case 400:
		return BadRequest
	case 404:
		return NoMessages
	case 408:
		return RequestTimeout
	case 409:
		for i := range conflicts {
			if foldPrefix(words, conflicts[i].text) {
				return conflicts[i].code
			}
		}
		return LimitExceeded
	case 423:
		return PinIDMismatch
	case 503:
		return NoResponders
	}
	return OtherStatus
}

// foldPrefix reports whether b begins with lower, which is in lower case, without regard to the case of ASCII letters.
func foldPrefix(b []byte, lower string) bool {
	if len(b) < len(lower) {
		return false
	}
	for i := range len(lower) {
		c := b[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// count reads a number of messages or bytes, -1 when it is none.
func count(b []byte) int {
	if len(b) > maxDigits {
		return -1
	}
	n, rest, ok := cutNumber(string(b)) // short enough for the stack
	if !ok || rest != "" || n > maxCount {
		return -1
	}
	return int(n)
}

// maxCount bounds counts on every platform, and keeps sums of a few of them in range.
const maxCount = 1<<31 - 1
