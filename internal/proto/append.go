package proto

import "slices"

// The Append functions write one operation behind dst and return the longer slice. Their arguments were checked by the
// caller: a space or line end in a subject, reply subject or queue name would change the meaning of what follows.

// AppendPub writes PUB, or HPUB when hdr is not empty. hdr is a whole block as [AppendHeader] makes it.
func AppendPub(dst []byte, subject, reply string, hdr, data []byte) []byte {
	dst = slices.Grow(dst, pubExtra+len(subject)+len(reply)+len(hdr)+len(data)) // at most one move
	dst = AppendPubLine(dst, subject, reply, len(hdr), len(hdr)+len(data))
	dst = append(dst, hdr...)
	dst = append(dst, data...)
	return append(dst, "\r\n"...)
}

// AppendPubAround is AppendPub with a gap in place of the payload's size bytes: those from gap on have no meaning.
func AppendPubAround(dst []byte, subject, reply string, hdr []byte, size int) (out []byte, gap int) {
	dst = slices.Grow(dst, pubExtra+len(subject)+len(reply)+len(hdr)+size)
	dst = AppendPubLine(dst, subject, reply, len(hdr), len(hdr)+size)
	dst = append(dst, hdr...)
	gap = len(dst)
	dst = dst[:gap+size]
	return append(dst, "\r\n"...), gap
}

// pubExtra is the most that PUB or HPUB has besides its arguments.
const pubExtra = len("HPUB  ") + 2*len(" 18446744073709551615") + 2*len("\r\n")

// AppendPubLine writes the first line of PUB, or of HPUB when hdr, the size of the header block, is not 0. all is that of block and payload,
// which must follow, and a line end behind them.
func AppendPubLine(dst []byte, subject, reply string, hdr, all int) []byte {
	dst = slices.Grow(dst, pubExtra+len(subject)+len(reply))
	if hdr == 0 {
		dst = append(dst, "PUB "...)
	} else {
		dst = append(dst, "HPUB "...)
	}
	dst = append(dst, subject...)
	dst = append(dst, ' ')
	if reply != "" {
		dst = append(dst, reply...)
		dst = append(dst, ' ')
	}
	if hdr != 0 {
		dst = appendUint(dst, uint64(hdr))
		dst = append(dst, ' ')
	}
	dst = appendUint(dst, uint64(all))
	return append(dst, "\r\n"...)
}

// AppendSub writes SUB, in a queue group when queue is not empty.
func AppendSub(dst []byte, subject, queue string, sid uint64) []byte {
	dst = append(dst, "SUB "...)
	dst = append(dst, subject...)
	dst = append(dst, ' ')
	if queue != "" {
		dst = append(dst, queue...)
		dst = append(dst, ' ')
	}
	dst = appendUint(dst, sid)
	return append(dst, "\r\n"...)
}

// AppendUnsub writes UNSUB: after max messages in all, or at once when max is 0.
func AppendUnsub(dst []byte, sid uint64, max uint64) []byte {
	dst = append(dst, "UNSUB "...)
	dst = appendUint(dst, sid)
	if max != 0 {
		dst = append(dst, ' ')
		dst = appendUint(dst, max)
	}
	return append(dst, "\r\n"...)
}

// appendUint appends n in decimal. Most numbers here have few digits, so it does without a buffer of its own.
func appendUint(dst []byte, n uint64) []byte {
	switch {
	case n < 10:
		return append(dst, byte('0'+n))
	case n < 100:
		return append(dst, byte('0'+n/10), byte('0'+n%10))
	case n < 1000:
		return append(dst, byte('0'+n/100), byte('0'+n/10%10), byte('0'+n%10))
	case n >= 10000:
		dst = appendUint(dst, n/10000)
		n %= 10000
	}
	return append(dst, byte('0'+n/1000), byte('0'+n/100%10), byte('0'+n/10%10), byte('0'+n%10))
}
