package nats

import (
	"context"
	"math/rand/v2"
	"net"
	"net/url"
	"time"

	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/pool"
	"github.com/gannet-io/nats/internal/proto"
	"github.com/gannet-io/nats/internal/session"
	"github.com/gannet-io/nats/internal/transport"
)

// Connect connects to a server, or to the first of several that answers: url may be a comma-separated list, and is empty for
// [DefaultURL]. Credentials may be part of a URL: nats://user:password@host:4222, nats://token@host.
//
// It returns when the handshake is done. Errors: [ErrNoServers] when no server could be reached, the reason when a server refused,
// and whatever an option says. Nil options are skipped.
func Connect(url string, options ...Option) (*Conn, error) {
	nc, err := collect(url, options)
	if err != nil {
		return nil, err
	}
	return nc.connect(context.Background(), false)
}

// collect makes a connection with the options of a Connect.
func collect(url string, options []Option) (*Conn, error) {
	nc := &Conn{Opts: GetDefaultOptions()}
	nc.Opts.Servers = splitServers(url)
	for _, set := range options {
		if set == nil {
			continue
		}
		if err := set(&nc.Opts); err != nil {
			return nil, err
		}
	}
	return nc, nil
}

// Connect connects with these options, see the function [Connect].
func (o Options) Connect() (*Conn, error) {
	return (&Conn{Opts: o}).connect(context.Background(), false)
}

// connect connects nc, which is new and has its options. It returns when there is a link, if awaitLink says so; else, with
// RetryOnFailedConnect, after the first pass.
func (nc *Conn) connect(ctx context.Context, awaitLink bool) (*Conn, error) {
	nc.Opts.fill()
	if err := nc.Opts.check(); err != nil {
		return nil, err
	}
	nc.ready.Add(1)
	nc.openLog()
	cfg := nc.config()
	cfg.AwaitLink = awaitLink
	eng, err := engine.Connect(ctx, cfg, (*listener)(nc))
	if err != nil {
		nc.quiet.Store(true)
	}
	nc.eng = eng
	nc.ready.Done()
	if err != nil {
		return nil, public(err)
	}
	return nc, nil
}

// Times that no option sets.
const (
	staggerDials = 250 * time.Millisecond // a server silent for so long gets company
	doubtAfter   = 5 * time.Second        // an answer is owed, and nothing has come for so long: one PING
	doubtFor     = 10 * time.Second       // and so long after it the link is stale
)

// config translates the options for the engine.
func (nc *Conn) config() engine.Config {
	o := &nc.Opts
	c := engine.Config{
		URLs: o.Servers, First: o.Url,
		Session: session.Config{
			AllowReconnect: o.AllowReconnect, MaxReconnect: o.MaxReconnect,
			Wait: o.ReconnectWait, Jitter: o.ReconnectJitter, QuickFirst: !o.ownPace,
			RetryFailed: o.RetryOnFailedConnect, IgnoreAuthAbort: o.IgnoreAuthErrorAbort,
			Stagger: staggerDials, DoubtAfter: doubtAfter, DoubtFor: doubtFor,
			PingInterval: o.PingInterval, MaxPingsOut: o.MaxPingsOut,
		},
		Net: o.network(), Keep: o.ReconnectBufSize, WriteTimeout: o.FlusherTimeout,
		Secure: o.wantsTLS(), TLSFirst: o.TLSHandshakeFirst,
		NoEcho:      o.NoEcho,
		WebSocket:   transport.WebSocketConfig{Path: o.ProxyPath, Compress: o.Compression},
		Hello:       (*listener)(nc),
		InboxPrefix: o.inboxPrefix(), IgnoreDiscovered: o.IgnoreDiscoveredServers,
		Counters: nc.counters(),

		ConfirmBytes: o.ConfirmBytes, ConfirmAfter: o.ConfirmInterval, Resend: o.ResendBytes,
	}
	if o.resilient {
		c.Session.FullJitter, c.Session.QuickFirst = !o.ownPace, false
		c.Session.DoubtAfter, c.Session.DoubtFor, c.OwedPublish = resilientDoubtAfter, resilientDoubtFor, true
		c.Session.LeaveWithin = resilientLeave
	}
	if len(o.urls()) == 0 {
		c.URLs = []string{DefaultURL}
	}
	if o.TLSConfig != nil || o.TLSCertCB != nil || o.RootCAsCB != nil {
		c.TLS = o.clientTLS
	}
	if o.WebSocketConnectionHeaders != nil || o.WebSocketConnectionHeadersHandler != nil {
		c.WebSocket.Headers = o.webSocketHeaders
	}
	if !o.NoRandomize {
		c.Shuffle = rand.Shuffle
	}
	if o.Secure || o.TLSConfig != nil {
		c.Session.Jitter = o.ReconnectJitterTLS
	}
	if o.CustomReconnectDelayCB != nil {
		c.Session.CustomDelay = true
		c.Delay = o.CustomReconnectDelayCB
	}
	if cb := o.ReconnectToServerCB; cb != nil {
		c.Choose = func(servers []pool.Server, last proto.Info) (*url.URL, time.Duration) {
			s, pause := cb(publicServers(servers), serverInfo(last))
			if s == nil {
				return nil, pause
			}
			return s.URL, pause
		}
	}
	return c
}

// network says how to dial.
func (o *Options) network() transport.Config {
	c := transport.Config{Dialer: o.dialer(), SkipHostLookup: o.SkipHostLookup, Timeout: o.Timeout}
	if o.CustomDialer != nil {
		c.Custom = o.CustomDialer
	}
	if o.InProcessServer != nil {
		c.InProcess = o.InProcessServer.InProcessConn
	}
	if !o.NoRandomize {
		c.Shuffle = rand.Shuffle
	}
	return c
}

// dialer is a copy of the user's, which may be shared, or nil: there is nothing to set.
func (o *Options) dialer() *net.Dialer {
	if o.Dialer == nil && o.AllowMultipathTCP == nil {
		return nil
	}
	d := new(net.Dialer)
	if o.Dialer != nil {
		*d = *o.Dialer
	}
	if o.AllowMultipathTCP != nil {
		d.SetMultipathTCP(*o.AllowMultipathTCP)
	}
	return d
}

func (o *Options) inboxPrefix() string {
	if o.InboxPrefix == "" {
		return inboxRoot
	}
	return o.InboxPrefix
}
