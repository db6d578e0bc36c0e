package scenario

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/natstest"
	"github.com/gannet-io/nats/test/compat/stage"
	"github.com/nats-io/nats-server/v2/server"
)

var secure = []stage.Scenario{
	{Name: "TLS, wanted and required", Rows: []string{"5.5"}, Run: tlsWanted,
		Differs: []stage.Difference{stage.Differs("5.5", "callback for authorities", "2 calls")}},
	{Name: "TLS, client certificates", Rows: []string{"5.5"}, Run: tlsClients},
	{Name: "TLS, before INFO", Rows: []string{"5.5", "1.17"}, Run: tlsFirst},
	{Name: "TLS, server without", Rows: []string{"5.5"}, Run: tlsNone},
	{Name: "WebSocket", Rows: []string{"1.19", "2.6"}, Run: webSocket},
}

// tried notes whether a connection works, and which error it is if not: those of package tls say what they are by their types.
func tried(s *stage.Stage, key, url string, opts ...nats.Option) {
	nc, err := nats.Connect(url, opts...)
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var alert *tls.CertificateVerificationError
	switch {
	case err == nil:
		state, errState := nc.TLSConnectionState()
		s.Note(key, "works, TLS %v, %s, flush %s, required %v", state.HandshakeComplete, s.Describe(errState), s.Describe(nc.Flush()), nc.TLSRequired())
		nc.Close()
	case errors.As(err, &unknown):
		s.Note(key, "unknown authority, is ErrTLS %v", errors.Is(err, nats.ErrTLS))
	case errors.As(err, &host):
		s.Note(key, "wrong host, is ErrTLS %v", errors.Is(err, nats.ErrTLS))
	case errors.As(err, &alert):
		s.Note(key, "other verification, is ErrTLS %v", errors.Is(err, nats.ErrTLS))
	case strings.Contains(err.Error(), "remote error"), strings.Contains(err.Error(), "reset"), errors.Is(err, os.ErrClosed):
		s.Note(key, "the server refuses")
	default:
		s.Note(key, "%s, is ErrTLS %v", s.Describe(err), errors.Is(err, nats.ErrTLS))
	}
}

func configs(s *stage.Stage) (forServer, forClient, anonymous *tls.Config) {
	forServer, forClient, err := natstest.NewTLS()
	s.Must(err, "certificates")
	anonymous = forClient.Clone()
	anonymous.Certificates = nil
	return forServer, forClient, anonymous
}

// pemFiles writes a certificate and its key.
func pemFiles(s *stage.Stage, cert tls.Certificate) (certFile, keyFile string) {
	dir := s.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	s.Must(err, "key")
	s.Must(os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}), 0o600), "file")
	s.Must(os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), 0o600), "file")
	return certFile, keyFile
}

func tlsWanted(s *stage.Stage) {
	forServer, _, anonymous := configs(s)
	addr := s.Server(natstest.WithTLS(forServer), natstest.WithoutJetStream()).Addr()
	for _, scheme := range []string{"nats://", "tls://", ""} {
		s.Part(scheme)
		tried(s, "nothing", scheme+addr)
		tried(s, "only wanted", scheme+addr, nats.Secure())
		tried(s, "right authority", scheme+addr, nats.Secure(anonymous))
		wrong := anonymous.Clone()
		wrong.ServerName = "example.org"
		tried(s, "wrong name", scheme+addr, nats.Secure(wrong))
		careless := &tls.Config{InsecureSkipVerify: true}
		tried(s, "careless", scheme+addr, nats.Secure(careless))
	}
	s.Part("")
	tried(s, "two configurations", addr, nats.Secure(anonymous, anonymous))
	tried(s, "too new", addr, nats.Secure(&tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13, MaxVersion: tls.VersionTLS12}))
	certFile, _ := pemFiles(s, forServer.Certificates[0])
	tried(s, "authority of a file", addr, nats.RootCAs(certFile))
	_, err := nats.Connect(addr, nats.RootCAs(certFile+"x"))
	s.Note("missing file", "%v", err != nil)
	s.Must(os.WriteFile(certFile, []byte("nonsense"), 0o600), "file")
	_, err = nats.Connect(addr, nats.RootCAs(certFile))
	s.Note("nonsense in the file", "%v", err != nil)
	var calls atomic.Int64
	roots := func() (*x509.CertPool, error) { calls.Add(1); return anonymous.RootCAs, nil }
	told := newEvents()
	nc := open(s, "nats://"+addr, nats.ClientTLSConfig(nil, roots), watch(s, told), at(nats.ReconnectWait(20*time.Millisecond), nats.ReconnectJitter(0, 0)))
	s.Must(nc.ForceReconnect(), "reconnect")
	told.until("reconnected")
	s.Note("callback for authorities", "%d calls", calls.Load())
	failing := errors.New("no roots")
	_, err = nats.Connect(addr, nats.ClientTLSConfig(nil, func() (*x509.CertPool, error) { return nil, failing }))
	s.Note("failing callback", "%v", errors.Is(err, failing))
	_, err = nats.Connect(addr, nats.ClientTLSConfig(nil, nil))
	s.Note("no callbacks", "%v", err != nil)
}

