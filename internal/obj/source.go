package obj

import (
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"runtime"
	"sync"
)

// source cuts a reader into chunks, in buffers that it uses again, and hashes them on a goroutine of its own while they are on their
// way: hashing takes longer than handing a chunk to the connection.
type source struct {
	r     io.Reader
	size  int
	free  []*buffer
	sum   hash.Hash
	work  chan *buffer  // nil without the goroutine: small objects need none
	done  chan struct{} // closed when the goroutine has ended
	more  bool          // a full chunk was read: the object is larger than most
	alone bool          // there is one processor, so that nothing happens beside
	over  bool
}

// buffer holds one chunk. It may be filled again when the chunk is settled and hashed.
type buffer struct {
	data    []byte
	header  []byte // of a chunk in a batch
	hashing sync.WaitGroup
}

func newSource(r io.Reader, size int) *source {
	return &source{r: r, size: size, sum: sha256.New(), alone: runtime.GOMAXPROCS(0) == 1}
}

const (
	firstBuffer  = 4 << 10 // most objects are small, whatever their chunks might be
	maxEmpty     = 100     // reads in a row that bring nothing
	hashesBehind = 2       // chunks that may wait for the hash
)

var errBadReader = errors.New("nats: the reader of the object returned an impossible count")

// next is the next chunk; nil: there is none. It is full unless it is the last one. A reader may take its time for a chunk, so over is asked
// before each read: its error is the end.
func (s *source) next(over func() error) (*buffer, error) {
	if s.over || s.r == nil {
		return nil, nil
	}
	b := s.take()
	for empty := 0; len(b.data) < s.size; {
		if len(b.data) == cap(b.data) {
			grown := make([]byte, len(b.data), min(s.size, max(2*cap(b.data), firstBuffer)))
			copy(grown, b.data)
			b.data = grown
		}
		if err := over(); err != nil {
			return nil, err
		}
		room := b.data[len(b.data):min(cap(b.data), s.size)]
		n, err := s.r.Read(room)
		if n < 0 || n > len(room) {
			return nil, errBadReader
		}
		b.data = b.data[:len(b.data)+n]
		if err == io.EOF {
			s.over = true
			break
		}
		if err != nil {
			return nil, err
		}
		if empty++; n > 0 {
			empty = 0
		}
		if empty == maxEmpty {
			return nil, io.ErrNoProgress
		}
	}
	if len(b.data) == 0 {
		return nil, nil
	}
	s.more = len(b.data) == s.size
	s.hash(b)
	return b, nil
}

func (s *source) take() *buffer {
	n := len(s.free)
	if n == 0 {
		b := new(buffer)
		if s.more {
			b.data = make([]byte, 0, s.size)
		}
		return b
	}
	b := s.free[n-1]
	s.free = s.free[:n-1]
	b.hashing.Wait()
	b.data = b.data[:0]
	return b
}

// release gives a buffer back whose chunk is settled.
func (s *source) release(b *buffer) { s.free = append(s.free, b) }

func (s *source) hash(b *buffer) {
	if s.work == nil && (len(b.data) < s.size || s.alone) {
		_, _ = s.sum.Write(b.data) // a hash does not fail
		return
	}
	if s.work == nil {
		s.work, s.done = make(chan *buffer, hashesBehind), make(chan struct{})
		go s.hashAll()
	}
	b.hashing.Add(1)
	s.work <- b
}

// hashAll is the goroutine. It ends at close.
func (s *source) hashAll() {
	defer close(s.done)
	for b := range s.work {
		_, _ = s.sum.Write(b.data)
		b.hashing.Done()
	}
}

// close ends the goroutine and waits for it. Again does nothing.
func (s *source) close() {
	if s.work != nil {
		close(s.work)
		<-s.done
		s.work = nil
	}
}

// digest is that of all chunks, after close. A source without a reader has none.
func (s *source) digest() string {
	if s.r == nil {
		return ""
	}
	return Digest(s.sum.Sum(nil))
}
