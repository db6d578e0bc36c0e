package peer

import (
	"bytes"
	"fmt"
	"math/rand/v2"

	"github.com/gannet-io/nats/test/bench/meter"
)

// ring is a row of encoded frames that is sent again and again.
type ring struct {
	buf  []byte
	ends []int // offset behind each frame
	at   int   // the next frame
}

// ringBytes is about the size of a ring, so that one write carries a few hundred KiB at most.
const ringBytes = 256 << 10

// newRing makes frames for the subscriptions in turn, in an order that is the same in every run.
func newRing(f Frames, subs []sub) ring {
	order := rand.New(rand.NewPCG(1, 2)).Perm(len(subs))
	payload := bytes.Repeat([]byte{'x'}, f.Size)
	var r ring
	for i := 0; len(r.buf) < ringBytes || i%len(subs) != 0; i++ {
		r.buf = appendFrame(r.buf, f, subs[order[i%len(subs)]], i, payload)
		r.ends = append(r.ends, len(r.buf))
	}
	return r
}

// ReplyLen is the length of the reply subjects in frames.
const ReplyLen = len("_INBOX.bench.00000000")

func appendFrame(b []byte, f Frames, s sub, i int, payload []byte) []byte {
	var hdr string
	op := "MSG"
	if f.Headers {
		op = "HMSG"
		hdr = fmt.Sprintf("NATS/1.0\r\n%s: %s\r\n%s: %s\r\n\r\n", meter.HeaderA, meter.ValueA, meter.HeaderB, meter.ValueB)
	}
	b = fmt.Appendf(b, "%s %s %s ", op, s.subject, s.sid)
	if f.Reply {
		b = fmt.Appendf(b, "_INBOX.bench.%08d ", i)
	}
	if f.Headers {
		b = fmt.Appendf(b, "%d ", len(hdr))
	}
	b = fmt.Appendf(b, "%d\r\n%s", len(hdr)+len(payload), hdr)
	b = append(b, payload...)
	return append(b, "\r\n"...)
}

// next is the bytes of at most n frames, and how many these are.
func (r *ring) next(n int) ([]byte, int) {
	from := 0
	if r.at > 0 {
		from = r.ends[r.at-1]
	}
	n = min(n, len(r.ends)-r.at)
	to := r.ends[r.at+n-1]
	r.at = (r.at + n) % len(r.ends)
	return r.buf[from:to], n
}
