package outbox

import (
	"testing"
	"time"
	"unsafe"
)

// Not parallel: allocations are counted for the whole process.
func TestPublishDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	hdr := []byte("NATS/1.0\r\nk: v\r\n\r\n")
	for _, tt := range []struct {
		name  string
		exact bool
		call  func(b *Box, data []byte)
	}{
		{"Publish", true, func(b *Box, data []byte) { _ = b.Publish("some.subject", "", nil, data) }},
		{"PublishData", true, func(b *Box, data []byte) { _ = b.PublishData("some.subject", data) }},
		{"Publish with reply and header", true, func(b *Box, data []byte) { _ = b.Publish("some.subject", "r", hdr, data) }},
		{"Publish with a reply and a header of the caller's stack", true, func(b *Box, data []byte) {
			reply, header := [96]byte{'r'}, [96]byte{}
			block := append(header[:0], hdr...)
			_ = b.Publish("some.subject", unsafe.String(&reply[0], len(reply)), block, data)
		}},
		{"Publish, the writer writes", false, func(b *Box, data []byte) { _ = b.Publish("some.subject", "", nil, data) }},
		{"PublishNow", true, func(b *Box, data []byte) { _ = b.PublishNow("some.subject", "r", nil, data) }},
		{"PublishVolatile", true, func(b *Box, data []byte) { b.PublishVolatile("some.subject", "r", nil, data) }},
		{"Control", true, func(b *Box, _ []byte) { b.Control([]byte("PING\r\n")) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := New(testConfig())
			wait := start(t, b, discard{}, tt.exact, "")
			data := make([]byte, 128)
			for range 10_000 { // the buffers have their size then
				tt.call(b, data)
			}
			if got := testing.AllocsPerRun(10_000, func() { tt.call(b, data) }); got > 0 {
				t.Errorf("got %v allocations per call, want 0", got)
			}
			b.Close(time.Second, time.Second)
			wait()
		})
	}
}
