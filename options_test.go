package nats

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"
)

func TestDefaults(t *testing.T) {
	t.Parallel()
	var o Options
	o.fill()
	for what, ok := range map[string]bool{
		"Timeout": o.Timeout == 2*time.Second, "MaxPingsOut": o.MaxPingsOut == 2, "SubChanLen": o.SubChanLen == 65536,
		"ReconnectBufSize": o.ReconnectBufSize == 8<<20, "DrainTimeout": o.DrainTimeout == 30*time.Second,
		"FlusherTimeout": o.FlusherTimeout == time.Minute, "AsyncErrorCB": o.AsyncErrorCB != nil,
		"AllowReconnect": !o.AllowReconnect, "PingInterval": o.PingInterval == 0, "ReconnectWait": o.ReconnectWait == 0,
	} {
		if !ok {
			t.Errorf("%s is wrong in %+v", what, o)
		}
	}
	o = GetDefaultOptions()
	o.fill()
	if o.ownPace {
		t.Error("the default pace counts as the user's own")
	}
	for name, f := range map[string]Option{
		"ReconnectWait": ReconnectWait(DefaultReconnectWait), "ReconnectJitter": ReconnectJitter(DefaultReconnectJitter, DefaultReconnectJitterTLS),
		"field":                func(o *Options) error { o.ReconnectWait = time.Second; return nil },
		"CustomReconnectDelay": CustomReconnectDelay(func(int) time.Duration { return 0 }),
	} {
		o := GetDefaultOptions()
		_ = f(&o)
		if o.fill(); !o.ownPace {
			t.Errorf("%s does not rule alone", name)
		}
	}
}

// TestOptionsSetTheirField applies every option that cannot fail, and looks which field has changed.
func TestOptionsSetTheirField(t *testing.T) {
	t.Parallel()
	conn := func(*Conn) {}
	connErr := func(*Conn, error) {}
	for field, f := range map[string]Option{
		"Name": Name("n"), "Timeout": Timeout(time.Minute), "Dialer": Dialer(new(net.Dialer)), "CustomDialer": SetCustomDialer(new(net.Dialer)),
		"InProcessServer": InProcessServer(noServer{}), "AllowMultipathTCP": MultipathTCP(true), "SkipHostLookup": SkipHostLookup(),
		"NoEcho": NoEcho(), "InboxPrefix": CustomInboxPrefix("in"), "UseOldRequestStyle": UseOldRequestStyle(),
		"SkipSubjectValidation": SkipSubjectValidation(), "PermissionErrOnSubscribe": PermissionErrOnSubscribe(true),
		"NoRandomize": DontRandomize(), "IgnoreDiscoveredServers": IgnoreDiscoveredServers(), "AllowReconnect": NoReconnect(),
		"RetryOnFailedConnect": RetryOnFailedConnect(true), "MaxReconnect": MaxReconnects(1), "ReconnectWait": ReconnectWait(1),
		"ReconnectJitter": ReconnectJitter(1, DefaultReconnectJitterTLS), "ReconnectJitterTLS": ReconnectJitter(DefaultReconnectJitter, 1),
		"CustomReconnectDelayCB": CustomReconnectDelay(func(int) time.Duration { return 0 }), "ReconnectBufSize": ReconnectBufSize(-1),
		"ReconnectOnFlusherError": ReconnectOnFlusherError(), "PingInterval": PingInterval(1), "MaxPingsOut": MaxPingsOutstanding(9),
		"FlusherTimeout": FlusherTimeout(1), "WriteBufferSize": WriteBufferSize(1), "DrainTimeout": DrainTimeout(1), "SubChanLen": SyncQueueLen(1),
		"NoCallbacksAfterClientClose": NoCallbacksAfterClientClose(), "ConnectedCB": ConnectHandler(conn), "ClosedCB": ClosedHandler(conn),
		"DisconnectedErrCB": DisconnectErrHandler(connErr), "DisconnectedCB": DisconnectHandler(conn), "ReconnectedCB": ReconnectHandler(conn),
		"ReconnectErrCB": ReconnectErrHandler(connErr), "DiscoveredServersCB": DiscoveredServersHandler(conn),
		"LameDuckModeHandler": LameDuckModeHandler(conn), "AsyncErrorCB": ErrorHandler(func(*Conn, *Subscription, error) {}),
		"ReconnectToServerCB": ReconnectToServer(func([]Server, ServerInfo) (*Server, time.Duration) { return nil, 0 }),
		"Compression":         Compression(true), "ProxyPath": ProxyPath("p"), "WebSocketConnectionHeaders": WebSocketConnectionHeaders(http.Header{}),
		"WebSocketConnectionHeadersHandler": WebSocketConnectionHeadersHandler(func() (http.Header, error) { return nil, nil }),
		"IgnoreAuthErrorAbort":              IgnoreAuthErrorAbort(), "Token": Token("t"), "TokenHandler": TokenHandler(func() string { return "" }),
		"UserInfo": UserInfoHandler(func() (string, string) { return "", "" }), "User": UserInfo("u", ""), "Password": UserInfo("", "p"),
		"Secure": Secure(),
		"Logger": Logger(slog.New(slog.DiscardHandler)), "ConfirmBytes": ConfirmEvery(1, 0), "ConfirmInterval": ConfirmEvery(0, 1),
		"ResendBytes": ResendUnconfirmed(1), "resilient": Resilient(),
	} {
		o, def := GetDefaultOptions(), GetDefaultOptions()
		if err := f(&o); err != nil {
			t.Errorf("%s: %v", field, err)
		}
		v, d := reflect.ValueOf(o), reflect.ValueOf(def)
		for i := range v.NumField() {
			name := v.Type().Field(i).Name
			same := equalFields(v.Field(i), d.Field(i))
			if name != "ownPace" && name != "chosen" && same == (name == field) {
				t.Errorf("the option for %s: %s changed: %v", field, name, !same)
			}
		}
	}
}

