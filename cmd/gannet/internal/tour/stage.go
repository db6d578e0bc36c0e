package tour

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
)

const (
	dialLimit    = 5 * time.Second  // of one connection
	askLimit     = 10 * time.Second // of a question to the server over the direct connection
	cleanupLimit = 5 * time.Second  // of deleting the stream
	linkLimit    = 20 * time.Second // until a healed link is back
)

// stage is where the tour plays: a server, a proxy with faults before it, and two connections.
type stage struct {
	server *natstest.Server // nil if it is the user's
	proxy  *natstest.Proxy
	direct *nats.Conn // not through the proxy
	link   *nats.Conn // through the proxy
	log    *outages   // of the link

	js       jetstream.JetStream // over the link
	directJS jetstream.JetStream
}

// setUp starts or finds everything. What it returns has to be closed, also with an error.
func setUp(ctx context.Context, cfg Config, told func(error)) (*stage, error) {
	s := &stage{log: newOutages()}
	target, err := s.target(cfg)
	if err != nil {
		return s, err
	}
	login := []nats.Option{nats.Timeout(dialLimit)}
	if cfg.Creds != "" {
		login = append(login, nats.UserCredentials(cfg.Creds))
	}
	if s.direct, err = nats.ConnectContext(ctx, target, append(login, nats.Name("gannet tour, looking on"), quiet)...); err != nil {
		return s, fmt.Errorf("connecting to %s: %w", redact(target), err)
	}
	if s.directJS, err = jetstream.New(s.direct); err != nil {
		return s, err
	}
	if err := s.needJetStream(ctx); err != nil {
		return s, err
	}
	if s.proxy, err = natstest.StartProxy(s.direct.ConnectedUrl()); err != nil {
		return s, fmt.Errorf("starting the fault proxy: %w", err)
	}
	if s.link, err = nats.ConnectContext(ctx, s.proxy.URL(), append(login, s.linkOptions(told)...)...); err != nil {
		return s, fmt.Errorf("connecting through the fault proxy: %w", err)
	}
	s.js, err = jetstream.New(s.link)
	return s, err
}

func (s *stage) target(cfg Config) (_ string, err error) {
	if cfg.Server != "" {
		return cfg.Server, nil
	}
	if s.server, err = natstest.Start(); err != nil {
		return "", fmt.Errorf("starting the embedded server: %w", err)
	}
	return s.server.URL(), nil
}

// linkOptions keep the link behind the proxy, whatever other servers the first one knows.
func (s *stage) linkOptions(told func(error)) []nats.Option {
	opts := []nats.Option{
		nats.Name("gannet tour"),
		nats.MaxReconnects(-1),
		nats.IgnoreDiscoveredServers(),
		nats.DisconnectErrHandler(func(*nats.Conn, error) { s.log.lose() }),
		nats.ReconnectHandler(func(*nats.Conn) { s.log.regain() }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { told(err) }),
	}
	if _, err := s.direct.TLSConnectionState(); err == nil {
		// The certificate is the server's, not the proxy's.
		opts = append(opts, nats.Secure(&tls.Config{ServerName: hostname(s.direct.ConnectedUrl())}))
	}
	return opts
}

// quiet keeps a connection from writing to standard error.
func quiet(o *nats.Options) error {
	o.AsyncErrorCB = func(*nats.Conn, *nats.Subscription, error) {}
	return nil
}

func (s *stage) needJetStream(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	_, err := s.directJS.AccountInfo(ctx)
	where := s.direct.ConnectedUrlRedacted()
	switch {
	case errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return fmt.Errorf("%w for this account on %s, and the tour needs it", ErrNoJetStream, where)
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, nats.ErrNoResponders):
		return fmt.Errorf("%w on %s, and the tour needs it: start the server with -js, or leave out --server", ErrNoJetStream, where)
	case err != nil:
		return fmt.Errorf("asking %s about JetStream: %w", where, err)
	}
	return nil
}

// describe names the server for the opening.
func (s *stage) describe() string {
	kind := "the user's"
	if s.server != nil {
		kind = "embedded"
	}
	return fmt.Sprintf("nats-server %s, %s, %s", s.direct.ConnectedServerVersion(), kind, s.direct.ConnectedUrlRedacted())
}

// deleteStream leaves nothing of the stream and its consumers on the server, also when the tour's context is over. It returns nil if
// there is none.
func (s *stage) deleteStream(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupLimit)
	defer cancel()
	if err := s.directJS.DeleteStream(ctx, name); !errors.Is(err, jetstream.ErrStreamNotFound) {
		return err
	}
	return nil
}

// close ends what is there. The link goes first: it would try to come back if the proxy did.
func (s *stage) close() {
	if s.link != nil {
		s.link.Close()
	}
	if s.proxy != nil {
		s.proxy.Close()
	}
	if s.direct != nil {
		s.direct.Close()
	}
	if s.server != nil {
		_ = s.server.Close() // its store is a temporary directory; there is nothing to save
	}
}

func hostname(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// redact hides passwords and tokens in an address, or list of addresses, that the user gave.
func redact(addresses string) string {
	list := strings.Split(addresses, ",")
	for i, address := range list {
		at := strings.LastIndexByte(address, '@')
		if at < 0 {
			continue
		}
		scheme, user := "", address[:at]
		if before, after, ok := strings.Cut(user, "://"); ok {
			scheme, user = before+"://", after
		}
		if name, _, ok := strings.Cut(user, ":"); ok {
			user = name + ":xxxxx"
		} else {
			user = "xxxxx" // a token
		}
		list[i] = scheme + user + address[at:]
	}
	return strings.Join(list, ",")
}
