package test

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/natstest"
	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"
)

func TestConnectAndGetters(t *testing.T) {
	srv := start(t, natstest.WithName("ada"))
	nc := dial(t, srv.URL(), nats.Name("client"))
	if got, want := nc.Status(), nats.CONNECTED; got != want {
		t.Errorf("status %v, want %v", got, want)
	}
	if got, want := nc.ConnectedServerName(), "ada"; got != want {
		t.Errorf("server name %q, want %q", got, want)
	}
	if got, want := nc.ConnectedAddr(), srv.Addr(); got != want {
		t.Errorf("address %q, want %q", got, want)
	}
	if got, want := nc.ConnectedUrl(), srv.URL(); got != want {
		t.Errorf("URL %q, want %q", got, want)
	}
	if got, want := nc.ConnectedServerId(), srv.Embedded().ID(); got != want {
		t.Errorf("server id %q, want %q", got, want)
	}
	if got, want := nc.MaxPayload(), int64(1<<20); got != want {
		t.Errorf("max payload %d, want %d", got, want)
	}
	if !nc.HeadersSupported() || nc.AuthRequired() || nc.TLSRequired() {
		t.Errorf("headers %v, auth %v, TLS %v", nc.HeadersSupported(), nc.AuthRequired(), nc.TLSRequired())
	}
	conns := got[*server.Connz](t)(srv.Embedded().Connz(nil))
	if len(conns.Conns) != 1 || conns.Conns[0].Name != "client" {
		t.Fatalf("the server's connections: %+v, want one named client", conns.Conns)
	}
	if cid := got[uint64](t)(nc.GetClientID()); cid != conns.Conns[0].Cid {
		t.Errorf("client id %d, the server says %d", cid, conns.Conns[0].Cid)
	}
	if ip := got[net.IP](t)(nc.GetClientIP()); ip.String() != "127.0.0.1" {
		t.Errorf("client IP %v", ip)
	}
	if rtt := got[time.Duration](t)(nc.RTT()); rtt <= 0 {
		t.Errorf("RTT %v", rtt)
	}
	nc.Close()
	if _, err := nc.RTT(); err != nats.ErrConnectionClosed {
		t.Errorf("RTT after Close: %v", err)
	}
	if nc.Status() != nats.CLOSED || nc.ConnectedAddr() != "" || nc.ConnectedUrl() != "" {
		t.Errorf("after Close: %v %q %q", nc.Status(), nc.ConnectedAddr(), nc.ConnectedUrl())
	}
}

func TestConnectFails(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	refused := "nats://" + ln.Addr().String()
	must(t, ln.Close())
	for name, tc := range map[string]struct {
		url  string
		opts []nats.Option
		want error
	}{
		"refused":            {url: refused, want: nats.ErrNoServers},
		"list refused":       {url: refused + "," + refused, want: nats.ErrNoServers},
		"token and handler":  {url: refused, opts: []nats.Option{nats.Token("a"), nats.TokenHandler(func() string { return "" })}, want: nats.ErrTokenAlreadySet},
		"user and handler":   {url: refused, opts: []nats.Option{nats.UserInfo("a", "b"), nats.UserInfoHandler(func() (string, string) { return "", "" })}, want: nats.ErrUserInfoAlreadySet},
		"JWT without a user": {url: refused, opts: []nats.Option{nats.UserJWT(nil, nil)}, want: nats.ErrNoUserCB},
		"nkey without sign":  {url: refused, opts: []nats.Option{nats.Nkey("UX", nil)}, want: nats.ErrNkeyButNoSigCB},
		"two TLS configs":    {url: refused, opts: []nats.Option{nats.Secure(&tls.Config{}, &tls.Config{})}, want: nats.ErrMultipleTLSConfigs},
	} {
		nc, err := nats.Connect(tc.url, tc.opts...)
		if !errors.Is(err, tc.want) || nc != nil {
			t.Errorf("%s: got %v, %v, want %v", name, nc, err, tc.want)
		}
	}
}

// A silent server is given up after Timeout, and the next one tried without waiting for that.
func TestConnectPassesSilentServers(t *testing.T) {
	srv := start(t)
	silentOnes := make([]string, 2)
	for i := range silentOnes {
		proxy := natstest.NewProxy(t, srv.URL())
		proxy.HalfHandshake(natstest.NoInfo)
		silentOnes[i] = proxy.URL()
	}
	list := strings.Join(append(silentOnes, srv.URL()), ",")
	within(t, "connect with two of three servers silent", 1500*time.Millisecond, func() { // 0.6 s, and time for the scheduler
		nc := dial(t, list, nats.DontRandomize())
		if got, want := nc.ConnectedUrl(), srv.URL(); got != want {
			t.Errorf("connected to %s, want %s", got, want)
		}
	})
	within(t, "connect to a silent server", 1500*time.Millisecond, func() {
		_, err := nats.Connect(silentOnes[0], nats.Timeout(300*time.Millisecond))
		if !errors.Is(err, nats.ErrTimeout) && !errors.Is(err, nats.ErrNoServers) {
			t.Errorf("got %v, want a timeout or no servers", err)
		}
	})
}