func equalFields(a, b reflect.Value) bool {
	if a.Kind() == reflect.Func || a.Kind() == reflect.Pointer || a.Kind() == reflect.Interface || a.Kind() == reflect.Map || a.Kind() == reflect.Slice {
		return a.IsNil() == b.IsNil()
	}
	return a.Equal(b)
}

type noServer struct{}

func (noServer) InProcessConn() (net.Conn, error) { return nil, errors.New("no server") }

func TestRefusedOptions(t *testing.T) {
	t.Parallel()
	jwt := func() (string, error) { return "", nil }
	sig := func([]byte) ([]byte, error) { return nil, nil }
	user := func() (string, string) { return "", "" }
	token := func() string { return "" }
	field := func(f func(*Options)) Option { return set(f) }
	missing := filepath.Join(t.TempDir(), "missing")
	tests := []struct {
		name string
		set  []Option
		want error // nil: any
	}{
		{"token, then handler", []Option{Token("t"), TokenHandler(token)}, ErrTokenAlreadySet},
		{"handler, then token", []Option{TokenHandler(token), Token("t")}, ErrTokenAlreadySet},
		{"token and handler as fields", []Option{field(func(o *Options) { o.Token, o.TokenHandler = "t", token })}, ErrTokenAlreadySet},
		{"user and handler", []Option{UserInfo("u", "p"), UserInfoHandler(user)}, ErrUserInfoAlreadySet},
		{"jwt and nkey", []Option{UserJWT(jwt, sig), Nkey("U", sig)}, ErrNkeyAndUser},
		{"jwt without callback", []Option{UserJWT(nil, sig)}, ErrNoUserCB},
		{"jwt without signature", []Option{UserJWT(jwt, nil)}, ErrUserButNoSigCB},
		{"jwt without signature as fields", []Option{field(func(o *Options) { o.UserJWT = jwt })}, ErrUserButNoSigCB},
		{"nkey without signature", []Option{Nkey("U", nil)}, ErrNkeyButNoSigCB},
		{"nkey without signature as fields", []Option{field(func(o *Options) { o.Nkey = "U" })}, ErrNkeyButNoSigCB},
		{"two configurations", []Option{Secure(nil, nil)}, ErrMultipleTLSConfigs},
		{"neither certificate nor authorities", []Option{ClientTLSConfig(nil, nil)}, ErrClientCertOrRootCAsRequired},
		{"websocket headers twice", []Option{
			WebSocketConnectionHeaders(http.Header{}), WebSocketConnectionHeadersHandler(func() (http.Header, error) { return nil, nil }),
		}, ErrWebSocketHeadersAlreadySet},
		{"mixed schemes", []Option{field(func(o *Options) { o.Servers = []string{"ws://a", "nats://b"} })}, ErrMixingWebsocketSchemes},
		{"control character in the proxy path", []Option{ProxyPath("a\r\nb")}, nil},
		{"negative timeout", []Option{Timeout(-1)}, nil},
		{"line break in the name", []Option{Name("a\r\nb")}, nil},
		{"empty prefix", []Option{CustomInboxPrefix("")}, errInboxPrefix},
		{"prefix with a dot at its end", []Option{CustomInboxPrefix("a.")}, errInboxPrefix},
		{"prefix with a wildcard", []Option{CustomInboxPrefix("a.*")}, errInboxPrefix},
		{"prefix with white space", []Option{CustomInboxPrefix("a b")}, errInboxPrefix},
		{"prefix as a field", []Option{field(func(o *Options) { o.InboxPrefix = "a.>" })}, errInboxPrefix},
		{"no certificate", []Option{ClientCert(missing, missing)}, nil},
		{"no authorities", []Option{RootCAs(missing)}, nil},
		{"no credentials", []Option{UserCredentials(missing)}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			// The address refuses: an option that is accepted leads to another error.
			nc, err := Connect("", append(tt.set, nil)...)
			if nc != nil || err == nil || tt.want != nil && err != tt.want || err == ErrNoServers {
				t.Errorf("got %v, %v, want %v", nc, err, tt.want)
			}
		})
	}
}

