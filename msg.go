package nats

import (
	"bytes"

	"github.com/gannet-io/nats/internal/proto"
)

// Msg is a message, received or to be published. The library does not touch a received one again, but as long as it is kept, up to
// seven that came with it may be kept in memory too. A message must not be used by two goroutines at once if one of them changes it.
type Msg struct {
	Subject string        // that it was published on, or will be
	Reply   string        // subject for answers; empty: none are expected
	Header  Header        // nil: none
	Data    []byte        // the caller's to change; nil and empty are the same on the wire
	Sub     *Subscription // that received it; nil in a message made by hand

	// size is the number of bytes of subject, reply, header block and data as received; 0 in a message made by hand.
	size uint32
	// acked belongs to the acknowledgements of JetStream: 0 until one that is final was sent. It is used through sync/atomic,
	// and no atomic.Uint32, so that programs may copy a Msg.
	acked uint32
}

// MsgHandler is called for each message of an asynchronous subscription, one after the other, in the order of arrival. It may block and
// may call every method.
type MsgHandler func(msg *Msg)

// NewMsg returns a message to publish to subject, with an empty header that can be filled.
func NewMsg(subject string) *Msg { return &Msg{Subject: subject, Header: make(Header)} }

// Respond publishes data to the reply subject of m. Errors: [ErrMsgNotBound] when m is nil or was not received,
// [ErrMsgNoReply], and those of [Conn.Publish].
func (m *Msg) Respond(data []byte) error {
	nc, err := m.conn()
	if err != nil {
		return err
	}
	return nc.Publish(m.Reply, data)
}

// RespondMsg publishes msg to the reply subject of m, whatever its own subject says. Errors: as [Msg.Respond], and
// [ErrInvalidMsg] for a nil msg.
func (m *Msg) RespondMsg(msg *Msg) error {
	if msg == nil {
		return ErrInvalidMsg
	}
	nc, err := m.conn()
	if err != nil {
		return err
	}
	return nc.publishMsg(m.Reply, msg)
}

// conn is the connection to answer on.
func (m *Msg) conn() (*Conn, error) {
	switch {
	case m == nil, m.Sub == nil:
		return nil, ErrMsgNotBound
	case m.Reply == "":
		return nil, ErrMsgNoReply
	case m.Sub.conn == nil:
		return nil, ErrInvalidConnection
	}
	return m.Sub.conn, nil
}

// Equal reports whether both messages have the same subject, reply subject, header and data. Two nil messages are equal. A nil and
// an empty header are, too.
func (m *Msg) Equal(msg *Msg) bool {
	if m == nil || msg == nil {
		return m == msg
	}
	return m.Subject == msg.Subject && m.Reply == msg.Reply && bytes.Equal(m.Data, msg.Data) && sameHeader(m.Header, msg.Header)
}

// Size is the number of bytes of subject, reply subject, header block and data: of a received message as it came, otherwise as it would be
// sent.
func (m *Msg) Size() int {
	if m == nil {
		return 0
	}
	if m.size != 0 {
		return int(m.size)
	}
	return len(m.Subject) + len(m.Reply) + proto.HeaderLen(m.Header) + len(m.Data)
}
