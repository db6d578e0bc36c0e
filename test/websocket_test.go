package test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/natstest"
	"github.com/nats-io/nats-server/v2/server"
)

// compression switches it on at the server.
func compression() natstest.Option {
	return natstest.WithConfig(func(o *server.Options) { o.Websocket.Compression = true })
}

// secureWebSocket gives the server's WebSocket TLS, and returns a configuration for clients.
func secureWebSocket(t *testing.T) (natstest.Option, *tls.Config) {
	t.Helper()
	forServer, forClient, err := natstest.NewTLS()
	must(t, err)
	return natstest.WithConfig(func(o *server.Options) { o.Websocket.NoTLS, o.Websocket.TLSConfig = false, forServer }), forClient
}

// wss is the URL of a server with secureWebSocket.
func wss(url string) string { return strings.Replace(url, "ws://", "wss://", 1) }

func TestWebSocket(t *testing.T) {
	secured, forClient := secureWebSocket(t)
	for _, tt := range []struct {
		name   string
		server []natstest.Option
		client []nats.Option
		secure bool
	}{
		{"plain", nil, nil, false},
		{"compression asked for only", nil, []nats.Option{nats.Compression(true)}, false},
		{"compression offered only", []natstest.Option{compression()}, nil, false},
		{"compressed", []natstest.Option{compression()}, []nats.Option{nats.Compression(true)}, false},
		{"TLS", []natstest.Option{secured}, []nats.Option{nats.Secure(forClient)}, true},
		{"TLS, compressed", []natstest.Option{secured, compression()}, []nats.Option{nats.Secure(forClient), nats.Compression(true)}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := start(t, append(tt.server, natstest.WithWebsocket())...)
			url := srv.WebsocketURL()
			if tt.secure {
				url = wss(url)
			}
			nc := dial(t, url, append(tt.client, nats.Name("over ws"))...)
			if _, err := nc.TLSConnectionState(); (err == nil) != tt.secure {
				t.Errorf("TLS: got %v, want %v", err == nil, tt.secure)
			}
			exchange(t, nc)
			conns := got[*server.Connz](t)(srv.Embedded().Connz(nil))
			if len(conns.Conns) != 1 || conns.Conns[0].Name != "over ws" || conns.Conns[0].Kind != "Client" || conns.Conns[0].Type != "websocket" {
				t.Errorf("the server's clients: %+v, want one over WebSocket", conns.Conns)
			}
		})
	}
}

// exchange publishes messages of many sizes, and gets them back in order; then requests, also many at a time.
func exchange(t *testing.T, nc *nats.Conn) {
	t.Helper()
	sub := subscribeSync(t, nc, "sizes")
	body := make([]byte, 1<<20)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range body {
		body[i] = "abcdefgh"[rng.IntN(8)]
	}
	sizes := []int{0, 1, 100, 500, 10_000, 16 << 10, 70_000, len(body), 3}
	for _, n := range sizes {
		must(t, nc.Publish("sizes", body[:n]))
	}
	for _, n := range sizes {
		if got := next(t, sub); got != string(body[:n]) {
			t.Fatalf("a message of %d bytes came as one of %d, or with other bytes", n, len(got))
		}
	}
	_, err := nc.Subscribe("twice", func(m *nats.Msg) { _ = m.Respond(append(m.Data, m.Data...)) })
	must(t, err)
	must(t, nc.Flush())
	answers := make(chan error, 100)
	for i := range cap(answers) {
		go func() {
			want := fmt.Sprint(i)
			m, err := nc.Request("twice", []byte(want), patience)
			if err == nil && string(m.Data) != want+want {
				err = fmt.Errorf("reply %q to %s", m.Data, want)
			}
			answers <- err
		}()
	}
	for range cap(answers) {
		must(t, await(t, "an answer", answers))
	}
	if _, err := nc.Request("nobody", nil, patience); err != nats.ErrNoResponders {
		t.Errorf("request to nobody: got %v, want %v", err, nats.ErrNoResponders)
	}
	const many = 20_000
	count := subscribeSync(t, nc, "count")
	must(t, count.SetPendingLimits(-1, -1))
	go func() {
		for i := range many {
			_ = nc.Publish("count", fmt.Append(nil, i))
		}
	}()
	for i := range many {
		if got, want := next(t, count), fmt.Sprint(i); got != want {
			t.Fatalf("got message %s, want %s", got, want)
		}
	}
}

