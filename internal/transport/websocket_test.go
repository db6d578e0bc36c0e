package transport

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// random bytes with a seed, half of them compressible.
func random(n int) []byte {
	rng := rand.New(rand.NewPCG(1, uint64(n)))
	b := make([]byte, n)
	for i := range b {
		if b[i] = 'a'; i%100 < 50 {
			b[i] = byte(rng.Uint32())
		}
	}
	return b
}

func TestWebSocketIsAByteStream(t *testing.T) {
	t.Parallel()
	cert, roots := certificate(t)
	for _, compress := range []bool{false, true} {
		for _, secure := range []bool{false, true} {
			t.Run(fmt.Sprintf("compress=%v secure=%v", compress, secure), func(t *testing.T) {
				t.Parallel()
				var forServer, forClient *tls.Config
				if secure {
					forServer = &tls.Config{Certificates: []tls.Certificate{cert}}
					forClient = &tls.Config{RootCAs: roots}
				}
				u := serve(t, forServer, &websocket.AcceptOptions{CompressionMode: websocket.CompressionNoContextTakeover}, echo)
				nc := dialWebSocket(t, u, forClient, WebSocketConfig{Compress: compress})
				if got := nc.(*webSocket).deflate; got != compress {
					t.Errorf("compression negotiated: got %v, want %v", got, compress)
				}
				if Exact(nc) {
					t.Error("Exact: got true, want false")
				}
				if _, ok := TLSState(nc); ok != secure {
					t.Errorf("TLSState: got %v, want %v", ok, secure)
				}
				for _, size := range []int{0, 1, 125, 126, 511, 512, 4096, 16 << 10, maxMessage, maxMessage + 1, 1 << 20} {
					want := random(size)
					wrote := make(chan error, 1)
					go func() {
						n, err := nc.Write(want)
						if err == nil && n != len(want) {
							err = fmt.Errorf("count %d, want %d", n, len(want))
						}
						wrote <- err
					}()
					got := make([]byte, size)
					if _, err := io.ReadFull(nc, got); err != nil || !bytes.Equal(got, want) {
						t.Fatalf("echo of %d bytes: got %d equal %v, %v", size, len(got), bytes.Equal(got, want), err)
					}
					if err := <-wrote; err != nil {
						t.Fatalf("write of %d bytes: %v", size, err)
					}
				}
			})
		}
	}
}

// Whatever way the bytes are cut into frames and messages, they come out in order, through reads of any size.
func TestReadsSpanMessages(t *testing.T) {
	t.Parallel()
	want := random(300_000)
	u := serveFrames(t, "", func(nc net.Conn) {
		rng := rand.New(rand.NewPCG(1, 2))
		opcode := byte(2)
		for rest := want; len(rest) > 0; {
			n := min(len(rest), rng.IntN(1<<rng.IntN(18)))
			final := rng.IntN(3) > 0 || n == len(rest)
			frame := []byte{opcode, 127, 0, 0, 0, 0, 0, byte(n >> 16), byte(n >> 8), byte(n)}
			if opcode = 0; final {
				frame[0] |= 0x80
				opcode = 2
			}
			frame = append(frame, rest[:n]...)
			if rng.IntN(4) == 0 {
				frame = append(frame, 0x89, 2, 'h', 'i') // PING, between frames
			}
			if _, err := nc.Write(frame); err != nil {
				return
			}
			rest = rest[n:]
		}
		_, _ = io.Copy(io.Discard, nc)
	})
	nc := dialWebSocket(t, u, nil, WebSocketConfig{})
	var got []byte
	for i := 0; len(got) < len(want); i++ {
		p := make([]byte, 1+i*37%5000)
		n, err := nc.Read(p)
		if n == 0 || err != nil {
			t.Fatalf("read after %d bytes: got %d, %v", len(got), n, err)
		}
		got = append(got, p[:n]...)
	}
	if !bytes.Equal(got, want) {
		t.Error("other bytes than were sent")
	}
}

func TestServersFirstWordsMayComeWithTheAnswer(t *testing.T) {
	t.Parallel()
	u := serveFrames(t, "\x82\x05hello", func(nc net.Conn) { _, _ = io.Copy(io.Discard, nc) })
	nc := dialWebSocket(t, u, nil, WebSocketConfig{})
	got := make([]byte, 5)
	if _, err := io.ReadFull(nc, got); err != nil || string(got) != "hello" {
		t.Errorf("got %q, %v, want hello", got, err)
	}
}