func TestSplitServers(t *testing.T) {
	t.Parallel()
	for list, want := range map[string][]string{
		"": nil, " , ": nil, "a": {"a"}, "nats://a:1, b ,,c": {"nats://a:1", "b", "c"},
	} {
		if got := splitServers(list); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", list, got, want)
		}
	}
}

func TestWantsTLS(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		o    Options
		want bool
	}{
		{Options{Servers: []string{"nats://a", "b"}}, false},
		{Options{Servers: []string{"nats://a", "TLS://b"}}, true},
		{Options{Url: "tls://a"}, true},
		{Options{Secure: true}, true},
		{Options{TLSConfig: &tls.Config{}}, true},
	} {
		if got := tt.o.wantsTLS(); got != tt.want {
			t.Errorf("%q, %v: got %v, want %v", tt.o.urls(), tt.o.Secure, got, tt.want)
		}
	}
}

// TestClientTLS: callbacks run at every connect, and the user's configuration stays as it is.
func TestClientTLS(t *testing.T) {
	t.Parallel()
	own := &tls.Config{ServerName: "s"}
	calls := 0
	o := Options{
		TLSConfig: own,
		TLSCertCB: func() (tls.Certificate, error) { calls++; return tls.Certificate{Certificate: [][]byte{{1}}}, nil },
		RootCAsCB: func() (*x509.CertPool, error) { calls++; return x509.NewCertPool(), nil },
	}
	for range 2 {
		cfg, err := o.clientTLS()
		if err != nil || cfg.ServerName != "s" || len(cfg.Certificates) != 1 || cfg.RootCAs == nil {
			t.Errorf("got %+v, %v", cfg, err)
		}
	}
	if calls != 4 || own.RootCAs != nil || own.Certificates != nil {
		t.Errorf("%d calls, want 4; the user's configuration is %+v", calls, own)
	}
	boom := errors.New("boom")
	o.RootCAsCB = func() (*x509.CertPool, error) { return nil, boom }
	if _, err := o.clientTLS(); err != boom {
		t.Errorf("got %v, want the callback's error", err)
	}
}
