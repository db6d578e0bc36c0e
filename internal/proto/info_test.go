package proto

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestParseInfo(t *testing.T) {
	t.Parallel()
	const full = ` {"server_id":"NA","server_name":"n1","version":"2.15.2","proto":1,"go":"go1.26","host":"0.0.0.0","port":4222,"headers":true,
		"auth_required":true,"tls_required":true,"tls_verify":true,"tls_available":true,"max_payload":1048576,"jetstream":true,"client_id":18446744073709551615,
		"client_ip":"::1","nonce":"abc","cluster":"c","domain":"d","connect_urls":["a:1","","b c"],"ws_connect_urls":["x"],"ldm":true,"api_lvl":5,
		"acc_is_sys":true,"remote_account":"R","git_commit":"abc","xkey":"X","unknown":{"a":[1]}} `
	want := Info{
		ID: "NA", Name: "n1", Version: "2.15.2", Proto: 1, GoVersion: "go1.26", Host: "0.0.0.0", Port: 4222, Headers: true,
		AuthRequired: true, TLSRequired: true, TLSVerify: true, TLSAvailable: true, MaxPayload: 1048576, JetStream: true, CID: 1<<64 - 1,
		ClientIP: "::1", Nonce: "abc", Cluster: "c", Domain: "d", ConnectURLs: []string{"a:1", "", "b c"}, LameDuck: true, APILevel: 5,
		IsSystemAccount: true, RemoteAccount: "R",
	}
	got, err := ParseInfo([]byte(full))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
	}
	v := reflect.ValueOf(got)
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Errorf("%s is not in the example", v.Type().Field(i).Name)
		}
	}
}

func TestParseInfoOddities(t *testing.T) {
	t.Parallel()
	urls := func(n int) string { return `{"connect_urls":[` + strings.Repeat(`"a",`, n-1) + `"a"]}` }
	for _, tc := range []struct {
		name, in string
		check    func(Info) bool
	}{
		{"empty object", `{}`, func(i Info) bool { return reflect.DeepEqual(i, Info{}) }},
		{"no limit", `{"max_payload":-1}`, func(i Info) bool { return i.MaxPayload == 0 }},
		{"large limit", `{"max_payload":9223372036854775807}`, func(i Info) bool { return i.MaxPayload == 1<<63-1 }},
		{"negative port", `{"port":-1}`, func(i Info) bool { return i.Port == 0 }},
		{"port too large", `{"port":65536}`, func(i Info) bool { return i.Port == 0 }},
		{"null", `{"port":null,"connect_urls":[null]}`, func(i Info) bool { return i.Port == 0 && slices.Equal(i.ConnectURLs, []string{""}) }},
		{"the most URLs", urls(maxConnectURLs), func(i Info) bool { return len(i.ConnectURLs) == maxConnectURLs }},
		{"too many URLs", urls(maxConnectURLs + 1), func(i Info) bool { return len(i.ConnectURLs) == maxConnectURLs }},
		{"far too many URLs", urls(250_000), func(i Info) bool {
			return len(i.ConnectURLs) == maxConnectURLs && cap(i.ConnectURLs) < 2*maxConnectURLs
		}},
	} {
		if got, err := ParseInfo([]byte(tc.in)); err != nil || !tc.check(got) {
			t.Errorf("%s: got %.200s, %v", tc.name, fmt.Sprint(got), err)
		}
	}
}

func TestParseInfoRefuses(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]string{
		"nothing":         "",
		"null":            "null",
		"array":           `[{}]`,
		"string":          `"{}"`,
		"cut off":         `{"port":4222`,
		"two objects":     `{} {}`,
		"wrong type":      `{"port":"4222"}`,
		"fraction":        `{"port":1.5}`,
		"long number":     `{"port":` + strings.Repeat("9", 10_000) + `}`,
		"limit too large": `{"max_payload":9223372036854775808}`,
		"negative id":     `{"client_id":-1}`,
		"URLs as text":    `{"connect_urls":"a,b"}`,
		"deep":            `{"a":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`,
		"too long":        `{"a":"` + strings.Repeat("a", MaxInfo) + `"}`,
	} {
		got, err := ParseInfo([]byte(in))
		var bad *Error
		if !errors.As(err, &bad) || !reflect.DeepEqual(got, Info{}) {
			t.Errorf("%s: got %.100s, %v, want an Error", name, got.ID, err)
		} else if len(bad.Error()) > 1000 {
			t.Errorf("%s: error text of %d bytes", name, len(bad.Error()))
		}
	}
}

func TestAppendConnect(t *testing.T) {
	t.Parallel()
	always := []string{"echo", "headers", "lang", "name", "no_responders", "pedantic", "protocol", "tls_required", "verbose", "version"}
	for _, tc := range []struct {
		name   string
		c      Connect
		fields []string // besides those always sent
		values map[string]any
	}{
		{"zero", Connect{}, nil, map[string]any{"lang": "go", "name": "", "version": "", "echo": false, "protocol": 0.0}},
		{"plain", Connect{Name: "n", Version: "1.2.3", Lang: "go", Echo: true, Headers: true, NoResponders: true, Protocol: 1, TLSRequired: true},
			nil, map[string]any{"name": "n", "version": "1.2.3", "lang": "go", "echo": true, "headers": true, "no_responders": true, "protocol": 1.0, "tls_required": true, "verbose": false}},
		{"verbose", Connect{Verbose: true, Pedantic: true}, nil, map[string]any{"verbose": true, "pedantic": true, "headers": false}},
		{"user", Connect{User: "u", Pass: "p"}, []string{"user", "pass"}, map[string]any{"user": "u", "pass": "p"}},
		{"token", Connect{Token: "t"}, []string{"auth_token"}, map[string]any{"auth_token": "t"}},
		{"jwt", Connect{JWT: "j", Sig: "s", Nkey: "k"}, []string{"jwt", "sig", "nkey"}, map[string]any{"jwt": "j", "sig": "s", "nkey": "k"}},
		{"escapes", Connect{Pass: "a\r\nPUB x 0\r\n\"\\<&>\u2028é\x00"}, []string{"pass"}, map[string]any{"pass": "a\r\nPUB x 0\r\n\"\\<&>\u2028é\x00"}},
		{"not UTF-8", Connect{Pass: "a\xff"}, []string{"pass"}, map[string]any{"pass": "a\ufffd"}},
	} {
		before := tc.c
		line := string(AppendConnect([]byte("x"), &tc.c))
		if tc.c != before {
			t.Errorf("%s: AppendConnect made its argument %+v", tc.name, tc.c)
		}
		text, ok := strings.CutPrefix(line, "xCONNECT ")
		if text, ok2 := strings.CutSuffix(text, "\r\n"); !ok || !ok2 || strings.ContainsAny(text, "\r\n") {
			t.Errorf("%s: not one line: %q", tc.name, line)
		}
		var got map[string]any
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Errorf("%s: %v in %s", tc.name, err, text)
		}
		want := slices.Sorted(slices.Values(append(tc.fields, always...)))
		if keys := slices.Sorted(maps.Keys(got)); !slices.Equal(keys, want) {
			t.Errorf("%s: fields %q, want %q", tc.name, keys, want)
		}
		for key, value := range tc.values {
			if got[key] != value {
				t.Errorf("%s: %s is %v, want %v", tc.name, key, got[key], value)
			}
		}
	}
}
