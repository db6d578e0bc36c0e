package nats

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// TLSCertHandler makes a client certificate. It is called at every connect.
type TLSCertHandler func() (tls.Certificate, error)

// RootCAsHandler makes the set of certificate authorities. It is called at every connect.
type RootCAsHandler func() (*x509.CertPool, error)

// Secure requires TLS, with a copy of the configuration if one is given. Connect fails with [ErrSecureConnWanted] when the
// server has no TLS. More than one configuration: [ErrMultipleTLSConfigs].
func Secure(config ...*tls.Config) Option {
	return func(o *Options) error {
		if len(config) > 1 {
			return ErrMultipleTLSConfigs
		}
		o.Secure = true
		if len(config) == 1 {
			o.TLSConfig = config[0]
		}
		return nil
	}
}

// ClientTLSConfig requires TLS with a client certificate, own certificate authorities, or both, made at every connect. Both
// nil: [ErrClientCertOrRootCAsRequired].
func ClientTLSConfig(certCB TLSCertHandler, rootCAsCB RootCAsHandler) Option {
	return func(o *Options) error {
		if certCB == nil && rootCAsCB == nil {
			return ErrClientCertOrRootCAsRequired
		}
		o.Secure = true
		o.TLSCertCB, o.RootCAsCB = certCB, rootCAsCB
		return nil
	}
}

// RootCAs requires TLS with the certificate authorities of these PEM files. They are read at every connect, and once now: the
// option fails when that does.
func RootCAs(files ...string) Option {
	return func(o *Options) error {
		load := func() (*x509.CertPool, error) { return loadRoots(files) }
		if _, err := load(); err != nil {
			return err
		}
		o.Secure = true
		o.RootCAsCB = load
		o.baseTLS()
		return nil
	}
}

func loadRoots(files []string) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	for _, file := range files {
		pem, err := os.ReadFile(file)
		if err == nil && !pool.AppendCertsFromPEM(pem) {
			err = errors.New("no certificate in " + file)
		}
		if err != nil {
			return nil, fmt.Errorf("nats: error loading or parsing rootCA file: %w", err)
		}
	}
	return pool, nil
}

// ClientCert requires TLS with the client certificate of these PEM files. They are read at every connect, and once now: the
// option fails when that does.
func ClientCert(certFile, keyFile string) Option {
	return func(o *Options) error {
		load := func() (tls.Certificate, error) {
			cert, err := tls.LoadX509KeyPair(certFile, keyFile)
			if err != nil {
				return cert, fmt.Errorf("nats: error loading client certificate: %w", err)
			}
			return cert, nil
		}
		if _, err := load(); err != nil {
			return err
		}
		o.Secure = true
		o.TLSCertCB = load
		o.baseTLS()
		return nil
	}
}

// TLSHandshakeFirst makes the TLS handshake before the server's INFO. The server must be set up to expect that.
func TLSHandshakeFirst() Option {
	return func(o *Options) error {
		o.Secure = true
		o.TLSHandshakeFirst = true
		return nil
	}
}

// baseTLS makes sure that there is a configuration, for programs that add to it.
func (o *Options) baseTLS() {
	if o.TLSConfig == nil {
		o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
}

// clientTLS makes the configuration for one connect: a copy, since the user's may be shared.
func (o *Options) clientTLS() (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.TLSConfig != nil {
		cfg = o.TLSConfig.Clone()
	}
	if o.TLSCertCB != nil {
		cert, err := o.TLSCertCB()
		if err != nil {
			return nil, err
		}
		cfg.Certificates = []tls.Certificate{cert}
	}
	if o.RootCAsCB != nil {
		roots, err := o.RootCAsCB()
		if err != nil {
			return nil, err
		}
		cfg.RootCAs = roots
	}
	return cfg, nil
}
