package wire

import "testing"

func block(line string, headers ...string) []byte {
	b := []byte("NATS/1.0" + line + "\r\n")
	for _, h := range headers {
		b = append(b, h...)
		b = append(b, "\r\n"...)
	}
	return append(b, "\r\n"...)
}

func TestStatusOf(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name       string
		hdr        []byte
		data       string
		code       Code
		number     int
		msgs, size int
		words      string
		ok         bool
	}{
		{name: "idle heartbeat", hdr: block(" 100 Idle Heartbeat", "Nats-Last-Consumer: 1"), code: IdleHeartbeat, number: 100, msgs: -1, size: -1, words: "Idle Heartbeat", ok: true},
		{name: "flow control", hdr: block(" 100 FlowControl Request"), code: FlowControl, number: 100, msgs: -1, size: -1, words: "FlowControl Request", ok: true},
		{name: "bad request", hdr: block(" 400 Bad Request - Invalid"), code: BadRequest, number: 400, msgs: -1, size: -1, words: "Bad Request - Invalid", ok: true},
		{name: "no messages", hdr: block(" 404 No Messages"), code: NoMessages, number: 404, msgs: -1, size: -1, words: "No Messages", ok: true},
		{name: "expired", hdr: block(" 408 Request Timeout", "Nats-Pending-Messages: 9", "Nats-Pending-Bytes: 1024"), code: RequestTimeout, number: 408, msgs: 9, size: 1024, words: "Request Timeout", ok: true},
		{name: "requests pending", hdr: block(" 408 Requests Pending"), code: RequestTimeout, number: 408, msgs: -1, size: -1, words: "Requests Pending", ok: true},
		{name: "consumer deleted", hdr: block(" 409 Consumer Deleted"), code: ConsumerDeleted, number: 409, msgs: -1, size: -1, words: "Consumer Deleted", ok: true},
		{name: "any case", hdr: block(" 409 CONSUMER deleted"), code: ConsumerDeleted, number: 409, msgs: -1, size: -1, words: "CONSUMER deleted", ok: true},
		{name: "leadership", hdr: block(" 409 Leadership Change"), code: LeadershipChange, number: 409, msgs: -1, size: -1, words: "Leadership Change", ok: true},
		{name: "shutdown", hdr: block(" 409 Server Shutdown", "Nats-Pending-Messages: 3", "Nats-Pending-Bytes: 0"), code: ServerShutdown, number: 409, msgs: 3, size: 0, words: "Server Shutdown", ok: true},
		{name: "too large", hdr: block(" 409 Message Size Exceeds MaxBytes"), code: MaxBytesExceeded, number: 409, msgs: -1, size: -1, words: "Message Size Exceeds MaxBytes", ok: true},
		{name: "batch completed", hdr: block(" 409 Batch Completed"), code: BatchCompleted, number: 409, msgs: -1, size: -1, words: "Batch Completed", ok: true},
		{name: "limit", hdr: block(" 409 Exceeded MaxRequestBatch of 5"), code: LimitExceeded, number: 409, msgs: -1, size: -1, words: "Exceeded MaxRequestBatch of 5", ok: true},
		{name: "no text", hdr: block(" 409"), code: LimitExceeded, number: 409, msgs: -1, size: -1, ok: true},
		{name: "pin", hdr: block(" 423 Nats-Wrong-Pin-Id"), code: PinIDMismatch, number: 423, msgs: -1, size: -1, words: "Nats-Wrong-Pin-Id", ok: true},
		{name: "no responders", hdr: block(" 503"), code: NoResponders, number: 503, msgs: -1, size: -1, ok: true},
		{name: "end of batch", hdr: block(" 204 EOB"), code: OtherStatus, number: 204, msgs: -1, size: -1, words: "EOB", ok: true},
		{name: "junk counts", hdr: block(" 408 Request Timeout", "Nats-Pending-Messages: -3", "Nats-Pending-Bytes: 99999999999999"), code: RequestTimeout, number: 408, msgs: -1, size: -1, words: "Request Timeout", ok: true},
		{name: "message", hdr: block("", "A: b"), data: "x"},
		{name: "empty message", hdr: block("", "A: b")},
		{name: "no header"},
		{name: "status with payload", hdr: block(" 409 Consumer Deleted"), data: "x"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, ok := StatusOf(tc.hdr, []byte(tc.data))
			if ok != tc.ok {
				t.Fatalf("got %+v %v, want ok %v", got, ok, tc.ok)
			}
			if got.Code != tc.code || got.Number != tc.number || got.PendingMsgs != tc.msgs || got.PendingBytes != tc.size || string(got.Description) != tc.words {
				t.Errorf("got %+v %q, want %+v", got, got.Description, tc)
			}
		})
	}
}

func TestStatusOfAllocs(t *testing.T) {
	hdr := block(" 409 Server Shutdown", "Nats-Pending-Messages: 3", "Nats-Pending-Bytes: 0")
	noAllocs(t, func() { StatusOf(hdr, nil) })
}

func FuzzStatusOf(f *testing.F) {
	f.Add([]byte("NATS/1.0 408 Request Timeout\r\nNats-Pending-Messages: 9\r\n\r\n"))
	f.Add([]byte("NATS/1.0 503\r\n\r\n"))
	f.Add([]byte("NATS/1.0 409"))
	f.Fuzz(func(t *testing.T, hdr []byte) {
		s, ok := StatusOf(hdr, nil)
		if ok != (s.Number != 0) || s.PendingMsgs < -1 || s.PendingBytes < -1 {
			t.Fatalf("%q: got %+v %v", hdr, s, ok)
		}
		if _, ok := StatusOf(hdr, []byte("payload")); ok {
			t.Fatalf("%q with a payload: got a status", hdr)
		}
	})
}

func BenchmarkStatusOf(b *testing.B) {
	hdr := block(" 408 Request Timeout", "Nats-Pending-Messages: 9", "Nats-Pending-Bytes: 1024")
	b.ReportAllocs()
	for b.Loop() {
		StatusOf(hdr, nil)
	}
}

func TestCodeString(t *testing.T) {
	t.Parallel()
	for c := OK; c <= OtherStatus; c++ {
		if codeNames[c] == "" {
			t.Errorf("code %d has no name", uint8(c))
		}
	}
	if got, want := Code(200).String(), "Code(200)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
