package proto

import (
	"encoding/json"
	"reflect"
	"testing"
)

var infos = []string{
	`{"server_id":"A","server_name":"B","version":"2.15.2","proto":1,"git_commit":"c","go":"go1.26","host":"0.0.0.0","port":4222,"headers":true,"auth_required":true,"tls_required":true,"tls_verify":true,"tls_available":false,"max_payload":1048576,"jetstream":true,"client_id":18,"client_ip":"127.0.0.1","nonce":"n","cluster":"c","domain":"d","connect_urls":["a:1","b:2"],"ldm":true,"api_lvl":5,"acc_is_sys":true,"remote_account":"R","xkey":"X"}`,
	`{}`, ` { } `, `{"port":-1,"max_payload":-1}`, `{"connect_urls":[]}`, `{"connect_urls":["a"] , "port" : 1 }`,
	`{"connect_urls":["a","b"],"connect_urls":["c"]}`, `{"port":1,"port":2}`, `{"unknown":false,"other":"x","n":12,"port":-0}`,
	// The rest is the JSON package's.
	`{"Server_ID":"A"}`, `{"PORT":1}`, `{"server_id":"\u0041"}`, `{"server_id":"ä"}`, `{"server_id":null}`, `{"unknown":{"a":[1]}}`,
	`{"port":1.0}`, `{"port":1e3}`, `{"port":01}`, `{"port":99999999999999999999}`, `{"port":"1"}`, `{"client_id":-1}`,
	`{"client_id":18446744073709551615}`, `{"headers":1}`, `{"headers":truex}`, `{"connect_urls":"a"}`, `{"connect_urls":[1]}`, `{"connect_urls":["a",]}`,
	`{"server_id":"A",}`, `{"server_id" "A"}`, `{"server_id":"A"} x`, `{"server_id":"A`, `{`, `{"a":-}`, `{"a":}`, `{"a":tru}`, "{\"a\":\"\n\"}",
	"{\"s\u017ferver_id\":\"x\"}", `{"port":9223372036854775807}`,
}

// agree compares with the JSON package.
func agree(t *testing.T, text string) {
	t.Helper()
	var got, want infoJSON
	if !scanInfo([]byte(text), &got) {
		return
	}
	if err := json.Unmarshal([]byte(text), &want); err != nil {
		t.Errorf("%s: read, but %v", text, err)
	} else if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %+v, want %+v", text, got, want)
	}
}

func TestScanInfo(t *testing.T) {
	t.Parallel()
	for i, text := range infos {
		agree(t, text)
		if ok := scanInfo([]byte(text), new(infoJSON)); ok != (i < 9) {
			t.Errorf("%s: read %t, want %t", text, ok, i < 9)
		}
	}
}

func FuzzScanInfo(f *testing.F) {
	for _, text := range infos {
		f.Add(text)
	}
	f.Fuzz(agree)
}

func TestParseInfoAllocates(t *testing.T) {
	if race {
		t.Skip("the race detector allocates")
	}
	b := []byte(infos[0])
	if got := testing.AllocsPerRun(100, func() { _, _ = ParseInfo(b) }); got > 4 {
		t.Errorf("%v allocations, want at most 4", got)
	}
}