// Compression is used in both directions, and saves something.
func TestWebSocketCompression(t *testing.T) {
	srv := start(t, natstest.WithWebsocket(), compression())
	body := strings.Repeat("all work and no play ", 40_000)
	for _, compress := range []bool{true, false} {
		proxy := natstest.NewProxy(t, srv.WebsocketURL())
		nc := dial(t, proxy.URL(), nats.Compression(compress))
		sub := subscribeSync(t, nc, "s")
		must(t, nc.Publish("s", []byte(body)))
		if next(t, sub) != body {
			t.Error("another message than was sent")
		}
		stats := proxy.Stats()
		for way, n := range map[string]int64{"to the server": stats.ToServer, "to the client": stats.ToClient} {
			if small := n < int64(len(body))/10; small != compress {
				t.Errorf("compress %v: got %d bytes %s for %d", compress, n, way, len(body))
			}
		}
	}
}

// A server that allows small messages only counts the content of a compressed WebSocket message as one of them.
func TestWebSocketCompressionWithSmallMaxPayload(t *testing.T) {
	srv := start(t, natstest.WithWebsocket(), compression(), natstest.WithConfig(func(o *server.Options) { o.MaxPayload = 1000 }))
	nc := dial(t, srv.WebsocketURL(), nats.Compression(true), nats.NoReconnect())
	sub := subscribeSync(t, nc, "s")
	body := strings.Repeat("x", 1000)
	for range 500 {
		must(t, nc.Publish("s", []byte(body)))
	}
	for range 500 {
		if got := next(t, sub); got != body {
			t.Fatalf("got %d bytes, want %d", len(got), len(body))
		}
	}
}

func TestWebSocketCredentials(t *testing.T) {
	srv := start(t, natstest.WithWebsocket(), natstest.WithUser("u", "p"))
	nc := dial(t, strings.Replace(srv.WebsocketURL(), "ws://", "ws://u:p@", 1))
	must(t, nc.Flush())
	dial(t, srv.WebsocketURL(), nats.UserInfo("u", "p"))
	if _, err := nats.Connect(srv.WebsocketURL()); !errors.Is(err, nats.ErrAuthorization) {
		t.Errorf("without: got %v, want %v", err, nats.ErrAuthorization)
	}
}

// The headers are made at every connect, and they and the path go out with the opening request.
func TestWebSocketRequest(t *testing.T) {
	srv := start(t, natstest.WithWebsocket())
	proxy := natstest.NewProxy(t, srv.WebsocketURL())
	var calls atomic.Int32
	reconnected := make(chan struct{}, 1)
	first := proxy.Seen([]byte("GET /nats/ws?x=1 HTTP/1.1\r\n"), natstest.ClientToServer)
	second := proxy.Seen([]byte("X-Call: 2\r\n"), natstest.ClientToServer)
	dial(t, proxy.URL(), nats.ProxyPath("nats/ws?x=1"), quickly(), silent(),
		nats.WebSocketConnectionHeadersHandler(func() (http.Header, error) {
			return http.Header{"X-Call": {fmt.Sprint(calls.Add(1))}}, nil
		}),
		nats.ReconnectHandler(func(*nats.Conn) { reconnected <- struct{}{} }))
	await(t, "the path in the request", first)
	proxy.Cut()
	await(t, "the reconnect", reconnected)
	await(t, "the second call's header", second)

	static := proxy.Seen([]byte("X-Static: yes\r\n"), natstest.ClientToServer)
	dial(t, proxy.URL(), nats.WebSocketConnectionHeaders(http.Header{"X-Static": {"yes"}}))
	await(t, "the static header", static)

	own := errors.New("no headers today")
	_, err := nats.Connect(srv.WebsocketURL(), nats.WebSocketConnectionHeadersHandler(func() (http.Header, error) { return nil, own }))
	if !errors.Is(err, own) {
		t.Errorf("handler's error: got %v, want %v", err, own)
	}
}

