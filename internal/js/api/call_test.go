package api

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/natserr"
)

type thing struct {
	Name  string `json:"name"`
	Inner *struct {
		Error *wire.APIError `json:"error"`
	} `json:"inner"`
}

func TestCall(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		link    *fake
		req     any
		payload string
		want    string // name of the thing
		refused *wire.APIError
		err     error
	}{
		{name: "no request", link: says(`{"type":"t","name":"x"}`), want: "x"},
		{name: "bytes", link: says(`{"name":"x"}`), req: []byte("raw"), payload: "raw", want: "x"},
		{name: "struct", link: says(`{"name":"x"}`), req: wire.UnpinRequest{Group: "g"}, payload: `{"group":"g"}`, want: "x"},
		{name: "refused", link: says(`{"type":"t","error":{"code":404,"err_code":10059,"description":"stream not found"}}`),
			refused: &wire.APIError{Code: 404, ErrCode: 10059, Description: "stream not found"}},
		{name: "an error inside is none", link: says(`{"name":"x","inner":{"error":{"code":1}}}`), want: "x"},
		{name: "null error", link: says(`{"error":null,"name":"x"}`), want: "x"},
		{name: "junk", link: says(`junk`), err: ErrBadAnswer},
		{name: "junk with an error", link: says(`{"error":`), err: ErrBadAnswer},
		{name: "wrong type", link: says(`{"name":1}`), err: ErrBadAnswer},
		{name: "wrong error type", link: says(`{"error":"no"}`), err: ErrBadAnswer},
		{name: "empty", link: says(``), err: ErrBadAnswer},
		{name: "status", link: newFake(func(int, request) (engine.Reply, error) {
			return engine.Reply{Header: block(" 412 Required Api Level")}, nil
		}), refused: &wire.APIError{Code: 412, Description: "Required Api Level"}},
		{name: "no responders", link: fails(natserr.NoResponders), err: natserr.NoResponders},
		{name: "closed", link: fails(natserr.ConnectionClosed), err: natserr.ConnectionClosed},
		{name: "timeout", link: fails(natserr.Timeout), err: context.DeadlineExceeded},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, refused, err := Call[thing](t.Context(), tc.link.client(), "X.Y", tc.req)
			if !errors.Is(err, tc.err) || (err == nil) != (tc.err == nil) {
				t.Fatalf("got error %v, want %v", err, tc.err)
			}
			if (refused == nil) != (tc.refused == nil) || refused != nil && *refused != *tc.refused {
				t.Fatalf("got refusal %v, want %v", refused, tc.refused)
			}
			if got.Name != tc.want {
				t.Errorf("got %q, want %q", got.Name, tc.want)
			}
			if asked := tc.link.requests(); len(asked) != 1 || asked[0].subject != "$JS.API.X.Y" || asked[0].payload != tc.payload {
				t.Errorf("asked %v, want $JS.API.X.Y with %q, once", asked, tc.payload)
			}
		})
	}
}

func TestCallSendsNothing(t *testing.T) {
	t.Parallel()
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tc := range []struct {
		name string
		ctx  context.Context
		req  any
		want error
	}{
		{"context is over", over, nil, context.Canceled},
		{"context is nil", nil, nil, natserr.InvalidArg},
		{"request cannot be encoded", t.Context(), func() {}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			link := says(`{}`)
			_, _, err := Call[thing](tc.ctx, link.client(), "X", tc.req)
			if err == nil || tc.want != nil && !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
			if asked := link.requests(); len(asked) != 0 {
				t.Errorf("asked %v, want nothing", asked)
			}
		})
	}
}

func TestCallTimeout(t *testing.T) {
	t.Parallel()
	deadline, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	for _, tc := range []struct {
		name    string
		ctx     context.Context
		timeout time.Duration
		want    time.Duration
	}{
		{"default", t.Context(), 0, DefaultTimeout},
		{"negative", t.Context(), -1, DefaultTimeout},
		{"set", t.Context(), time.Second, time.Second},
		{"deadline", deadline, time.Second, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			link := says(`{}`)
			c := link.client()
			c.Timeout = tc.timeout
			if _, _, err := Call[thing](tc.ctx, c, "X", nil); err != nil {
				t.Fatal(err)
			}
			if got := link.requests()[0].timeout; got != tc.want {
				t.Errorf("got a timeout of %v, want %v", got, tc.want)
			}
		})
	}
}

func TestTrace(t *testing.T) {
	t.Parallel()
	c := says(`{"name":"x"}`).client()
	var got []string
	c.Sent = func(subject string, payload []byte) { got = append(got, "sent "+subject+" "+string(payload)) }
	c.Received = func(subject string, payload, hdr []byte) { got = append(got, "received "+subject+" "+string(payload)) }
	if _, _, err := Call[thing](t.Context(), c, "X", []byte("p")); err != nil {
		t.Fatal(err)
	}
	want := []string{"sent $JS.API.X p", `received $JS.API.X {"name":"x"}`}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Whatever comes as an answer, a call gives a result, a refusal or an error, and does not panic.
func FuzzCall(f *testing.F) {
	f.Add([]byte(nil), []byte(`{"type":"t","error":{"code":404,"err_code":10059}}`))
	f.Add(block(" 408 Request Timeout"), []byte(nil))
	f.Add(block("", "Nats-Sequence: 1", "Nats-Subject: a", "Nats-Time-Stamp: 2026-01-01T00:00:00Z"), []byte("x"))
	f.Add([]byte(nil), []byte(`{"message":{"seq":1,"data":"eA==","hdrs":"x"}}`))
	f.Add([]byte(nil), []byte(`{"total":9223372036854775807,"streams":["a"]}`))
	f.Fuzz(func(t *testing.T, hdr, data []byte) {
		c := newFake(func(int, request) (engine.Reply, error) { return engine.Reply{Header: hdr, Data: data}, nil }).client()
		v, refused, err := Call[thing](t.Context(), c, "X", nil)
		if (refused != nil || err != nil) && v != (thing{}) {
			t.Fatalf("got %v beside %v, %v", v, refused, err)
		}
		m, refused, err := DirectGet(t.Context(), c, "S", wire.MsgGetRequest{Seq: 1})
		if refused == nil && err == nil && m.Subject == "" {
			t.Fatalf("got a message without subject from %q", hdr)
		}
		GetMsg(t.Context(), c, "S", wire.MsgGetRequest{Seq: 1})
		pages := 0
		List(t.Context(), c, "X", "", func([]string) bool { pages++; return pages < 3 })
	})
}
