package api

import (
	"context"
	"encoding/json"

	"github.com/gannet-io/nats/internal/js/wire"
)

// StreamInfo asks for the info I of a stream. A filter for subjects makes the server count the messages of each one that
// matches, in pages; subjects gives access to the map in I, so that all of them end up in the info that is returned.
func StreamInfo[I any](ctx context.Context, c *Client, stream string, req wire.StreamInfoRequest,
	subjects func(*I) *map[string]uint64,
) (I, *wire.APIError, error) {
	var none I
	subject := wire.StreamInfo(stream)
	if req.SubjectsFilter == "" {
		var payload any
		if req != (wire.StreamInfoRequest{}) {
			payload = req
		}
		return Call[I](ctx, c, subject, payload)
	}
	all := make(map[string]uint64)
	for range maxPages {
		raw, refused, err := Call[json.RawMessage](ctx, c, subject, req)
		if refused != nil || err != nil {
			return none, refused, err
		}
		var page wire.Page
		var info I
		if err := json.Unmarshal(raw, &page); err != nil {
			return none, nil, badAnswer(subject, err)
		}
		if err := json.Unmarshal(raw, &info); err != nil {
			return none, nil, badAnswer(subject, err)
		}
		counts := subjects(&info)
		n := len(*counts)
		for s, msgs := range *counts {
			all[s] = msgs
		}
		*counts = all
		if req.Offset += n; n == 0 || req.Offset >= page.Total {
			return info, nil, nil
		}
	}
	return none, nil, badAnswer(subject, errEndless)
}
