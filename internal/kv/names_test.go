package kv

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestValidNames(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		s                   string
		bucket, key, filter bool
	}{
		{"", false, false, false},
		{"a", true, true, true},
		{"A-Z_09", true, true, true},
		{"a.b", false, true, true},
		{"a/b=c", false, true, true},
		{".", false, false, false},
		{".a", false, false, false},
		{"a.", false, false, false},
		{"a..b", false, false, false},
		{"*", false, false, true},
		{"a.*.c", false, false, true},
		{"a*b", false, false, true},
		{">", false, false, true},
		{"a.>", false, false, true},
		{"a>", false, false, true},
		{">.a", false, false, false},
		{">a", false, false, false},
		{"a.>.b", false, false, false},
		{">>", false, false, false},
		{"a b", false, false, false},
		{"a\r\n", false, false, false},
		{"a\x00", false, false, false},
		{"a\\b", false, false, false},
		{"ä", false, false, false},
		{"a$", false, false, false},
		{"a:b", false, false, false},
		{strings.Repeat("k", 252), true, true, true},
		{strings.Repeat("k", 253), false, true, true},
		{strings.Repeat("k", 3072), false, true, true},
		{strings.Repeat("k", 3073), false, false, false},
	} {
		if got := ValidBucket(tc.s); got != tc.bucket {
			t.Errorf("bucket %q: got %v, want %v", tc.s, got, tc.bucket)
		}
		if got := ValidKey(tc.s); got != tc.key {
			t.Errorf("key %q: got %v, want %v", tc.s, got, tc.key)
		}
		if got := ValidFilter(tc.s); got != tc.filter {
			t.Errorf("filter %q: got %v, want %v", tc.s, got, tc.filter)
		}
	}
}

// A valid key is one or more tokens of a subject, whatever bytes it is made of.
func FuzzValidKey(f *testing.F) {
	f.Add("a.b")
	f.Add("a..b")
	f.Add("*.>")
	f.Fuzz(func(t *testing.T, s string) {
		want := s != "" && len(s) <= maxKey
		for _, token := range strings.Split(s, ".") {
			want = want && token != "" && strings.Trim(token, "-/_=0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
		}
		if got := ValidKey(s); got != want {
			t.Errorf("%q: got %v, want %v", s, got, want)
		}
		if ValidKey(s) && !ValidFilter(s) {
			t.Errorf("%q is a key and no filter", s)
		}
	})
}

func TestStreams(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][2]string{"b": {"KV_b", "b"}, "KV_b": {"KV_b", "b"}} {
		if stream, bucket := SourceOf(name); stream != want[0] || bucket != want[1] {
			t.Errorf("%s: got %s %s, want %v", name, stream, bucket, want)
		}
	}
	if b, ok := BucketOf("OBJ_b"); ok {
		t.Errorf("got bucket %q of an object store", b)
	}
	if got := Subjects("b"); got != "$KV.b.>" {
		t.Errorf("got %s", got)
	}
}

func TestShape(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		bucket Bucket
		want   Shape
	}{
		"defaults": {
			Bucket{Name: "b"},
			Shape{Stream: "KV_b", Subjects: []string{"$KV.b.>"}, PerSubject: 1, MaxBytes: -1, MaxMsgs: -1, MaxConsumers: -1, MaxMsgSize: -1, Replicas: 1, Duplicates: 2 * time.Minute},
		},
		"everything": {
			Bucket{Name: "b", History: 64, MaxBytes: 5, MaxValueSize: 6, Replicas: 3, TTL: time.Hour, MarkerTTL: time.Minute},
			Shape{
				Stream: "KV_b", Subjects: []string{"$KV.b.>"}, PerSubject: 64, MaxBytes: 5, MaxMsgs: -1, MaxConsumers: -1, MaxMsgSize: 6, Replicas: 3,
				MaxAge: time.Hour, Duplicates: 2 * time.Minute, MarkerTTL: time.Minute, MsgTTL: true,
			},
		},
		"short TTL": {
			Bucket{Name: "b", TTL: time.Second},
			Shape{Stream: "KV_b", Subjects: []string{"$KV.b.>"}, PerSubject: 1, MaxBytes: -1, MaxMsgs: -1, MaxConsumers: -1, MaxMsgSize: -1, Replicas: 1, MaxAge: time.Second, Duplicates: time.Second},
		},
		"mirror": {
			Bucket{Name: "b", Copied: true},
			Shape{Stream: "KV_b", PerSubject: 1, MaxBytes: -1, MaxMsgs: -1, MaxConsumers: -1, MaxMsgSize: -1, Replicas: 1, Duplicates: 2 * time.Minute},
		},
	} {
		if got := tc.bucket.Shape(); !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s: got %+v, want %+v", name, got, tc.want)
		}
	}
}
