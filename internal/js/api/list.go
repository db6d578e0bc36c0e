package api

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/natserr"
)

// page is one answer of any of the four list requests: streams or consumers, their names or their infos.
type page[E any] struct {
	wire.Page
	Streams   []E `json:"streams"`
	Consumers []E `json:"consumers"`
	// Missing are those of the page that no server answered for in time.
	Missing []string `json:"missing"`
}

func (p *page[E]) entries() []E {
	if len(p.Streams) > 0 {
		return p.Streams
	}
	return p.Consumers
}

// absent are those of the missing that are no entries either: a server that leads a cluster lists by hand what has no server left.
func (p *page[E]) absent() []string {
	if len(p.Missing) == 0 {
		return nil
	}
	var listed []struct {
		Name   string `json:"name"`
		Config struct {
			Name string `json:"name"`
		} `json:"config"`
	}
	data, err := json.Marshal(p.entries())
	if err != nil || json.Unmarshal(data, &listed) != nil {
		return p.Missing
	}
	there := make(map[string]bool, 2*len(listed))
	for _, e := range listed {
		there[e.Name], there[e.Config.Name] = true, true
	}
	return slices.DeleteFunc(p.Missing, func(name string) bool { return there[name] })
}

// size is how many of the list the page stands for. Without absent ones it is within the limit: who is led by two servers in turn is listed
// twice, and may not push out the next one.
func (p *page[E]) size(absent int) int {
	n := len(p.entries()) + absent
	if absent == 0 && p.Limit > 0 {
		n = min(n, p.Limit)
	}
	return n
}

// IncompleteError says what a list that came to its end lacks: no server answered for it in time, or none can run it.
type IncompleteError struct {
	Missing []string // the first of them
	More    int      // how many others there are
}

func (e *IncompleteError) Error() string {
	text := strings.Join(e.Missing, ", ")
	if e.More > 0 {
		text += ", and " + strconv.Itoa(e.More) + " more"
	}
	return "no answer for " + text
}

// maxMissing bounds what is kept of names.
const maxMissing = 64

func (e *IncompleteError) add(names []string) {
	n := min(len(names), maxMissing-len(e.Missing))
	e.Missing = append(e.Missing, names[:n]...)
	e.More += len(names) - n
}

// maxPages ends a list whose server never comes to an end. With 256 entries a page it is far above what a server can hold.
const maxPages = 1 << 14

// List asks for page after page and calls each with the entries, until the list is complete or each returns false. filter,
// when not empty, is a subject that streams must match. A page without entries is the last one, whatever its total says, unless some are missing:
// then the list goes on, and ends with an [*IncompleteError].
func List[E any](ctx context.Context, c *Client, subject, filter string, each func(entries []E) bool) (*wire.APIError, error) {
	offset, lacks := 0, new(IncompleteError)
	for range maxPages {
		p, refused, err := Call[page[E]](ctx, c, subject, wire.NamesRequest{Offset: offset, Subject: filter})
		if refused != nil || err != nil {
			return refused, err
		}
		entries, absent := p.entries(), p.absent()
		if len(entries) > 0 && !each(entries) {
			return nil, nil
		}
		lacks.add(absent)
		n := p.size(len(absent))
		if offset += n; n > 0 && offset < p.Total {
			continue
		}
		if len(lacks.Missing) > 0 {
			return nil, lacks
		}
		return nil, nil
	}
	return nil, badAnswer(subject, errEndless)
}

// Lister is a list on its way through a channel. Its goroutine ends with the list, with the context, or with the
// connection, and does not wait for the reader unless the list is longer than a page.
type Lister[V any] struct {
	entries chan V

	mu  sync.Mutex
	err error
}

// Entries is closed after the last entry, or when the list ended early: see Err.
func (l *Lister[V]) Entries() <-chan V { return l.entries }

// Err says why the list ended early. It is nil while the list is on its way.
func (l *Lister[V]) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

func (l *Lister[V]) end(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
	close(l.entries)
}

// Query says what a Lister lists, and how its entries E become the caller's V.
type Query[E, V any] struct {
	Subject string
	Filter  string
	// Entry turns an entry into what goes into the channel; false drops it.
	Entry func(E) (V, bool)
	// Fail turns what ended the list early into the caller's error.
	Fail func(*wire.APIError, error) error
}

// maxPage is the most entries of a page (nats-server 2.15): names come in larger ones than infos.
const maxPage = 1024

// NewLister starts a list. FailedLister is one that ended before it began.
func NewLister[E, V any](ctx context.Context, c *Client, q Query[E, V]) *Lister[V] {
	l := &Lister[V]{entries: make(chan V, maxPage)}
	go l.run(ctx, c, func(each func(V) bool) (*wire.APIError, error) {
		return List(ctx, c, q.Subject, q.Filter, func(entries []E) bool {
			for _, e := range entries {
				if v, ok := q.Entry(e); ok && !each(v) {
					return false
				}
			}
			return true
		})
	}, q.Fail)
	return l
}

// FailedLister is a list that ended with err before it began.
func FailedLister[V any](err error) *Lister[V] {
	l := &Lister[V]{entries: make(chan V)}
	l.end(err)
	return l
}

// run feeds the channel. It is the lister's goroutine.
func (l *Lister[V]) run(ctx context.Context, c *Client,
	list func(each func(V) bool) (*wire.APIError, error), fail func(*wire.APIError, error) error,
) {
	var interrupted error
	refused, err := list(func(v V) bool {
		select {
		case l.entries <- v:
			return true
		default:
		}
		select {
		case l.entries <- v:
			return true
		case <-ctx.Done():
			interrupted = ctx.Err()
		case <-c.Conn.Done():
			interrupted = natserr.ConnectionClosed
		}
		return false
	})
	if err == nil {
		err = interrupted
	}
	if refused != nil || err != nil {
		err = fail(refused, err)
	}
	l.end(err)
}
