package transport

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/gannet-io/nats/internal/natserr"
)

// certificate is self-signed, for localhost and 127.0.0.1.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

// pair is a TCP connection, and its peer.
func pair(t *testing.T) (client, server net.Conn) {
	t.Helper()
	address, accepted := listen(t)
	client, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client, <-accepted
}

func TestTLS(t *testing.T) {
	t.Parallel()
	cert, roots := certificate(t)
	for _, tt := range []struct {
		name    string
		cfg     *tls.Config
		host    string
		refused any // a pointer to the type of error that is wanted, or nil
	}{
		{"name from the URL", &tls.Config{RootCAs: roots}, "localhost", nil},
		{"address from the URL", &tls.Config{RootCAs: roots}, "127.0.0.1", nil},
		{"name of the user's", &tls.Config{RootCAs: roots, ServerName: "localhost"}, "elsewhere", nil},
		{"another host", &tls.Config{RootCAs: roots}, "elsewhere", new(x509.HostnameError)},
		{"unknown authority", nil, "localhost", new(x509.UnknownAuthorityError)},
		{"verified by nobody", &tls.Config{InsecureSkipVerify: true}, "elsewhere", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client, server := pair(t)
			go func() {
				secure := tls.Server(server, &tls.Config{Certificates: []tls.Certificate{cert}})
				_, _ = io.Copy(secure, secure)
			}()
			before := ""
			if tt.cfg != nil {
				before = tt.cfg.ServerName
			}
			secure, err := TLS(t.Context(), client, tt.cfg, tt.host)
			if tt.cfg != nil && tt.cfg.ServerName != before {
				t.Errorf("the user's config was changed: ServerName %q", tt.cfg.ServerName)
			}
			if tt.refused != nil {
				if !errors.Is(err, natserr.TLS) || !errors.As(err, tt.refused) {
					t.Errorf("got %v, want %v and %T", err, natserr.TLS, tt.refused)
				}
				if _, err := client.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
					t.Errorf("the connection is not closed: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if Exact(secure) {
				t.Error("Exact(TLS): got true, want false")
			}
			echo := make([]byte, 5)
			if _, err := secure.Write([]byte("hello")); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(secure, echo); err != nil || string(echo) != "hello" {
				t.Errorf("echo: got %q, %v", echo, err)
			}
		})
	}
}

func TestTLSWithASilentServer(t *testing.T) {
	t.Parallel()
	client, _ := pair(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := TLS(ctx, client, nil, "localhost")
	if !errors.Is(err, natserr.TLS) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want %v and %v", err, natserr.TLS, context.DeadlineExceeded)
	}
}

func TestExact(t *testing.T) {
	t.Parallel()
	pipe, _ := net.Pipe()
	tcp, _ := pair(t)
	for _, tt := range []struct {
		name string
		nc   net.Conn
		want bool
	}{
		{"TCP", tcp, true},
		{"Unix", &net.UnixConn{}, true},
		{"pipe", pipe, false},
		{"TCP in a wrapper", struct{ net.Conn }{tcp}, false},
		{"TLS", tls.Client(tcp, &tls.Config{}), false},
	} {
		if got := Exact(tt.nc); got != tt.want {
			t.Errorf("Exact(%s): got %v, want %v", tt.name, got, tt.want)
		}
	}
}

// A peer that does not read does not hold up the end of a TLS connection.
func TestShut(t *testing.T) {
	t.Parallel()
	cert, roots := certificate(t)
	client, server := pair(t)
	shaken := make(chan error)
	go func() {
		shaken <- tls.Server(server, &tls.Config{Certificates: []tls.Certificate{cert}}).HandshakeContext(t.Context())
	}()
	secure, err := TLS(t.Context(), client, &tls.Config{RootCAs: roots}, "localhost")
	if err != nil {
		t.Fatal(err)
	}
	if err := <-shaken; err != nil {
		t.Fatal(err)
	}
	// Fill the socket beneath.
	if err := client.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	for junk := make([]byte, 1<<20); err == nil; {
		_, err = client.Write(junk)
	}
	began := time.Now()
	if err := Shut(secure); err != nil {
		t.Errorf("Shut: %v", err)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("took %v, want no wait", took)
	}
	if _, err := client.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("write after Shut: got %v, want %v", err, net.ErrClosed)
	}
	other, _ := pair(t)
	if err := Shut(other); err != nil {
		t.Errorf("Shut(TCP): %v", err)
	}
}