// Subscriptions live on, and what is published meanwhile arrives.
func TestWebSocketReconnect(t *testing.T) {
	secured, forClient := secureWebSocket(t)
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprint("secure=", secure), func(t *testing.T) {
			opts := []natstest.Option{natstest.WithWebsocket()}
			client := []nats.Option{quickly()}
			if secure {
				opts, client = append(opts, secured), append(client, nats.Secure(forClient))
			}
			srv := start(t, opts...)
			proxy := natstest.NewProxy(t, srv.WebsocketURL())
			lost := make(chan error, 10)
			nc := dial(t, proxy.URL(), append(client, silent(), nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { lost <- err }))...)
			sub := subscribeSync(t, nc, "s")
			for i := range 5 {
				proxy.Refuse()
				proxy.Cut()
				await(t, "the loss of the link", lost)
				must(t, nc.Publish("s", fmt.Append(nil, i)))
				must(t, proxy.Heal())
				if got := next(t, sub); got != fmt.Sprint(i) {
					t.Fatalf("got %s, want %d", got, i)
				}
			}
			eventually(t, "5 reconnects", func() bool { return nc.Stats().Reconnects == 5 })
		})
	}
}

func TestWebSocketServerStops(t *testing.T) {
	srv := start(t, natstest.WithWebsocket())
	lost := make(chan error, 1)
	reconnected := make(chan struct{}, 1)
	dial(t, srv.WebsocketURL(), quickly(), silent(), nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
		select {
		case lost <- err:
		default:
		}
	}), nats.ReconnectHandler(func(*nats.Conn) { reconnected <- struct{}{} }))
	must(t, srv.Stop())
	if err := await(t, "the loss", lost); err != io.EOF {
		t.Errorf("got %v, want %v as over TCP", err, io.EOF)
	}
	must(t, srv.Restart(true))
	await(t, "the reconnect", reconnected)
}

// What was published before Close arrives, and the server is told that the client has gone.
func TestWebSocketClose(t *testing.T) {
	for _, compress := range []bool{false, true} {
		t.Run(fmt.Sprint("compress=", compress), func(t *testing.T) {
			srv := start(t, natstest.WithWebsocket(), compression())
			sub := subscribeSync(t, dial(t, srv.URL()), "s")
			must(t, sub.SetPendingLimits(-1, -1))
			proxy := natstest.NewProxy(t, srv.WebsocketURL())
			farewell := proxy.Seen([]byte("\x88\x82\x00\x00\x00\x00\x03\xe8"), natstest.ClientToServer)
			nc := dial(t, proxy.URL(), nats.Compression(compress))
			const n = 10_000
			for i := range n {
				must(t, nc.Publish("s", fmt.Append(nil, i)))
			}
			nc.Close()
			for i := range n {
				if got := next(t, sub); got != fmt.Sprint(i) {
					t.Fatalf("got %s, want %d", got, i)
				}
			}
			await(t, "the close frame", farewell)
			eventually(t, "the end of the client at the server", func() bool { return srv.Embedded().NumClients() == 1 })
			closed := got[*server.Connz](t)(srv.Embedded().Connz(&server.ConnzOptions{State: server.ConnClosed}))
			if len(closed.Conns) != 1 || closed.Conns[0].Reason != server.ClientClosed.String() {
				t.Errorf("closed clients: %+v, want one with reason %q", closed.Conns, server.ClientClosed)
			}
		})
	}
}

