package wire

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestAckParser(t *testing.T) {
	t.Parallel()
	refused := &APIError{Code: 400, ErrCode: 10071, Description: "wrong last sequence: 1"}
	for _, tc := range []struct {
		name string
		data string
		ack  PubAck
		code Code
		err  *APIError
	}{
		{"first", `{"stream":"ORDERS","seq":1}`, PubAck{Stream: "ORDERS", Sequence: 1}, OK, nil},
		{"same form", `{"stream":"ORDERS","seq":22}`, PubAck{Stream: "ORDERS", Sequence: 22}, OK, nil},
		{"duplicate", `{"stream":"ORDERS","seq":3,"duplicate": true}`, PubAck{Stream: "ORDERS", Sequence: 3, Duplicate: true}, OK, nil},
		{"no longer duplicate", `{"stream":"ORDERS","seq":4}`, PubAck{Stream: "ORDERS", Sequence: 4}, OK, nil},
		{"domain", `{"stream":"ORDERS","domain":"hub","seq":5}`, PubAck{Stream: "ORDERS", Domain: "hub", Sequence: 5}, OK, nil},
		{"domain again", `{"stream":"ORDERS","domain":"hub","seq":6}`, PubAck{Stream: "ORDERS", Domain: "hub", Sequence: 6}, OK, nil},
		{"another stream", `{"stream":"X","seq":7}`, PubAck{Stream: "X", Sequence: 7}, OK, nil},
		{"counter", `{"stream":"X","seq":8,"val":"42"}`, PubAck{Stream: "X", Sequence: 8, Value: "42"}, OK, nil},
		{"batch", `{"stream":"X","seq":9,"batch":"b","count":3}`, PubAck{Stream: "X", Sequence: 9}, OK, nil},
		{"spaces", `{ "stream": "X", "seq": 10 }`, PubAck{Stream: "X", Sequence: 10}, OK, nil},
		{"largest sequence", `{"stream":"X","seq":18446744073709551615}`, PubAck{Stream: "X", Sequence: 1<<64 - 1}, OK, nil},
		{"sequence 0", `{"stream":"X","seq":0}`, PubAck{Stream: "X"}, OK, nil},
		{"too large", `{"stream":"X","seq":18446744073709551616}`, PubAck{}, InvalidAck, nil},
		{"leading zero", `{"stream":"X","seq":01}`, PubAck{}, InvalidAck, nil},
		{"fraction", `{"stream":"X","seq":1.5}`, PubAck{}, InvalidAck, nil},
		{"negative", `{"stream":"X","seq":-1}`, PubAck{}, InvalidAck, nil},
		{"cut", `{"stream":"X","seq":1`, PubAck{}, InvalidAck, nil},
		{"more behind", `{"stream":"X","seq":1}}`, PubAck{}, InvalidAck, nil},
		{"no digits", `{"stream":"X","seq":}`, PubAck{}, InvalidAck, nil},
		{"no stream", `{"seq":1}`, PubAck{}, InvalidAck, nil},
		{"empty", ``, PubAck{}, InvalidAck, nil},
		{"null", `null`, PubAck{}, InvalidAck, nil},
		{"no JSON", `+OK`, PubAck{}, InvalidAck, nil},
		{"array", `[1]`, PubAck{}, InvalidAck, nil},
		{"error", `{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 1"},"stream":"X","seq":0}`, PubAck{}, ServerRefused, refused},
		{"error without stream", `{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 1"}}`, PubAck{}, ServerRefused, refused},
	} {
		t.Run(tc.name, func(t *testing.T) {
			// A parser that knows nothing, and one that has learnt the form of this very stream.
			var fresh, warm AckParser
			warm.Parse([]byte(`{"stream":"X","seq":7}`))
			for name, p := range map[string]*AckParser{"fresh": &fresh, "warm": &warm} {
				for range 2 {
					ack, code, err := p.Parse([]byte(tc.data))
					if ack != tc.ack || code != tc.code || !reflect.DeepEqual(err, tc.err) {
						t.Errorf("%s: got %+v %v %v, want %+v %v %v", name, ack, code, err, tc.ack, tc.code, tc.err)
					}
				}
			}
		})
	}
}

