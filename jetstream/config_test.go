package jetstream

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

// fill sets everything that can be reached from v to something that is not zero, except fields that do not travel.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)))
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).Tag.Get("json") != "-" {
				fill(v.Field(i))
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0))
		fill(v.Index(1))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key)
		fill(value)
		v.SetMapIndex(key, value)
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(1)
	case reflect.Uint8, reflect.Uint16, reflect.Uint64:
		v.SetUint(1)
	default:
		panic("no value for a " + v.Kind().String())
	}
}

func roundTrip[T any](t *testing.T) {
	t.Helper()
	var want, got T
	fill(reflect.ValueOf(&want).Elem())
	data, err := json.Marshal(want)
	if err != nil {
		t.Fatalf("%T: %v", want, err)
	}
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatalf("%T: %v", want, err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%T: got %+v, want %+v", want, got, want)
	}
}

func TestConfigsRoundTrip(t *testing.T) {
	t.Parallel()
	roundTrip[StreamConfig](t)
	roundTrip[ConsumerConfig](t)
	roundTrip[OrderedConsumerConfig](t)
	roundTrip[StreamInfo](t)
	roundTrip[ConsumerInfo](t)
	roundTrip[AccountInfo](t)
	roundTrip[ConsumerPauseResponse](t)
	roundTrip[ConsumerResetResponse](t)
	roundTrip[StreamPurgeRequest](t)
}

// What the zero values say to the server.
func TestZeroConfigs(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		config any
		want   string
	}{
		{StreamConfig{Name: "S"}, `{"name":"S","retention":"limits","max_consumers":0,"max_msgs":0,"max_bytes":0,"discard":"old","max_age":0,"max_msgs_per_subject":0,"storage":"file","num_replicas":0,"compression":"none","allow_direct":false,"mirror_direct":false,"consumer_limits":{}}`},
		{ConsumerConfig{}, `{"deliver_policy":"all","ack_policy":"explicit","replay_policy":"instant","num_replicas":0}`},
		{StreamPurgeRequest{}, `{}`},
	} {
		// The order of members does not count.
		var got, want map[string]any
		data, err := json.Marshal(tc.config)
		if err != nil {
			t.Fatal(err)
		}
		if json.Unmarshal(data, &got) != nil || json.Unmarshal([]byte(tc.want), &want) != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%T: got %s, want %s", tc.config, data, tc.want)
		}
	}
}
