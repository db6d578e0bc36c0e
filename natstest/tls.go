package natstest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"time"
)

// NewTLS makes a throw-away certificate authority and returns a configuration for the server ([WithTLS]) and one for its
// clients. The server's certificate is good for 127.0.0.1, ::1 and localhost. The client's configuration has a certificate
// too (common name "client"), and the server's knows the authority, so setting the server's ClientAuth is all that it
// takes to require it.
func NewTLS() (forServer, forClient *tls.Config, err error) {
	ca, err := NewAuthority()
	if err != nil {
		return nil, nil, err
	}
	serverCert, err := ca.Issue(x509.ExtKeyUsageServerAuth, "localhost", "127.0.0.1", "::1")
	if err != nil {
		return nil, nil, err
	}
	clientCert, err := ca.Issue(x509.ExtKeyUsageClientAuth, "client", "127.0.0.1", "::1")
	if err != nil {
		return nil, nil, err
	}
	pool := ca.Pool()
	forServer = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{serverCert}, ClientCAs: pool}
	forClient = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{clientCert}, RootCAs: pool}
	return forServer, forClient, nil
}

// Authority is a throw-away certificate authority, for tests that need other certificates than those of [NewTLS]. Make it with
// [NewAuthority]. Its methods may be called concurrently.
type Authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewAuthority makes an authority that nobody else knows. It fails only if the system has no random numbers.
func NewAuthority() (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := newTemplate("natstest authority")
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return &Authority{cert, key}, err
}

// Pool is for those who are to believe the authority: a new pool with nobody else in it.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// Issue makes a certificate, valid for a day, that is good for name, which is its common name too, and for the other hosts: names and IP
// addresses. It fails only if the system has no random numbers.
func (a *Authority) Issue(usage x509.ExtKeyUsage, name string, hosts ...string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := newTemplate(name)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{usage}
	for _, host := range append([]string{name}, hosts...) {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

func newTemplate(name string) *x509.Certificate {
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.Add(24 * time.Hour),
	}
}

// certificates are the part of a tls.Config that can be sent to another process.
type certificates struct {
	MinVersion uint16
	Certs      []exportedCert
}

type exportedCert struct {
	Chain [][]byte
	Key   []byte // PKCS #8
}

// exportCertificates returns nil for a nil configuration.
func exportCertificates(conf *tls.Config) (*certificates, error) {
	if conf == nil {
		return nil, nil
	}
	if conf.ClientAuth != tls.NoClientCert || len(conf.Certificates) == 0 {
		return nil, errors.New("WithTLS and AsProcess: only certificates of the server can be sent to its process; " +
			"for more use WithConfigText with a tls block")
	}
	out := &certificates{MinVersion: conf.MinVersion}
	for _, c := range conf.Certificates {
		key, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
		if err != nil {
			return nil, fmt.Errorf("WithTLS and AsProcess: %w", err)
		}
		out.Certs = append(out.Certs, exportedCert{c.Certificate, key})
	}
	return out, nil
}

func (c *certificates) config() (*tls.Config, error) {
	conf := &tls.Config{MinVersion: c.MinVersion}
	for _, e := range c.Certs {
		key, err := x509.ParsePKCS8PrivateKey(e.Key)
		if err != nil {
			return nil, err
		}
		conf.Certificates = append(conf.Certificates, tls.Certificate{Certificate: e.Chain, PrivateKey: key})
	}
	return conf, nil
}
