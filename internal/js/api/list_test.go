package api

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"testing"
	"testing/synctest"

	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/natserr"
)

// pages answers with these pages in turn.
func pages(answers ...string) *fake {
	return newFake(func(n int, _ request) (engine.Reply, error) {
		if n >= len(answers) {
			return engine.Reply{}, fmt.Errorf("request %d was not expected", n)
		}
		return engine.Reply{Data: []byte(answers[n])}, nil
	})
}

func TestList(t *testing.T) {
	t.Parallel()
	const refusal = `{"error":{"code":404,"err_code":10059,"description":"stream not found"}}`
	for _, tc := range []struct {
		name    string
		link    *fake
		filter  string
		want    []string
		asked   []string
		refused bool
		err     error
		missing []string
	}{
		{name: "one page", link: pages(`{"total":2,"offset":0,"limit":1024,"streams":["a","b"]}`), want: []string{"a", "b"}, asked: []string{`{"offset":0}`}},
		{name: "consumers", link: pages(`{"total":1,"consumers":["a"]}`), want: []string{"a"}, asked: []string{`{"offset":0}`}},
		{name: "three pages", link: pages(`{"total":5,"streams":["a","b"]}`, `{"total":5,"streams":["c","d"]}`, `{"total":5,"streams":["e"]}`),
			want: []string{"a", "b", "c", "d", "e"}, asked: []string{`{"offset":0}`, `{"offset":2}`, `{"offset":4}`}},
		{name: "filter", link: pages(`{"total":0,"streams":null}`), filter: "s.>", asked: []string{`{"offset":0,"subject":"s.\u003e"}`}},
		{name: "an empty page is the last", link: pages(`{"total":9,"streams":["a"]}`, `{"total":9,"streams":[]}`), want: []string{"a"}, asked: []string{`{"offset":0}`, `{"offset":1}`}},
		{name: "total shrinks", link: pages(`{"total":9,"streams":["a"]}`, `{"total":1,"streams":["b"]}`), want: []string{"a", "b"}, asked: []string{`{"offset":0}`, `{"offset":1}`}},
		{name: "negative total", link: pages(`{"total":-1,"streams":["a"]}`), want: []string{"a"}, asked: []string{`{"offset":0}`}},
		{name: "some are missing", link: pages(`{"total":5,"limit":3,"consumers":["a"],"missing":["b","c"]}`, `{"total":5,"limit":3,"consumers":["d"],"missing":["e"]}`),
			want: []string{"a", "d"}, asked: []string{`{"offset":0}`, `{"offset":3}`}, missing: []string{"b", "c", "e"}},
		{name: "a page is missing", link: pages(`{"total":2,"limit":1,"consumers":[],"missing":["a"]}`, `{"total":2,"limit":1,"consumers":["b"]}`),
			want: []string{"b"}, asked: []string{`{"offset":0}`, `{"offset":1}`}, missing: []string{"a"}},
		{name: "a full page and missing ones", link: pages(`{"total":4,"limit":2,"streams":["a","c"],"missing":["b"]}`, `{"total":4,"limit":2,"streams":["d"]}`),
			want: []string{"a", "c", "d"}, asked: []string{`{"offset":0}`, `{"offset":3}`}, missing: []string{"b"}},
		{name: "one is listed twice", link: pages(`{"total":3,"limit":2,"streams":["a","a","b"]}`, `{"total":3,"limit":2,"streams":["c"]}`),
			want: []string{"a", "a", "b", "c"}, asked: []string{`{"offset":0}`, `{"offset":2}`}},
		{name: "refused at once", link: pages(refusal), asked: []string{`{"offset":0}`}, refused: true},
		{name: "refused later", link: pages(`{"total":9,"streams":["a"]}`, refusal), want: []string{"a"}, asked: []string{`{"offset":0}`, `{"offset":1}`}, refused: true},
		{name: "junk", link: pages(`{"streams":{}}`), asked: []string{`{"offset":0}`}, err: ErrBadAnswer},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			refused, err := List(t.Context(), tc.link.client(), "STREAM.NAMES", tc.filter, func(names []string) bool {
				got = append(got, names...)
				return true
			})
			var lacks *IncompleteError
			if errors.As(err, &lacks) {
				if !reflect.DeepEqual(lacks.Missing, tc.missing) {
					t.Errorf("got %v, want %q", lacks, tc.missing)
				}
				err, tc.missing = nil, nil
			}
			if tc.missing != nil {
				t.Errorf("got %v, want an error that names %q", err, tc.missing)
			}
			if !errors.Is(err, tc.err) || (err == nil) != (tc.err == nil) || (refused != nil) != tc.refused {
				t.Errorf("got %v, %v, want refused %v, error %v", refused, err, tc.refused, tc.err)
			}
			if !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			var asked []string
			for _, r := range tc.link.requests() {
				asked = append(asked, r.payload)
			}
			if !reflect.DeepEqual(asked, tc.asked) {
				t.Errorf("asked %q, want %q", asked, tc.asked)
			}
		})
	}
}

