package nats

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gannet-io/nats/internal/js/pubwin"
)

const (
	// DefaultPubRetryAttempts is how many times a synchronous publish is tried again when no stream answers.
	DefaultPubRetryAttempts = 2
	// DefaultPubRetryWait is the pause before each further attempt of a synchronous publish.
	DefaultPubRetryWait = 250 * time.Millisecond
)

// What is tried again unless options say otherwise.
var (
	syncRetry  = pubwin.Retry{Attempts: DefaultPubRetryAttempts, Wait: DefaultPubRetryWait}
	asyncRetry = pubwin.Retry{}
)

// pubOpts are the options of one publish. Texts that are empty, and a ttl of 0, are not set; given says the same of others.
type pubOpts struct {
	ctx  context.Context // nil: none
	wait time.Duration   // AckWait; 0: the default

	attempts  int
	retryWait time.Duration
	stall     time.Duration

	id, stream, lastID string
	lastSeq            uint64
	lastSubjectSeq     uint64
	ttl                time.Duration

	given pubGiven
}

type pubGiven uint8

const (
	givenAttempts pubGiven = 1 << iota
	givenRetryWait
	givenStall
	givenLastSeq
	givenLastSubjectSeq
)

func (o *pubOpts) has(g pubGiven) bool { return o.given&g != 0 }

// noPubOpts spares a publish without options the object. It is never written to.
var noPubOpts pubOpts

var pubOptsPool = sync.Pool{New: func() any { return new(pubOpts) }}

// free says that nobody uses o any more.
func (o *pubOpts) free() {
	if o != &noPubOpts {
		*o = pubOpts{}
		pubOptsPool.Put(o)
	}
}

// newPubOpts applies the options, and checks them; special knows what holds for the kind of publish. Nil options are skipped.
func newPubOpts(opts []PubOpt, special func(*pubOpts) error) (*pubOpts, error) {
	if len(opts) == 0 {
		return &noPubOpts, nil
	}
	o := pubOptsPool.Get().(*pubOpts)
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt.configurePublish(o); err != nil {
			return nil, err
		}
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	return o, special(o)
}

// check refuses what no publish can have.
func (o *pubOpts) check() error {
	switch {
	case o.wait < 0:
		return fmt.Errorf("%w: AckWait of %v", ErrInvalidArg, o.wait)
	case o.retryWait < 0:
		return fmt.Errorf("%w: RetryWait of %v", ErrInvalidArg, o.retryWait)
	case o.ctx != nil && o.wait > 0:
		return ErrContextAndTimeout
	case o.has(givenStall) && o.stall <= 0:
		return errStallWait
	}
	// A header would have a space in the place of a line break: an id that is not the one that was given.
	for _, text := range [...]string{o.id, o.stream, o.lastID} {
		if strings.IndexByte(text, '\r') >= 0 || strings.IndexByte(text, '\n') >= 0 {
			return fmt.Errorf("%w: line break in %q", ErrInvalidArg, text)
		}
	}
	return nil
}

var (
	errStallWait = errors.New("nats: stall wait should be more than 0")
	errStallSync = errors.New("nats: stall wait cannot be set to sync publish")
)

func (o *pubOpts) forSync() error {
	if o.has(givenStall) {
		return errStallSync
	}
	return nil
}

func (o *pubOpts) forAsync() error {
	switch {
	case o.ctx != nil, o.wait > 0: // the bound is the JetStream context's: PublishAsyncTimeout
		return ErrContextAndTimeout
	case o.attempts < 0:
		return fmt.Errorf("%w: retry attempts cannot be negative", ErrInvalidArg)
	}
	return nil
}

// retry is usual, with what the options say instead.
func (o *pubOpts) retry(usual pubwin.Retry) pubwin.Retry {
	if o.has(givenAttempts) {
		usual.Attempts = o.attempts
	}
	if o.has(givenRetryWait) {
		usual.Wait = o.retryWait
	}
	return usual
}

// headers reports whether write has anything to write.
func (o *pubOpts) headers() bool {
	return o.id != "" || o.stream != "" || o.lastID != "" || o.ttl > 0 || o.has(givenLastSeq|givenLastSubjectSeq)
}

// pubHeaders is the most headers that options can set.
const pubHeaders = 6

