package nats

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gannet-io/nats/internal/proto"
	"github.com/nats-io/nkeys"
)

// newUser makes a key, its seed and its public part.
func newUser(t *testing.T) (seed, public string) {
	t.Helper()
	key, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	s, err := key.Seed()
	if err != nil {
		t.Fatal(err)
	}
	public, err = key.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return string(s), public
}

func credsFile(jwt, seed string) string {
	return fmt.Sprintf("-----BEGIN NATS USER JWT-----\n%s\n------END NATS USER JWT------\n\n"+
		"************* IMPORTANT *************\nKeep it secret.\n\n-----BEGIN USER NKEY SEED-----\n%s\n------END USER NKEY SEED------\n", jwt, seed)
}

func TestCredentialsParser(t *testing.T) {
	t.Parallel()
	const jwt, seed = "eyJ0.a-b_c.d=", "SUAXYZ"
	tests := []struct {
		name, text, jwt, seed string
	}{
		{"file", credsFile(jwt, seed), jwt, seed},
		{"file of Windows", strings.ReplaceAll(credsFile(jwt, seed), "\n", "\r\n"), jwt, seed},
		{"shortest armour", "---x---\n" + jwt + "\n---y---\n---x---\n" + seed + "\n---y---", jwt, seed},
		{"bare token", " " + jwt + "\n", jwt, ""},
		{"bare seed", "# comment\n" + seed + "\n", "", seed},
		{"bare seed, the first of two", "x\n  SA1\nSU2\n", "", "SA1"},
		{"operator", "SO1", "SO1", "SO1"},
		{"one block", "---x---\n" + jwt + "\n---y---\nSUABC\n", jwt, "SUABC"},
		{"a closing line does not open", "---x---\n" + jwt + "\n---y---\n" + seed + "\n---z---\n", jwt, seed},
		{"no closing line", "---x---\n" + jwt + "\n", "", ""},
		{"two lines in a block", "---x---\n" + jwt + "\n" + jwt + "\n---y---\n", "", ""},
		{"second block is no seed", credsFile(jwt, "XYZ"), jwt, ""},
		{"empty", "", "", ""},
		{"only dashes", "------\n------\n------\n", "", ""},
		{"junk", "\x00\xff\n---\n", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			gotJWT, err := jwtIn([]byte(tt.text))
			if gotJWT != tt.jwt || (err == nil) != (tt.jwt != "") {
				t.Errorf("JWT %q, %v, want %q", gotJWT, err, tt.jwt)
			}
			if theirs, err := nkeys.ParseDecoratedJWT([]byte(tt.text)); tt.jwt != "" && strings.TrimSpace(theirs) != tt.jwt {
				t.Errorf("the library of nkeys reads %q, %v", theirs, err)
			}
			gotSeed, err := seedIn([]byte(tt.text))
			if string(gotSeed) != tt.seed || (err == nil) != (tt.seed != "") {
				t.Errorf("seed %q, %v, want %q", gotSeed, err, tt.seed)
			}
		})
	}
}

