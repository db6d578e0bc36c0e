package run

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/js/api"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/natserr"
	"github.com/gannet-io/nats/internal/proto"
	"github.com/gannet-io/nats/internal/session"
)

// Page is a part of what a batched direct get found, in the order of the stream.
type Page struct {
	Msgs []wire.StoredMsg
	End  wire.PageEnd
	// Refused is the status that came instead of messages: 404, 408, 413.
	Refused *wire.APIError
}

// errLongPage: a server sends more than it was asked for.
var errLongPage = errors.New("nats: bad jetstream answer: more messages than were asked for")

// GetPage asks for one page on subject, and asks again when the link is lost meanwhile: nothing is changed by reading. It holds the
// whole page in memory, so req must have a Batch. ctx must have a deadline. Errors: the context's, natserr.NoResponders,
// natserr.ConnectionClosed, and those of a subscription.
func GetPage(ctx context.Context, link askLink, subject string, req wire.PageRequest) (Page, error) {
	body, err := json.Marshal(req)
	if err != nil {
		return Page{}, err
	}
	for {
		p, err := getPage(ctx, link, subject, body, req.Batch)
		if err != natserr.Disconnected {
			return p, err
		}
		if err := api.Pause(ctx, pageAgain); err != nil {
			return Page{}, err
		}
	}
}

// pageAgain is the time before a page is asked for anew.
const pageAgain = 10 * time.Millisecond

func getPage(ctx context.Context, link askLink, subject string, body []byte, most int) (Page, error) {
	g := &pageSink{inbox: link.NewInbox(), most: most, over: make(chan struct{})}
	sub, err := link.Subscribe(g.inbox, "", g)
	if err != nil {
		return Page{}, err
	}
	defer func() { _ = link.Unsubscribe(sub) }() // the connection may be over
	link.Owe(1)
	defer link.Owe(-1)
	defer link.Watch(func(s session.Status, _ error) {
		switch {
		case s == session.Closed:
			g.fail(natserr.ConnectionClosed)
		case !up(s):
			g.fail(natserr.Disconnected)
		}
	})()
	if err := waitForLink(ctx, link); err != nil {
		return Page{}, err
	}
	if !link.PublishVolatile(subject, g.inbox, nil, body) {
		g.fail(natserr.Disconnected)
	}
	select {
	case <-g.over:
		return g.result()
	case <-ctx.Done():
		return Page{}, ctx.Err()
	}
}

// waitForLink waits until there is a link to ask on.
func waitForLink(ctx context.Context, link askLink) error {
	changed := make(chan struct{}, 1)
	defer link.Watch(func(session.Status, error) {
		select {
		case changed <- struct{}{}:
		default:
		}
	})()
	for {
		switch s := link.Status(); {
		case s == session.Closed:
			return natserr.ConnectionClosed
		case up(s):
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// pageSink gathers one page on the reader.
type pageSink struct {
	inbox string
	most  int
	over  chan struct{}

	mu   sync.Mutex
	done bool
	page Page
	err  error
}

var _ engine.Sink = (*pageSink)(nil)

// Deliver takes a message or the end.
func (g *pageSink) Deliver(f *proto.Frame) {
	if m, ok := wire.DirectMsg(f.Header, f.Data); ok {
		g.add(m, f.Owned)
		return
	}
	s, ok := wire.StatusOf(f.Header, f.Data)
	switch {
	case !ok:
	case s.Code == wire.NoResponders:
		g.fail(natserr.NoResponders)
	case s.Number == endOfPage:
		g.end(wire.PageEndOf(f.Header), nil)
	default:
		g.end(wire.PageEnd{}, &wire.APIError{Code: s.Number, Description: string(s.Description)})
	}
}

// endOfPage is the status behind the messages.
const endOfPage = 204

func (g *pageSink) add(m wire.StoredMsg, owned bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.done:
	case len(g.page.Msgs) == g.most:
		g.endLocked(errLongPage)
	default:
		if !owned {
			b := append(append(make([]byte, 0, len(m.Header)+len(m.Data)), m.Header...), m.Data...)
			n := len(m.Header)
			m.Header, m.Data = b[:n:n], b[n:]
		}
		g.page.Msgs = append(g.page.Msgs, m)
	}
}

func (g *pageSink) end(e wire.PageEnd, refused *wire.APIError) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.done {
		g.page.End, g.page.Refused = e, refused
		g.endLocked(nil)
	}
}

func (g *pageSink) fail(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.done {
		g.endLocked(err)
	}
}

func (g *pageSink) endLocked(err error) {
	g.done, g.err = true, err
	close(g.over)
}

func (g *pageSink) result() (Page, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err != nil {
		return Page{}, g.err
	}
	return g.page, nil
}

// Settle has nothing to do: a page is taken as a whole.
func (g *pageSink) Settle() {}

// Closed says that the connection is over.
func (g *pageSink) Closed(error) { g.fail(natserr.ConnectionClosed) }