func TestConnectRetriesWhenAsked(t *testing.T) {
	srv := start(t)
	must(t, srv.Stop())
	connected := make(chan struct{}, 1)
	nc := dial(t, srv.URL(), nats.RetryOnFailedConnect(true), quickly(),
		nats.ConnectHandler(func(*nats.Conn) { connected <- struct{}{} }))
	if nc.IsConnected() {
		t.Fatalf("status %v without a server", nc.Status())
	}
	sub := got[*nats.Subscription](t)(nc.SubscribeSync("early"))
	must(t, nc.Publish("early", []byte("kept")))
	must(t, srv.Restart(true))
	await(t, "the connect handler", connected)
	if got := next(t, sub); got != "kept" {
		t.Errorf("got %q", got)
	}
}

func TestAuthorization(t *testing.T) {
	user := got[nkeys.KeyPair](t)(nkeys.CreateUser())
	public := got[string](t)(user.PublicKey())
	seed := got[[]byte](t)(user.Seed())
	seedFile := filepath.Join(t.TempDir(), "user.nk")
	must(t, os.WriteFile(seedFile, seed, 0o600))
	srv := start(t, natstest.WithConfig(func(o *server.Options) {
		o.Users = []*server.User{{Username: "ada", Password: "secret"}}
		o.Nkeys = []*server.NkeyUser{{Nkey: public}}
	}))
	token := natstest.Run(t, natstest.WithToken("s3cret"), natstest.WithoutJetStream())
	at := func(s *natstest.Server, userinfo string) string {
		return strings.Replace(s.URL(), "//", "//"+userinfo+"@", 1)
	}
	sign := func(nonce []byte) ([]byte, error) { return user.Sign(nonce) }
	fromSeed := got[nats.Option](t)(nats.NkeyOptionFromSeed(seedFile))

	for name, tc := range map[string]struct {
		url string
		opt nats.Option
		ok  bool
	}{
		"user in options":  {srv.URL(), nats.UserInfo("ada", "secret"), true},
		"user in URL":      {at(srv, "ada:secret"), nil, true},
		"URL wins":         {at(srv, "ada:secret"), nats.UserInfo("ada", "wrong"), true},
		"user handler":     {srv.URL(), nats.UserInfoHandler(func() (string, string) { return "ada", "secret" }), true},
		"wrong password":   {srv.URL(), nats.UserInfo("ada", "wrong"), false},
		"no credentials":   {srv.URL(), nil, false},
		"token in options": {token.URL(), nats.Token("s3cret"), true},
		"token in URL":     {at(token, "s3cret"), nil, true},
		"token handler":    {token.URL(), nats.TokenHandler(func() string { return "s3cret" }), true},
		"wrong token":      {token.URL(), nats.Token("other"), false},
		"nkey":             {srv.URL(), nats.Nkey(public, sign), true},
		"nkey from seed":   {srv.URL(), fromSeed, true},
		"wrong signature":  {srv.URL(), nats.Nkey(public, func([]byte) ([]byte, error) { return make([]byte, 64), nil }), false},
	} {
		nc, err := nats.Connect(tc.url, tc.opt)
		switch {
		case tc.ok && err != nil:
			t.Errorf("%s: %v", name, err)
		case !tc.ok && !errors.Is(err, nats.ErrAuthorization):
			t.Errorf("%s: got %v, want %v", name, err, nats.ErrAuthorization)
		case tc.ok:
			if err := nc.Flush(); err != nil {
				t.Errorf("%s: flush: %v", name, err)
			}
			nc.Close()
		}
	}
}

// operator is a server's operator with one account, all keys real.
type operator struct {
	account nkeys.KeyPair
	config  string
}

func newOperator(t *testing.T) *operator {
	t.Helper()
	key := got[nkeys.KeyPair](t)(nkeys.CreateOperator())
	account := got[nkeys.KeyPair](t)(nkeys.CreateAccount())
	system := got[nkeys.KeyPair](t)(nkeys.CreateAccount())
	pub := func(k nkeys.KeyPair) string { return got[string](t)(k.PublicKey()) }
	oc := jwt.NewOperatorClaims(pub(key))
	oc.SystemAccount = pub(system)
	encode := func(c jwt.Claims) string { return got[string](t)(c.Encode(key)) }
	ac, sc := jwt.NewAccountClaims(pub(account)), jwt.NewAccountClaims(pub(system))
	return &operator{account: account, config: "operator: " + encode(oc) + "\nresolver: MEMORY\nresolver_preload: {\n" +
		pub(account) + ": " + encode(ac) + "\n" + pub(system) + ": " + encode(sc) + "\n}\n"}
}

