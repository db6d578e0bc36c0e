package wire

import (
	"encoding/json"
	"math"
	"testing"
	"time"
)

// pullJSON is the pull request as encoding/json writes it.
type pullJSON struct {
	Expires       time.Duration `json:"expires,omitempty"`
	Batch         int           `json:"batch,omitempty"`
	MaxBytes      int           `json:"max_bytes,omitempty"`
	NoWait        bool          `json:"no_wait,omitempty"`
	Heartbeat     time.Duration `json:"idle_heartbeat,omitempty"`
	MinPending    int64         `json:"min_pending,omitempty"`
	MinAckPending int64         `json:"min_ack_pending,omitempty"`
	PinID         string        `json:"id,omitempty"`
	Group         string        `json:"group,omitempty"`
	Priority      uint8         `json:"priority,omitempty"`
}

func TestPullRequestAppendJSON(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		r    PullRequest
		want string
	}{
		{"zero", PullRequest{}, `{}`},
		{"fetch", PullRequest{Expires: 30 * time.Second, Batch: 100, Heartbeat: 5 * time.Second},
			`{"expires":30000000000,"batch":100,"idle_heartbeat":5000000000}`},
		{"no wait", PullRequest{Batch: 1, NoWait: true}, `{"batch":1,"no_wait":true}`},
		{"no wait only", PullRequest{NoWait: true}, `{"no_wait":true}`},
		{"bytes", PullRequest{Batch: 1000000, MaxBytes: 4096}, `{"batch":1000000,"max_bytes":4096}`},
		{"group", PullRequest{Batch: 1, MinPending: 5, MinAckPending: 6, PinID: "pin", Group: "A", Priority: 9},
			`{"batch":1,"min_pending":5,"min_ack_pending":6,"id":"pin","group":"A","priority":9}`},
		{"escapes", PullRequest{Group: "a\"\\\n<é\xff"}, `{"group":"a\"\\\n\u003cé\ufffd"}`},
		{"negative", PullRequest{Batch: -1}, `{"batch":-1}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := string(tc.r.AppendJSON(nil)); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
			if got := string(tc.r.AppendJSON([]byte("x"))); got != "x"+tc.want {
				t.Errorf("behind a prefix: got %s, want x%s", got, tc.want)
			}
		})
	}
}

func TestPullRequestAllocs(t *testing.T) {
	r := PullRequest{Expires: 30 * time.Second, Batch: 100, Heartbeat: 5 * time.Second, Group: "workers", PinID: "abc"}
	buf := make([]byte, 0, 256)
	noAllocs(t, func() { r.AppendJSON(buf) })
}

func FuzzPullRequest(f *testing.F) {
	f.Add(int64(30e9), 100, 0, false, int64(5e9), int64(0), int64(0), "", "", uint8(0))
	f.Add(int64(-1), -1, math.MaxInt32, true, int64(1), int64(2), int64(3), "id\x00\"", "gr\\up\u2028é\xff<&>", uint8(9))
	f.Fuzz(func(t *testing.T, expires int64, batch, maxBytes int, noWait bool, heartbeat, minPending, minAck int64, id, group string, priority uint8) {
		r := PullRequest{time.Duration(expires), batch, maxBytes, noWait, time.Duration(heartbeat), minPending, minAck, id, group, priority}
		want, err := json.Marshal(pullJSON(r))
		if err != nil {
			t.Fatal(err)
		}
		if got := r.AppendJSON(nil); string(got) != string(want) {
			t.Fatalf("got %s, want %s", got, want)
		}
	})
}

func BenchmarkPullRequest(b *testing.B) {
	r := PullRequest{Expires: 30 * time.Second, Batch: 100, Heartbeat: 5 * time.Second}
	buf := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		r.AppendJSON(buf)
	}
}
