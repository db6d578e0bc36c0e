package wire

import (
	"strconv"
	"time"
)

// Ack bodies. They are shared: do not change them.
var (
	Ack        = []byte("+ACK")
	Nak        = []byte("-NAK")
	InProgress = []byte("+WPI")
	Term       = []byte("+TERM")
)

// AppendNakDelay writes the body that asks for a redelivery after d: -NAK {"delay": <ns>}. Zero and less is a plain Nak.
func AppendNakDelay(dst []byte, d time.Duration) []byte {
	dst = append(dst, Nak...)
	if d <= 0 {
		return dst
	}
	dst = append(dst, ` {"delay": `...)
	dst = strconv.AppendInt(dst, int64(d), 10)
	return append(dst, '}')
}

// AppendTermReason writes the body that ends redelivery for a reason, which the server puts into its advisory. No
// reason is a plain Term.
func AppendTermReason(dst []byte, reason string) []byte {
	dst = append(dst, Term...)
	if reason == "" {
		return dst
	}
	dst = append(dst, ' ')
	return append(dst, reason...)
}
