package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/nats/internal/natserr"
)

func TestOpeningRequest(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		url  string // %: the address of the server
		cfg  WebSocketConfig
		path string
		add  http.Header // to what is always there
	}{
		{"plain", "ws://%", WebSocketConfig{}, "/", nil},
		{"user info is not for HTTP", "ws://user:secret@%", WebSocketConfig{}, "/", nil},
		{"path of the URL", "ws://%/a%20b/c?q=1#f", WebSocketConfig{}, "/a%20b/c?q=1", nil},
		{"own path", "ws://%/a?q=1", WebSocketConfig{Path: "own/b c?x=2"}, "/own/b%20c?x=2", nil},
		{"own path with slashes", "ws://%", WebSocketConfig{Path: "//evil.test/x"}, "/evil.test/x", nil},
		{"compression", "ws://%", WebSocketConfig{Compress: true}, "/", http.Header{
			"Sec-Websocket-Extensions": {"permessage-deflate; client_no_context_takeover; server_no_context_takeover"},
		}},
		{"headers", "ws://%", WebSocketConfig{Headers: func() (http.Header, error) {
			return http.Header{"X-A": {"1", "zwei\tdrei"}, "User-Agent": {"me"}, "Upgrade": {"nothing"}, "Host": {"evil.test"}}, nil
		}}, "/", http.Header{"X-A": {"1", "zwei\tdrei"}, "User-Agent": {"me"}}},
		{"no headers", "ws://%", WebSocketConfig{Headers: func() (http.Header, error) { return nil, nil }}, "/", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			requests := make(chan *http.Request, 1)
			server := serveHTTP(t, nil, func(w http.ResponseWriter, r *http.Request) {
				requests <- r
				w.WriteHeader(http.StatusTeapot)
			})
			u := parse(t, strings.Replace(tt.url, "%", server.Host, 1))
			if _, err := WebSocket(t.Context(), dialTCP(t, u, nil), u, tt.cfg); err == nil {
				t.Error("got no error from a teapot")
			}
			r := <-requests
			want := http.Header{
				"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}, "User-Agent": {"Go-http-client/1.1"},
			}
			for name, values := range tt.add {
				want[name] = values
			}
			r.Header.Del("Sec-Websocket-Key")
			if r.RequestURI != tt.path || r.Host != server.Host || !reflect.DeepEqual(r.Header, want) {
				t.Errorf("got %s for %s with %v\nwant %s for %s with %v", r.RequestURI, r.Host, r.Header, tt.path, server.Host, want)
			}
		})
	}
}

func TestVirtualHost(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"ws://h:80": "h", "wss://h:443": "h", "ws://h:443": "h:443", "wss://h:80": "h:80", "ws://[::1]:80": "[::1]", "ws://h:8080": "h:8080",
	} {
		if got := virtualHost(parse(t, in)); got != want {
			t.Errorf("%s: got %q, want %q", in, got, want)
		}
	}
}

// What the user gives is refused before anything is sent.
func TestRefusedRequests(t *testing.T) {
	t.Parallel()
	own := errors.New("own")
	headers := func(h http.Header, err error) WebSocketConfig {
		return WebSocketConfig{Headers: func() (http.Header, error) { return h, err }}
	}
	for _, tt := range []struct {
		name string
		cfg  WebSocketConfig
		want error
		text string
	}{
		{"handler fails", headers(nil, own), own, ""},
		{"no name", headers(http.Header{"": {"x"}}, nil), natserr.InvalidArg, `header name ""`},
		{"line break in a name", headers(http.Header{"A\r\nB": {"x"}}, nil), natserr.InvalidArg, `header name "A\r\nB"`},
		{"colon in a name", headers(http.Header{"A:": {"x"}}, nil), natserr.InvalidArg, `header name "A:"`},
		{"line break in a value", headers(http.Header{"Token": {"x\r\nsecret: y"}}, nil), natserr.InvalidArg, "websocket header Token"},
		{"NUL in a value", headers(http.Header{"Token": {"x", "\x00"}}, nil), natserr.InvalidArg, "websocket header Token"},
		{"line break in the path", WebSocketConfig{Path: "a\r\nb"}, natserr.InvalidArg, "websocket path"},
		{"escape in the path", WebSocketConfig{Path: "a%zz"}, natserr.InvalidArg, "websocket path"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client, server := net.Pipe() // any write would wait for ever
			defer server.Close()
			_, err := WebSocket(t.Context(), client, parse(t, "ws://h:80"), tt.cfg)
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) || strings.Contains(err.Error(), "secret") {
				t.Errorf("got %v, want %v with %q", err, tt.want, tt.text)
			}
			if _, err := client.Write([]byte("x")); err == nil {
				t.Error("the connection is not closed")
			}
		})
	}
}

