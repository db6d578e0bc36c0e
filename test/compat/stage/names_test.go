package stage

import (
	"errors"
	"net"
	"slices"
	"testing"
)

func TestNames(t *testing.T) {
	t.Parallel()
	names := Names()
	for name, want := range map[string][]string{
		OneHost:     {"127.0.0.1"},
		OtherHost:   {"127.0.0.1"},
		ThreeHosts:  {"127.0.0.3", "127.0.0.2", "127.0.0.1"},
		"ONE.test.": {"127.0.0.1"},
		"127.0.0.9": {"127.0.0.9"},
	} {
		if got, err := names.LookupHost(t.Context(), name); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %v, %v; want %v", name, got, err, want)
		}
	}
	_, err := names.LookupHost(t.Context(), NoHost)
	var dns *net.DNSError
	if !errors.As(err, &dns) || !dns.IsNotFound {
		t.Errorf("%s: got %v, want no such host", NoHost, err)
	}
}
