package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/gannet-io/nats/internal/js/wire"
)

// Call sends req to an API subject (without the prefix) and decodes the answer into a T.
//
// req is sent as JSON, a []byte as it is, and nil as an empty payload. The error is the context's, one of package natserr
// (NoResponders where no JetStream listens, ConnectionClosed ...), that of marshalling req, or wraps [ErrBadAnswer]. The
// *wire.APIError is the server's refusal; T is then its zero value. The subject was checked by the caller.
func Call[T any](ctx context.Context, c *Client, subject string, req any) (T, *wire.APIError, error) {
	var answer T
	payload, err := payloadOf(req)
	if err != nil {
		return answer, nil, err
	}
	reply, err := c.ask(ctx, subject, payload)
	if err != nil {
		return answer, nil, err
	}
	if refused, err := refusal(reply.Header, reply.Data); refused != nil || err != nil {
		return answer, refused, badAnswer(subject, err)
	}
	if err := json.Unmarshal(reply.Data, &answer); err != nil {
		var none T
		return none, nil, badAnswer(subject, err)
	}
	c.granted(subject)
	return answer, nil, nil
}

func payloadOf(req any) ([]byte, error) {
	switch req := req.(type) {
	case nil:
		return nil, nil
	case []byte:
		return req, nil
	}
	payload, err := json.Marshal(req)
	if err != nil {
		return nil, fmt.Errorf("nats: encoding the request: %w", err)
	}
	return payload, nil
}

// refusal finds the error in an answer: in its envelope, or in the status of one without payload. Most answers hold no
// member called error at any level, and so are decoded only once, by the caller.
func refusal(hdr, data []byte) (*wire.APIError, error) {
	if s, ok := wire.StatusOf(hdr, data); ok {
		return &wire.APIError{Code: s.Number, Description: string(s.Description)}, nil
	}
	if !bytes.Contains(data, []byte(`"error"`)) {
		return nil, nil
	}
	var e wire.Envelope
	if err := json.Unmarshal(data, &e); err != nil {
		return nil, err
	}
	return e.Error, nil
}

// badAnswer wraps the error of reading the answer on subject; nil stays nil.
func badAnswer(subject string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w to %s: %w", ErrBadAnswer, subject, err)
}
