package jetstream

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/internal/js/run"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/subject"
)

// What a page of GetMsgs and GetLastMsgs holds without options.
const (
	// DefaultGetPageMsgs is the number of messages that are asked for at a time.
	DefaultGetPageMsgs = 256
	// DefaultGetPageBytes is after how many bytes the server ends a page.
	DefaultGetPageBytes = 1 << 20
)

// ErrTooManyResults: the subjects of a [GetLastMsgs] match more than the 1,024 subjects that the server reads together.
var ErrTooManyResults JetStreamError = &jsError{message: "too many results"}

// ErrReadTorn: messages of the moment that a [GetLastMsgs] shows were removed or replaced before all pages had come. Read it again, with larger
// pages perhaps ([GetPages]): what comes in one page is always whole.
var ErrReadTorn JetStreamError = &jsError{message: "messages were removed while they were read"}

// GetManyOpt is an option of [GetMsgs] and [GetLastMsgs]. A nil option is skipped.
type GetManyOpt func(*getMany) error

// getMany is one of these calls.
type getMany struct {
	wire.PageRequest
	limit int // 0: none
	last  bool
	left  uint64 // behind the pages that have come, with last
}

// GetFrom begins with the first message whose sequence is at least seq. GetMsgs only.
func GetFrom(seq uint64) GetManyOpt {
	return getFirst(func(g *getMany) { g.Seq, g.Start = max(seq, 1), nil })
}

// GetSince begins with the first message stored at or after t. GetMsgs only.
func GetSince(t time.Time) GetManyOpt {
	return getFirst(func(g *getMany) { g.Seq, g.Start = 0, &t })
}

// GetSubject reads only messages of subjects that match filter. GetMsgs only.
func GetSubject(filter string) GetManyOpt {
	return func(g *getMany) error {
		if !subject.ValidSubscribe(filter) {
			return fmt.Errorf("%w: %q", ErrInvalidSubject, filter)
		}
		return getFirst(func(g *getMany) { g.NextFor = filter })(g)
	}
}

func getFirst(set func(*getMany)) GetManyOpt {
	return func(g *getMany) error {
		if g.last {
			return fmt.Errorf("%w: not for GetLastMsgs", ErrInvalidOption)
		}
		set(g)
		return nil
	}
}

// GetUpTo reads the subjects as they were when seq was the stream's last sequence. GetLastMsgs only.
func GetUpTo(seq uint64) GetManyOpt {
	return getLast(func(g *getMany) { g.UpToSeq, g.UpToTime = max(seq, 1), nil })
}

// GetUpToTime reads the subjects as they were at t. GetLastMsgs only.
func GetUpToTime(t time.Time) GetManyOpt {
	return getLast(func(g *getMany) { g.UpToSeq, g.UpToTime = 0, &t })
}

func getLast(set func(*getMany)) GetManyOpt {
	return func(g *getMany) error {
		if !g.last {
			return fmt.Errorf("%w: for GetLastMsgs only", ErrInvalidOption)
		}
		set(g)
		return nil
	}
}

// GetLimit ends behind n messages.
func GetLimit(n int) GetManyOpt {
	return func(g *getMany) error {
		if n < 1 {
			return fmt.Errorf("%w: limit must be at least 1", ErrInvalidOption)
		}
		g.limit = n
		return nil
	}
}

// GetPages says how many messages are asked for at a time, and after how many bytes the server ends a page; [DefaultGetPageMsgs] and
// [DefaultGetPageBytes] without it. A page is held in memory, and one message more.
func GetPages(msgs, bytes int) GetManyOpt {
	return func(g *getMany) error {
		if msgs < 1 || bytes < 1 {
			return fmt.Errorf("%w: a page must have room for a message and a byte", ErrInvalidOption)
		}
		g.Batch, g.MaxBytes = msgs, bytes
		return nil
	}
}

// GetMsgs returns an iterator over the messages of a stream in their order, from the first one on, or as the options say, up to the last one
// at the time. It reads by batched direct gets (ADR-31, nats-server 2.11): without a consumer, in pages, from any replica, so that what was stored
// a moment ago may be missing at the end. Nothing is left behind when the loop ends early.
//
//	for m, err := range jetstream.GetMsgs(ctx, stream, jetstream.GetSubject("orders.>")) {
//		if err != nil { ... } // the loop ends with it
//	}
//
// A page has the default timeout of the JetStream, and ctx bounds the whole. When the link is lost a page is asked for again. Errors: that of the context;
// nats.ErrNoResponders when the stream does not exist, or does not have AllowDirect; [ErrInvalidOption]; nats.ErrInvalidContext;
// nats.ErrInvalidArg when s was not made by this package; those of the connection.
func GetMsgs(ctx context.Context, s Stream, opts ...GetManyOpt) iter.Seq2[*RawStreamMsg, error] {
	return func(yield func(*RawStreamMsg, error) bool) {
		g := &getMany{PageRequest: wire.PageRequest{Seq: 1}}
		g.read(ctx, s, opts, yield)
	}
}

