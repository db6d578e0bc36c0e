package wire

import "bytes"

// AckCursor reads the sequences of reply subjects that follow one another. Those of one consumer differ behind the number of deliveries only, so what
// comes before is compared and not parsed: that halves the cost of [AckSequences]. The zero value is ready. It does not allocate but for a new
// consumer.
type AckCursor struct {
	prefix []byte // of the last reply of the short form, with the dot before the stream sequence
}

const ackPrefixDots = 5 // of the short form, before the stream sequence

// Sequences is [AckSequences]. Of a reply that begins like the last one, the two tokens behind the sequences may be anything.
func (c *AckCursor) Sequences(reply []byte) (stream, consumer uint64, ok bool) {
	if n := len(c.prefix); n > 0 && len(reply) > n && string(reply[:n]) == string(c.prefix) {
		rest := reply[n:]
		if stream, rest, ok = sequence(rest); ok {
			if consumer, rest, ok = sequence(rest); ok && bytes.Count(rest, dot) == 1 {
				return stream, consumer, true
			}
		}
	}
	if stream, consumer, ok = AckSequences(reply); ok && bytes.Count(reply, dot) == ackTokensV1-1 {
		end := 0
		for range ackPrefixDots {
			end += bytes.IndexByte(reply[end:], '.') + 1
		}
		c.prefix = append(c.prefix[:0], reply[:end]...)
	}
	return stream, consumer, ok
}

var dot = []byte{'.'}

// sequence reads up to 19 digits, which always fit, and the dot behind them.
func sequence(b []byte) (n uint64, rest []byte, ok bool) {
	for i, c := range b {
		d := c - '0'
		if d > 9 {
			return n, b[i+1:], c == '.' && i > 0
		}
		if i == maxDigits-1 {
			break
		}
		n = n*10 + uint64(d)
	}
	return 0, nil, false
}
