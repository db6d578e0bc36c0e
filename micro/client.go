package micro

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/gannet-io/nats"
)

// Client looks for services and asks them. [NewClient] makes one; it holds nothing but the connection, and its methods may be called concurrently.
type Client struct{ nc *nats.Conn }

// NewClient returns a client on nc. With a nil connection its methods return nats.ErrInvalidConnection.
func NewClient(nc *nats.Conn) *Client { return &Client{nc} }

// Ping asks who is there. See [Client.Info] for how it goes and ends.
func (c *Client) Ping(ctx context.Context, opts ...FindOpt) iter.Seq2[Ping, error] {
	return find(ctx, c, PingVerb, PingResponseType, opts, func(p Ping) string { return p.Type })
}

// Info asks services what they offer: all of them, or those that opts name. The instances are given as their answers come, in no order, each
// with a nil error. An answer that cannot be read, and one that is an error, is a zero value and an error, [ErrInvalidResponse] or a
// [*ServiceError]; more may follow.
//
// It ends without an error when [FindMax] have answered, when nobody has answered for [FindStall] (300 ms), after [FindTimeout] (5 s), or when
// nobody is there. It ends with an error as its last value when ctx ends or the connection does: then somebody may be missing. Breaking out of
// the loop ends it too. Each loop asks anew.
//
// Errors beside these: nats.ErrInvalidContext, nats.ErrInvalidConnection, [ErrConfigValidation] for bad options; nothing is sent then.
func (c *Client) Info(ctx context.Context, opts ...FindOpt) iter.Seq2[Info, error] {
	return find(ctx, c, InfoVerb, InfoResponseType, opts, func(i Info) string { return i.Type })
}

// Stats asks services how they do. See [Client.Info] for how it goes and ends.
func (c *Client) Stats(ctx context.Context, opts ...FindOpt) iter.Seq2[Stats, error] {
	return find(ctx, c, StatsVerb, StatsResponseType, opts, func(s Stats) string { return s.Type })
}

// Request asks an endpoint, and waits for the answer as long as ctx allows; 5 s if it has no deadline. The deadline goes along, see
// [DeadlineHeader]. opts, such as [WithHeaders], change the request before it is sent.
//
// Errors: a [*ServiceError] when the answer is one; and those of nats.Conn.RequestMsgWithContext, among them nats.ErrNoResponders when the service
// is not there.
func (c *Client) Request(ctx context.Context, subject string, data []byte, opts ...RespondOpt) (*nats.Msg, error) {
	switch {
	case c == nil || c.nc == nil:
		return nil, nats.ErrInvalidConnection
	case ctx == nil:
		return nil, nats.ErrInvalidContext
	}
	if _, bounded := ctx.Deadline(); !bounded {
		bound, cancel := context.WithTimeout(ctx, defaultPatience)
		defer cancel()
		ctx = bound
	}
	m := newMsg(data, make(nats.Header), opts)
	m.Subject = subject
	SetDeadline(ctx, m)
	answer, err := c.nc.RequestMsgWithContext(ctx, m)
	if err != nil {
		return nil, err
	}
	if err := errorIn(answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// defaultPatience bounds requests and searches for which nobody said how long they may take.
const defaultPatience = 5 * time.Second

// errorIn is the error that an answer stands for, nil if none.
func errorIn(m *nats.Msg) error {
	code, description := m.Header.Get(ErrorCodeHeader), m.Header.Get(ErrorHeader)
	if code == "" && description == "" {
		return nil
	}
	return &ServiceError{Code: code, Description: description, Data: m.Data, Headers: Headers(m.Header)}
}

// find is an iterator over the answers to a verb.
func find[T any](ctx context.Context, c *Client, verb Verb, want string, opts []FindOpt, typeOf func(T) string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		s, err := newSearch(ctx, c, verb, opts)
		if err != nil {
			yield(none, err)
			return
		}
		defer s.end()
		for {
			m, err := s.next()
			if err != nil {
				yield(none, err)
				return
			}
			if m == nil {
				return
			}
			answer, err := read(m, want, typeOf)
			if !yield(answer, err) {
				return
			}
		}
	}
}

// read makes an answer of a message.
func read[T any](m *nats.Msg, want string, typeOf func(T) string) (answer T, err error) {
	var none T
	if err := errorIn(m); err != nil {
		return none, err
	}
	if err := json.Unmarshal(m.Data, &answer); err != nil {
		return none, fmt.Errorf("%w: %w", ErrInvalidResponse, err)
	}
	if got := typeOf(answer); got != want {
		return none, fmt.Errorf("%w: type %q, want %q", ErrInvalidResponse, got, want)
	}
	return answer, nil
}

// search is one question to services, and what is still to come.
type search struct {
	caller context.Context
	ctx    context.Context // ends with the time of the search, too
	cancel context.CancelFunc
	sub    *nats.Subscription
	how    findOpts
	found  int
}

func newSearch(ctx context.Context, c *Client, verb Verb, opts []FindOpt) (*search, error) {
	switch {
	case ctx == nil:
		return nil, nats.ErrInvalidContext
	case c == nil || c.nc == nil:
		return nil, nats.ErrInvalidConnection
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	how, err := findOptions(opts)
	if err != nil {
		return nil, err
	}
	subj, err := ControlSubject(verb, how.name, how.id)
	if err != nil {
		return nil, err
	}
	inbox := c.nc.NewInbox()
	sub, err := c.nc.SubscribeSync(inbox)
	if err != nil {
		return nil, err
	}
	if err := c.nc.PublishRequest(subj, inbox, nil); err != nil {
		_ = sub.Unsubscribe()
		return nil, err
	}
	s := &search{caller: ctx, sub: sub, how: how}
	s.ctx, s.cancel = context.WithTimeout(ctx, how.timeout)
	return s, nil
}

func (s *search) end() {
	s.cancel()
	_ = s.sub.Unsubscribe() // fails when the connection is closed
}

// next waits for an answer; nil without an error: there will be none.
func (s *search) next() (*nats.Msg, error) {
	if s.how.max > 0 && s.found >= s.how.max {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(s.ctx, s.how.stall)
	defer cancel()
	m, err := s.sub.NextMsgWithContext(ctx)
	switch {
	case err == nil:
		s.found++
		return m, nil
	case s.caller.Err() != nil:
		return nil, s.caller.Err()
	case ctx.Err() != nil, errors.Is(err, nats.ErrNoResponders):
		return nil, nil
	}
	return nil, err
}