func TestWebSocketCloseInABlackHole(t *testing.T) {
	secured, forClient := secureWebSocket(t)
	for name, fault := range map[string]func(*natstest.Proxy){
		"hole":  func(p *natstest.Proxy) { p.Hole(natstest.Both) },
		"stall": func(p *natstest.Proxy) { p.Stall(natstest.Both) },
	} {
		for _, secure := range []bool{false, true} {
			for _, busy := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s secure=%v busy=%v", name, secure, busy), func(t *testing.T) {
					opts := []natstest.Option{natstest.WithWebsocket()}
					client := []nats.Option{silent(), nats.Timeout(patience)}
					if secure {
						opts, client = append(opts, secured), append(client, nats.Secure(forClient))
					}
					srv := start(t, opts...)
					proxy := natstest.NewProxy(t, srv.WebsocketURL())
					nc := dial(t, proxy.URL(), client...)
					fault(proxy)
					for range 7 {
						if busy {
							must(t, nc.Publish("s", make([]byte, 1<<20)))
						}
					}
					within(t, "Close", 4*time.Second, nc.Close) // 2 s, on a machine that has time
				})
			}
		}
	}
}

// A large message over a slow link arrives, and does not hold up what came before it.
func TestWebSocketLargeMessageOverSlowLink(t *testing.T) {
	srv := start(t, natstest.WithWebsocket())
	proxy := natstest.NewProxy(t, srv.WebsocketURL())
	nc := dial(t, proxy.URL(), nats.NoReconnect())
	small, large := subscribeSync(t, nc, "small"), subscribeSync(t, nc, "large")
	proxy.Rate(200_000)
	pub := dial(t, srv.URL())
	must(t, pub.Publish("small", []byte("first")))
	must(t, pub.Publish("large", bytes.Repeat([]byte("x"), 300_000)))
	if got := next(t, small); got != "first" {
		t.Errorf("got %q, want first", got)
	}
	if n, _, err := large.Pending(); n != 0 || err != nil {
		t.Errorf("the large message is there already: the link is not slow (%d, %v)", n, err)
	}
	if got := next(t, large); len(got) != 300_000 {
		t.Errorf("got %d bytes, want 300000", len(got))
	}
}

func TestWebSocketSilentServer(t *testing.T) {
	checkLeaks(t)
	for name, greeting := range map[string]string{"nothing": "", "half an answer": "HTTP/1.1 101 Switching Protocols\r\nUpgrade: webs"} {
		t.Run(name, func(t *testing.T) {
			ln := got[net.Listener](t)(net.Listen("tcp", "127.0.0.1:0"))
			defer ln.Close()
			go func() {
				for {
					c, err := ln.Accept()
					if err != nil {
						return
					}
					defer c.Close()
					_, _ = c.Write([]byte(greeting))
				}
			}()
			within(t, "Connect", time.Second, func() {
				_, err := nats.Connect("ws://"+ln.Addr().String(), nats.Timeout(200*time.Millisecond))
				if !errors.Is(err, nats.ErrTimeout) {
					t.Errorf("got %v, want %v", err, nats.ErrTimeout)
				}
			})
		})
	}
}

