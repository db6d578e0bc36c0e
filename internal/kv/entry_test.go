package kv

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/nats/internal/js/api"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/proto"
)

func TestOperationOfAMessage(t *testing.T) {
	t.Parallel()
	for hdr, want := range map[string]Op{
		"":                                Put,
		"KV-Operation: DEL\r\n":           Delete,
		"KV-Operation: PURGE\r\n":         Purge,
		"KV-Operation: PUT\r\n":           Put,
		"KV-Operation: nonsense\r\n":      Put,
		"kv-operation: DEL\r\n":           Put,
		"Nats-Marker-Reason: MaxAge\r\n":  Purge,
		"Nats-Marker-Reason: Purge\r\n":   Purge,
		"Nats-Marker-Reason: Remove\r\n":  Delete,
		"Nats-Marker-Reason: new one\r\n": Put,
		"Nats-Rollup: sub\r\nKV-Operation: PURGE\r\nNats-TTL: 1s\r\n": Purge,
	} {
		block := ""
		if hdr != "" {
			block = "NATS/1.0\r\n" + hdr + "\r\n"
		}
		if got := opOf([]byte(block)); got != want {
			t.Errorf("%q: got %v, want %v", hdr, got, want)
		}
	}
}

func TestHeaderOfAWrite(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		w    write
		want string
	}{
		"put":           {write{}, ""},
		"create":        {write{expect: true}, "Nats-Expected-Last-Subject-Sequence: 0\r\n"},
		"update":        {write{expect: true, last: 7}, "Nats-Expected-Last-Subject-Sequence: 7\r\n"},
		"with a TTL":    {write{ttl: 90 * time.Second}, "Nats-TTL: 1m30s\r\n"},
		"delete":        {write{op: Delete}, "KV-Operation: DEL\r\n"},
		"purge":         {write{op: Purge}, "KV-Operation: PURGE\r\nNats-Rollup: sub\r\n"},
		"purge and all": {write{op: Purge, expect: true, last: 7, ttl: time.Hour}, "KV-Operation: PURGE\r\nNats-Rollup: sub\r\nNats-Expected-Last-Subject-Sequence: 7\r\nNats-TTL: 1h0m0s\r\n"},
	} {
		want := ""
		if tc.want != "" {
			want = "NATS/1.0\r\n" + tc.want + "\r\n"
		}
		if got := string(tc.w.header()); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestSubjectsOfAStore(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		prefix        string
		cfg           Config
		writes, reads string
	}{
		"plain":                       {wire.DefaultPrefix, Config{}, "$KV.b.", "DIRECT.GET.KV_b.$KV.b."},
		"domain":                      {"$JS.hub.API.", Config{}, "$JS.hub.API.$KV.b.", "DIRECT.GET.KV_b.$KV.b."},
		"mirror":                      {wire.DefaultPrefix, Config{Origin: "o"}, "$KV.o.", "DIRECT.GET.KV_b.$KV.o."},
		"mirror from elsewhere":       {wire.DefaultPrefix, Config{Origin: "o", OriginAPI: "$JS.hub.API"}, "$JS.hub.API.$KV.o.", "DIRECT.GET.KV_b.$KV.o."},
		"the same, seen from another": {"$JS.leaf.API.", Config{Origin: "o", OriginAPI: "$JS.hub.API"}, "$JS.hub.API.$KV.o.", "DIRECT.GET.KV_b.$KV.o."},
	} {
		tc.cfg.API, tc.cfg.Bucket = &api.Client{Prefix: tc.prefix}, "b"
		if s := Open(tc.cfg); s.writes != tc.writes || s.last != tc.reads {
			t.Errorf("%s: got %s and %s, want %s and %s", name, s.writes, s.last, tc.writes, tc.reads)
		}
	}
}

func TestBuild(t *testing.T) {
	t.Parallel()
	b := builder{bucket: "b", prefix: len("$KV.b.")}
	type made struct {
		e          *Entry
		key, value string
	}
	var all []made
	for i := range 100 {
		key, value := fmt.Sprint("key.", i), strings.Repeat("v", i*i%7000)
		f := proto.Frame{Subject: []byte("$KV.b." + key), Data: []byte(value), Owned: i%10 == 9}
		if i%3 == 0 {
			f.Header = []byte("NATS/1.0\r\nKV-Operation: DEL\r\n\r\n")
		}
		e := b.build(&f, wire.Place{StreamSeq: uint64(i), Pending: 7, UnixNano: 9})
		if op := map[bool]Op{true: Delete, false: Put}[i%3 == 0]; e.Op != op || e.Revision != uint64(i) || e.Delta != 7 || e.UnixNano != 9 || e.Bucket != "b" {
			t.Errorf("got %+v", e)
		}
		for j := range f.Subject {
			f.Subject[j] = '?'
		}
		if !f.Owned {
			for j := range f.Data {
				f.Data[j] = '?'
			}
		}
		all = append(all, made{e, key, value})
	}
	for _, m := range all {
		m.e.Value = append(m.e.Value, '!') // must not reach a neighbour
	}
	for _, m := range all {
		if m.e.Key != m.key || string(m.e.Value) != m.value+"!" {
			t.Errorf("got %q and %d bytes, want %q and %d", m.e.Key, len(m.e.Value), m.key, len(m.value)+1)
		}
	}
}

func TestBuildAllocs(t *testing.T) {
	b := builder{bucket: "b", prefix: len("$KV.b.")}
	f := proto.Frame{Subject: []byte("$KV.b.some.key.123456"), Data: make([]byte, 128)}
	got := testing.AllocsPerRun(100, func() {
		for range 64 {
			b.build(&f, wire.Place{})
		}
	})
	if got /= 64; got > 0.3 {
		t.Errorf("got %.2f allocations an entry, want at most 0.3", got)
	}
}
