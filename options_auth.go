package nats

import (
	"encoding/base64"
	"fmt"
	"net/url"

	"github.com/gannet-io/nats/internal/proto"
)

// AuthTokenHandler makes a token. It is called at every connect.
type AuthTokenHandler func() string

// UserInfoCB makes a user name and a password. It is called at every connect.
type UserInfoCB func() (user, password string)

// UserJWTHandler makes a user's JWT. It is called at every connect.
type UserJWTHandler func() (string, error)

// SignatureHandler signs the server's nonce. It is called at every connect.
type SignatureHandler func(nonce []byte) ([]byte, error)

// UserInfo sets user name and password. User info in the server's URL wins.
func UserInfo(user, password string) Option {
	return set(func(o *Options) { o.User, o.Password = user, password })
}

// UserInfoHandler makes user name and password at every connect. Not together with [UserInfo]: [ErrUserInfoAlreadySet].
func UserInfoHandler(cb UserInfoCB) Option { return set(func(o *Options) { o.UserInfo = cb }) }

// Token sets the token. One in the server's URL (user info without a password) wins. Not together with [TokenHandler]:
// [ErrTokenAlreadySet].
func Token(token string) Option {
	return func(o *Options) error {
		if o.TokenHandler != nil {
			return ErrTokenAlreadySet
		}
		o.Token = token
		return nil
	}
}

// TokenHandler makes the token at every connect. Not together with [Token], nor with a token in the server's URL: [ErrTokenAlreadySet].
func TokenHandler(cb AuthTokenHandler) Option {
	return func(o *Options) error {
		if o.Token != "" {
			return ErrTokenAlreadySet
		}
		o.TokenHandler = cb
		return nil
	}
}

// UserJWT authenticates with a JWT and the signature of its key. Errors: [ErrNoUserCB], [ErrUserButNoSigCB] when one is nil; Connect
// returns [ErrNkeyAndUser] together with [Nkey].
func UserJWT(userCB UserJWTHandler, sigCB SignatureHandler) Option {
	return func(o *Options) error {
		switch {
		case userCB == nil:
			return ErrNoUserCB
		case sigCB == nil:
			return ErrUserButNoSigCB
		}
		o.UserJWT, o.SignatureCB = userCB, sigCB
		return nil
	}
}

// Nkey authenticates with a public key and its signature of the server's nonce. Errors: [ErrNkeyButNoSigCB]; Connect returns
// [ErrNkeysNotSupported] when the server sends no nonce. An empty pubKey takes the setting back.
func Nkey(pubKey string, sigCB SignatureHandler) Option {
	return func(o *Options) error {
		if pubKey != "" && sigCB == nil {
			return ErrNkeyButNoSigCB
		}
		o.Nkey, o.SignatureCB = pubKey, sigCB
		return nil
	}
}

// IgnoreAuthErrorAbort goes on reconnecting when a server refuses the credentials twice in a row. Otherwise the connection is closed then.
func IgnoreAuthErrorAbort() Option {
	return set(func(o *Options) { o.IgnoreAuthErrorAbort = true })
}

// hello is what CONNECT says to a server that sent info, on the goroutine that dials. It calls the user's handlers.
func (o *Options) hello(info *proto.Info, server *url.URL) (proto.Connect, error) {
	c := proto.Connect{
		Verbose: o.Verbose, Pedantic: o.Pedantic, Echo: !o.NoEcho,
		Name: o.Name, Lang: LangString, Version: Version,
	}
	if o.Nkey != "" && info.Nonce == "" {
		return c, ErrNkeysNotSupported
	}
	if err := o.identify(&c, server); err != nil {
		return c, err
	}
	if o.UserJWT != nil {
		jwt, err := o.UserJWT()
		if err != nil {
			return c, err
		}
		c.JWT = jwt
	}
	if c.JWT == "" && c.Nkey == "" {
		return c, nil
	}
	sig, err := o.SignatureCB([]byte(info.Nonce))
	if err != nil {
		return c, fmt.Errorf("error signing nonce: %w", err)
	}
	c.Sig = base64.RawURLEncoding.EncodeToString(sig)
	return c, nil
}

// identify fills in user, password, token and nkey: those of the URL if it has any, else those of the options.
func (o *Options) identify(c *proto.Connect, server *url.URL) error {
	switch {
	case server != nil && server.User != nil:
		c.User = server.User.Username()
		if password, ok := server.User.Password(); ok {
			c.Pass = password
		} else {
			c.User, c.Token = "", c.User
		}
	case o.UserInfo != nil:
		c.User, c.Pass = o.UserInfo()
		c.Token, c.Nkey = o.Token, o.Nkey
	default:
		c.User, c.Pass, c.Token, c.Nkey = o.User, o.Password, o.Token, o.Nkey
	}
	if o.TokenHandler == nil {
		return nil
	}
	if c.Token != "" {
		return ErrTokenAlreadySet
	}
	c.Token = o.TokenHandler()
	return nil
}