// GetLastMsgs is [GetMsgs] for the last messages of subjects, which may have wildcards, in the order of the stream. It is one consistent read: all
// messages are those that were the last ones at the same moment, even if there are several pages. A stream that does not keep what is replaced, such as
// one with MaxMsgsPerSubject 1, cannot show that moment for long: when something of it is gone before its page is read, the loop ends with
// [ErrReadTorn]. The server reads at most 1,024 subjects together, else [ErrTooManyResults].
func GetLastMsgs(ctx context.Context, s Stream, subjects []string, opts ...GetManyOpt) iter.Seq2[*RawStreamMsg, error] {
	return func(yield func(*RawStreamMsg, error) bool) {
		if len(subjects) == 0 {
			yield(nil, fmt.Errorf("%w: no subjects", nats.ErrInvalidArg))
			return
		}
		for _, filter := range subjects {
			if !subject.ValidSubscribe(filter) {
				yield(nil, fmt.Errorf("%w: %q", ErrInvalidSubject, filter))
				return
			}
		}
		g := &getMany{PageRequest: wire.PageRequest{MultiLast: subjects}, last: true}
		g.read(ctx, s, opts, yield)
	}
}

func (g *getMany) read(ctx context.Context, s Stream, opts []GetManyOpt, yield func(*RawStreamMsg, error) bool) {
	own, ok := s.(*stream)
	switch {
	case ctx == nil:
		yield(nil, errNilContext)
		return
	case !ok || own == nil:
		yield(nil, errForeignStream)
		return
	}
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(g); err != nil {
			yield(nil, err)
			return
		}
	}
	if g.Batch == 0 {
		g.Batch, g.MaxBytes = DefaultGetPageMsgs, DefaultGetPageBytes
	}
	for more := true; more; {
		var err error
		if more, err = g.page(ctx, own, yield); err != nil {
			yield(nil, err)
			return
		}
	}
}

// page reads the next page and yields it; more: there is another one, and somebody wants it.
func (g *getMany) page(ctx context.Context, s *stream, yield func(*RawStreamMsg, error) bool) (more bool, err error) {
	if g.limit > 0 {
		g.Batch = min(g.Batch, g.limit)
	}
	ctx, cancel := s.js.bounded(ctx)
	defer cancel()
	p, err := run.GetPage(ctx, s.js.eng, s.js.api.Prefix+wire.DirectGet(s.name), g.PageRequest)
	if err == nil && p.Refused != nil {
		err = g.refused(p.Refused)
	}
	if err == nil && g.torn(&p) {
		err = ErrReadTorn
	}
	if err != nil {
		return false, err
	}
	g.left = p.End.Pending
	for i := range p.Msgs {
		m := &p.Msgs[i]
		h, err := headerOf(m.Header)
		if err != nil {
			return false, err
		}
		if !yield(&RawStreamMsg{Subject: m.Subject, Sequence: m.Sequence, Header: h, Data: m.Data, Time: m.Time}, nil) {
			return false, nil
		}
	}
	if len(p.Msgs) == 0 || p.End.Pending == 0 {
		return false, nil
	}
	last := p.Msgs[len(p.Msgs)-1].Sequence
	if last < g.Seq {
		return false, fmt.Errorf("%w: a page that goes back", ErrInvalidJetStreamResponse)
	}
	g.Seq, g.Start = last+1, nil
	if g.last {
		g.UpToSeq, g.UpToTime = p.End.UpTo, nil // the following pages show the same moment
	}
	if g.limit > 0 {
		g.limit -= len(p.Msgs)
		return g.limit > 0, nil
	}
	return true, nil
}

// torn reports whether a page lacks messages of the moment that is shown: it has fewer than were behind the one before it, or the server could not
// read one that it had found.
func (g *getMany) torn(p *run.Page) bool {
	if p.Refused != nil && (len(p.Msgs) > 0 || g.last && p.Refused.Description == messageNotFound) {
		return true
	}
	return g.last && uint64(len(p.Msgs))+p.End.Pending < g.left
}

// messageNotFound is what the server says where it has lost a message between finding and reading it; "No Results" where there is none.
const messageNotFound = "Message Not Found"

// refused is the error of a status; no messages are none.
func (g *getMany) refused(e *wire.APIError) error {
	switch e.Code {
	case 404:
		return nil
	case 413:
		return ErrTooManyResults
	case 412:
		return &APIError{Code: e.Code, Description: e.Description}
	}
	return errors.New("nats: " + e.Description)
}
