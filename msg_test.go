package nats

import (
	"errors"
	"reflect"
	"testing"

	"github.com/gannet-io/nats/internal/proto"
)

func TestHeader(t *testing.T) {
	t.Parallel()
	h := Header{}
	h.Set("A", "1")
	h.Add("A", "2")
	h.Add("b", "3")
	if h.Get("A") != "1" || h.Get("a") != "" || h.Get("b") != "3" || !reflect.DeepEqual(h.Values("A"), []string{"1", "2"}) {
		t.Errorf("got %v", h)
	}
	h.Set("A", "4")
	h.Del("b")
	if !reflect.DeepEqual(h, Header{"A": {"4"}}) {
		t.Errorf("got %v, want only A: 4", h)
	}
	var none Header
	none.Del("A")
	if none.Get("A") != "" || none.Values("A") != nil {
		t.Error("a nil header has something")
	}
}

func TestDecodeHeadersMsg(t *testing.T) {
	t.Parallel()
	for block, want := range map[string]Header{
		"NATS/1.0\r\nA: b\r\nA: c\r\n\r\n":            {"A": {"b", "c"}},
		"NATS/1.0 503\r\n\r\n":                        {"Status": {"503"}},
		"NATS/1.0 100 Idle Heartbeat\r\nX: y\r\n\r\n": {"Status": {"100"}, "Description": {"Idle Heartbeat"}, "X": {"y"}},
		"junk":                            nil,
		"":                                nil,
		"HTTP/1.1 200 OK\r\nA: b\r\n\r\n": nil,
		"NATS/1.0\r\nno colon\r\n\r\n":    nil,
	} {
		h, err := DecodeHeadersMsg([]byte(block))
		if want == nil && !errors.Is(err, ErrBadHeaderMsg) || want != nil && (err != nil || !reflect.DeepEqual(h, want)) {
			t.Errorf("%q: got %v, %v, want %v", block, h, err, want)
		}
	}
}

func TestMsgEqual(t *testing.T) {
	t.Parallel()
	base := func() *Msg {
		return &Msg{Subject: "a", Reply: "r", Header: Header{"A": {"1", "2"}}, Data: []byte("d")}
	}
	for name, tt := range map[string]struct {
		a, b *Msg
		want bool
	}{
		"same":             {base(), base(), true},
		"both nil":         {nil, nil, true},
		"one nil":          {base(), nil, false},
		"nil data":         {&Msg{}, &Msg{Data: []byte{}}, true},
		"nil header":       {&Msg{}, &Msg{Header: Header{}}, true},
		"subject":          {base(), &Msg{Subject: "b", Reply: "r", Header: Header{"A": {"1", "2"}}, Data: []byte("d")}, false},
		"reply":            {base(), &Msg{Subject: "a", Header: Header{"A": {"1", "2"}}, Data: []byte("d")}, false},
		"data":             {base(), &Msg{Subject: "a", Reply: "r", Header: Header{"A": {"1", "2"}}}, false},
		"order of values":  {base(), &Msg{Subject: "a", Reply: "r", Header: Header{"A": {"2", "1"}}, Data: []byte("d")}, false},
		"case of the key":  {base(), &Msg{Subject: "a", Reply: "r", Header: Header{"a": {"1", "2"}}, Data: []byte("d")}, false},
		"key with nothing": {&Msg{Header: Header{"A": nil}}, &Msg{Header: Header{"B": nil}}, false},
	} {
		if got := tt.a.Equal(tt.b); got != tt.want {
			t.Errorf("%s: got %v, want %v", name, got, tt.want)
		}
	}
}

func TestMsgSize(t *testing.T) {
	t.Parallel()
	m := NewMsg("subject")
	m.Reply, m.Data = "reply", []byte("data")
	if got := m.Size(); got != 16 {
		t.Errorf("got %d, want 16", got)
	}
	m.Header.Set("A", "b")
	block, err := proto.AppendHeader(nil, m.Header)
	if got, want := m.Size(), 16+len(block); got != want || err != nil {
		t.Errorf("with a header: got %d, want %d", got, want)
	}
	if got := (*Msg)(nil).Size(); got != 0 {
		t.Errorf("nil: got %d, want 0", got)
	}
}

func TestRespondErrors(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		m    *Msg
		want error
	}{
		"nil":             {nil, ErrMsgNotBound},
		"made by hand":    {&Msg{Reply: "r"}, ErrMsgNotBound},
		"no reply":        {&Msg{Sub: &Subscription{}}, ErrMsgNoReply},
		"no connection":   {&Msg{Sub: &Subscription{}, Reply: "r"}, ErrInvalidConnection},
		"zero connection": {&Msg{Sub: &Subscription{conn: new(Conn)}, Reply: "r"}, ErrInvalidConnection},
	} {
		if err := tt.m.Respond(nil); err != tt.want {
			t.Errorf("%s: Respond: got %v, want %v", name, err, tt.want)
		}
		if err := tt.m.RespondMsg(new(Msg)); err != tt.want {
			t.Errorf("%s: RespondMsg: got %v, want %v", name, err, tt.want)
		}
	}
	if err := (&Msg{}).RespondMsg(nil); err != ErrInvalidMsg {
		t.Errorf("RespondMsg(nil): got %v, want ErrInvalidMsg", err)
	}
}

// TestBadMessages: nothing of it reaches the engine, which would fail without a network.
func TestBadMessages(t *testing.T) {
	t.Parallel()
	nc := unlinked(t)
	bad := []string{"", "a b", "a\tb", "a\r\nPUB b 0\r\n"}
	for _, s := range bad {
		for what, err := range map[string]error{
			"Publish": nc.Publish(s, nil), "PublishRequest": nc.PublishRequest(s, "r", nil), "reply": nc.PublishRequest("a", s, nil),
			"PublishMsg": nc.PublishMsg(&Msg{Subject: s}), "PublishMsg with headers": nc.PublishMsg(&Msg{Subject: s, Header: Header{"A": {"b"}}}),
		} {
			if err != ErrBadSubject {
				t.Errorf("%s %q: got %v, want ErrBadSubject", what, s, err)
			}
		}
		if _, err := nc.Request(s, nil, 1); err != ErrBadSubject {
			t.Errorf("Request %q: got %v, want ErrBadSubject", s, err)
		}
	}
	for _, key := range []string{"", "a b", "a:b", "a\r\nb", "ä"} {
		if err := nc.PublishMsg(&Msg{Subject: "a", Header: Header{key: {"v"}}}); !errors.Is(err, ErrBadHeaderMsg) {
			t.Errorf("key %q: got %v, want ErrBadHeaderMsg", key, err)
		}
	}
	_, errRequest := nc.RequestMsg(nil, 1)
	_, errContext := nc.RequestMsgWithContext(t.Context(), nil)
	for what, err := range map[string]error{"PublishMsg": nc.PublishMsg(nil), "RequestMsg": errRequest, "RequestMsgWithContext": errContext} {
		if err != ErrInvalidMsg {
			t.Errorf("%s(nil): got %v, want ErrInvalidMsg", what, err)
		}
	}
	if _, err := nc.RequestWithContext(nil, "a", nil); err != ErrInvalidContext { //nolint:staticcheck // that is the point
		t.Errorf("nil context: got %v, want ErrInvalidContext", err)
	}
}
