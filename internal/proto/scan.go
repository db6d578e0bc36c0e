package proto

import (
	"encoding/binary"
	"math/bits"
)

// digits reads a number of at most 9 digits at b[i]. It ends where j says, which is i if there is none.
func digits(b []byte, i int) (n, j int) {
	end := min(len(b), i+9)
	for j = i; j < end; j++ {
		d := b[j] - '0'
		if d > 9 {
			break
		}
		n = n*10 + int(d)
	}
	return n, j
}

const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// word returns the place of the first byte below 0x21 in b[i:], or len(b). Eight bytes at a time: reply subjects are long.
func word(b []byte, i int) int {
	for ; i+8 <= len(b); i += 8 {
		x := binary.LittleEndian.Uint64(b[i:])
		if low := (x - 0x21*ones) &^ x & highs; low != 0 { // its lowest bit is exact, those above may be wrong
			return i + bits.TrailingZeros64(low)/8
		}
	}
	for i < len(b) && b[i] > ' ' {
		i++
	}
	return i
}

// trim cuts spaces and tabs from both ends.
func trim[T []byte | string](b T) T {
	b = trimLeft(b)
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// trimLeft cuts spaces and tabs in front.
func trimLeft[T []byte | string](b T) T {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	return b
}
