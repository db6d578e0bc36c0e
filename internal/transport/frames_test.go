package transport

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"
)

// counted counts writes.
type counted struct {
	net.Conn
	writes atomic.Int64
}

func (c *counted) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

// A message is one write, whatever its size.
func TestOneWriteAFrame(t *testing.T) {
	t.Parallel()
	for _, compress := range []bool{false, true} {
		u := serve(t, nil, &websocket.AcceptOptions{CompressionMode: websocket.CompressionNoContextTakeover}, echo)
		raw := &counted{Conn: dialTCP(t, u, nil)}
		nc, err := WebSocket(t.Context(), raw, u, WebSocketConfig{Compress: compress})
		if err != nil {
			t.Fatal(err)
		}
		for _, size := range []int{1, 125, 126, 4082, 4088, 4089, 4096, 8184, 16 << 10, 1<<16 - 1, 1 << 16} {
			before := raw.writes.Load()
			if _, err := nc.Write(random(size)); err != nil {
				t.Fatal(err)
			}
			if got := raw.writes.Load() - before; got != 1 {
				t.Errorf("compress %v, %d bytes: got %d writes, want 1", compress, size, got)
			}
			if _, err := io.ReadFull(nc, make([]byte, size)); err != nil {
				t.Fatal(err)
			}
		}
		nc.Close()
	}
}

func TestFrameSize(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]int{
		"": 0, "\x82": 0, "\x82\x80": 6, "\x82\xfd": 131, "\x82\xfe\x01": 0, "\x82\xfe\x01\x00": 264,
		"\x82\xff\x00\x00\x00\x00\x00\x01\x00": 0, "\x82\xff\x00\x00\x00\x00\x00\x01\x00\x00": 65550,
	} {
		if got := frameSize([]byte(in)); got != want {
			t.Errorf("%q: got %d, want %d", in, got, want)
		}
	}
}

// Not parallel: allocations are counted for the whole process.
func TestWebSocketDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	nc := dialWebSocket(t, firehose(t, 10_000), nil, WebSocketConfig{})
	out, in := random(10_000), make([]byte, 10_000)
	round := func() {
		if _, err := nc.Write(out); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(nc, in); err != nil {
			t.Fatal(err)
		}
	}
	round()
	if got := testing.AllocsPerRun(1000, round); got > 0 {
		t.Errorf("got %v allocations for a write and a read, want 0", got)
	}
}

// firehose is a server that sends messages of that size and discards what it gets, without allocating.
func firehose(t testing.TB, size int) *url.URL {
	return serveFrames(t, "", func(nc net.Conn) {
		go func() {
			frame := append([]byte{0x82, 127, 0, 0, 0, 0, byte(size >> 24), byte(size >> 16), byte(size >> 8), byte(size)}, make([]byte, size)...)
			many := bytes.Repeat(frame, 1+(64<<10)/len(frame))
			for {
				if _, err := nc.Write(many); err != nil {
					return
				}
			}
		}()
		p := make([]byte, 1<<20)
		for {
			if _, err := nc.Read(p); err != nil {
				return
			}
		}
	})
}

// FuzzFrames has the server send anything. Reading ends, without a panic.
func FuzzFrames(f *testing.F) {
	for _, seed := range []string{
		"", "\x82\x05hello", "\x02\x02he\x80\x03llo", "\x89\x00\x82\x01x", "\x88\x02\x03\xe8", "\xc2\x05hello", "\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff",
		"\xc2\x07\xf2\x48\xcd\xc9\xc9\x07\x00", // RFC 7692, section 7.2.3.1
	} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, sent []byte, compress bool) {
		client, server := net.Pipe()
		go func() {
			defer server.Close()
			in := bufio.NewReader(server)
			r, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(io.Discard, in) }()
			answer := switching(r)
			if compress {
				answer = strings.Replace(answer, "\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate; "+
					"client_no_context_takeover; server_no_context_takeover\r\n\r\n", 1)
			}
			_, _ = server.Write(append([]byte(answer), sent...))
		}()
		nc, err := WebSocket(t.Context(), client, &url.URL{Scheme: "ws", Host: "h:80"}, WebSocketConfig{Compress: compress})
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		p := make([]byte, 100)
		for total := 0; ; {
			n, err := nc.Read(p)
			if err != nil {
				return
			}
			if total += n; n == 0 || total > 2000*(len(sent)+1) {
				t.Fatalf("read %d bytes after %d, of %d that were sent", n, total, len(sent))
			}
		}
	})
}

func BenchmarkWebSocketWrite(b *testing.B) {
	for _, size := range []int{1 << 10, 4 << 10, 16 << 10, 32 << 10, 64 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			nc := dialWebSocket(b, firehose(b, 0), nil, WebSocketConfig{})
			out := random(size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := nc.Write(out); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkWebSocketRead(b *testing.B) {
	for _, size := range []int{100, 4 << 10, 64 << 10} {
		b.Run(fmt.Sprint("messages of ", size), func(b *testing.B) {
			nc := dialWebSocket(b, firehose(b, size), nil, WebSocketConfig{})
			in := make([]byte, 64<<10)
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := io.ReadFull(nc, in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
