package run

import (
	"context"

	"github.com/nats-io/nuid"

	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/proto"
)

// expectedElse reports that a stream refused a message because of what the publisher expected of it.
func expectedElse(refused *wire.APIError) bool {
	if refused == nil {
		return false
	}
	switch refused.ErrCode {
	case wire.ErrCodeWrongLastMsgID, wire.ErrCodeWrongLastSequence, wire.ErrCodeWrongLastSequenceConstant:
		return true
	}
	return false
}

// noRollup is a value that the header Nats-Rollup does not have: servers refuse the message.
const noRollup = "none"

// question asks a stream whether it has stored a message with this id: a message that cannot be stored. Servers look for duplicates first and
// answer with the sequence of the first copy; otherwise they refuse it for its rollup, or for a last message that the stream cannot have.
func question(id string) []byte {
	return proto.AppendPairs(make([]byte, 0, 160), wire.HdrMsgID, id, wire.HdrRollup, noRollup, wire.HdrExpectedLastMsgID, nuid.Next())
}

// decided reports that a stream which refused a question knows no message with the id; else it could not say.
func decided(refused *wire.APIError) bool {
	return refused.ErrCode == wire.ErrCodeRollupFailed || refused.Code < 500 && !inProcess(refused)
}

// recognise finds out what a refusal of a repeated message means: the first copy may be stored and be the reason, since servers that do not
// replicate a stream look at expectations before they look for duplicates (nats-server 2.15). It returns the ack of the first copy,
// v when there is none, or why that cannot be told.
func (p *Publisher) recognise(ctx context.Context, s *SyncSpec, l *limit, v verdict) verdict {
	id := proto.HeaderValue(s.Header, wire.HdrMsgID)
	if len(id) == 0 {
		return v
	}
	ask := SyncSpec{Subject: s.Subject, Header: question(string(id)), Retry: s.Retry}
	for ctx.Err() == nil {
		answer := p.attempt(ctx, &ask, l)
		switch {
		case answer.code == wire.OK && answer.ack.Duplicate:
			return answer
		case answer.code == wire.Disconnected:
		case answer.code == wire.NoResponders, answer.code == wire.ServerRefused && !decided(answer.refused):
			if over, ended := p.pause(ctx, inProcessPause, l); ended {
				return over
			}
		case answer.code == wire.OK, answer.code == wire.ServerRefused, answer.code == wire.InvalidAck:
			return v
		default:
			return answer
		}
		if l.passed() {
			return l.verdict()
		}
	}
	return verdict{code: wire.Canceled, err: ctx.Err()}
}
