package nats

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"strings"

	"github.com/gannet-io/nats/internal/engine"
)

// Logger has l told of what happens to the connection: links made and lost, failed attempts, servers that join the pool or go into lame duck mode,
// the end, and everything that the error handler gets, such as slow consumers and lost messages, with its numbers as attributes. Messages
// themselves are not logged.
//
// Records are written in the order of events, on the goroutine that callbacks run on and in front of each callback: a handler that
// blocks holds up callbacks and nothing else. URLs are written without user and password, and where an error's text has a secret of this
// connection's options or URLs, it is replaced by xxxxx. nil, the default, logs nothing; [ErrorHandler] is not affected either way. Connect returns [ErrInvalidArg] for a logger
// without a handler.
func Logger(l *slog.Logger) Option { return set(func(o *Options) { o.Logger = l }) }

// openLog makes the connection's logger.
func (nc *Conn) openLog() {
	nc.logger = nc.Opts.Logger
	if name := nc.Opts.Name; nc.logger != nil && name != "" {
		nc.logger = nc.logger.With("connection", name)
	}
}

// logEvent writes what the handler of e is told of next.
func (nc *Conn) logEvent(e engine.Event, err error) {
	switch e {
	case engine.Connected:
		nc.log(slog.LevelInfo, "connected", nc.serverAttrs()...)
	case engine.Reconnected:
		nc.log(slog.LevelInfo, "reconnected", nc.serverAttrs()...)
	case engine.Disconnected:
		nc.log(slog.LevelWarn, "disconnected", nc.errorAttr(err)...)
	case engine.ReconnectFailed:
		nc.log(slog.LevelWarn, "reconnect attempt failed", nc.errorAttr(err)...)
	case engine.LameDuck:
		nc.log(slog.LevelWarn, "server in lame duck mode")
	case engine.Discovered:
		nc.log(slog.LevelInfo, "servers discovered", slog.Int("servers", len(nc.pool())))
	case engine.LeftConsumer:
		nc.log(slog.LevelWarn, "consumer not deleted", nc.errorAttr(err)...)
	case engine.Closed:
		var attrs []slog.Attr
		if last := nc.LastError(); last != nil {
			attrs = append(attrs, slog.String("last_error", nc.redact(last.Error())))
		}
		nc.log(slog.LevelInfo, "closed", attrs...)
	}
}

func (nc *Conn) log(level slog.Level, what string, attrs ...slog.Attr) {
	nc.logger.LogAttrs(context.Background(), level, "nats: "+what, attrs...)
}

// serverAttrs name the current server.
func (nc *Conn) serverAttrs() []slog.Attr {
	info := nc.lastInfo()
	attrs := []slog.Attr{slog.String("server_name", info.Name), slog.String("server_id", info.ID), slog.Uint64("client_id", info.CID)}
	if info.Cluster != "" {
		attrs = append(attrs, slog.String("cluster", info.Cluster))
	}
	if u := nc.eng.URL(); u != nil {
		attrs = append(attrs, slog.String("server", bareURL(u)))
	}
	return attrs
}

func (nc *Conn) errorAttr(err error) []slog.Attr {
	if err == nil {
		return nil
	}
	return []slog.Attr{slog.String("error", nc.redact(err.Error()))}
}

// logError writes what the error handler is told of.
func (nc *Conn) logError(sub *Subscription, err error) {
	if nc.logger == nil {
		return
	}
	attrs := nc.errorAttr(err)
	if sub != nil {
		attrs = append(attrs, slog.String("subject", sub.Subject), slog.String("queue", sub.Queue))
	}
	level, what := slog.LevelError, "asynchronous error"
	var loss *LossError
	var reports *DroppedReportsError
	switch {
	case errors.Is(err, ErrSlowConsumer) && sub != nil:
		level, what = slog.LevelWarn, "slow consumer"
		_, dropped := sub.droppings()
		msgs, bytes, _ := sub.Pending()
		attrs = append(attrs, slog.Uint64("dropped", dropped), slog.Int("pending_msgs", msgs), slog.Int("pending_bytes", bytes))
	case errors.As(err, &loss):
		what = "messages lost"
		attrs = append(attrs, slog.Int("unconfirmed", loss.Unconfirmed), slog.Int("dropped", loss.Dropped))
		if loss.Cause != nil {
			attrs = append(attrs, slog.String("cause", nc.redact(loss.Cause.Error())))
		}
	case errors.As(err, &reports):
		level, what = slog.LevelWarn, "reports dropped"
		attrs = append(attrs, slog.Uint64("reports", reports.Count))
	}
	nc.log(level, what, attrs...)
}

// bareURL is u without its user part, which may be a token.
func bareURL(u *url.URL) string {
	bare := *u
	bare.User = nil
	return bare.String()
}

// redact takes the connection's secrets out of a text that others have written: dialers, credential handlers, servers.
func (nc *Conn) redact(text string) string {
	hide := func(secret string) {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "xxxxx")
		}
	}
	hide(nc.Opts.Password)
	hide(nc.Opts.Token)
	for _, s := range nc.pool() {
		if s.URL.User == nil {
			continue
		}
		if password, ok := s.URL.User.Password(); ok {
			hide(password)
			hide(url.QueryEscape(password))
		} else {
			hide(s.URL.User.Username()) // a token
		}
	}
	return text
}
