package jetstream

import (
	"context"
	"fmt"

	"github.com/nats-io/nuid"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/internal/js/wire"
)

// Batch publishes messages that one stream stores together, one behind the other, or not at all (ADR-50). It needs nats-server
// 2.12 and a stream with AllowAtomicPublish. The server keeps what was added aside until the commit:
//
//	b, err := jetstream.NewBatch(js)
//	err = b.Add(ctx, "orders.1", first)                          // sent
//	err = b.Add(ctx, "orders.2", second)                         // sent
//	ack, err := b.CommitMsg(ctx, nats.NewMsg("orders.committed")) // sent, and all three stored
//
// All subjects must belong to one stream, since each stream has its own batches. A server takes 1,000 messages a batch, 50 batches
// a stream at a time, and gives a batch up after 10 seconds without a message, unless it is configured otherwise. A batch whose
// messages did not all arrive is refused at the commit, so a lost link cannot leave half of it.
//
// A Batch is used by one goroutine at a time, and made by [NewBatch]: the zero value takes nothing, with nats.ErrInvalidArg. One that is not
// committed needs no clean-up. [PublishBatch] is the shorter
// form for messages that are all at hand.
type Batch struct {
	js   *jetStream
	id   string
	n    uint64 // messages sent
	last string // the subject of the one before
	over bool
}

// BatchAck is the stream's answer to a commit: all messages of the batch are stored.
type BatchAck struct {
	// Stream that stored the messages.
	Stream string `json:"stream"`
	// Sequence of the last message in the stream. The others have the sequences before it.
	Sequence uint64 `json:"seq"`
	// Domain of the stream, if the server names it.
	Domain string `json:"domain,omitempty"`
	// Value of the last message's counter, in a stream of counters.
	Value string `json:"val,omitempty"`
	// BatchID is the id that the messages carry in the header Nats-Batch-Id.
	BatchID string `json:"batch,omitempty"`
	// Count of messages that were stored.
	Count uint64 `json:"count,omitempty"`
	// Duplicate: an attempt of [PublishBatch] that got no answer had stored the batch; Stream, Sequence and Domain are not known.
	Duplicate bool `json:"-"`
}

// BatchError says that a batch was not committed, or perhaps was.
type BatchError struct {
	// BatchID is the id of the batch.
	BatchID string
	// MayBeStored: the commit was sent and not answered, so that all messages are stored or none. False: none is, and it is safe to
	// publish them again.
	MayBeStored bool
	// Err is the server's refusal, an error of the connection, or that of the context.
	Err error
}

// Error names the batch, the cause, and whether the messages may be stored.
func (e *BatchError) Error() string {
	known := "not stored"
	if e.MayBeStored {
		known = "perhaps stored"
	}
	return "nats: batch " + e.BatchID + " " + known + ": " + fmt.Sprint(e.Err)
}

// Unwrap returns Err.
func (e *BatchError) Unwrap() error { return e.Err }

// Errors of batches. Those of the server are matched by their codes.
var (
	// ErrBatchClosed: the batch was committed, discarded or refused before.
	ErrBatchClosed JetStreamError = &jsError{message: "batch is closed"}
	// ErrBatchDisabled: the stream does not have AllowAtomicPublish.
	ErrBatchDisabled JetStreamError = &jsError{api: &APIError{Code: 400, ErrorCode: JSErrCodeBatchDisabled, Description: "atomic publish is disabled"}}
	// ErrBatchIncomplete: a message of the batch did not arrive, the batch waited too long for one, or it does not exist any more.
	ErrBatchIncomplete JetStreamError = &jsError{api: &APIError{Code: 400, ErrorCode: JSErrCodeBatchIncomplete, Description: "atomic publish batch is incomplete"}}
	// ErrBatchTooLarge: the batch has more messages than the server allows, 1,000 unless configured otherwise.
	ErrBatchTooLarge JetStreamError = &jsError{api: &APIError{Code: 400, ErrorCode: JSErrCodeBatchTooLarge, Description: "atomic publish batch is too large"}}
	// ErrBatchDuplicate: a message id of the batch is in it twice, or in the stream already.
	ErrBatchDuplicate JetStreamError = &jsError{api: &APIError{Code: 400, ErrorCode: JSErrCodeBatchDuplicate, Description: "atomic publish batch contains duplicate message id"}}
	// ErrTooManyBatches: the stream or the server has as many open batches as it may have.
	ErrTooManyBatches JetStreamError = &jsError{api: &APIError{Code: 429, ErrorCode: JSErrCodeTooManyBatches, Description: "atomic publish too many inflight"}}
)