// The digits that change must be the value of the last member called seq, and nothing else.
func TestAckParserLearnsOnlySafeForms(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, first, second string }{
		{"key with an escaped quote", `{"seq":5,"stream":"S","x\"seq":5}`, `{"seq":5,"stream":"S","x\"seq":7}`},
		{"two members", `{"seq":5,"stream":"S","seq":5}`, `{"seq":5,"stream":"S","seq":7}`},
		{"nested", `{"stream":"S","seq":5,"x":{"seq":5}}`, `{"stream":"S","seq":5,"x":{"seq":7}}`},
		{"fraction", `{"stream":"S","seq":5}`, `{"stream":"S","seq":5.0}`},
		{"exponent", `{"stream":"S","seq":5}`, `{"stream":"S","seq":5e0}`},
		{"other case last", `{"stream":"S","seq":5,"SEQ":5}`, `{"stream":"S","seq":5,"SEQ":7}`},
		{"other case first", `{"stream":"S","SEQ":9,"seq":5}`, `{"stream":"S","SEQ":9,"seq":7}`},
		{"duplicate false in front", `{"stream":"S","duplicate":false,"seq":5}`, `{"stream":"S","duplicate":false,"seq":5,"duplicate": true}`},
		{"duplicate in front", `{"stream":"S","duplicate":true,"seq":5}`, `{"stream":"S","duplicate":true,"seq":6}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var p AckParser
			p.Parse([]byte(tc.first))
			got, gotCode, _ := p.Parse([]byte(tc.second))
			want, wantCode, _ := parseAckJSON([]byte(tc.second))
			if got != want || gotCode != wantCode {
				t.Errorf("got %+v %v, want %+v %v", got, gotCode, want, wantCode)
			}
		})
	}
}

func TestAckParserKeepsNothingOfTheInput(t *testing.T) {
	t.Parallel()
	var p AckParser
	data := []byte(`{"stream":"ORDERS","seq":1}`)
	ack, _, _ := p.Parse(data)
	clear(data)
	again, code, _ := p.Parse([]byte(`{"stream":"ORDERS","seq":2}`))
	if ack.Stream != "ORDERS" || again.Stream != "ORDERS" || code != OK {
		t.Errorf("got %q, %q, %v, want ORDERS twice and OK", ack.Stream, again.Stream, code)
	}
	huge := `{"stream":"` + strings.Repeat("x", 2*maxPrefix) + `","seq":1}`
	if p.Parse([]byte(huge)); len(p.prefix) > maxPrefix {
		t.Errorf("kept %d bytes of an ack, want at most %d", len(p.prefix), maxPrefix)
	}
}

// What short acks share does not change under those that are kept.
func TestShortAcksShareTheirStream(t *testing.T) {
	t.Parallel()
	var p AckParser
	kept := make(map[string]StreamAck)
	for _, data := range []string{
		`{"stream":"A","domain":"hub","seq":1}`, `{"stream":"A","domain":"hub","seq":2}`, `{"stream":"A","domain":"hub","seq":3,"duplicate": true}`,
		`{"stream":"B","seq":4}`, `{"stream":"B","seq":5}`,
	} {
		ack, code, err := p.ParseShort([]byte(data))
		if code != OK || err != nil {
			t.Fatalf("%s: got %v, %v", data, code, err)
		}
		kept[data] = ack
	}
	for data, ack := range kept {
		if want, _, _ := parseAckJSON([]byte(data)); ack.PubAck() != want {
			t.Errorf("%s: got %+v, want %+v", data, ack.PubAck(), want)
		}
	}
	if a, b := kept[`{"stream":"B","seq":4}`], kept[`{"stream":"B","seq":5}`]; a.Like != b.Like {
		t.Error("two acks of one stream share nothing")
	}
	if none := (StreamAck{}).PubAck(); none != (PubAck{}) {
		t.Errorf("zero value: got %+v", none)
	}
}

func TestAckParserAllocs(t *testing.T) {
	var p AckParser
	plain, duplicate := []byte(`{"stream":"ORDERS","seq":123456}`), []byte(`{"stream":"ORDERS","seq":123456,"duplicate": true}`)
	p.Parse(plain)
	noAllocs(t, func() {
		p.Parse(plain)
		p.Parse(duplicate)
	})
}

// The parser never accepts what encoding/json refuses, and gives the same values, whatever it has learnt before.
func FuzzAckParser(f *testing.F) {
	f.Add([]byte(`{"stream":"ORDERS","seq":1}`), []byte(`{"stream":"ORDERS","seq":2}`))
	f.Add([]byte(`{"stream":"ORDERS","domain":"hub","seq":1}`), []byte(`{"stream":"ORDERS","domain":"hub","seq":1,"duplicate": true}`))
	f.Add([]byte(`{"stream":"S","seq":1,"val":"1"}`), []byte(`{"error":{"code":503,"err_code":10076}}`))
	f.Add([]byte(`{"seq":5,"stream":"S","x\"seq":5}`), []byte(`{"seq":5,"stream":"S","x\"seq":7}`))
	f.Add([]byte(`{"stream":"S","seq":1}`), []byte(`{"stream":"S","seq":99999999999999999999}`))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		var p AckParser
		p.Parse(first)
		got, code, apiErr := p.Parse(second)
		var want struct {
			Error  *APIError
			Stream string
			Seq    uint64
			Dup    bool `json:"duplicate"`
			Domain string
			Val    string
		}
		err := json.Unmarshal(second, &want)
		switch {
		case err != nil || want.Error == nil && want.Stream == "":
			if code != InvalidAck {
				t.Fatalf("got %v of %q after %q, want InvalidAck (%v)", code, second, first, err)
			}
		case want.Error != nil:
			if code != ServerRefused || *apiErr != *want.Error {
				t.Fatalf("got %v %v of %q, want ServerRefused %v", code, apiErr, second, want.Error)
			}
		default:
			if w := (PubAck{want.Stream, want.Seq, want.Dup, want.Domain, want.Val}); code != OK || got != w {
				t.Fatalf("got %v %+v of %q after %q, want OK %+v", code, got, second, first, w)
			}
		}
	})
}

func BenchmarkAckParser(b *testing.B) {
	for name, data := range map[string]string{
		"plain":     `{"stream":"ORDERS","seq":123456}`,
		"duplicate": `{"stream":"ORDERS","seq":123456,"duplicate": true}`,
		"counter":   `{"stream":"ORDERS","seq":123456,"val":"5"}`,
	} {
		b.Run(name, func(b *testing.B) {
			var p AckParser
			p.Parse([]byte(`{"stream":"ORDERS","seq":1}`))
			in := []byte(data)
			b.ReportAllocs()
			for b.Loop() {
				p.Parse(in)
			}
		})
	}
}