// The beginning of a large frame is delivered while the rest is still on its way.
func TestReadDoesNotWaitForTheFrame(t *testing.T) {
	t.Parallel()
	seen := make(chan struct{})
	const part = 10_000
	u := serveFrames(t, "", func(nc net.Conn) {
		_, _ = nc.Write(append([]byte{0x82, 127, 0, 0, 0, 0, 0, 16, 0, 0}, make([]byte, part)...))
		<-seen
	})
	defer close(seen)
	nc := dialWebSocket(t, u, nil, WebSocketConfig{})
	_ = nc.SetReadDeadline(time.Now().Add(10 * time.Second))
	got := 0
	for p := make([]byte, 64<<10); got < part-minRead; {
		n, err := nc.Read(p)
		if got += n; err != nil {
			t.Fatalf("after %d bytes: %v", got, err)
		}
	}
}

func TestWebSocketEndings(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		frame string
		want  error  // by ==
		text  string // or a part of it
	}{
		{"end of the connection", "", io.EOF, ""},
		{"in a header", "\x82", io.EOF, ""},
		{"in a frame", "\x82\x05he", io.EOF, ""},
		{"in a message", "\x02\x02he", io.EOF, ""},
		{"normal closure", "\x88\x02\x03\xe8", io.EOF, ""},
		{"going away", "\x88\x02\x03\xe9", io.EOF, ""},
		{"no status", "\x88\x00", io.EOF, ""},
		{"policy violation", "\x88\x0a\x03\xf0too slow", nil, `closed by the server with status 1008 "too slow": EOF`},
		{"text message", "\x81\x02hi", errNotBinary, ""},
		{"reserved bit", "\xc2\x02hi", nil, "nats: websocket: "},
		{"unknown opcode", "\x83\x00", nil, "nats: websocket: "},
		{"continuation of nothing", "\x80\x02hi", nil, "nats: websocket: "},
		{"message within a message", "\x02\x02hi\x82\x02hi", nil, "nats: websocket: "},
		{"negative length", "\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00", nil, "nats: websocket: "},
		{"long control frame", "\x89\x7e\x00\x7e" + strings.Repeat("x", 126), nil, "nats: websocket: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			u := serveFrames(t, tt.frame, func(nc net.Conn) { _ = nc.(*net.TCPConn).CloseWrite() })
			nc := dialWebSocket(t, u, nil, WebSocketConfig{})
			_ = nc.SetReadDeadline(time.Now().Add(10 * time.Second))
			_, err := io.Copy(io.Discard, struct{ io.Reader }{nc}) // turns io.EOF into nil
			if err == nil {
				err = io.EOF
			}
			if tt.want != nil && err != tt.want || err == nil || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("got %v, want %v %s", err, tt.want, tt.text)
			}
			if _, again := nc.Read(make([]byte, 1)); again != err {
				t.Errorf("read again: got %v, want %v", again, err)
			}
			if tt.frame == "\x88\x02\x03\xe9" {
				if _, err := nc.Write([]byte("x")); err != io.EOF {
					t.Errorf("write after the goodbye: got %v, want %v", err, io.EOF)
				}
				if _, err := nc.(*webSocket).Conn.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
					t.Errorf("the connection beneath after the goodbye: got %v, want %v", err, net.ErrClosed)
				}
			}
		})
	}
}

// A deadline ends what is under way; one that passed in between does no harm once it is moved.
func TestWebSocketDeadlines(t *testing.T) {
	t.Parallel()
	u := serve(t, nil, nil, echo)
	nc := dialWebSocket(t, u, nil, WebSocketConfig{})
	_ = nc.SetDeadline(time.Unix(1, 0))
	_ = nc.SetDeadline(time.Time{})
	got := make([]byte, 2)
	if _, err := nc.Write([]byte("hi")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(nc, got); err != nil {
		t.Fatal(err)
	}
	_ = nc.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	_, err := nc.Read(got)
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read: got %v, want %v", err, os.ErrDeadlineExceeded)
	}
	_ = nc.SetReadDeadline(time.Time{})
	if _, again := nc.Read(got); again != err {
		t.Errorf("read after that: got %v, want %v: the frame may be torn", again, err)
	}
	_ = nc.SetWriteDeadline(time.Unix(1, 0))
	if _, err := nc.Write(got); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("write: got %v, want %v", err, os.ErrDeadlineExceeded)
	}
}

