package tour

import (
	"bytes"
	"slices"
)

const (
	maxPiece  = 64 << 10 // bytes; longer lines are cut
	minPieces = 16       // so that each chapter has something to do
)

// split cuts data into lines. They keep their ends, so that putting them together again gives data, and no piece is longer than
// limit, which has to be positive. The pieces lie in data's memory, but appending to one does not reach the next.
func split(data []byte, limit int) [][]byte {
	var pieces [][]byte
	for len(data) > 0 {
		n := bytes.IndexByte(data, '\n') + 1
		if n == 0 {
			n = len(data)
		}
		n = min(n, limit)
		pieces = append(pieces, data[:n:n])
		data = data[n:]
	}
	return pieces
}

// cut is [split], but a text of a few lines becomes at least minPieces pieces, if it has as many bytes.
func cut(data []byte, limit int) [][]byte {
	pieces := split(data, limit)
	if len(pieces) < minPieces {
		pieces = split(data, max(1, min(limit, len(data)/minPieces)))
	}
	return pieces
}

// shares divides n pieces among the publishing chapters: a few for the two that wait for each ack, so that a long way to the server
// does not make them long, and the rest for the one that does not. With minPieces and more no share is empty.
func shares(n int) (late, lost, window span) {
	late = span{0, min(n/3, 100)}
	lost = span{late.to, late.to + min(n/4, 50)}
	return late, lost, span{lost.to, n}
}

// span is a range of pieces, to excluded.
type span struct{ from, to int }

func (s span) len() int { return s.to - s.from }

// middle is a piece of the span; there are pieces behind it, unless the span has fewer than two.
func (s span) middle() int { return s.from + s.len()/2 }

// pieces are their numbers, for a caller that strikes some out.
func (s span) pieces() []int {
	numbers := make([]int, 0, s.len())
	for i := s.from; i < s.to; i++ {
		numbers = append(numbers, i)
	}
	return slices.Clip(numbers)
}
