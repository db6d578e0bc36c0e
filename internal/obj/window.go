package obj

import "github.com/gannet-io/nats/internal/mono"

// window decides which chunks to send, to send again, and to take back, so that they end up in the stream once each and in
// order. It is pure: put.go sends, and tells it what came of it.
//
// Chunks go out without waiting for each other. Each has an id, by which the stream recognises a second copy; so a chunk whose fate is unknown
// is simply sent again. Order is what acks tell: a chunk must have a higher sequence than the one before it. After any failure the
// window waits until nothing is out, takes back what was stored out of its turn, and sends from the first gap on; what was taken
// back gets a new id.
type window struct {
	chunks []*chunk // not settled yet, in order
	last   uint64   // the sequence of the last settled one
	out    int      // how many are on their way
	bad    bool     // something failed: repair when nothing is out
}

// chunk is one piece of an object on its way.
type chunk struct {
	index int
	epoch int // how often it was taken back: part of its id
	buf   *buffer
	state chunkState
	seq   uint64    // of a stored one
	sent  mono.Time // of one in a batch
}

type chunkState uint8

const (
	chunkOut    chunkState = iota // sent, no answer yet
	chunkStored                   // acked
	chunkLost                     // its fate is unknown, or it was taken back
)

// sent adds the next chunk, which is on its way.
func (w *window) sent(c *chunk) {
	c.state = chunkOut
	w.chunks = append(w.chunks, c)
	w.out++
}

// stored is the ack of c.
func (w *window) stored(c *chunk, seq uint64) {
	c.state, c.seq = chunkStored, seq
	w.out--
}

// batched takes the first n chunks off the front: a batch stored them, which keeps the order by itself.
func (w *window) batched(n int) (settled []*chunk) {
	settled, w.chunks = w.chunks[:n:n], w.chunks[n:]
	w.out -= n
	return settled
}

// lost says that c was perhaps not stored.
func (w *window) lost(c *chunk) {
	c.state = chunkLost
	w.out--
	w.bad = true
}

// settle takes the stored chunks off the front that are in order.
func (w *window) settle() (settled []*chunk) {
	n := 0
	for _, c := range w.chunks {
		if c.state != chunkStored {
			break
		}
		if c.seq <= w.last {
			w.bad = true
			break
		}
		w.last = c.seq
		n++
	}
	settled, w.chunks = w.chunks[:n:n], w.chunks[n:]
	return settled
}

// broken reports that nothing new may be sent; ready that the time for repair has come.
func (w *window) broken() bool { return w.bad }
func (w *window) ready() bool  { return w.bad && w.out == 0 }

// hole reports that an ack is missing whose successors have come.
func (w *window) hole() bool { return len(w.chunks) > w.out }

// repair returns the sequences to delete, and then the chunks to send, in this order. They count as on their way.
func (w *window) repair() (remove []uint64, again []*chunk) {
	w.bad = false
	for _, c := range w.chunks {
		if c.state == chunkStored {
			remove = append(remove, c.seq)
			c.epoch++
		}
		c.state = chunkOut
		w.out++
	}
	return remove, w.chunks
}