// pairs adds the headers to dst, keys and values in turn.
func (o *pubOpts) pairs(dst []string) []string {
	for _, text := range [...]struct{ key, value string }{
		{MsgIdHdr, o.id}, {ExpectedStreamHdr, o.stream}, {ExpectedLastMsgIdHdr, o.lastID},
	} {
		if text.value != "" {
			dst = append(dst, text.key, text.value)
		}
	}
	if o.has(givenLastSeq) {
		dst = append(dst, ExpectedLastSeqHdr, strconv.FormatUint(o.lastSeq, 10))
	}
	if o.has(givenLastSubjectSeq) {
		dst = append(dst, ExpectedLastSubjSeqHdr, strconv.FormatUint(o.lastSubjectSeq, 10))
	}
	if o.ttl > 0 {
		dst = append(dst, MsgTTLHdr, o.ttl.String())
	}
	return dst
}

// write sets the headers in h.
func (o *pubOpts) write(h Header) {
	pairs := o.pairs(nil)
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
}

// pubOptFn is a PubOpt that is nothing else.
type pubOptFn func(*pubOpts)

func (f pubOptFn) configurePublish(o *pubOpts) error {
	f(o)
	return nil
}

// RetryAttempts is how many times a publish is tried again when no stream answers; by default 2 times, an asynchronous one never. A
// negative number means until the time is over, which an asynchronous publish refuses with [ErrInvalidArg].
//
// Nothing was stored when no stream answers. When an ack is late nothing is tried again.
func RetryAttempts(num int) PubOpt {
	return pubOptFn(func(o *pubOpts) { o.attempts, o.given = num, o.given|givenAttempts })
}

// RetryWait is the pause before each further attempt, see [RetryAttempts]: by default 250 ms, of an asynchronous publish none. It counts
// for the time of the whole publish: with the default [AckWait] of 5 s, a pause of 5 s leaves room for one attempt.
func RetryWait(dur time.Duration) PubOpt {
	return pubOptFn(func(o *pubOpts) { o.retryWait, o.given = dur, o.given|givenRetryWait })
}

// StallWait is how long an asynchronous publish waits for room when [PublishAsyncMaxPending] futures are pending; 200 ms by
// default. Where it is given it bounds the wait for room in the connection's buffer too. 0 or less, and any for a synchronous publish, is an error.
func StallWait(ttl time.Duration) PubOpt {
	return pubOptFn(func(o *pubOpts) { o.stall, o.given = ttl, o.given|givenStall })
}

// MsgId sets an id by which the stream recognises a message that it has already: it answers with the first one's sequence and
// [PubAck].Duplicate. An empty one sets none. A message with an id is sent again within its time when the link is lost meanwhile.
func MsgId(id string) PubOpt { return pubOptFn(func(o *pubOpts) { o.id = id }) }

// MsgTTL is how long the stream keeps the message, at least 1 s; 0 or less sets none. The stream must have AllowMsgTTL (nats-server 2.11, ADR-43).
func MsgTTL(dur time.Duration) PubOpt { return pubOptFn(func(o *pubOpts) { o.ttl = dur }) }

// ExpectStream makes the stream refuse the message unless this is its name. An empty one expects nothing.
func ExpectStream(stream string) PubOpt { return pubOptFn(func(o *pubOpts) { o.stream = stream }) }

// ExpectLastMsgId makes the stream refuse the message unless its last one has this id. An empty one expects nothing.
func ExpectLastMsgId(id string) PubOpt { return pubOptFn(func(o *pubOpts) { o.lastID = id }) }

// ExpectLastSequence makes the stream refuse the message unless its last one has this sequence; 0: unless it is empty and always was.
func ExpectLastSequence(seq uint64) PubOpt {
	return pubOptFn(func(o *pubOpts) { o.lastSeq, o.given = seq, o.given|givenLastSeq })
}

// ExpectLastSequencePerSubject makes the stream refuse the message unless the last one on its subject has this sequence; 0: unless
// there is none.
func ExpectLastSequencePerSubject(seq uint64) PubOpt {
	return pubOptFn(func(o *pubOpts) { o.lastSubjectSeq, o.given = seq, o.given|givenLastSubjectSeq })
}