// user makes a user's credentials file.
func (o *operator) user(t *testing.T, change func(*jwt.UserClaims)) (token string, seed, creds []byte) {
	t.Helper()
	key := got[nkeys.KeyPair](t)(nkeys.CreateUser())
	claims := jwt.NewUserClaims(got[string](t)(key.PublicKey()))
	if change != nil {
		change(claims)
	}
	token = got[string](t)(claims.Encode(o.account))
	seed = got[[]byte](t)(key.Seed())
	return token, seed, got[[]byte](t)(jwt.FormatUserConfig(token, seed))
}

func TestCredentialsOfRealAccounts(t *testing.T) {
	op := newOperator(t)
	srv := start(t, natstest.WithConfigText(op.config))
	token, seed, creds := op.user(t, nil)
	_, _, foreign := newOperator(t).user(t, nil)
	dir := t.TempDir()
	chained, jwtFile, seedFile := filepath.Join(dir, "u.creds"), filepath.Join(dir, "u.jwt"), filepath.Join(dir, "u.nk")
	must(t, os.WriteFile(chained, creds, 0o600))
	must(t, os.WriteFile(jwtFile, []byte(token), 0o600))
	must(t, os.WriteFile(seedFile, seed, 0o600))
	for name, tc := range map[string]struct {
		opt nats.Option
		ok  bool
	}{
		"one file":       {nats.UserCredentials(chained), true},
		"two files":      {nats.UserCredentials(jwtFile, seedFile), true},
		"bytes":          {nats.UserCredentialBytes(creds), true},
		"JWT and seed":   {nats.UserJWTAndSeed(token, string(seed)), true},
		"other operator": {nats.UserCredentialBytes(foreign), false},
		"nothing":        {nil, false},
	} {
		nc, err := nats.Connect(srv.URL(), tc.opt)
		if tc.ok != (err == nil) || !tc.ok && !errors.Is(err, nats.ErrAuthorization) {
			t.Errorf("%s: got %v, want success: %v", name, err, tc.ok)
		}
		if nc != nil {
			nc.Close()
		}
	}
	if _, err := nats.Connect(srv.URL(), nats.UserCredentials(filepath.Join(dir, "missing"))); err == nil {
		t.Error("a missing credentials file: no error")
	}
}

// Credentials are read again at every connect: a rotated file is picked up.
func TestCredentialsAreReadAtEveryConnect(t *testing.T) {
	op := newOperator(t)
	srv := start(t, natstest.WithConfigText(op.config))
	proxy := natstest.NewProxy(t, srv.URL())
	file := filepath.Join(t.TempDir(), "u.creds")
	_, _, creds := op.user(t, nil)
	must(t, os.WriteFile(file, creds, 0o600))
	reconnected := make(chan struct{}, 1)
	nc := dial(t, proxy.URL(), nats.UserCredentials(file), quickly(),
		nats.ReconnectHandler(func(*nats.Conn) { reconnected <- struct{}{} }))
	token, _, creds := op.user(t, nil)
	must(t, os.WriteFile(file, creds, 0o600))
	proxy.Cut()
	await(t, "a reconnect", reconnected)
	must(t, nc.Flush())
	conns := got[*server.Connz](t)(srv.Embedded().Connz(&server.ConnzOptions{Username: true}))
	want := got[*jwt.UserClaims](t)(jwt.DecodeUserClaims(token)).Subject
	if len(conns.Conns) != 1 || conns.Conns[0].AuthorizedUser != want {
		t.Errorf("connected as %+v, want the second user", conns.Conns)
	}
}

// A user whose JWT expires is told so, and the connection ends when the renewed attempts are refused as well.
func TestExpiredCredentials(t *testing.T) {
	op := newOperator(t)
	srv := start(t, natstest.WithConfigText(op.config))
	token, seed, _ := op.user(t, func(c *jwt.UserClaims) { c.Expires = time.Now().Add(1500 * time.Millisecond).Unix() })
	var j journal
	closed := make(chan struct{})
	dial(t, srv.URL(), nats.UserJWTAndSeed(token, string(seed)), quickly(), j.handler(),
		nats.ClosedHandler(func(*nats.Conn) { close(closed) }))
	await(t, "the end of the connection", closed)
	if !j.hasErr(nats.ErrAuthExpired) {
		t.Errorf("told %v, want %v among them", j.errors(), nats.ErrAuthExpired)
	}
}

