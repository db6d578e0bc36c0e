package api

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/js/wire"
)

var at = time.Date(2026, 1, 2, 3, 4, 5, 600, time.UTC)

func TestGetMsg(t *testing.T) {
	t.Parallel()
	link := says(`{"message":{"subject":"a","seq":7,"hdrs":"TkFUUy8xLjANCg0K","data":"eA==","time":"2026-01-02T03:04:05.0000006Z"}}`)
	m, refused, err := GetMsg(t.Context(), link.client(), "S", wire.MsgGetRequest{Seq: 7})
	want := wire.StoredMsg{Subject: "a", Sequence: 7, Header: []byte("NATS/1.0\r\n\r\n"), Data: []byte("x"), Time: at}
	if refused != nil || err != nil || !reflect.DeepEqual(m, want) {
		t.Errorf("got %+v %v %v, want %+v", m, refused, err, want)
	}
	if got := link.requests()[0]; got.subject != "$JS.API.STREAM.MSG.GET.S" || got.payload != `{"seq":7}` {
		t.Errorf("asked %v", got)
	}
	if _, _, err := GetMsg(t.Context(), says(`{}`).client(), "S", wire.MsgGetRequest{Seq: 7}); !errors.Is(err, ErrBadAnswer) {
		t.Errorf("no message: got %v, want %v", err, ErrBadAnswer)
	}
}

func TestDirectGet(t *testing.T) {
	t.Parallel()
	server := []string{"Nats-Stream: S", "Nats-Subject: a", "Nats-Sequence: 7", "Nats-Time-Stamp: 2026-01-02T03:04:05.0000006Z"}
	message := func(line string, data string) wire.StoredMsg {
		return wire.StoredMsg{Subject: "a", Sequence: 7, Header: block(line, server...), Data: []byte(data), Time: at}
	}
	for _, tc := range []struct {
		name    string
		hdr     []byte
		data    string
		want    wire.StoredMsg
		refused *wire.APIError
		err     string
		bad     bool
	}{
		{name: "message", hdr: block("", server...), data: "x", want: message("", "x")},
		{name: "empty message", hdr: block("", server...), want: message("", "")},
		{name: "message stored with a status", hdr: block(" 404 No Messages", server...), want: message(" 404 No Messages", "")},
		{name: "not found", hdr: block(" 404 Message Not Found"), refused: &wire.APIError{Code: 404, ErrCode: 10037, Description: "message not found"}},
		{name: "empty request", hdr: block(" 408 Empty Request"), err: "nats: Empty Request"},
		{name: "no headers", data: "x", bad: true},
		{name: "no sequence", hdr: block("", server[0], server[1], server[3]), data: "x", bad: true},
		{name: "no subject", hdr: block("", server[0], server[2], server[3]), data: "x", bad: true},
		{name: "bad time", hdr: block("", server[1], server[2], "Nats-Time-Stamp: today"), data: "x", bad: true},
		{name: "bad sequence", hdr: block("", server[1], "Nats-Sequence: -1", server[3]), data: "x", bad: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			link := newFake(func(int, request) (engine.Reply, error) {
				return engine.Reply{Header: tc.hdr, Data: []byte(tc.data)}, nil
			})
			got, refused, err := DirectGetLast(t.Context(), link.client(), "S", "a")
			if errors.Is(err, ErrBadAnswer) != tc.bad || !tc.bad && (err != nil) != (tc.err != "") || tc.err != "" && err.Error() != tc.err {
				t.Fatalf("got error %v, want %q, bad answer %v", err, tc.err, tc.bad)
			}
			if !reflect.DeepEqual(refused, tc.refused) || !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got %+v %v, want %+v %v", got, refused, tc.want, tc.refused)
			}
			DirectGet(t.Context(), link.client(), "S", wire.MsgGetRequest{Seq: 7})
			want := []request{{"$JS.API.DIRECT.GET.S.a", "", DefaultTimeout}, {"$JS.API.DIRECT.GET.S", `{"seq":7}`, DefaultTimeout}}
			if asked := link.requests(); !reflect.DeepEqual(asked, want) {
				t.Errorf("asked %v, want %v", asked, want)
			}
		})
	}
}

func TestStreamInfoPages(t *testing.T) {
	t.Parallel()
	type info struct {
		Name  string `json:"name"`
		State struct {
			Subjects map[string]uint64 `json:"subjects"`
		} `json:"state"`
	}
	subjects := func(i *info) *map[string]uint64 { return &i.State.Subjects }
	link := pages(
		`{"total":3,"offset":0,"limit":2,"name":"S","state":{"subjects":{"a":1,"b":2}}}`,
		`{"total":3,"offset":2,"limit":2,"name":"S","state":{"subjects":{"c":3}}}`)
	got, refused, err := StreamInfo(t.Context(), link.client(), "S", wire.StreamInfoRequest{SubjectsFilter: ">"}, subjects)
	want := map[string]uint64{"a": 1, "b": 2, "c": 3}
	if refused != nil || err != nil || got.Name != "S" || !reflect.DeepEqual(got.State.Subjects, want) {
		t.Errorf("got %+v %v %v, want %v", got, refused, err, want)
	}
	if asked := link.requests(); asked[0].payload != `{"subjects_filter":"\u003e"}` || asked[1].payload != `{"offset":2,"subjects_filter":"\u003e"}` {
		t.Errorf("asked %v", asked)
	}
	link = says(`{"name":"S"}`)
	if got, _, err := StreamInfo(t.Context(), link.client(), "S", wire.StreamInfoRequest{}, subjects); err != nil || got.Name != "S" {
		t.Errorf("plain: got %+v %v", got, err)
	}
	if asked := link.requests(); asked[0].payload != "" {
		t.Errorf("plain: sent %q, want no payload", asked[0].payload)
	}
	link = says(`{"total":9223372036854775807,"name":"S","state":{"subjects":{"a":1}}}`)
	if _, _, err := StreamInfo(t.Context(), link.client(), "S", wire.StreamInfoRequest{SubjectsFilter: ">"}, subjects); !errors.Is(err, ErrBadAnswer) {
		t.Errorf("endless: got %v, want %v", err, ErrBadAnswer)
	}
}
