package session

import (
	"errors"
	"strings"

	"github.com/gannet-io/nats/internal/natserr"
)

// ServerError is what a server said in a -ERR. It matches (errors.Is) the natserr value that the words stand for, if any.
type ServerError struct {
	Text string // as the server wrote it
	kind error
}

// Error is the server's text behind "nats: ", for a violation of permissions behind that error's own text.
func (e *ServerError) Error() string {
	if e.kind == natserr.PermissionViolation {
		return e.kind.Error() + ": " + e.Text
	}
	return "nats: " + e.Text
}

// Unwrap is the natserr value that the text stands for, nil for other texts.
func (e *ServerError) Unwrap() error { return e.kind }

// effect is what an -ERR does to a link that is up.
type effect uint8

const (
	unknown effect = iota // told, and the link is given up
	told                  // told, the link stays
	lost                  // the server closes the connection, or has lost the thread
	auth                  // credentials: told, remembered; the server closes the connection
)

// texts are the server's words, matched as a prefix and without regard to case (a violation of permissions goes on with the subject).
var texts = []struct {
	prefix string
	kind   error
	effect effect
}{
	{"permissions violation", natserr.PermissionViolation, told},
	{"maximum subscriptions exceeded", natserr.MaxSubscriptionsExceeded, told},
	{"stale connection", natserr.StaleConnection, lost},
	{"maximum connections exceeded", natserr.MaxConnectionsExceeded, lost},
	{"maximum account active connections exceeded", natserr.MaxAccountConnectionsExceeded, lost},
	{"unknown protocol operation", nil, lost},
	{"authorization violation", natserr.Authorization, auth},
	{"user authentication expired", natserr.AuthExpired, auth},
	{"user authentication revoked", natserr.AuthRevoked, auth},
	{"account authentication expired", natserr.AccountAuthExpired, auth},
}

// ParseServerError makes a [*ServerError] of the text of a -ERR, also for one that answers CONNECT. Quotes and white space around
// the text do not matter.
func ParseServerError(text string) error {
	e, _ := classify(text)
	return e
}

func classify(text string) (*ServerError, effect) {
	text = strings.Trim(text, " \t\r\n'")
	for _, t := range texts {
		if len(text) >= len(t.prefix) && strings.EqualFold(text[:len(t.prefix)], t.prefix) {
			return &ServerError{Text: text, kind: t.kind}, t.effect
		}
	}
	return &ServerError{Text: text}, unknown
}

// plain is the bare value for errors whose text says it all, so that users of a running connection can compare with ==.
func plain(e *ServerError) error {
	if e.kind == nil || e.kind == natserr.PermissionViolation {
		return e
	}
	return e.kind
}

// refusal is the reason for which err refuses credentials, nil if it does not.
func refusal(err error) error {
	for _, t := range texts {
		if t.effect == auth && errors.Is(err, t.kind) {
			return t.kind
		}
	}
	return nil
}

func fromServer(err error) bool {
	var e *ServerError
	return errors.As(err, &e)
}

// portRefused reports that nobody listens where err was dialled. Only the text says so on every platform: the error comes through
// custom dialers too.
func portRefused(err error) bool {
	return err != nil && (strings.Contains(err.Error(), "connection refused") || strings.Contains(err.Error(), "actively refused"))
}
