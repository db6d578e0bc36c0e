package outbox

import (
	"io"
	"sync"
	"time"

	"github.com/gannet-io/nats/internal/mono"
)

// WriteSize is the most that one write carries, and the fill at which publishers write themselves: as many whole segments of Ethernet, 1,448
// bytes each, as the kernel handles as one, and less than a segment of the loopback device, 65,483 bytes with IPv4 and 20 less with IPv6. One
// byte more than that is a segment of its own: writes of 64 KiB cost half as much again for each byte.
const WriteSize = 45 * 1448

const (
	inexactSize    = 16 << 10      // the most that a write to a link without true counts carries: all of it is in doubt when it fails
	softLimit      = 2 * WriteSize // active bytes beyond which Publish waits while the socket takes something
	nowReserve     = 8 << 20       // what PublishNow and PublishVolatile have beyond the limit of Publish
	controlReserve = 16 << 20      // what Control has beyond that: a server that pings without reading must not fill the memory
	keepCapacity   = 1 << 20       // a larger buffer is let go when it has been written
	busyCapacity   = 2 * softLimit // and so is one that is larger than this, and was hardly used
)

// Config is fixed for a connection's life.
type Config struct {
	Keep         int           // ReconnectBufSize: bytes kept while held, and bound of growth on a socket that stands still; 0 and less: keep nothing
	WriteTimeout time.Duration // FlusherTimeout: how long one write, or a Publish without room, may take; 0 and less: for ever
	Patience     time.Duration // without progress for so long the buffer grows instead of making publishers wait (5 ms)
	Asks         Asks          // nil: publishes with a reply subject are like others
	ConfirmBytes int           // a PING of the box's own behind so many bytes of operations; 0 and less: none
	ConfirmAfter time.Duration // and so long after a publish that has no PING behind it; 0 and less: none
	Resend       int           // bytes that may be written and unconfirmed; they are kept and sent again on the next link. 0 and less: nothing is sent twice
	BeforeWrite  func()        // called by the writer before each of its writes, under no lock; nil: nothing

	Counters *Counters // OutMsgs and OutBytes are counted under the outbox lock before Publish returns; never nil
}

// Asks are those who wait for replies.
type Asks interface {
	// Withdraw is asked about each publish with a reply subject that a Hold has found unwritten: true takes it out, uncounted. It runs
	// under no lock.
	Withdraw(reply []byte) bool
}

// Counters are the live statistics of a connection; the layout is that of nats.Statistics. The outbox writes OutMsgs
// and OutBytes only.
type Counters struct {
	InMsgs, OutMsgs, InBytes, OutBytes, Reconnects uint64
}

// Link is a socket as the outbox sees it. An error of SetWriteDeadline is ignored: some connections have no deadlines.
type Link interface {
	io.Writer
	SetWriteDeadline(t time.Time) error
}

// Owner of a link hears that it is broken.
type Owner interface {
	// WriteFailed is called once at most, by the goroutine whose write failed, under no lock and without the token; not when a Hold has
	// come before.
	WriteFailed(err error)
}

// Loss is what a Hold or a Close could not keep. Each publish is in one Loss at most.
type Loss struct {
	Unconfirmed int // publishes without reply subject that were written after the last Confirm: may or may not have arrived
	Dropped     int // publishes that were accepted, never written whole, and do not fit or may not be kept: lost for certain
}

// Box holds what was published and not written yet; make one with [New]. All methods may be called by any goroutine.
type Box struct {
	// What every publish touches comes first, in as few cache lines as possible.
	mu       sync.Mutex // a leaf: nothing is called under it
	fit      int        // Publish may append up to this fill without looking further: WriteSize, or -1 while held or closed
	plain    uint64     // publishes without reply subject accepted so far, volatile ones not counted
	counters *Counters
	writer   sleep // of the current link
	unpinged int   // bytes of operations behind the last PING
	every    int   // Config.pingEvery
	active   batch

	cfg    Config
	most   int   // bytes that may wait for a socket that stands still
	spare  batch // an empty buffer, to be the next active one
	wire   *wire // nil while held
	parked *wire // the last one, until its rest has become a part of active
	closed bool

	era       uint64 // links that were taken away
	confirmed uint64 // of plain, how many are known to have arrived or were reported as lost
	reached   uint64 // of plain, how many were written to a link before the current one: any of them may have arrived
	resent    uint64 // how many of them were kept to be sent again
	pinged    uint64 // of plain, how many have a PING behind them
	waits     bool   // the writer has seen publishes without one,
	unasked   mono.Time

	first wire // of the first link

	room  event // Publish may go on, or must give up
	quiet event // a write has returned, or the box was held
}

