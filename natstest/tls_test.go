package natstest

import (
	"crypto/x509"
	"testing"
)

// TestAuthority: a certificate is good for what it was issued for, in the eyes of those who believe its authority.
func TestAuthority(t *testing.T) {
	t.Parallel()
	a, err := NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	other, err := NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	cert, err := a.Issue(x509.ExtKeyUsageServerAuth, "one.test", "two.test", "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, host string
		from       *Authority
		good       bool
	}{
		{"its name", "one.test", a, true},
		{"another name", "two.test", a, true},
		{"its address", "127.0.0.1", a, true},
		{"a name that it has not", "three.test", a, false},
		{"an address that it has not", "::1", a, false},
		{"another authority", "one.test", other, false},
	} {
		if _, err := leaf.Verify(x509.VerifyOptions{DNSName: tt.host, Roots: tt.from.Pool()}); (err == nil) != tt.good {
			t.Errorf("%s: got %v, want it to be good: %t", tt.name, err, tt.good)
		}
	}
}