func TestServersThatRefuse(t *testing.T) {
	t.Parallel()
	answer := func(status string, rest ...string) string {
		return "HTTP/1.1 " + status + "\r\n" + strings.Join(rest, "\r\n") + "\r\n\r\n"
	}
	for _, tt := range []struct {
		name   string
		server func(t *testing.T) *url.URL
		want   string
	}{
		{"plain protocol", func(t *testing.T) *url.URL { return plainServer(t, "INFO {\"server_id\":\"x\"}\r\n", true) }, "plain protocol"},
		{"not HTTP", func(t *testing.T) *url.URL { return plainServer(t, "220 mail.test ESMTP\r\n", true) }, "malformed HTTP"},
		{"says nothing", func(t *testing.T) *url.URL { return plainServer(t, "", false) }, "EOF"},
		{"says little", func(t *testing.T) *url.URL { return plainServer(t, "HTTP/1.1 101 Switching", false) }, "EOF"},
		{"forbidden", func(t *testing.T) *url.URL {
			return serveHTTP(t, nil, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no entry", http.StatusForbidden) })
		}, `the server answered "403 Forbidden": "no entry"`},
		{"long page", func(t *testing.T) *url.URL {
			return serveHTTP(t, nil, func(w http.ResponseWriter, _ *http.Request) {
				http.Error(w, strings.Repeat("long ", 1000), http.StatusNotFound)
			})
		}, `the server answered "404 Not Found"`},
		{"redirect", func(t *testing.T) *url.URL {
			return serveHTTP(t, nil, func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "ws://127.0.0.1:1/", http.StatusFound)
			})
		}, `the server answered "302 Found"`},
		{"no upgrade", func(t *testing.T) *url.URL { return serveHTTP(t, nil, func(http.ResponseWriter, *http.Request) {}) }, `"200 OK"`},
		{"wrong key", func(t *testing.T) *url.URL {
			return plainServer(t, answer("101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: x"), false)
		}, "Sec-WebSocket-Accept"},
		{"endless header", func(t *testing.T) *url.URL {
			return plainServer(t, "HTTP/1.1 101 Switching Protocols\r\n"+strings.Repeat("A: b\r\n", maxResponse), false)
		}, errLongResponse.Error()},
		{"endless line", func(t *testing.T) *url.URL { return plainServer(t, strings.Repeat("H", 10*maxResponse), false) }, errLongResponse.Error()},
		{"TLS wanted", func(t *testing.T) *url.URL {
			cert, _ := certificate(t)
			u := serveHTTP(t, &tls.Config{Certificates: []tls.Certificate{cert}}, func(http.ResponseWriter, *http.Request) {})
			return &url.URL{Scheme: "ws", Host: u.Host}
		}, "HTTPS server"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			u := tt.server(t)
			nc := dialTCP(t, u, nil)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			_, err := WebSocket(ctx, nc, u, WebSocketConfig{})
			if !errors.Is(err, errUpgrade) || !strings.Contains(err.Error(), tt.want) || len(err.Error()) > 1000 {
				t.Errorf("got %.1000v, want %v with %q", err, errUpgrade, tt.want)
			}
			if _, err := nc.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
				t.Errorf("the connection is not closed: %v", err)
			}
		})
	}
}

func TestSilentWebSocketServer(t *testing.T) {
	t.Parallel()
	address, _ := listen(t)
	u := &url.URL{Scheme: "ws", Host: address}
	for _, cause := range []error{context.DeadlineExceeded, context.Canceled} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if cause == context.Canceled {
			ctx, cancel = context.WithCancel(t.Context())
			time.AfterFunc(50*time.Millisecond, cancel)
		}
		nc := dialTCP(t, u, nil)
		if _, err := WebSocket(ctx, nc, u, WebSocketConfig{}); !errors.Is(err, cause) {
			t.Errorf("got %v, want %v", err, cause)
		}
		if _, err := nc.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("the connection is not closed: %v", err)
		}
	}
}