// proof is what the options say to a server, and whether the key signed it.
func proof(t *testing.T, set Option, public string) (c proto.Connect, signed bool) {
	t.Helper()
	var o Options
	if err := set(&o); err != nil {
		t.Fatal(err)
	}
	c, err := o.hello(&proto.Info{Nonce: "nonce"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := base64.RawURLEncoding.DecodeString(c.Sig)
	if err != nil {
		t.Fatal(err)
	}
	key, err := nkeys.FromPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return c, key.Verify([]byte("nonce"), sig) == nil
}

func TestCredentialOptions(t *testing.T) {
	t.Parallel()
	seed, public := newUser(t)
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	nkey, err := NkeyOptionFromSeed(file("seed", seed))
	if err != nil {
		t.Fatal(err)
	}
	for name, set := range map[string]Option{
		"chained file":  UserCredentials(file("chained", credsFile("J", seed))),
		"two files":     UserCredentials(file("jwt", "J\n"), file("seed2", seed)),
		"chained bytes": UserCredentialBytes([]byte(credsFile("J", seed))),
		"two slices":    UserCredentialBytes([]byte("J"), []byte(seed)),
		"strings":       UserJWTAndSeed("J", seed),
		"nkey":          nkey,
	} {
		c, signed := proof(t, set, public)
		if !signed || c.JWT != "J" && c.Nkey != public {
			t.Errorf("%s: signed %v, %+v", name, signed, c)
		}
	}
}

// TestCredentialsAreReadAgain replaces a file between two connects.
func TestCredentialsAreReadAgain(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "user.creds")
	var set Option
	for _, jwt := range []string{"first", "second"} {
		seed, public := newUser(t)
		if err := os.WriteFile(path, []byte(credsFile(jwt, seed)), 0o600); err != nil {
			t.Fatal(err)
		}
		if set == nil {
			set = UserCredentials(path)
		}
		if c, signed := proof(t, set, public); c.JWT != jwt || !signed {
			t.Errorf("JWT %q, signed %v, want %q, true", c.JWT, signed, jwt)
		}
	}
}

func TestCredentialBytesAreCopied(t *testing.T) {
	t.Parallel()
	seed, public := newUser(t)
	b := []byte(credsFile("J", seed))
	set := UserCredentialBytes(b)
	clear(b)
	if c, signed := proof(t, set, public); c.JWT != "J" || !signed {
		t.Errorf("JWT %q, signed %v, want J, true", c.JWT, signed)
	}
}

func TestBadSeeds(t *testing.T) {
	t.Parallel()
	account, err := nkeys.CreateAccount()
	if err != nil {
		t.Fatal(err)
	}
	accountSeed, err := account.Seed()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"no seed": "junk", "broken": "SUABC", "account": string(accountSeed), "too long": strings.Repeat("x", maxCreds+1),
	} {
		path := filepath.Join(t.TempDir(), "seed")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if set, err := NkeyOptionFromSeed(path); set != nil || err == nil {
			t.Errorf("%s: got %v, want an error", name, err)
		}
	}
}

func TestFileIsWiped(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "seed")
	if err := os.WriteFile(path, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	var kept []byte
	if err := withFile(path, func(b []byte) error { kept = b; return nil }); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(kept, make([]byte, len("secret"))) {
		t.Errorf("the buffer still has %q", kept)
	}
}

func TestExpandPath(t *testing.T) {
	t.Setenv("HOME", "/home/joe")
	t.Setenv("DIR", "d")
	for path, want := range map[string]string{
		"~/x": "/home/joe/x", "/a/$DIR/x": "/a/d/x", "${DIR}/~": "d/~", "": "", "~": "/home/joe",
	} {
		if got, err := expandPath(path); got != want || err != nil {
			t.Errorf("%q: got %q, %v, want %q", path, got, err, want)
		}
	}
	t.Setenv("HOME", "")
	if _, err := expandPath("~/x"); err == nil {
		t.Error("no home directory: no error")
	}
}

func FuzzCredentials(f *testing.F) {
	f.Add([]byte(credsFile("eyJ0.a", "SUABC")))
	f.Add([]byte("---x---\r\nA\r\n---y---\r\nSU\r\n"))
	f.Add([]byte("SUAB\nSA\n"))
	f.Add([]byte("\n\n---\n------\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		if jwt, err := jwtIn(b); err == nil && !isToken([]byte(jwt)) {
			t.Errorf("JWT %q is no token", jwt)
		}
		if seed, err := seedIn(b); err == nil && (!isSeed(seed) || !bytes.Contains(b, seed) || bytes.ContainsAny(seed, "\r\n")) {
			t.Errorf("seed %q is no line of the input", seed)
		}
		_, _ = sign(b, []byte("nonce"))
		if !bytes.Equal(b, before) {
			t.Error("the input was changed")
		}
	})
}
