package nats

import (
	"crypto/rand"

	"github.com/nats-io/nuid"
)

// NewInbox returns a subject that nobody else uses, for replies: _INBOX. and 22 characters. It does not know of
// [CustomInboxPrefix]: use [Conn.NewInbox] there.
func NewInbox() string { return InboxPrefix + nuid.Next() }

// NewInbox returns a subject that nobody else uses, for replies, below the connection's inbox prefix.
func (nc *Conn) NewInbox() string {
	if eng := nc.engine(); eng != nil {
		return eng.NewInbox()
	}
	return NewInbox()
}

// NewRespInbox returns a subject with one token more than [Conn.NewInbox], as requests use for their replies.
func (nc *Conn) NewRespInbox() string {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	for i := range b {
		b[i] = digits[int(b[i])%len(digits)]
	}
	return nc.NewInbox() + "." + string(b[:])
}
