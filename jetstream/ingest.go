package jetstream

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/nats-io/nuid"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/internal/js/ingest"
	"github.com/gannet-io/nats/internal/js/run"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/subject"
)

// What an [Ingest] does without options.
const (
	// DefaultIngestAckEvery is how many messages share an ack.
	DefaultIngestAckEvery = 100
	// DefaultIngestPatience is how long it goes on without any progress.
	DefaultIngestPatience = 30 * time.Second
)

// Ingest publishes many messages to one stream, in order and without gaps, with one ack for many of them: a fast batch (ADR-50). It needs
// nats-server 2.14 and a stream with AllowBatchPublish.
//
//	in, err := jetstream.NewIngest(js)
//	for _, line := range lines {
//		err = in.Publish(ctx, "lines", line) // waits while the stream is behind
//	}
//	ack, err := in.Close(ctx) // all are stored
//
// The server tells how far the stream is, and how many messages may be under way: two acks' worth. They are kept until they are stored, so
// up to 2 × [IngestAckEvery] messages are in memory. When a link or a leader is lost, the server says what it has and the rest is sent
// again: nothing is stored twice, and nothing out of order. It is different only when the server has forgotten the batch, which it does 10 seconds
// after it last heard of it, or when it restarts with the batch in memory only: then it is not known what was stored behind the last ack,
// and the ingest ends with [ErrBatchForgotten], unless [IngestMsgIDs] makes it safe to send again.
//
// Unlike a [Batch] it is not atomic: messages can be read as soon as they are stored, and stay when the ingest fails. All subjects must
// belong to one stream. Methods may be called concurrently. The zero value takes nothing, with nats.ErrInvalidArg.
type Ingest struct {
	js  *jetStream
	run *run.Ingest
	ids string // what made ids begin with; empty: none are made
	n   atomic.Uint64
}

// IngestOpt is an option of an [Ingest]. A nil option is skipped.
type IngestOpt func(*ingestOpts) error

type ingestOpts struct {
	every    int
	patience time.Duration
	ids      bool
}

// IngestAckEvery says how many messages may share an ack, from 1 to 65,535; [DefaultIngestAckEvery] without it. The server
// begins with at most 500 and chooses fewer when it is busy.
func IngestAckEvery(n int) IngestOpt {
	return func(o *ingestOpts) error {
		if n < 1 || n > math.MaxUint16 {
			return fmt.Errorf("%w: messages for an ack must be from 1 to 65535", ErrInvalidOption)
		}
		o.every = n
		return nil
	}
}

// IngestPatience says after how long without any progress, while messages wait, the ingest ends with nats.ErrTimeout;
// [DefaultIngestPatience] without it.
func IngestPatience(d time.Duration) IngestOpt {
	return func(o *ingestOpts) error {
		if d <= 0 {
			return fmt.Errorf("%w: patience must be greater than 0", ErrInvalidOption)
		}
		o.patience = d
		return nil
	}
}

// IngestMsgIDs gives each message without a message id one, so that messages can be sent again within the stream's duplicate window
// even when the server has forgotten the batch.
func IngestMsgIDs() IngestOpt {
	return func(o *ingestOpts) error {
		o.ids = true
		return nil
	}
}

// IngestError says how far an ingest came.
type IngestError struct {
	// Stored is the number of messages, from the first on, that are stored for certain.
	Stored uint64
	// MayBeStored is the number of messages, from the first on, that may be stored; none behind them is.
	MayBeStored uint64
	// Err is the reason: the server's refusal of the message behind the stored ones, [ErrBatchForgotten], nats.ErrTimeout, nats.ErrConnectionClosed,
	// [ErrBatchClosed] after Abandon, or the context's error.
	Err error
}

// Error says the reason and the numbers.
func (e *IngestError) Error() string {
	return "nats: ingest ended with " + strconv.FormatUint(e.Stored, 10) + " messages stored, perhaps " +
		strconv.FormatUint(e.MayBeStored, 10) + ": " + fmt.Sprint(e.Err)
}

// Unwrap returns Err.
func (e *IngestError) Unwrap() error { return e.Err }

// Errors of fast batches. Those of the server are matched by their codes.
var (
	// ErrFastBatchDisabled: the stream does not have AllowBatchPublish.
	ErrFastBatchDisabled JetStreamError = &jsError{api: &APIError{Code: 400, ErrorCode: JSErrCodeFastBatchDisabled, Description: "batch publish is disabled"}}
	// ErrTooManyFastBatches: the stream or the server has as many open fast batches as it may have.
	ErrTooManyFastBatches JetStreamError = &jsError{api: &APIError{Code: 429, ErrorCode: JSErrCodeTooManyFastBatches, Description: "batch publish too many inflight"}}
	// ErrBatchForgotten: the server does not know a fast batch any more, so that it is not known which of its last messages are stored.
	ErrBatchForgotten JetStreamError = &jsError{message: "the server has forgotten the batch"}
)

// Codes of errors of fast batches.
const (
	JSErrCodeFastBatchDisabled  ErrorCode = 10205
	JSErrCodeTooManyFastBatches ErrorCode = 10211
)

