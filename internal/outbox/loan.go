package outbox

import (
	"net"

	"github.com/gannet-io/nats/internal/proto"
)

// loan is the payload of a publish that its publisher writes itself, out of the caller's memory: flight has a gap in its place. It is
// copied there only if the write does not take everything, before the token is given back. So flight is whole whenever anybody but the
// one with the token looks at more than sizes. The zero value is none.
//
// So a chunk of an object, 128 KiB, goes out in one write instead of three, and its bytes leave the processor's cache for the kernel only.
type loan struct {
	data []byte
	gap  int // where it belongs in flight.buf

	parts [3][]byte
	rest  net.Buffers // of parts
}

// lendableLocked reports whether p, for which there is no room, may be written by its publisher without a copy. What may have to be sent again
// is copied anyway.
func (b *Box) lendableLocked(w *wire, p *pub) bool {
	return len(p.data) >= WriteSize && len(b.active.buf) <= WriteSize && w.exact && b.cfg.Resend <= 0 && w.freeLocked()
}

// lendLocked puts p, whose payload is lent, and what waits in front of it into flight, and takes the token.
func (b *Box) lendLocked(w *wire, p *pub, lent []byte) (piece []byte) {
	a := &b.active
	start := len(a.buf)
	var gap int
	a.buf, gap = proto.AppendPubAround(a.buf, p.subject, p.reply, p.hdr, len(p.data))
	if p.reply == "" {
		b.plain++
	}
	w.busy = true // so that the writer is not woken
	b.acceptedLocked(start, len(p.hdr)+len(p.data), false)
	b.takeLocked(w)
	w.loan.data, w.loan.gap = lent, gap
	w.lent, w.asked = true, len(w.flight.buf)
	return w.flight.buf
}

// send writes piece, with what was lent to it. The caller has the token.
func (w *wire) send(piece []byte) (int, error) {
	l := &w.loan
	if l.data == nil {
		return w.link.Write(piece)
	}
	l.parts = [3][]byte{piece[:l.gap], l.data, piece[l.gap+len(l.data):]}
	l.rest = l.parts[:]
	n, err := l.rest.WriteTo(w.link)
	l.parts, l.rest = [3][]byte{}, nil
	return int(n), err
}

// repaidLocked ends the loan after a write.
func (w *wire) repaidLocked() {
	if l := &w.loan; l.data != nil {
		if w.sent < len(w.flight.buf) {
			copy(w.flight.buf[l.gap:], l.data)
		}
		l.data = nil
	}
}