// A leader lists by hand what has no server left, and names it among the missing too.
func TestListWithOfflineStreams(t *testing.T) {
	t.Parallel()
	link := pages(`{"total":3,"limit":256,"streams":[{"config":{"name":"a"}},{"config":{"name":"b"}}],"missing":["b","c"]}`)
	type info struct {
		Config struct {
			Name string `json:"name"`
		} `json:"config"`
	}
	_, err := List(t.Context(), link.client(), "STREAM.LIST", "", func([]info) bool { return true })
	var lacks *IncompleteError
	if !errors.As(err, &lacks) || err.Error() != "no answer for c" {
		t.Errorf("got %v, want one that names c", err)
	}
	var many IncompleteError
	many.add(make([]string, 100))
	many.add([]string{"x"})
	if len(many.Missing) != maxMissing || many.More != 101-maxMissing {
		t.Errorf("got %d names and %d more", len(many.Missing), many.More)
	}
}

func TestListOfAServerThatNeverEnds(t *testing.T) {
	t.Parallel()
	link := says(fmt.Sprintf(`{"total":%d,"streams":["a"]}`, math.MaxInt))
	n := 0
	_, err := List(t.Context(), link.client(), "STREAM.NAMES", "", func([]string) bool { n++; return true })
	if !errors.Is(err, ErrBadAnswer) || n != maxPages {
		t.Errorf("got %v after %d pages, want %v after %d", err, n, ErrBadAnswer, maxPages)
	}
}

func TestListStops(t *testing.T) {
	t.Parallel()
	link := says(`{"total":99,"streams":["a"]}`)
	refused, err := List(t.Context(), link.client(), "STREAM.NAMES", "", func([]string) bool { return false })
	if refused != nil || err != nil || len(link.requests()) != 1 {
		t.Errorf("got %v, %v after %d requests, want nil, nil after 1", refused, err, len(link.requests()))
	}
}

// long is a list that is longer than a lister's channel.
func long() *fake {
	page := `{"total":100000,"streams":["a"`
	for range 511 {
		page += `,"a"`
	}
	return says(page + "]}")
}

func query() Query[string, string] {
	return Query[string, string]{
		Subject: "STREAM.NAMES",
		Entry:   func(s string) (string, bool) { return s, s != "" },
		Fail: func(refused *wire.APIError, err error) error {
			if refused != nil {
				return refused
			}
			return err
		},
	}
}

func TestLister(t *testing.T) {
	t.Parallel()
	link := pages(`{"total":3,"streams":["a","","c"]}`)
	l := NewLister(t.Context(), link.client(), query())
	var got []string
	for name := range l.Entries() {
		got = append(got, name)
	}
	if want := []string{"a", "c"}; !reflect.DeepEqual(got, want) || l.Err() != nil {
		t.Errorf("got %q, %v, want %q, nil", got, l.Err(), want)
	}
}

func TestListerFails(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		lister *Lister[string]
		want   error
	}{
		"before it began": {FailedLister[string](natserr.InvalidArg), natserr.InvalidArg},
		"no responders":   {NewLister(t.Context(), fails(natserr.NoResponders).client(), query()), natserr.NoResponders},
	} {
		for range tc.lister.Entries() {
			t.Errorf("%s: got an entry", name)
		}
		if err := tc.lister.Err(); err != tc.want {
			t.Errorf("%s: got %v, want %v", name, err, tc.want)
		}
	}
	l := NewLister(t.Context(), says(`{"error":{"code":404,"err_code":10059}}`).client(), query())
	for range l.Entries() {
		t.Error("refused: got an entry")
	}
	var refused *wire.APIError
	if !errors.As(l.Err(), &refused) || refused.ErrCode != 10059 {
		t.Errorf("refused: got %v, want the refusal", l.Err())
	}
}

// A list that nobody reads to its end must not keep its goroutine: synctest fails when it is left.
func TestListerEndsUnread(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		end  func(cancel context.CancelFunc, link *fake)
		want error
	}{
		{"context", func(cancel context.CancelFunc, _ *fake) { cancel() }, context.Canceled},
		{"connection", func(_ context.CancelFunc, link *fake) { close(link.done) }, natserr.ConnectionClosed},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				link := long()
				link.done = make(chan struct{})
				l := NewLister(ctx, link.client(), query())
				synctest.Wait()
				if err := l.Err(); err != nil {
					t.Errorf("got %v while the list waits, want nil", err)
				}
				tc.end(cancel, link)
				synctest.Wait()
				if err := l.Err(); err != tc.want {
					t.Errorf("got %v, want %v", err, tc.want)
				}
			})
		})
	}
}
