package nats

import (
	"errors"
	"fmt"

	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/proto"
)

// RequestError ends a request for which no answer will come, and says whether it may be repeated. Only connections with
// [FailFastRequests] have it. It matches what it wraps: [ErrDisconnected] or [ErrPermissionViolation].
type RequestError struct {
	// Subject of the request.
	Subject string
	// MayHaveRun is false when nobody has received the request, and nobody will: repeating it is safe. That is so when it was not
	// written to the link, from where it is taken back, and when the server refused it. Otherwise nothing is known.
	MayHaveRun bool
	// Err is [ErrDisconnected], or the server's words, which match [ErrPermissionViolation].
	Err error
}

// Error has the subject, the reason, and whether the request may have been executed.
func (e *RequestError) Error() string {
	reason := "<nil>"
	if e.Err != nil {
		reason = e.Err.Error()
	}
	fate := "not executed"
	if e.MayHaveRun {
		fate = "may have been executed"
	}
	return fmt.Sprintf("%s: request to %q %s", reason, e.Subject, fate)
}

// Unwrap is Err.
func (e *RequestError) Unwrap() error { return e.Err }

// FailFastRequests ends a pending request at once, with a [*RequestError], when the link is lost or the server denies the request's
// subject, its reply subject, or the subscription for the answer. Without this option, as with other clients, it waits for its
// timeout: an answer may still come after a reconnect, though hardly ever does.
//
// What has not been written is taken back, so that it cannot be executed later. A request that is made while there is no link waits
// for one as always. After [Conn.Close] requests end with [ErrConnectionClosed], which says nothing about their fate.
//
// A violation names a subject and no request. If several requests are pending there, all of them end, with MayHaveRun set; if it is one,
// it was refused, unless permissions were taken away after it had been delivered.
func FailFastRequests() Option { return set(func(o *Options) { o.FailFastRequests = true }) }

// requestError turns what the engine says of a tracked request into this package's type.
func requestError(subj string, err error) error {
	if lost, ok := err.(*engine.LostAsk); ok {
		return &RequestError{Subject: subj, MayHaveRun: lost.MayHaveRun, Err: lost.Err}
	}
	return err
}

// sendOld publishes a request whose answers come to s. It does not wait for room longer than the caller is willing to. forget ends what
// is known about it.
func (nc *Conn) sendOld(s *Subscription, subj string, hdr, data []byte) (forget func(), err error) {
	if !nc.Opts.FailFastRequests {
		return func() {}, nc.eng.PublishNow(subj, s.Subject, hdr, data)
	}
	a := &oldAsker{s: s, subject: subj}
	token, err := nc.eng.Ask(subj, hdr, data, a, mono.Never, engine.AskOpts{Track: &a.track, Inbox: s.Subject})
	if err != nil {
		return nil, requestError(subj, err)
	}
	return func() { nc.eng.Forget(token) }, nil
}

// oldAsker passes on that no answer will come to a subscription.
type oldAsker struct {
	s       *Subscription
	track   engine.Tracked
	subject string
}

// Reply is never called: the answer comes to the subscription.
func (a *oldAsker) Reply(*proto.Frame) {}

// Fail is called by the engine. An answer that is there already counts.
func (a *oldAsker) Fail(err error) {
	if errors.Is(err, ErrConnectionClosed) {
		return // the subscription knows
	}
	a.s.refuseUnanswered(requestError(a.subject, err))
}

func (s *Subscription) refuseUnanswered(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.is(subOver) || s.arrived > 0 {
		return
	}
	s.extrasLocked().refused = err
	s.place.close()
	s.wakeAllLocked()
}
