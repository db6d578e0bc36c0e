package wire

import (
	"bytes"
	"reflect"
	"testing"
)

func TestFastReply(t *testing.T) {
	const inbox = "_INBOX.abc"
	subject := AppendFastReply(nil, inbox, "abc-2", 100, 7, FastAppend)
	if want := "_INBOX.abc.abc-2.100.fail.7.1.$FI"; string(subject) != want {
		t.Errorf("got %q, want %q", subject, want)
	}
	r, ok := ParseFastReply(subject, inbox)
	if !ok || string(r.Batch) != "abc-2" || r.N != 7 || r.Op != FastAppend {
		t.Errorf("got %+v, %v", r, ok)
	}
	for _, bad := range []string{
		"", inbox, inbox + ".", inbox + "x.abc-2.100.fail.7.1.$FI", inbox + ".abc-2.100.fail.7.1", inbox + ".abc-2.100.fail.7.1.$FI.x",
		inbox + ".abc-2.100.fail.-7.1.$FI", inbox + ".abc-2.100.fail.7.5.$FI", inbox + ".abc-2.100.fail.7..$FI", inbox + ".abc-2.100.fail.7.1.$FX",
		inbox + ".abc-2.100.fail.99999999999999999999.1.$FI",
	} {
		if r, ok := ParseFastReply([]byte(bad), inbox); ok {
			t.Errorf("%q is read as %+v", bad, r)
		}
	}
}

func TestFastAnswer(t *testing.T) {
	refused := &APIError{Code: 400, ErrCode: 10071, Description: "wrong"}
	for in, want := range map[string]FastAnswer{
		`{"type":"ack","seq":100,"msgs":50}`:    {Kind: FastFlow, Seq: 100, Every: 50},
		`{"type":"gap","last_seq":3,"seq":7}`:   {Kind: FastGap, Seq: 7},
		`{"stream":"F","seq":9,"count":4}`:      {Kind: FastAck, Seq: 9, Count: 4, Ack: PubAck{Stream: "F", Sequence: 9}},
		`{"type":"new","seq":9}`:                {Kind: FastBad, Seq: 9},
		`{"type":"err","seq":9}`:                {Kind: FastBad, Seq: 9},
		`{"seq":9}`:                             {Kind: FastBad, Seq: 9},
		`{"type":"ack","seq":-1}`:               {},
		`[]`:                                    {},
		``:                                      {},
		`{"type":"ack","seq":1e30}`:             {},
		`{"type":"ack","seq":"1"}`:              {},
		`{"stream":"F","seq":9,"count":` + "9}": {Kind: FastAck, Seq: 9, Count: 9, Ack: PubAck{Stream: "F", Sequence: 9}},
		`{"type":"err","seq":3,"error":{"code":400,"err_code":10071,"description":"wrong"}}`:      {Kind: FastRefused, Seq: 3, Error: refused},
		`{"error":{"code":400,"err_code":10071,"description":"wrong"},"stream":"F","seq":0}`:      {Kind: FastFailed, Error: refused},
		`{"stream":"F","seq":9,"duplicate": true,"batch":"x","count":1,"domain":"hub","val":"3"}`: {Kind: FastAck, Seq: 9, Count: 1, Ack: PubAck{Stream: "F", Sequence: 9, Duplicate: true, Domain: "hub", Value: "3"}},
	} {
		if got := ParseFastAnswer([]byte(in)); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", in, got, want)
		}
	}
}

func FuzzFastBatch(f *testing.F) {
	f.Add([]byte("_INBOX.abc.abc-2.100.fail.7.1.$FI"))
	f.Add([]byte(`{"type":"err","seq":3,"error":{"code":400,"err_code":10071}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		ParseFastAnswer(b)
		r, ok := ParseFastReply(b, "_INBOX.abc")
		if !ok {
			return
		}
		again, ok := ParseFastReply(AppendFastReply(nil, "_INBOX.abc", string(r.Batch), 1, r.N, r.Op), "_INBOX.abc")
		if !ok || !bytes.Equal(again.Batch, r.Batch) || again.N != r.N || again.Op != r.Op {
			t.Errorf("%q is read as %+v, then as %+v", b, r, again)
		}
	})
}