// sleep is what a writer waits for.
type sleep uint8

const (
	awake   sleep = iota // it looks before it sleeps
	idle                 // anything to write
	resting              // anything urgent: publishers write for it
)

// New makes a box that is held: it keeps what is published until the first Release.
func New(cfg Config) *Box {
	b := new(Box)
	b.Init(cfg)
	return b
}

// Init makes b, which is new, what [New] returns: for those who have it as a part of something larger.
func (b *Box) Init(cfg Config) {
	b.fit, b.counters, b.cfg, b.most, b.every = -1, cfg.Counters, cfg, max(cfg.Keep, softLimit), cfg.pingEvery()
}

// Mark returns a position in the sequence of publishes: all accepted so far. Take it before the PING is appended.
func (b *Box) Mark() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.plain
}

// Confirm says that the server has seen all publishes up to mark. [Box.Pong] does it for PINGs of the box.
func (b *Box) Confirm(mark uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.confirmLocked(mark)
}

// Era is the number of links that were taken away.
func (b *Box) Era() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.era
}

// Buffered is the number of bytes that were accepted and that no write has taken yet.
func (b *Box) Buffered() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.waitingLocked()
}

// Stats returns the out counters, which change under the outbox lock only.
func (b *Box) Stats() (outMsgs, outBytes uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.counters.OutMsgs, b.counters.OutBytes
}

// waitingLocked is what the bounds of the buffers are measured by.
func (b *Box) waitingLocked() int {
	n := len(b.active.buf)
	if b.wire != nil {
		n += b.wire.left()
	}
	if b.parked != nil {
		n += b.parked.left()
	}
	return n
}

// event wakes all who wait for it. The zero value is ready; it is guarded by Box.mu, and free of cost while nobody waits.
type event struct{ ch chan struct{} }

// wait returns a channel that the next tell closes.
func (e *event) wait() <-chan struct{} {
	if e.ch == nil {
		e.ch = make(chan struct{})
	}
	return e.ch
}

func (e *event) tell() {
	if e.ch != nil {
		close(e.ch)
		e.ch = nil
	}
}

// wire is one link from its Release to the end of its last write. Guarded by Box.mu, but for what never changes and for
// flight.buf, which whoever has the token reads without the lock.
type wire struct {
	link  Link
	exact bool
	most  int // bytes of one write
	owner Owner
	wake  chan struct{} // holds one token for the sleeping writer

	running bool // the writer has come
	busy    bool // the write token is taken
	failed  bool // a write has failed: nothing more is written
	stopped bool // taken away by Hold or Close
	leaving bool // taken away by Leave: flight and rest are still written

	flight batch
	loan   loan      // a payload that is missing in flight
	sent   int       // bytes of flight that are written
	asked  int       // bytes behind sent that were given to the write under way
	since  mono.Time // of the last progress: bytes were taken, or a buffer came into flight

	base      int64      // how many bytes were put into flight before flight.buf, the replayed subscriptions not counted
	last      uint64     // Box.plain when flight was the active buffer; 0: it holds no publishes
	retained  []retained // written and not confirmed, if these are sent again
	questions []question // PINGs without PONG, in order
	answered  int64      // where the last PING with PONG ends

	shared int  // > 0: recent writes carried more than one operation
	lent   bool // publishers have written since the writer last looked

	rest    batch  // what was active at Hold
	plain   uint64 // Box.plain at Hold
	settled bool   // somebody is working out what remains
}

// left is the number of bytes that wait here.
func (w *wire) left() int { return len(w.flight.buf) - w.sent + len(w.rest.buf) }