func TestTLS(t *testing.T) {
	forServer, forClient, err := natstest.NewTLS()
	must(t, err)
	srv := start(t, natstest.WithTLS(forServer))
	strict := forServer.Clone()
	strict.ClientAuth = tls.RequireAndVerifyClientCert
	mutual := natstest.Run(t, natstest.WithTLS(strict), natstest.WithoutJetStream())
	plain := natstest.Run(t, natstest.WithoutJetStream())
	anonymous := forClient.Clone()
	anonymous.Certificates = nil
	natsURL := func(s *natstest.Server) string { return strings.Replace(s.URL(), "tls:", "nats:", 1) }

	for name, tc := range map[string]struct {
		url  string
		opts []nats.Option
		want error // nil: connects
	}{
		"tls scheme":             {srv.URL(), []nats.Option{nats.Secure(anonymous)}, nil},
		"nats scheme":            {natsURL(srv), []nats.Option{nats.Secure(anonymous)}, nil},
		"unknown authority":      {srv.URL(), nil, nats.ErrTLS},
		"no TLS asked for":       {natsURL(srv), nil, nats.ErrTLS},
		"client certificate":     {mutual.URL(), []nats.Option{nats.Secure(forClient)}, nil},
		"certificate missing":    {mutual.URL(), []nats.Option{nats.Secure(anonymous)}, errAny},
		"server without TLS":     {plain.URL(), []nats.Option{nats.Secure(forClient)}, nats.ErrSecureConnWanted},
		"certificate callback":   {mutual.URL(), []nats.Option{nats.Secure(anonymous), nats.ClientTLSConfig(func() (tls.Certificate, error) { return forClient.Certificates[0], nil }, nil)}, nil},
		"failing certificate cb": {mutual.URL(), []nats.Option{nats.ClientTLSConfig(func() (tls.Certificate, error) { return tls.Certificate{}, errAny }, nil)}, errAny},
	} {
		nc, err := nats.Connect(tc.url, tc.opts...)
		switch {
		case tc.want == nil && err != nil:
			t.Errorf("%s: %v", name, err)
		case tc.want == errAny && err == nil, tc.want != errAny && !errors.Is(err, tc.want):
			t.Errorf("%s: got %v, want %v", name, err, tc.want)
		}
		if err != nil {
			continue
		}
		if state, err := nc.TLSConnectionState(); err != nil || !state.HandshakeComplete {
			t.Errorf("%s: TLS state %v, %v", name, state.HandshakeComplete, err)
		}
		if err := nc.Flush(); err != nil {
			t.Errorf("%s: flush: %v", name, err)
		}
		nc.Close()
	}
	nc := dial(t, plain.URL())
	if _, err := nc.TLSConnectionState(); err != nats.ErrConnectionNotTLS {
		t.Errorf("TLS state without TLS: %v, want %v", err, nats.ErrConnectionNotTLS)
	}
}

var errAny = errors.New("any error")

func TestTLSReconnects(t *testing.T) {
	forServer, forClient, err := natstest.NewTLS()
	must(t, err)
	srv := start(t, natstest.WithTLS(forServer))
	proxy := natstest.NewProxy(t, srv.URL())
	var j journal
	reconnected := make(chan struct{}, 1)
	nc := dial(t, proxy.URL(), nats.Secure(forClient), quickly(), j.handler(),
		nats.ReconnectHandler(func(*nats.Conn) { reconnected <- struct{}{} }))
	sub := subscribeSync(t, nc, "a")
	proxy.Cut()
	await(t, "a reconnect", reconnected)
	must(t, nc.Publish("a", []byte("over TLS")))
	if got := next(t, sub); got != "over TLS" {
		t.Errorf("got %q", got)
	}
}

func TestInProcess(t *testing.T) {
	srv := start(t, natstest.WithConfig(func(o *server.Options) { o.DontListen = false }))
	nc := dial(t, "", nats.InProcessServer(srv.Embedded()))
	sub := subscribeSync(t, nc, "a")
	must(t, nc.Publish("a", []byte("in process")))
	if got := next(t, sub); got != "in process" {
		t.Errorf("got %q", got)
	}
	if msg, err := nc.Request("nobody", nil, time.Second); err != nats.ErrNoResponders {
		t.Errorf("got %v, %v", msg, err)
	}
}

// dialer counts the connections that are made through it.
type dialer struct{ n atomic.Int32 }

func (d *dialer) Dial(network, address string) (net.Conn, error) {
	d.n.Add(1)
	return net.Dial(network, address)
}

func TestCustomDialer(t *testing.T) {
	srv := start(t)
	d := new(dialer)
	nc := dial(t, srv.URL(), nats.SetCustomDialer(d))
	must(t, nc.Flush())
	if d.n.Load() != 1 {
		t.Errorf("dialled %d times through the custom dialer, want once", d.n.Load())
	}
}