func TestWebSocketToOthers(t *testing.T) {
	secured, forClient := secureWebSocket(t)
	srv := start(t, natstest.WithWebsocket(), secured)
	for _, tt := range []struct {
		name, url string
		want      string
		is        error
	}{
		{"plain protocol", "ws://" + srv.Addr(), "plain protocol", nil},
		{"plain protocol, TLS", "wss://" + srv.Addr(), "first record does not look like a TLS handshake", nil},
		{"TLS wanted", srv.WebsocketURL(), `"400 Bad Request"`, nil},
		{"unknown authority", wss(srv.WebsocketURL()), "certificate signed by unknown authority", nil},
		{"mixed", srv.URL() + "," + srv.WebsocketURL(), "", nats.ErrMixingWebsocketSchemes},
	} {
		_, err := nats.Connect(tt.url)
		if err == nil || !strings.Contains(err.Error(), tt.want) || tt.is != nil && err != tt.is {
			t.Errorf("%s: got %v, want %v %s", tt.name, err, tt.is, tt.want)
		}
	}
	nc := dial(t, srv.URL(), nats.InProcessServer(srv.Embedded()))
	must(t, nc.Flush())
	// A server in this process speaks the plain protocol, whatever the URL says.
	nc = dial(t, "ws://127.0.0.1:1", nats.InProcessServer(srv.Embedded()))
	must(t, nc.Flush())
	// Secure goes for ws URLs too.
	nc = dial(t, srv.WebsocketURL(), nats.Secure(forClient))
	if _, err := nc.TLSConnectionState(); err != nil {
		t.Errorf("Secure with a ws URL: %v", err)
	}
}

// tlsWithin is a dialer that has TLS of its own: the program's, or a proxy's, which the server knows nothing of.
type tlsWithin struct {
	conf  *tls.Config
	dials atomic.Int32
}

func (d *tlsWithin) Dial(network, address string) (net.Conn, error) {
	d.dials.Add(1)
	return tls.Dial(network, address, d.conf)
}

func TestWebSocketCustomDialer(t *testing.T) {
	secured, forClient := secureWebSocket(t)
	srv := start(t, natstest.WithWebsocket(), secured)
	d := &tlsWithin{conf: forClient}
	nc := dial(t, srv.WebsocketURL(), nats.SetCustomDialer(d))
	exchange(t, nc)
	if got := d.dials.Load(); got != 1 {
		t.Errorf("the dialer was asked %d times, want 1", got)
	}
}

// Other servers of a cluster are known by their WebSocket addresses.
func TestWebSocketDiscoversServers(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	cluster := natstest.Cluster(t, 2, natstest.WithWebsocket(), natstest.WithoutJetStream())
	one, other := cluster.Servers()[0], cluster.Servers()[1]
	reconnected := make(chan struct{}, 1)
	nc := dial(t, one.WebsocketURL(), quickly(), silent(), nats.ReconnectHandler(func(*nats.Conn) { reconnected <- struct{}{} }))
	eventually(t, "the other server", func() bool { return slices.Contains(nc.DiscoveredServers(), other.WebsocketURL()) })
	must(t, one.Stop())
	await(t, "the reconnect", reconnected)
	if got := nc.ConnectedUrl(); got != other.WebsocketURL() {
		t.Errorf("connected to %s, want %s", got, other.WebsocketURL())
	}
	exchange(t, nc)
}

func TestWebSocketHostileBytes(t *testing.T) {
	srv := start(t, natstest.WithWebsocket())
	proxy := natstest.NewProxy(t, srv.WebsocketURL())
	var j journal
	nc := dial(t, proxy.URL(), quickly(), recordEvents(&j))
	sub := subscribeSync(t, nc, "s")
	for i, junk := range []string{
		"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff", "\x88\x01x", "\xf2\x01x", "\x89" + strings.Repeat("\xff", 14), "\x81\x02hi", "\x82\x04MSG ", strings.Repeat("\x00", 1000),
		"\x82\x1eMSG s 1 9223372036854775807\r\n\r\n", "\x88\x02\x03\xf0",
	} {
		proxy.Inject([]byte(junk), natstest.ServerToClient)
		if junk[0] == 0x82 {
			must(t, dial(t, srv.URL()).Publish("s", []byte("y"))) // what is torn may wait for more
			proxy.Cut()
		}
		eventually(t, fmt.Sprintf("the end of the link by %q", junk), func() bool { return nc.Stats().Reconnects > uint64(i) })
	}
	must(t, nc.Publish("s", []byte("alive")))
	eventually(t, "a message", func() bool { return next(t, sub) == "alive" })
}
