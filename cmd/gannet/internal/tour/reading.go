package tour

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gannet-io/nats/jetstream"
)

// reading is what one way through the stream has brought. Pieces are told by their message ids; their place in the stream may differ
// from that in the file, since what is published asynchronously and again comes later.
type reading struct {
	prefix   string
	sequence []uint64 // by piece; 0: not seen yet
	body     [][]byte
	found    int // pieces
	again    int // deliveries of a message that had been handled already
	twice    int // messages whose piece is in the stream a second time
}

func (t *tour) newReading() *reading {
	n := len(t.pieces)
	return &reading{prefix: t.stream + ".", sequence: make([]uint64, n), body: make([][]byte, n)}
}

func (r *reading) complete() bool { return r.missing() == 0 }

func (r *reading) missing() int { return len(r.body) - r.found }

// take handles a message. A program recognises what it has handled already by the stream sequence.
func (r *reading) take(msg jetstream.Msg) error {
	meta, err := msg.Metadata()
	if err != nil {
		return err
	}
	id := msg.Headers().Get(jetstream.MsgIDHeader)
	digits, mine := strings.CutPrefix(id, r.prefix)
	piece, err := strconv.Atoi(digits)
	if err != nil || !mine || piece < 0 || piece >= len(r.body) {
		return fmt.Errorf("sequence %d has the message id %q, which nobody has sent", meta.Sequence.Stream, id)
	}
	switch r.sequence[piece] {
	case 0:
		r.sequence[piece], r.body[piece] = meta.Sequence.Stream, msg.Data()
		r.found++
	case meta.Sequence.Stream:
		r.again++
	default:
		r.twice++
	}
	return nil
}

// floor is the stream sequence up to which every message has been handled. The stream is the tour's own and begins with 1.
func (r *reading) floor() uint64 {
	sequences := slices.Sorted(slices.Values(r.sequence))
	floor := uint64(0)
	for _, s := range sequences {
		if s > floor+1 {
			break
		}
		floor = s
	}
	return floor
}

// text is what has come, in the order of the file.
func (r *reading) text() []byte { return bytes.Join(r.body, nil) }

// displaced counts the pieces that are in the stream before one that precedes them in the file.
func (r *reading) displaced() int {
	n := 0
	lowest := ^uint64(0)
	for i := len(r.sequence) - 1; i >= 0; i-- {
		if r.sequence[i] == 0 {
			continue
		}
		if r.sequence[i] > lowest {
			n++
		}
		lowest = min(lowest, r.sequence[i])
	}
	return n
}
