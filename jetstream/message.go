package jetstream

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/js/wire"
)

// Msg is a message that a consumer delivered. What its methods return must not be changed; they may be called concurrently.
//
// An acknowledgement is final: [ErrMsgAlreadyAckd] tells a second one, and then nothing is sent. Only InProgress may be repeated, before the
// final one. An acknowledgement that could not be sent does not count, so it can be tried again. All but DoubleAck are sent without
// waiting for the server, and their error is that of a publish: nats.ErrConnectionClosed, or nats.ErrReconnectBufExceeded while
// reconnecting. [ErrMsgNoReply] for a message that has no reply subject.
//
// A message that is kept, or its subject, keeps up to seven that came with it in memory.
type Msg interface {
	// Metadata returns what the server says about the message; [ErrNotJSMessage] when its reply subject has not the form of a
	// stream's message. It asks nobody.
	Metadata() (*MsgMetadata, error)

	// Data is the payload.
	Data() []byte

	// Headers are the headers; nil when there are none, or when they cannot be read: then the connection's error handler has been
	// told nats.ErrBadHeaderMsg. They are decoded when asked for the first time. Each call returns the same map.
	Headers() nats.Header

	// Subject is the subject that the message was published on.
	Subject() string

	// Reply is the subject of the acknowledgements.
	Reply() string

	// Ack says that the message is done.
	Ack() error

	// DoubleAck is Ack that waits until the server has taken it in. A context without a deadline is given 5 seconds, or what
	// [WithDefaultTimeout] says. Errors: the context's, nats.ErrInvalidContext when ctx is nil, nats.ErrNoResponders when the
	// consumer does not exist any more. After an error it may be called again.
	DoubleAck(ctx context.Context) error

	// Nak asks for the message once more, at once.
	Nak() error

	// NakWithDelay asks for the message once more after a delay. Zero and less is Nak.
	NakWithDelay(delay time.Duration) error

	// InProgress says that the work is going on: the ack wait begins anew.
	InProgress() error

	// Term says that the message is never to be delivered again.
	Term() error

	// TermWithReason is Term with a reason, which the server puts into its advisory (server 2.10.4). No reason is Term.
	TermWithReason(reason string) error
}

// MsgMetadata is what the server says about a message that it delivers.
type MsgMetadata struct {
	// Sequence is the place of the message in its stream and in its consumer.
	Sequence SequencePair
	// NumDelivered is how often the message has been delivered, this time included.
	NumDelivered uint64
	// NumPending is how many messages that match the consumer were waiting behind this one.
	NumPending uint64
	// Timestamp is when the stream stored the message.
	Timestamp time.Time
	// Stream that stored it.
	Stream string
	// Consumer that delivered it.
	Consumer string
	// Domain of the stream, if the server names it.
	Domain string
}

// connection is what messages and consumers need of a connection.
type connection interface {
	PublishNow(subject, reply string, hdr, data []byte) error
	Request(ctx context.Context, timeout time.Duration, subject string, hdr, data []byte) (engine.Reply, error)
	Callback(fn func())
	SetLastError(err error)
}

var _ connection = (*engine.Conn)(nil)

// source is where messages come from.
type source struct {
	js               *jetStream
	stream, consumer string

	decoding sync.Mutex // the headers of its messages; held for a moment only
}

// message is the Msg of a pull consumer. It is made by a [builder]. Eight of them share an object, so each byte less is one less to allocate and
// to collect for each message: slices are kept without their capacity.
type message struct {
	from    *source
	subject string
	reply   string
	block   *byte // the header block, until it is decoded
	data    *byte
	// Of block and data. The connection takes no message that is longer than 64 MiB.
	blockLen, dataLen uint32
	ending            atomic.Uint32 // see ack.go
	header            nats.Header   // guarded by source.decoding, as blockLen is
}

// fill sets what the message keeps of a frame.
func (m *message) fill(block, data []byte) {
	if len(block) > 0 {
		m.block, m.blockLen = unsafe.SliceData(block), uint32(len(block))
	}
	m.data, m.dataLen = unsafe.SliceData(data), uint32(len(data))
}

func (m *message) Data() []byte    { return unsafe.Slice(m.data, m.dataLen) }
func (m *message) Subject() string { return m.subject }
func (m *message) Reply() string   { return m.reply }

func (m *message) Headers() nats.Header {
	h, err := m.decoded()
	if err != nil {
		m.from.js.report(err)
	}
	return h
}

// decoded returns an error once only.
func (m *message) decoded() (nats.Header, error) {
	block, h := m.undecoded()
	if len(block) == 0 {
		return h, nil
	}
	h, err := headerOf(block)
	m.from.decoding.Lock()
	defer m.from.decoding.Unlock()
	if m.blockLen == 0 { // somebody else was faster
		return m.header, nil
	}
	m.header, m.block, m.blockLen = h, nil, 0
	return h, err
}

// undecoded returns the header block, or, if that is decoded or empty, the headers.
func (m *message) undecoded() (block []byte, h nats.Header) {
	m.from.decoding.Lock()
	defer m.from.decoding.Unlock()
	return unsafe.Slice(m.block, m.blockLen), m.header
}

func (m *message) Metadata() (*MsgMetadata, error) {
	if m.reply == "" {
		return nil, ErrMsgNoReply
	}
	meta, ok := wire.ParseAckSubject(m.reply)
	if !ok {
		return nil, ErrNotJSMessage
	}
	return &MsgMetadata{
		Sequence:     SequencePair{Consumer: meta.ConsumerSeq, Stream: meta.StreamSeq},
		NumDelivered: meta.Delivered,
		NumPending:   meta.Pending,
		Timestamp:    meta.Timestamp,
		Stream:       lasting(meta.Stream, m.from.stream),
		Consumer:     lasting(meta.Consumer, m.from.consumer),
		Domain:       strings.Clone(meta.Domain),
	}, nil
}

// lasting returns s in memory that is not the message's: programs keep metadata for longer. known is what s usually is.
func lasting(s, known string) string {
	if s == known {
		return known
	}
	return strings.Clone(s)
}

// report tells the connection's error handler what no call can return.
func (js *jetStream) report(err error) {
	js.conn.SetLastError(err)
	js.conn.Callback(func() {
		if handler := js.nc.ErrorHandler(); handler != nil {
			handler(js.nc, nil, err)
		}
	})
}
