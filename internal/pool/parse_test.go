package pool

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want string }{
		{"127.0.0.1", "nats://127.0.0.1:4222"},
		{"host:1234", "nats://host:1234"},
		{"  host:1234\t\n", "nats://host:1234"},
		{"HOST", "nats://host:4222"},
		{"NATS://Host:1", "nats://host:1"},
		{"nats://u:p@h", "nats://u:p@h:4222"},
		{"u:p@h:1", "nats://u:p@h:1"},
		{"nats://token@h:1", "nats://token@h:1"},
		{"nats://u:p%2Fw@h:1", "nats://u:p%2Fw@h:1"},
		{"tls://h", "tls://h:4222"},
		{"ws://h", "ws://h:80"},
		{"wss://h", "wss://h:443"},
		{"wss://h/path?x=1", "wss://h:443/path?x=1"},
		{"other://h:1", "other://h:1"},
		{"[::1]:4222", "nats://[::1]:4222"},
		{"[::1]", "nats://[::1]:4222"},
		{"nats://[2001:DB8::1]:1", "nats://[2001:db8::1]:1"},
		{"nats://[fe80::1%25Eth0]:1", "nats://[fe80::1%25Eth0]:1"},
		{"h:", "nats://h:4222"},
		{":4222", "nats://:4222"},
		{"nats://", "nats://:4222"},
	} {
		t.Run(tt.in, func(t *testing.T) {
			u, err := Parse(tt.in)
			if err != nil {
				t.Fatalf("Parse(%q): %v", tt.in, err)
			}
			if got := u.String(); got != tt.want {
				t.Errorf("Parse(%q) = %q, want %q", tt.in, got, tt.want)
			}
			again, err := Parse(u.String())
			if err != nil || again.String() != u.String() {
				t.Errorf("Parse(%q) = %v, %v: not the same URL again", u, again, err)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want string }{
		{"", "empty"},
		{" ", "empty"},
		{"a b:1", "white space"},
		{"nats://h:1\r\nPUB x", "white space"},
		{"nats://h\x00:1", "control character"},
		{"127.0.0.1:abc", "port"},
		{"h:0", "port"},
		{"h:99999", "port"},
		{"h:-1", "port"},
		{"::1", "brackets"},
		{"nats://::1", "brackets"},
		{"nats:127.0.0.1:1", "more than one colon"},
		{"[1.2.3.4]:1", "host"},
		{"[zz]:1", "host"},
		{"//127.0.0.1:1", "no host"},
		{"nats:///h", "no host"},
		{"://h:1", "scheme"},
		{"nats://a%20b:1", "escape"},
		{"nats://%25:1", "no host name"},
		{"nats://u:p%zz@h:1", "escape"},
		{strings.Repeat("a", maxURL+1), "too long"},
	} {
		t.Run(tt.in[:min(len(tt.in), 30)], func(t *testing.T) {
			u, err := Parse(tt.in)
			if err == nil {
				t.Fatalf("Parse(%q) = %q, want an error about %q", tt.in, u, tt.want)
			}
			if got := err.Error(); !strings.HasPrefix(got, "nats: invalid server URL ") || !strings.Contains(got, tt.want) || len(got) > 500 {
				t.Errorf("Parse(%q): got %q, want something about %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestParseErrorsKeepSecrets(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		"nats://alice:s3cret@h:abc",
		"nats://alice:s3cret/x@h:1",
		"nats://alice:s3cret@h:99999",
		"nats://alice:s3cret%zz@h",
		"alice:s3cret@h:1:2",
		"nats://s3cret@[zz]:1",
		"nats://alice:s3cret@x@h:1\n2",
		"s3cret@::1",
		"nats://alice:s3cret?@h:1",
	} {
		u, err := Parse(in)
		if err == nil {
			t.Errorf("Parse(%q) = %q, want an error", in, u)
			continue
		}
		for _, secret := range []string{"s3cret", "alice", "zz@"} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("Parse(%q): %q tells %q", in, err, secret)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"h:1", "nats://u:pw@[::1]:4222", "tls://h", "wss://h/p?q#f", "nats://u:p/w@h", "::1", "//h", "h%00:1", "a@b@c:1", " nats:// ", "[::1%25a]:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > maxURL/4 {
			t.Skip("escapes would make it too long to be parsed again")
		}
		u, err := Parse(s)
		if err != nil {
			if len(err.Error()) > 2000 {
				t.Errorf("Parse(%q): error of %d bytes", s, len(err.Error()))
			}
			return
		}
		if u.Port() == "" || u.Scheme == "" || strings.ContainsFunc(u.Host, isControl) {
			t.Errorf("Parse(%q) = %q: port %q, scheme %q, host %q", s, u, u.Port(), u.Scheme, u.Host)
		}
		again, err := Parse(u.String())
		if err != nil || again.Host != u.Host || again.Scheme != u.Scheme || again.User.String() != u.User.String() {
			t.Errorf("Parse(%q) = %q, and again %q, %v", s, u, again, err)
		}
	})
}
