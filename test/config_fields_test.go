package test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
)

// members are the names that a value has as JSON, with those of what it contains: a.b.
func members(t testing.TB, v any) (names []string) {
	t.Helper()
	data, err := json.Marshal(v)
	must(t, err)
	return appendMembers(nil, "", data)
}

func appendMembers(names []string, prefix string, data json.RawMessage) []string {
	var object map[string]json.RawMessage
	var list []json.RawMessage
	switch {
	case json.Unmarshal(data, &object) == nil && object != nil:
		for name, member := range object {
			names = append(names, prefix+name)
			names = appendMembers(names, prefix+name+".", member)
		}
	case json.Unmarshal(data, &list) == nil && len(list) > 0:
		names = appendMembers(names, prefix, list[0])
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// fillServer sets every exported field that the server reads from a client.
func fillServer(v reflect.Value) {
	if v.Type() == reflect.TypeFor[server.StorageType]() {
		v.Set(reflect.ValueOf(server.MemoryStorage))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fillServer(v.Elem())
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)))
			return
		}
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && f.Tag.Get("json") != "-" {
				fillServer(v.Field(i))
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fillServer(v.Index(0))
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fillServer(key)
		fillServer(value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(1)
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(1)
	}
}

// TestConfigFieldsOfTheServer: what the server can be told of a stream and of a consumer can be told with either API, and is read back as it was.
func TestConfigFieldsOfTheServer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		server   any
		packages map[string]any
		refuse   func(config any) // takes out what the server does not take from clients
	}{
		"stream": {server: new(server.StreamConfig), packages: map[string]any{"older": new(nats.StreamConfig), "newer": new(jetstream.StreamConfig)},
			refuse: func(config any) { config.(*server.StreamConfig).Placement.Preferred = "" }},
		"consumer": {server: new(server.ConsumerConfig), packages: map[string]any{"older": new(nats.ConsumerConfig), "newer": new(jetstream.ConsumerConfig)},
			refuse: func(config any) {
				c := config.(*server.ConsumerConfig)
				c.Direct, c.Sourcing = false, false // the server's own
			}},
	} {
		fillServer(reflect.ValueOf(c.server).Elem())
		c.refuse(c.server)
		data, err := json.Marshal(c.server)
		must(t, err)
		want := members(t, c.server)
		for api, config := range c.packages {
			t.Run(name+"/"+api, func(t *testing.T) {
				if err := json.Unmarshal(data, config); err != nil {
					t.Fatalf("%s: %v", data, err)
				}
				got := members(t, config)
				for _, member := range want {
					if !slices.Contains(got, member) {
						t.Errorf("%s is lost", member)
					}
				}
				again := reflect.New(reflect.TypeOf(c.server).Elem())
				back, err := json.Marshal(config)
				must(t, err)
				must(t, json.Unmarshal(back, again.Interface()))
				if !reflect.DeepEqual(again.Interface(), c.server) {
					t.Errorf("the server would get %s, want %s", strings.TrimSpace(string(back)), data)
				}
			})
		}
	}
}

// TestConfigWordsOfTheServer: whatever choice the server knows, both APIs read it and say it in the same word.
func TestConfigWordsOfTheServer(t *testing.T) {
	t.Parallel()
	for member, c := range map[string]struct{ server, older, newer any }{
		"deliver_policy":  {new(server.DeliverPolicy), new(nats.ConsumerConfig), new(jetstream.ConsumerConfig)},
		"ack_policy":      {new(server.AckPolicy), new(nats.ConsumerConfig), new(jetstream.ConsumerConfig)},
		"replay_policy":   {new(server.ReplayPolicy), new(nats.ConsumerConfig), new(jetstream.ConsumerConfig)},
		"priority_policy": {new(server.PriorityPolicy), new(nats.ConsumerConfig), new(jetstream.ConsumerConfig)},
		"retention":       {new(server.RetentionPolicy), new(nats.StreamConfig), new(jetstream.StreamConfig)},
		"discard":         {new(server.DiscardPolicy), new(nats.StreamConfig), new(jetstream.StreamConfig)},
		"storage":         {new(server.StorageType), new(nats.StreamConfig), new(jetstream.StreamConfig)},
		"compression":     {new(server.StoreCompression), new(nats.StreamConfig), new(jetstream.StreamConfig)},
		"persist_mode":    {new(server.PersistModeType), new(nats.StreamConfig), new(jetstream.StreamConfig)},
	} {
		words := serverWords(c.server)
		if len(words) < 2 {
			t.Errorf("%s: the server has only %q", member, words)
		}
		for _, word := range words {
			for api, config := range map[string]any{"older": c.older, "newer": c.newer} {
				given := `{"` + member + `":` + word + `}`
				if err := json.Unmarshal([]byte(given), config); err != nil {
					t.Errorf("%s: %s: %v", api, given, err)
					continue
				}
				data, err := json.Marshal(config)
				must(t, err)
				var said map[string]json.RawMessage
				must(t, json.Unmarshal(data, &said))
				if got := string(said[member]); got != word && !(got == "" && (word == `"none"` || word == `"default"`)) {
					t.Errorf("%s: %s: said %s", api, given, got)
				}
			}
		}
	}
}

// serverWords are the words of one of the server's enumerations.
func serverWords(enum any) (words []string) {
	v := reflect.ValueOf(enum).Elem()
	for i := range 64 {
		if v.CanUint() {
			v.SetUint(uint64(i))
		} else {
			v.SetInt(int64(i))
		}
		if data, err := json.Marshal(enum); err == nil && string(data) != `"undefined"` && !slices.Contains(words, string(data)) {
			words = append(words, string(data))
		}
	}
	return words
}
