package nats

import (
	"errors"
	"net/url"
	"testing"

	"github.com/gannet-io/nats/internal/proto"
)

func TestHello(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	sig := func(nonce []byte) ([]byte, error) { return append([]byte("S"), nonce...), nil }
	badSig := func([]byte) ([]byte, error) { return nil, boom }
	jwt := func() (string, error) { return "JWT", nil }
	user := func() (string, string) { return "hu", "hp" }
	token := func() string { return "ht" }
	type creds struct{ user, pass, token, jwt, nkey, sig string }
	tests := []struct {
		name     string
		o        Options
		userInfo string // of the URL
		noNonce  bool
		want     creds
		err      error
	}{
		{name: "nothing"},
		{name: "user", o: Options{User: "u", Password: "p"}, want: creds{user: "u", pass: "p"}},
		{name: "token", o: Options{Token: "t"}, want: creds{token: "t"}},
		{name: "user and token", o: Options{User: "u", Password: "p", Token: "t"}, want: creds{user: "u", pass: "p", token: "t"}},
		{name: "URL wins over user and token", o: Options{User: "u", Password: "p", Token: "t"}, userInfo: "x:y@", want: creds{user: "x", pass: "y"}},
		{name: "token in the URL", o: Options{User: "u", Password: "p", Token: "t"}, userInfo: "tok@", want: creds{token: "tok"}},
		{name: "empty password in the URL", userInfo: "x:@", want: creds{user: "x"}},
		{name: "URL wins over the user handler", o: Options{UserInfo: user}, userInfo: "x:y@", want: creds{user: "x", pass: "y"}},
		{name: "user handler and token", o: Options{UserInfo: user, Token: "t"}, want: creds{user: "hu", pass: "hp", token: "t"}},
		{name: "token handler and user", o: Options{TokenHandler: token, User: "u", Password: "p"}, want: creds{user: "u", pass: "p", token: "ht"}},
		{name: "token handler and user of the URL", o: Options{TokenHandler: token}, userInfo: "x:y@", want: creds{user: "x", pass: "y", token: "ht"}},
		{name: "token handler and token of the URL", o: Options{TokenHandler: token}, userInfo: "tok@", err: ErrTokenAlreadySet},
		{name: "nkey", o: Options{Nkey: "U", SignatureCB: sig}, want: creds{nkey: "U", sig: "U04"}},
		{name: "nkey without a nonce", o: Options{Nkey: "U", SignatureCB: sig}, noNonce: true, err: ErrNkeysNotSupported},
		{name: "URL wins over nkey", o: Options{Nkey: "U", SignatureCB: sig}, userInfo: "x:y@", want: creds{user: "x", pass: "y"}},
		{name: "jwt", o: Options{UserJWT: jwt, SignatureCB: sig}, want: creds{jwt: "JWT", sig: "U04"}},
		{name: "jwt without a nonce", o: Options{UserJWT: jwt, SignatureCB: sig}, noNonce: true, want: creds{jwt: "JWT", sig: "Uw"}},
		{name: "jwt beside the URL", o: Options{UserJWT: jwt, SignatureCB: sig}, userInfo: "x:y@", want: creds{user: "x", pass: "y", jwt: "JWT", sig: "U04"}},
		{name: "empty jwt", o: Options{UserJWT: func() (string, error) { return "", nil }, SignatureCB: badSig}},
		{name: "jwt fails", o: Options{UserJWT: func() (string, error) { return "", boom }, SignatureCB: sig}, err: boom},
		{name: "signature fails", o: Options{Nkey: "U", SignatureCB: badSig}, err: boom},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			u, err := url.Parse("nats://" + tt.userInfo + "127.0.0.1:4222")
			if err != nil {
				t.Fatal(err)
			}
			info := proto.Info{Nonce: "N"}
			if tt.noNonce {
				info.Nonce = ""
			}
			c, err := tt.o.hello(&info, u)
			if tt.err != nil {
				if !errors.Is(err, tt.err) {
					t.Errorf("got %v, want %v", err, tt.err)
				}
				return
			}
			if got := (creds{c.User, c.Pass, c.Token, c.JWT, c.Nkey, c.Sig}); got != tt.want || err != nil {
				t.Errorf("got %+v, %v, want %+v", got, err, tt.want)
			}
			if c.Lang != "go" || c.Version != Version || !c.Echo {
				t.Errorf("it introduces itself as %q %q, echo %v", c.Lang, c.Version, c.Echo)
			}
		})
	}
}