func tlsClients(s *stage.Stage) {
	forServer, forClient, anonymous := configs(s)
	strict := forServer.Clone()
	strict.ClientAuth = tls.RequireAndVerifyClientCert
	addr := s.Server(natstest.WithTLS(strict), natstest.WithoutJetStream()).Addr()
	tried(s, "certificate", addr, nats.Secure(forClient))
	_, err := nats.Connect(addr, nats.Secure(anonymous))
	s.Note("none", "%v", err != nil)
	certFile, keyFile := pemFiles(s, forClient.Certificates[0])
	tried(s, "of files", addr, nats.Secure(anonymous), nats.ClientCert(certFile, keyFile))
	tried(s, "of files, first", addr, nats.ClientCert(certFile, keyFile), nats.RootCAs(pemOnly(s, strict)))
	_, err = nats.Connect(addr, nats.ClientCert(certFile+"x", keyFile))
	s.Note("missing file", "%v", err != nil)
	_, err = nats.Connect(addr, nats.ClientCert(keyFile, certFile))
	s.Note("exchanged files", "%v", err != nil)
	cert := func() (tls.Certificate, error) { return forClient.Certificates[0], nil }
	roots := func() (*x509.CertPool, error) { return anonymous.RootCAs, nil }
	tried(s, "callbacks", addr, nats.ClientTLSConfig(cert, roots))
	failing := errors.New("no certificate")
	_, err = nats.Connect(addr, nats.ClientTLSConfig(func() (tls.Certificate, error) { return tls.Certificate{}, failing }, roots))
	s.Note("failing callback", "%v", errors.Is(err, failing))
}

func pemOnly(s *stage.Stage, conf *tls.Config) string {
	certFile, _ := pemFiles(s, conf.Certificates[0])
	return certFile
}

func tlsFirst(s *stage.Stage) {
	forServer, _, anonymous := configs(s)
	addr := s.Server(natstest.WithTLS(forServer), natstest.WithoutJetStream(),
		natstest.WithConfig(func(o *server.Options) { o.TLSHandshakeFirst = true })).Addr()
	tried(s, "first", "nats://"+addr, nats.Secure(anonymous), nats.TLSHandshakeFirst())
	tried(s, "first, tls", "tls://"+addr, nats.Secure(anonymous), nats.TLSHandshakeFirst())
	_, err := nats.Connect("nats://"+addr, nats.Secure(anonymous), nats.Timeout(300*time.Millisecond))
	s.Note("not first", "%v", err != nil)
	s.Note("first without a configuration", "%v", func() bool { _, err := nats.Connect(addr, nats.TLSHandshakeFirst()); return err != nil }())
}

func tlsNone(s *stage.Stage) {
	_, _, anonymous := configs(s)
	addr := s.Server(natstest.WithoutJetStream()).Addr()
	tried(s, "not wanted", "nats://"+addr)
	tried(s, "scheme", "tls://"+addr)
	tried(s, "wanted", "nats://"+addr, nats.Secure())
	tried(s, "with authorities", "nats://"+addr, nats.Secure(anonymous))
	_, err := nats.Connect("nats://"+addr, nats.Secure(anonymous), nats.TLSHandshakeFirst(), nats.Timeout(300*time.Millisecond))
	s.Note("first", "%v", err != nil)
}

func webSocket(s *stage.Stage) {
	url := s.Server(natstest.WithWebsocket(), natstest.WithUser("u", "p")).WebsocketURL()
	told := newEvents()
	_, err := nats.Connect(url)
	s.Error("no user", err)
	_, err = nats.Connect("nats" + strings.TrimPrefix(url, "ws"))
	s.Note("not WebSocket", "%v", err != nil)
	_, err = nats.Connect(url + "," + s.Server().URL())
	s.Note("mixed", "%v", err != nil)
	nc := open(s, url, nats.UserInfo("u", "p"), watch(s, told), at(nats.ReconnectWait(50*time.Millisecond), nats.ReconnectJitter(0, 0)))
	sub, err := nc.SubscribeSync("a")
	s.Must(err, "subscribe")
	for _, size := range []int{0, 1, 125, 126, 65535, 65536, 1 << 20} {
		s.Must(nc.Publish("a", make([]byte, size)), "publish")
		m, err := sub.NextMsg(5 * time.Second)
		s.Must(err, "next")
		s.Note("message", "%d", len(m.Data))
	}
	s.Must(nc.ForceReconnect(), "reconnect")
	s.Note("told", "%s", told.until("reconnected"))
	s.Must(nc.Publish("a", []byte("again")), "publish")
	m, err := sub.NextMsg(5 * time.Second)
	s.Must(err, "next")
	s.Note("after", "%s", m.Data)
	s.Note("scheme", "%v", strings.HasPrefix(nc.ConnectedUrl(), "ws://"))
}
