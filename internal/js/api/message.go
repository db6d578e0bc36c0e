package api

import (
	"context"
	"errors"

	"github.com/gannet-io/nats/internal/js/wire"
)

var (
	errEndless   = errors.New("the list does not end")
	errNoMessage = errors.New("no message in it")
)

// notFound is the refusal of a direct get, which has a status instead of an envelope, in the form of other gets.
var notFound = wire.APIError{Code: 404, ErrCode: wire.ErrCodeMessageNotFound, Description: "message not found"}

// GetMsg reads one message through the stream's leader.
func GetMsg(ctx context.Context, c *Client, stream string, req wire.MsgGetRequest) (wire.StoredMsg, *wire.APIError, error) {
	subject := wire.StreamMsgGet(stream)
	answer, refused, err := Call[wire.MsgGetAnswer](ctx, c, subject, req)
	if refused != nil || err != nil {
		return wire.StoredMsg{}, refused, err
	}
	if answer.Message == nil {
		return wire.StoredMsg{}, nil, badAnswer(subject, errNoMessage)
	}
	return *answer.Message, nil, nil
}

// DirectGet reads one message from any replica or mirror of a stream that allows it: natserr.NoResponders where none does.
func DirectGet(ctx context.Context, c *Client, stream string, req wire.MsgGetRequest) (wire.StoredMsg, *wire.APIError, error) {
	payload, err := payloadOf(req)
	if err != nil {
		return wire.StoredMsg{}, nil, err
	}
	return directGet(ctx, c, wire.DirectGet(stream), payload)
}

// DirectGetLast reads the last message of a subject, which the caller checked, like [DirectGet].
func DirectGetLast(ctx context.Context, c *Client, stream, subject string) (wire.StoredMsg, *wire.APIError, error) {
	return directGet(ctx, c, wire.DirectGetLast(stream, subject), nil)
}

// DirectGetSubject is DirectGetLast for callers that have made the API subject already.
func DirectGetSubject(ctx context.Context, c *Client, subject string) (wire.StoredMsg, *wire.APIError, error) {
	return directGet(ctx, c, subject, nil)
}

func directGet(ctx context.Context, c *Client, subject string, payload []byte) (wire.StoredMsg, *wire.APIError, error) {
	reply, err := c.ask(ctx, subject, payload)
	if err != nil {
		return wire.StoredMsg{}, nil, err
	}
	m, ok := wire.DirectMsg(reply.Header, reply.Data)
	if ok {
		return m, nil, nil
	}
	s, ok := wire.StatusOf(reply.Header, reply.Data)
	switch {
	case ok && s.Code == wire.NoMessages:
		refused := notFound
		return wire.StoredMsg{}, &refused, nil
	case ok:
		return wire.StoredMsg{}, nil, errors.New("nats: " + string(s.Description)) // which has no error code
	}
	return wire.StoredMsg{}, nil, badAnswer(subject, errNoMessage)
}
