package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/coder/websocket"

	"github.com/gannet-io/nats/internal/natserr"
)

// WebSocketConfig says how a WebSocket is asked for.
type WebSocketConfig struct {
	// Path of the request, with or without a leading slash, perhaps with a query; empty: that of the URL.
	Path string
	// Compress offers compression of each message on its own. The server decides.
	Compress bool
	// Headers makes headers of the request. It is user code, called once for each; nil: none.
	Headers func() (http.Header, error)
}

// WebSocket makes nc, a fresh connection to the server of u with TLS over it if there is to be any, a WebSocket within ctx. u's
// user info is not sent. On failure nc is closed. What the headers function returns comes back as it is; the other errors begin with
// "nats: invalid websocket connection", and have the server's answer if there was one.
func WebSocket(ctx context.Context, nc net.Conn, u *url.URL, cfg WebSocketConfig) (net.Conn, error) {
	w, err := open(ctx, nc, u, &cfg)
	if err != nil {
		_ = Shut(nc)
		return nil, err
	}
	return w, nil
}

func open(ctx context.Context, nc net.Conn, u *url.URL, cfg *WebSocketConfig) (*webSocket, error) {
	target, err := cfg.target(u)
	if err != nil {
		return nil, err
	}
	header, err := cfg.header()
	if err != nil {
		return nil, err
	}
	up := &upgrade{frames: newFrames(nc)}
	options := &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: up, CheckRedirect: noRedirect}, HTTPHeader: header, Host: virtualHost(u),
	}
	if cfg.Compress {
		options.CompressionMode, options.CompressionThreshold = websocket.CompressionNoContextTakeover, compressFrom
	}
	stop := context.AfterFunc(ctx, func() { _ = Shut(nc) })
	ws, resp, err := websocket.Dial(ctx, target, options) //nolint:bodyclose // the library's
	if !stop() {
		return nil, fmt.Errorf("%w: %w", errUpgrade, ctx.Err())
	}
	if err != nil {
		return nil, up.explain(err)
	}
	ws.SetReadLimit(-1) // a message is whatever the server had to send at a time; the reader bounds what it keeps
	return &webSocket{
		Conn: nc, frames: up.frames, ws: ws, most: maxMessage, deflate: resp.Header.Get("Sec-WebSocket-Extensions") != "",
	}, nil
}

var errUpgrade = errors.New("nats: invalid websocket connection")

// target is the address of the request. Its scheme says nothing of TLS, which is there already.
func (cfg *WebSocketConfig) target(u *url.URL) (string, error) {
	t := &url.URL{Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery}
	if cfg.Path != "" {
		var err error
		if t, err = url.Parse("/" + strings.TrimLeft(cfg.Path, "/")); err != nil {
			return "", fmt.Errorf("%w: websocket path %q", natserr.InvalidArg, cfg.Path)
		}
	}
	t.Scheme, t.Host = "ws", u.Host
	return t.String(), nil
}

// virtualHost is what the request says of the host: without a default port, as browsers do and proxies expect.
func virtualHost(u *url.URL) string {
	if u.Scheme == "wss" {
		return strings.TrimSuffix(u.Host, ":443")
	}
	return strings.TrimSuffix(u.Host, ":80")
}

// header makes the user's headers, which must not smuggle anything into the request. Values are not repeated in an error:
// they may be secrets.
func (cfg *WebSocketConfig) header() (http.Header, error) {
	if cfg.Headers == nil {
		return nil, nil
	}
	header, err := cfg.Headers()
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		if name == "" || strings.ContainsFunc(name, notInName) {
			return nil, fmt.Errorf("%w: websocket header name %q", natserr.InvalidArg, name)
		}
		for _, v := range values {
			if strings.ContainsFunc(v, notInValue) {
				return nil, fmt.Errorf("%w: control character in websocket header %s", natserr.InvalidArg, name)
			}
		}
	}
	return header, nil
}

func notInName(r rune) bool {
	return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
}

func notInValue(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// upgrade is a round trip over one connection that is there already: no proxy, no second connection, no goroutine, and an answer of
// bounded length. net/http's own would read before it has asked, and log what a server of the plain protocol says.
type upgrade struct {
	frames  *frames
	failure error // what went wrong, in better words than the library has
}

func (up *upgrade) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := up.exchange(req)
	if err != nil {
		up.failure = err
		return nil, err
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		up.frames.upgraded()
		resp.Body = up.frames
		return resp, nil
	}
	up.failure = fmt.Errorf("the server answered %q%s", resp.Status, reason(resp))
	resp.Body = http.NoBody
	return resp, nil
}

func (up *upgrade) exchange(req *http.Request) (*http.Response, error) {
	if err := req.Write(up.frames.Conn); err != nil {
		return nil, err
	}
	if first, err := up.frames.in.Peek(4); err != nil {
		return nil, err
	} else if string(first) == "INFO" {
		return nil, errPlain
	}
	return http.ReadResponse(up.frames.in, req)
}

var errPlain = errors.New("the server speaks the plain protocol here: use a nats:// URL, or its port for WebSocket")

// reason is what an error page says, if it is short and does not have to be waited for.
func reason(resp *http.Response) string {
	const most = 256
	if !resp.Close && (resp.ContentLength <= 0 || resp.ContentLength > most) {
		return ""
	}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, most))
	if line := strings.TrimSpace(string(text)); line != "" {
		return fmt.Sprintf(": %q", line)
	}
	return ""
}

// explain prefers what is known here to the library's account.
func (up *upgrade) explain(err error) error {
	if up.failure != nil {
		err = up.failure
	}
	return fmt.Errorf("%w: %w", errUpgrade, err)
}
