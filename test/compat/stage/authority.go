package stage

import (
	"crypto/tls"
	"crypto/x509"
	"sync"

	"github.com/gannet-io/nats/natstest"
)

// Authority issues certificates for servers that are good for one host name and for no address. All methods but Server may be called from
// any goroutine.
type Authority struct {
	stage *Stage
	ca    *natstest.Authority

	mu    sync.Mutex
	asked []string
}

// Authority makes one that nobody else knows.
func (s *Stage) Authority() *Authority {
	s.t.Helper()
	ca, err := natstest.NewAuthority()
	s.Must(err, "authority")
	return &Authority{stage: s, ca: ca}
}

// Server is for a server with a certificate for name. For which name its clients ask is remembered.
func (a *Authority) Server(name string) *tls.Config {
	a.stage.t.Helper()
	cert, err := a.ca.Issue(x509.ExtKeyUsageServerAuth, name)
	a.stage.Must(err, "certificate")
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		a.hear(hello.ServerName)
		return &cert, nil
	}}
}

// Client is for clients that believe this authority.
func (a *Authority) Client() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: a.ca.Pool()}
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