// Codes of errors of batches.
const (
	JSErrCodeBatchDisabled   ErrorCode = 10174
	JSErrCodeBatchIncomplete ErrorCode = 10176
	JSErrCodeBatchTooLarge   ErrorCode = 10199
	JSErrCodeBatchDuplicate  ErrorCode = 10201
	JSErrCodeTooManyBatches  ErrorCode = 10210
)

// batchErrors are the refusals that callers compare with ==.
var batchErrors = []JetStreamError{ErrBatchDisabled, ErrBatchIncomplete, ErrBatchTooLarge, ErrBatchDuplicate, ErrTooManyBatches}

// errForeignJS and errForeignStream are for implementations of the interfaces by others, and for nil.
var (
	errForeignJS     = fmt.Errorf("%w: js was not made by this package", nats.ErrInvalidArg)
	errForeignStream = fmt.Errorf("%w: s was not made by this package", nats.ErrInvalidArg)
)

// errNoBatch and errNoIngest are for zero values.
var (
	errNoBatch  = fmt.Errorf("%w: the batch was not made by NewBatch", nats.ErrInvalidArg)
	errNoIngest = fmt.Errorf("%w: the ingest was not made by NewIngest", nats.ErrInvalidArg)
)

// NewBatch begins a batch. It sends nothing. nats.ErrInvalidArg when js was not made by this package.
func NewBatch(js JetStream) (*Batch, error) {
	own, ok := js.(*jetStream)
	if !ok || own == nil {
		return nil, errForeignJS
	}
	return &Batch{js: own, id: nuid.Next()}, nil
}

// ID is the batch's id, which the stream keeps in the messages' header Nats-Batch-Id.
func (b *Batch) ID() string { return b.id }

// Len is the number of messages that have been added.
func (b *Batch) Len() int { return int(b.n) }

// Add sends one more message of the batch. The first one waits for the server's word that it takes the batch, within the
// context's deadline or the default timeout; "no responders" is tried again as by Publisher.Publish. Those behind it are sent
// and not waited for: what is wrong with them is told by the commit.
//
// A message that cannot be is refused as by Publisher.Publish, and the batch goes on. After a [*BatchError] it is closed, and
// nothing was stored. Options are those of one message; [WithExpectLastMsgID] and [WithStallWait] are refused with [ErrInvalidOption], and
// [WithExpectLastSequence] is for the first message.
func (b *Batch) Add(ctx context.Context, subj string, payload []byte, opts ...PublishOpt) error {
	return b.AddMsg(ctx, &nats.Msg{Subject: subj, Data: payload}, opts...)
}

// AddMsg is [Batch.Add] for a message with headers. It leaves msg as it is; its reply subject is not used.
func (b *Batch) AddMsg(ctx context.Context, msg *nats.Msg, opts ...PublishOpt) error {
	block, o, err := b.prepare(ctx, msg, opts, "")
	if err != nil {
		return err
	}
	if b.n > 0 {
		err = b.js.eng.PublishWithin(ctx, msg.Subject, block, msg.Data)
	} else {
		err = b.begin(ctx, msg, block, o.retry)
	}
	if err == nil {
		b.n++
		b.last = msg.Subject
	}
	return err
}

// Commit ends the batch behind the message that was added last, and waits until it is stored. nats.ErrInvalidArg when there is
// none. Any other error is a [*BatchError]; see [Batch.CommitMsg].
func (b *Batch) Commit(ctx context.Context) (*BatchAck, error) {
	if b.n == 0 && !b.over {
		return nil, fmt.Errorf("%w: the batch has no message", nats.ErrInvalidArg)
	}
	// A message that is not stored, on a subject that leads to the same stream.
	return b.commit(ctx, &nats.Msg{Subject: b.last}, nil, wire.BatchCommitEOB)
}

// CommitMsg adds the last message of the batch and waits until all are stored, within the context's deadline or the default timeout.
//
// A message that cannot be is refused as by Publisher.Publish, and the batch stays open. Any other error is a [*BatchError],
// and the batch is closed. Among its causes are [ErrBatchIncomplete]: messages did not arrive, or came too late;
// [ErrBatchTooLarge]; [ErrBatchDuplicate]; the refusals of a single publish, such as a wrong last sequence.
func (b *Batch) CommitMsg(ctx context.Context, msg *nats.Msg, opts ...PublishOpt) (*BatchAck, error) {
	return b.commit(ctx, msg, opts, wire.BatchCommit)
}

// Discard closes the batch. Nothing is stored; the server forgets what it has of it after 10 seconds. A batch that is closed
// stays so.
func (b *Batch) Discard() { b.over = true }