// deaf opens a WebSocket over a pipe, with TLS if cert is there, whose other end never reads again: every write waits.
func deaf(t *testing.T, cert *tls.Certificate) *webSocket {
	t.Helper()
	client, server := net.Pipe()
	t.Cleanup(func() { server.Close() })
	cfg := &tls.Config{MaxVersion: tls.VersionTLS12} // 1.3 has the server write when nobody reads
	go func() {
		nc := server
		if cert != nil {
			cfg := cfg.Clone()
			cfg.Certificates = []tls.Certificate{*cert}
			nc = tls.Server(server, cfg)
		}
		r, err := http.ReadRequest(bufio.NewReader(nc))
		if err == nil {
			_, err = nc.Write([]byte(switching(r)))
		}
		if err != nil {
			t.Errorf("the server: %v", err)
		}
	}()
	if cert != nil {
		cfg := cfg.Clone()
		cfg.InsecureSkipVerify = true
		secure, err := TLS(t.Context(), client, cfg, "h")
		if err != nil {
			t.Fatal(err)
		}
		client = secure
	}
	nc, err := WebSocket(t.Context(), client, &url.URL{Scheme: "ws", Host: "h:80"}, WebSocketConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return nc.(*webSocket)
}

// Close ends a write that a silent peer holds up, and a read, without a wait or a goodbye.
func TestWebSocketCloseWithASilentPeer(t *testing.T) {
	t.Parallel()
	cert, _ := certificate(t)
	for name, c := range map[string]*tls.Certificate{"plain": nil, "TLS": &cert} {
		for _, busy := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s busy=%v", name, busy), func(t *testing.T) {
				t.Parallel()
				nc := deaf(t, c)
				var calls sync.WaitGroup
				calls.Go(func() { _, _ = nc.Read(make([]byte, 1)) })
				if busy {
					calls.Go(func() { _, _ = nc.Write(make([]byte, 1<<20)) })
				}
				began := time.Now()
				if err := Shut(nc); err != nil {
					t.Errorf("Shut: %v", err)
				}
				calls.Wait()
				if took := time.Since(began); took > 2*time.Second {
					t.Errorf("took %v, want no wait", took)
				}
				if _, err := nc.Write([]byte("x")); err == nil {
					t.Error("write after Shut: got no error")
				}
			})
		}
	}
}

// The goodbye is given up when there is no room for it.
func TestCloseWriteWithASilentPeer(t *testing.T) {
	t.Parallel()
	nc := deaf(t, nil)
	defer nc.Close()
	began := time.Now()
	if err := nc.CloseWrite(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v, want %v", err, os.ErrDeadlineExceeded)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("took %v, want about %v", took, farewell)
	}
}

// The server gets what was written before the goodbye, answers it, and what it sent before that arrives.
func TestCloseWrite(t *testing.T) {
	t.Parallel()
	told := make(chan error, 1)
	u := serve(t, nil, nil, func(ctx context.Context, ws *websocket.Conn) {
		_, data, err := ws.Read(ctx)
		if err == nil && string(data) == "last words" {
			err = ws.Write(ctx, websocket.MessageBinary, []byte("heard"))
		}
		if err == nil {
			_, _, err = ws.Read(ctx)
		}
		told <- err
	})
	nc := dialWebSocket(t, u, nil, WebSocketConfig{})
	if _, err := nc.Write([]byte("last words")); err != nil {
		t.Fatal(err)
	}
	if err := nc.(*webSocket).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(nc); err != nil || string(got) != "heard" {
		t.Errorf("got %q, %v; want heard and the end", got, err)
	}
	if err := <-told; websocket.CloseStatus(err) != websocket.StatusNormalClosure {
		t.Errorf("the server was told %v, want a normal closure", err)
	}
}

// Messages that the server would refuse are divided, but only where it matters.
func TestLimitMessages(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		compress bool
		limit    int64
		want     int // size of the first message
	}{
		{true, 1000, 1000},
		{true, 10, compressFrom - 1},
		{true, 0, 16 << 10},
		{true, 1 << 62, 16 << 10},
		{false, 1000, 16 << 10},
	} {
		t.Run(fmt.Sprintf("compress=%v limit=%d", tt.compress, tt.limit), func(t *testing.T) {
			t.Parallel()
			sizes := make(chan int, 100)
			u := serve(t, nil, &websocket.AcceptOptions{CompressionMode: websocket.CompressionNoContextTakeover}, func(ctx context.Context, ws *websocket.Conn) {
				for {
					_, data, err := ws.Read(ctx)
					if err != nil {
						return
					}
					sizes <- len(data)
				}
			})
			nc := dialWebSocket(t, u, nil, WebSocketConfig{Compress: tt.compress})
			LimitMessages(nc, tt.limit)
			if n, err := nc.Write(random(16 << 10)); n != 16<<10 || err != nil {
				t.Fatalf("write: got %d, %v", n, err)
			}
			if got := <-sizes; got != tt.want {
				t.Errorf("first message: got %d bytes, want %d", got, tt.want)
			}
		})
	}
	LimitMessages(&net.TCPConn{}, 5) // does nothing
}
