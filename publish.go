package nats

import (
	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/subject"
)

// Publish sends data to the subscribers of subj. The bytes are copied before it returns. While reconnecting the message is
// kept; otherwise it is written soon, which [Conn.Flush] waits for. It waits only while more is published than the link takes.
//
// Errors: [ErrBadSubject] when subj is empty or has white space, [ErrMaxPayload], [ErrConnectionClosed], [ErrConnectionDraining],
// [ErrReconnectBufExceeded], [ErrTimeout] when a stalled link leaves no room for too long. After an error nothing was accepted.
func (nc *Conn) Publish(subj string, data []byte) error {
	eng := nc.engine()
	switch {
	case eng == nil:
		return ErrInvalidConnection
	case !subject.ValidPublish(subj):
		return ErrBadSubject
	}
	return eng.PublishData(subj, data)
}

// PublishRequest is [Conn.Publish] with a reply subject. It does not wait for a reply. An empty or invalid reply subject is
// [ErrBadSubject].
func (nc *Conn) PublishRequest(subj, reply string, data []byte) error {
	eng := nc.engine()
	switch {
	case eng == nil:
		return ErrInvalidConnection
	case !subject.ValidPublish(subj), !subject.ValidPublish(reply):
		return ErrBadSubject
	}
	return eng.Publish(subj, reply, nil, data)
}

// PublishMsg is [Conn.Publish] for a message with a header, a reply subject, or both. Nothing of m is kept or changed. Errors
// beside those of Publish: [ErrInvalidMsg] for nil, [ErrBadHeaderMsg] for a key that is no token, [ErrHeadersNotSupported].
func (nc *Conn) PublishMsg(m *Msg) error {
	switch {
	case nc.engine() == nil:
		return ErrInvalidConnection
	case m == nil:
		return ErrInvalidMsg
	}
	return nc.publishMsg(m.Subject, m)
}

// publishMsg publishes m to subj, whatever its own subject says.
func (nc *Conn) publishMsg(subj string, m *Msg) error {
	eng := nc.engine()
	switch {
	case eng == nil:
		return ErrInvalidConnection
	case !subject.ValidPublish(subj), !subject.ValidReply(m.Reply):
		return ErrBadSubject
	case len(m.Header) == 0 && m.Reply == "":
		return eng.PublishData(subj, m.Data)
	case len(m.Header) == 0:
		return eng.Publish(subj, m.Reply, nil, m.Data)
	}
	return publishHeader(eng, subj, m)
}

// publishHeader has the header's buffer on its stack, which other publishes shall not pay for.
func publishHeader(eng *engine.Conn, subj string, m *Msg) error {
	var buf [engine.HeaderRoom]byte
	hdr, err := eng.AppendHeader(buf[:0], m.Header)
	if err != nil {
		return err
	}
	return eng.Publish(subj, m.Reply, hdr, m.Data)
}
