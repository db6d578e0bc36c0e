package stage

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"sync"
	"time"
)

// Authority issues certificates for servers that are good for one host name and for no address. All methods but Server may be called from
// any goroutine.
type Authority struct {
	stage *Stage
	cert  *x509.Certificate
	key   *ecdsa.PrivateKey

	mu    sync.Mutex
	asked []string
}

// Authority makes one that nobody else knows.
func (s *Stage) Authority() *Authority {
	s.t.Helper()
	a := &Authority{stage: s, key: newKey(s)}
	template := certificateOf("authority")
	template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	s.Must(err, "authority")
	a.cert, err = x509.ParseCertificate(der)
	s.Must(err, "authority")
	return a
}

// Server is for a server with a certificate for name. For which name its clients ask is remembered.
func (a *Authority) Server(name string) *tls.Config {
	a.stage.t.Helper()
	key := newKey(a.stage)
	template := certificateOf(name)
	template.DNSNames, template.ExtKeyUsage = []string{name}, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	a.stage.Must(err, "certificate")
	cert := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		a.hear(hello.ServerName)
		return &cert, nil
	}}
}

// Client is for clients that believe this authority.
func (a *Authority) Client() *tls.Config {
	roots := x509.NewCertPool()
	roots.AddCert(a.cert)
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
}

func (a *Authority) hear(name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked = append(a.asked, name)
}

// Asked is for which name the latest client asked; "" if it had none, only an address.
func (a *Authority) Asked() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.asked) == 0 {
		return "(nobody has asked)"
	}
	return a.asked[len(a.asked)-1]
}

func newKey(s *Stage) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	s.Must(err, "key")
	return key
}

func certificateOf(name string) *x509.Certificate {
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
	}
}