// NewIngest begins an ingest. It sends no message. nats.ErrInvalidArg when js was not made by this package, [ErrInvalidOption], or an error of
// the connection.
func NewIngest(js JetStream, opts ...IngestOpt) (*Ingest, error) {
	own, ok := js.(*jetStream)
	if !ok || own == nil {
		return nil, errForeignJS
	}
	o := ingestOpts{every: DefaultIngestAckEvery, patience: DefaultIngestPatience}
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(&o); err != nil {
			return nil, err
		}
	}
	cfg := run.IngestConfig{Link: own.eng, Config: ingest.Config{Every: uint64(o.every), Repeat: o.ids, GiveUp: o.patience}}
	r, err := run.NewIngest(cfg)
	if err != nil {
		return nil, err
	}
	i := &Ingest{js: own, run: r}
	if o.ids {
		i.ids = nuid.Next() + "-"
	}
	return i, nil
}

// Publish adds a message, whose payload it copies. It waits while as much is under way as the stream allows. An error of the message is as of
// Publisher.Publish, and that of the context the context's: the message was not added, and the ingest goes on. After the end of the ingest it
// is the [*IngestError] of the end, or [ErrBatchClosed] after Close.
func (i *Ingest) Publish(ctx context.Context, subj string, payload []byte, opts ...PublishOpt) error {
	return i.PublishMsg(ctx, &nats.Msg{Subject: subj, Data: payload}, opts...)
}

// PublishMsg is [Ingest.Publish] for a message with headers. It leaves msg as it is; its reply subject is not used.
func (i *Ingest) PublishMsg(ctx context.Context, msg *nats.Msg, opts ...PublishOpt) error {
	switch {
	case ctx == nil:
		return errNilContext
	case i.run == nil:
		return errNoIngest
	case msg == nil:
		return nats.ErrInvalidMsg
	case !subject.ValidPublish(msg.Subject):
		return nats.ErrBadSubject
	}
	block, err := i.block(msg, opts)
	switch {
	case err != nil:
		return err
	case len(block) > 0 && !i.js.nc.HeadersSupported():
		return nats.ErrHeadersNotSupported
	case int64(len(block)+len(msg.Data)) > i.js.nc.MaxPayload():
		return nats.ErrMaxPayload
	}
	err = i.run.Publish(ctx, msg.Subject, block, msg.Data)
	if errors.Is(err, run.ErrIngestOver) {
		return i.ended(i.run.Result(), ErrBatchClosed)
	}
	return err
}

// block encodes the headers of a message.
func (i *Ingest) block(msg *nats.Msg, opts []PublishOpt) ([]byte, error) {
	o, err := newPubOpts(opts)
	if err != nil {
		return nil, err
	}
	if o.stall > 0 {
		return nil, fmt.Errorf("%w: stall wait cannot be set in a batch", ErrInvalidOption)
	}
	id := ""
	if i.ids != "" && msg.Header.Get(wire.HdrMsgID) == "" && o.values[pubMsgID] == "" {
		id = i.ids + strconv.FormatUint(i.n.Add(1), 10)
	}
	if !o.headers() && id == "" {
		return i.js.eng.EncodeHeader(msg.Header)
	}
	h := make(nats.Header, len(msg.Header)+1)
	for k, v := range msg.Header {
		h[k] = v
	}
	o.write(h)
	if id != "" {
		h.Set(wire.HdrMsgID, id)
	}
	return i.js.eng.EncodeHeader(h)
}

// Stored is the number of messages that are known to be stored.
func (i *Ingest) Stored() uint64 {
	if i.run == nil {
		return 0
	}
	return i.run.Result().Stored
}

// Close says that there are no more messages, and waits until all are stored, within the context's deadline or [IngestPatience]. Count of the
// ack is the number of messages; Stream and Sequence are empty if there was none. Any error but nats.ErrInvalidContext is an [*IngestError],
// and the ingest has ended. Again, it returns the same.
func (i *Ingest) Close(ctx context.Context) (*BatchAck, error) {
	if ctx == nil {
		return nil, errNilContext
	}
	if i.run == nil {
		return nil, errNoIngest
	}
	r, err := i.run.Close(ctx)
	if err != nil {
		return nil, &IngestError{Stored: r.Stored, MayBeStored: r.MayBeStored, Err: err}
	}
	if err := i.ended(r, nil); err != nil {
		return nil, err
	}
	return &BatchAck{Stream: r.Ack.Stream, Sequence: r.Ack.Sequence, Domain: r.Ack.Domain, Value: r.Ack.Value, Count: r.Stored}, nil
}

// Abandon ends the ingest at once. What is stored stays.
func (i *Ingest) Abandon() {
	if i.run != nil {
		i.run.Abandon()
	}
}

// ended is the error of an end; well is that of a good one.
func (i *Ingest) ended(r run.IngestResult, well error) error {
	var err error
	switch r.Code {
	case wire.OK:
		return well
	case wire.ServerRefused:
		err = failure(r.Refused, nil, ErrFastBatchDisabled, ErrTooManyFastBatches)
	case wire.BatchForgotten:
		err = ErrBatchForgotten
	case wire.Timeout:
		err = nats.ErrTimeout
	case wire.ConnectionClosed:
		err = nats.ErrConnectionClosed
	default:
		err = ErrBatchClosed
	}
	return &IngestError{Stored: r.Stored, MayBeStored: r.MayBeStored, Err: err}
}
