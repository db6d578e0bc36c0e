package session

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/gannet-io/nats/internal/natserr"
)

func TestParseServerError(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text, want string
		is         error
		effect     effect
	}{
		{"Authorization Violation", "nats: Authorization Violation", natserr.Authorization, auth},
		{"'authorization violation'", "nats: authorization violation", natserr.Authorization, auth},
		{" 'User Authentication Expired' \r\n", "nats: User Authentication Expired", natserr.AuthExpired, auth},
		{"User Authentication Revoked", "nats: User Authentication Revoked", natserr.AuthRevoked, auth},
		{"Account Authentication Expired", "nats: Account Authentication Expired", natserr.AccountAuthExpired, auth},
		{"Stale Connection", "nats: Stale Connection", natserr.StaleConnection, lost},
		{"maximum connections exceeded", "nats: maximum connections exceeded", natserr.MaxConnectionsExceeded, lost},
		{"Maximum Account Active Connections Exceeded", "nats: Maximum Account Active Connections Exceeded", natserr.MaxAccountConnectionsExceeded, lost},
		{"Unknown Protocol Operation", "nats: Unknown Protocol Operation", nil, lost},
		{"Maximum Subscriptions Exceeded", "nats: Maximum Subscriptions Exceeded", natserr.MaxSubscriptionsExceeded, told},
		{`Permissions Violation for Publish to "a"`, `nats: permissions violation: Permissions Violation for Publish to "a"`, natserr.PermissionViolation, told},
		{`permissions violation for subscription to 'a'`, `nats: permissions violation: permissions violation for subscription to 'a`, natserr.PermissionViolation, told},
		{"Authentication Timeout", "nats: Authentication Timeout", nil, unknown},
		{"Maximum Payload Violation", "nats: Maximum Payload Violation", nil, unknown},
		{"the word authorization violation in the middle", "nats: the word authorization violation in the middle", nil, unknown},
		{"", "nats: ", nil, unknown},
	} {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			err := ParseServerError(tt.text)
			if got := err.Error(); got != tt.want {
				t.Errorf("text: got %q, want %q", got, tt.want)
			}
			for _, row := range texts {
				if row.kind != nil && errors.Is(err, row.kind) != (row.kind == tt.is) {
					t.Errorf("errors.Is(%q, %q) = %v", err, row.kind, row.kind != tt.is)
				}
			}
			if _, got := classify(tt.text); got != tt.effect {
				t.Errorf("effect: got %d, want %d", got, tt.effect)
			}
			if got := refusal(fmt.Errorf("dialling: %w", err)) != nil; got != (tt.effect == auth) {
				t.Errorf("refusal: got %v", got)
			}
		})
	}
}

func TestPortRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"dial tcp 127.0.0.1:1: connect: connection refused":                                      true,
		"connectex: No connection could be made because the target machine actively refused it.": true,
		"dial tcp: lookup a: no such host":                                                       false,
		"i/o timeout":                                                                            false,
	} {
		if got := portRefused(errors.New(text)); got != want {
			t.Errorf("portRefused(%q) = %v, want %v", text, got, want)
		}
	}
	if portRefused(nil) || portRefused(io.EOF) {
		t.Error("portRefused(nil) or of io.EOF is true")
	}
}

func FuzzParseServerError(f *testing.F) {
	for _, row := range texts {
		f.Add(row.prefix)
	}
	f.Add("'Permissions Violation for Publish to \"\xff\"'")
	f.Fuzz(func(t *testing.T, text string) {
		err := ParseServerError(text)
		if !strings.HasPrefix(err.Error(), "nats: ") {
			t.Errorf("ParseServerError(%q) = %q", text, err)
		}
		if again := ParseServerError(strings.ToUpper(text)); strings.ToUpper(text) == text && again.Error() != err.Error() {
			t.Errorf("ParseServerError(%q) = %q, then %q", text, err, again)
		}
	})
}
