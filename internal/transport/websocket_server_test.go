package transport

import (
	"bufio"
	"context"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// serve runs a WebSocket server; handle has each connection until it returns. The URL's scheme is ws or wss.
func serve(t testing.TB, cfg *tls.Config, accept *websocket.AcceptOptions, handle func(ctx context.Context, ws *websocket.Conn)) *url.URL {
	t.Helper()
	return serveHTTP(t, cfg, func(w http.ResponseWriter, r *http.Request) {
		ws, err := websocket.Accept(w, r, accept)
		if err != nil {
			t.Errorf("accept: %v", err)
			return
		}
		defer ws.CloseNow()
		ws.SetReadLimit(-1)
		handle(r.Context(), ws)
	})
}

// serveHTTP runs a server that may answer as it likes.
func serveHTTP(t testing.TB, cfg *tls.Config, handle http.HandlerFunc) *url.URL {
	t.Helper()
	s := httptest.NewUnstartedServer(handle)
	scheme := "ws"
	if cfg != nil {
		s.TLS, scheme = cfg, "wss"
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return &url.URL{Scheme: scheme, Host: s.Listener.Addr().String()}
}

// serveFrames answers the opening request and hands over the connection beneath; extra is sent together with the answer.
func serveFrames(t testing.TB, extra string, handle func(nc net.Conn)) *url.URL {
	t.Helper()
	return serveHTTP(t, nil, func(w http.ResponseWriter, r *http.Request) {
		nc, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Errorf("hijack: %v", err)
			return
		}
		defer nc.Close()
		_ = nc.SetDeadline(time.Time{})
		if _, err := nc.Write([]byte(switching(r) + extra)); err == nil {
			handle(nc)
		}
	})
}

// switching is the answer to an opening request.
func switching(r *http.Request) string {
	sum := sha1.Sum([]byte(r.Header.Get("Sec-Websocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: " + base64.StdEncoding.EncodeToString(sum[:]) + "\r\n\r\n"
}

// plainServer sends greeting to whoever connects, and reads one request unless it is rude.
func plainServer(t *testing.T, greeting string, rude bool) *url.URL {
	t.Helper()
	address, accepted := listen(t)
	go func() {
		for nc := range accepted {
			if !rude {
				if _, err := http.ReadRequest(bufio.NewReader(nc)); err != nil {
					t.Errorf("request: %v", err)
				}
			}
			_, _ = nc.Write([]byte(greeting))
			if rude {
				continue // INFO, and then it waits
			}
			_ = nc.Close()
		}
	}()
	return &url.URL{Scheme: "ws", Host: address}
}

// dialTCP connects to u, with TLS if cfg is there.
func dialTCP(t testing.TB, u *url.URL, cfg *tls.Config) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	if cfg == nil {
		return nc
	}
	secure, err := TLS(t.Context(), nc, cfg, "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	return secure
}

// dialWebSocket opens a WebSocket over a connection of its own.
func dialWebSocket(t testing.TB, u *url.URL, secure *tls.Config, cfg WebSocketConfig) net.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel() // and it does not matter to the connection
	nc, err := WebSocket(ctx, dialTCP(t, u, secure), u, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	return nc
}

// echo sends every message back.
func echo(ctx context.Context, ws *websocket.Conn) {
	for {
		kind, data, err := ws.Read(ctx)
		if err != nil || ws.Write(ctx, kind, data) != nil {
			return
		}
	}
}
