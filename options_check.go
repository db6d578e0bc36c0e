package nats

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/gannet-io/nats/internal/subject"
)

// check refuses settings that contradict each other or make no sense. It is the one place for it: what an [Option] itself refuses is
// only what cannot be stored.
func (o *Options) check() error {
	switch {
	case o.Token != "" && o.TokenHandler != nil:
		return ErrTokenAlreadySet
	case o.UserInfo != nil && (o.User != "" || o.Password != ""):
		return ErrUserInfoAlreadySet
	case o.UserJWT != nil && o.Nkey != "":
		return ErrNkeyAndUser
	case o.UserJWT != nil && o.SignatureCB == nil:
		return ErrUserButNoSigCB
	case o.Nkey != "" && o.SignatureCB == nil:
		return ErrNkeyButNoSigCB
	case o.WebSocketConnectionHeaders != nil && o.WebSocketConnectionHeadersHandler != nil:
		return ErrWebSocketHeadersAlreadySet
	case o.Timeout < 0:
		return fmt.Errorf("%w: negative Timeout", ErrInvalidArg)
	case strings.ContainsFunc(o.ProxyPath, unicode.IsControl):
		return fmt.Errorf("%w: control character in ProxyPath", ErrInvalidArg)
	case strings.ContainsAny(o.Name, "\r\n"):
		return fmt.Errorf("%w: line break in Name", ErrInvalidArg)
	}
	if o.Logger != nil && o.Logger.Handler() == nil {
		return fmt.Errorf("%w: Logger without a handler", ErrInvalidArg)
	}
	if err := o.checkConfirm(); err != nil {
		return err
	}
	if o.InboxPrefix != "" {
		if err := checkInboxPrefix(o.InboxPrefix); err != nil {
			return err
		}
	}
	return o.checkServers()
}

func (o *Options) checkServers() error {
	if o.InProcessServer != nil {
		return nil
	}
	webSocket := slices.ContainsFunc(o.urls(), func(u string) bool {
		s := strings.ToLower(u)
		return strings.HasPrefix(s, "ws://") || strings.HasPrefix(s, "wss://")
	})
	plain := slices.ContainsFunc(o.urls(), func(u string) bool {
		s := strings.ToLower(u)
		return !strings.HasPrefix(s, "ws://") && !strings.HasPrefix(s, "wss://")
	})
	if webSocket && plain {
		return ErrMixingWebsocketSchemes
	}
	return nil
}

// urls are all servers that were named, in no particular order.
func (o *Options) urls() []string {
	if o.Url == "" {
		return o.Servers
	}
	return append([]string{o.Url}, o.Servers...)
}

// wantsTLS reports whether the user asked for TLS, be it by one server's scheme: that goes for all of them.
func (o *Options) wantsTLS() bool {
	return o.Secure || o.TLSConfig != nil || slices.ContainsFunc(o.urls(), func(u string) bool {
		s := strings.ToLower(u)
		return strings.HasPrefix(s, "tls://") || strings.HasPrefix(s, "wss://")
	})
}

var errInboxPrefix = errors.New("nats: invalid custom prefix")

func checkInboxPrefix(p string) error {
	if !subject.ValidSubscribe(p) || strings.ContainsAny(p, "*>") {
		return errInboxPrefix
	}
	return nil
}

// splitServers takes a comma-separated list apart. Blank entries are left out: a trailing comma is no server.
func splitServers(list string) (servers []string) {
	for s := range strings.SplitSeq(list, ",") {
		if s = strings.TrimSpace(s); s != "" {
			servers = append(servers, s)
		}
	}
	return servers
}
