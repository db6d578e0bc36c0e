package scenario

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/natstest"
	"github.com/gannet-io/nats/test/compat/stage"
	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"
)

var credentials = []stage.Scenario{
	{Name: "credentials, files", Rows: []string{"5.1"}, Run: credentialFiles, Differs: []stage.Difference{
		stage.Differs("5.1", "form 4: works", "file true, bytes true"),
		stage.Differs("5.1", "form 9: works", "file false, bytes false"), stage.Differs("5.1", "form 9: tells", ""),
		stage.Differs("5.1", "form 12: tells", "user= pass= token= jwt=THE SEED nkey= signature=good"),
		stage.Differs("5.1", "form 13: works", "file false, bytes false"), stage.Differs("5.1", "form 13: tells", ""),
		stage.Differs("5.1", "two files: tells", "user= pass= token= jwt=aaa.bbb nkey= signature=good")}},
	{Name: "credentials, read at every connect", Rows: []string{"5.2"}, Run: readAgain},
	{Name: "credentials, keys and signatures", Rows: []string{"5.3"}, Run: signatures},
	{Name: "credentials, conflicts", Rows: []string{"5.4"}, Run: conflicts},
	{Name: "credentials, path", Rows: []string{"5.2", "5.6"}, Run: credentialPaths, Differs: []stage.Difference{
		stage.Differs("5.2", "~/FILE", "true"), stage.Differs("5.2", "$HOME/FILE", "true"), stage.Differs("5.2", "${HOME}/FILE", "true")}},
	{Name: "credentials, accounts of an operator", Rows: []string{"5.1", "5.2", "5.3", "16.12"}, Run: operatorAccounts},
}

const nonce = "NONCE-of-the-host"

// keyed is a host that has a nonce.
func keyed(s *stage.Stage) *stage.Host {
	return s.Host(informed(`"nonce":"` + nonce + `","auth_required":true`))
}

func userKey(s *stage.Stage) (public, seed string) {
	key, err := nkeys.CreateUser()
	s.Must(err, "key")
	public, err = key.PublicKey()
	s.Must(err, "public key")
	text, err := key.Seed()
	s.Must(err, "seed")
	return public, string(text)
}

// told is what the newest CONNECT of h says about its user: the signature is checked with key.
func toldBy(h *stage.Host, key string) string {
	all := h.Frames(isOp("CONNECT"))
	var c struct{ User, Pass, JWT, Nkey, Sig, Auth_token string }
	if err := json.Unmarshal([]byte(all[len(all)-1].Data), &c); err != nil {
		return err.Error()
	}
	if c.Nkey == key {
		c.Nkey = "the key"
	}
	sig := "none"
	if c.Sig != "" {
		sig = "bad"
		raw, err := base64.RawURLEncoding.DecodeString(c.Sig)
		public, errKey := nkeys.FromPublicKey(key)
		if err == nil && errKey == nil && public.Verify([]byte(nonce), raw) == nil {
			sig = "good"
		}
	}
	return fmt.Sprintf("user=%s pass=%s token=%s jwt=%s nkey=%s signature=%s", c.User, c.Pass, c.Auth_token, c.JWT, c.Nkey, sig)
}

func credentialFiles(s *stage.Stage) {
	h := keyed(s)
	public, seed := userKey(s)
	armoured := func(token, seed string) string {
		return "-----BEGIN NATS USER JWT-----\n" + token + "\n------END NATS USER JWT------\n\nsome words\n" +
			"-----BEGIN USER NKEY SEED-----\n" + seed + "\n------END USER NKEY SEED------\n"
	}
	for i, text := range []string{
		armoured("aaa.bbb-_c", seed),
		strings.ReplaceAll(armoured("aaa.bbb", seed), "\n", "\r\n"),
		strings.ReplaceAll(armoured("aaa.bbb", seed), "-----B", "---B"),
		"\n\n# hello\n" + armoured("aaa.bbb", seed),
		armoured("aaa.bbb", "  "+seed),
		armoured("aaa.bbb", "not a seed"),
		armoured("", seed),
		armoured("aaa.bbb", ""),
		"-----BEGIN NATS USER JWT-----\naaa.bbb\n------END NATS USER JWT------\n" + seed + "\n",
		"aaa.bbb\n" + seed + "\n",
		"aaa.bbb",
		seed,
		seed + "\n",
		"",
		"-----BEGIN USER NKEY SEED-----\n" + seed + "\n------END USER NKEY SEED------\n",
	} {
		s.Part(fmt.Sprintf("form %d", i))
		file := filepath.Join(s.TempDir(), "f.creds")
		s.Must(os.WriteFile(file, []byte(text), 0o600), "file")
		said := ""
		works := func(opt nats.Option) bool {
			nc, err := nats.Connect(h.URL(), opt)
			if err == nil {
				said = strings.ReplaceAll(toldBy(h, public), seed, "THE SEED")
				nc.Close()
			}
			return err == nil
		}
		s.Note("works", "file %v, bytes %v", works(nats.UserCredentials(file)), works(nats.UserCredentialBytes([]byte(text))))
		if i != 4 {
			s.Note("tells", "%s", said)
		}
	}
	s.Part("two files")
	dir := s.TempDir()
	token, key := filepath.Join(dir, "t"), filepath.Join(dir, "k")
	s.Must(os.WriteFile(token, []byte("aaa.bbb\n"), 0o600), "file")
	s.Must(os.WriteFile(key, []byte(seed+"\n"), 0o600), "file")
	open(s, h.URL(), nats.UserCredentials(token, key))
	s.Note("tells", "%s", toldBy(h, public))
	_, err := nats.Connect(h.URL(), nats.UserCredentials(filepath.Join(dir, "missing")))
	s.Note("missing", "%v", errors.Is(err, os.ErrNotExist))
	open(s, h.URL(), nats.UserJWTAndSeed("xyz", seed))
	s.Note("in memory", "%s", toldBy(h, public))
}

func readAgain(s *stage.Stage) {
	h := keyed(s)
	public, seed := userKey(s)
	file := filepath.Join(s.TempDir(), "f.creds")
	write := func(token string) {
		s.Must(os.WriteFile(file, fmt.Appendf(nil, "---B---\n%s\n---E---\n\n---B---\n%s\n---E---\n", token, seed), 0o600), "file")
	}
	write("first")
	told := newEvents()
	var names atomic.Int64
	name := func() string { return fmt.Sprint("t", names.Add(1)) }
	nc := open(s, h.URL(), nats.UserCredentials(file), watch(s, told), at(nats.ReconnectWait(20*time.Millisecond), nats.ReconnectJitter(0, 0)))
	s.Note("first", "%s", toldBy(h, public))
	write("second")
	h.Cut()
	told.until("reconnected")
	s.Note("second", "%s", toldBy(h, public))
	nc.Close()
	told = newEvents()
	nc = open(s, h.URL(), nats.TokenHandler(name), watch(s, told), at(nats.ReconnectWait(20*time.Millisecond), nats.ReconnectJitter(0, 0)))
	s.Note("token", "%s", toldBy(h, public))
	h.Cut()
	told.until("reconnected")
	s.Note("token again", "%s", toldBy(h, public))
	nc.Close()
	told = newEvents()
	open(s, h.URL(), nats.UserInfoHandler(func() (string, string) { return name(), "p" }), watch(s, told), at(nats.ReconnectWait(20*time.Millisecond), nats.ReconnectJitter(0, 0)))
	s.Note("user", "%s", toldBy(h, public))
	h.Cut()
	told.until("reconnected")
	s.Note("user again", "%s", toldBy(h, public))
}

func signatures(s *stage.Stage) {
	h, plain := keyed(s), s.Host("")
	public, seed := userKey(s)
	pair, err := nkeys.FromSeed([]byte(seed))
	s.Must(err, "seed")
	refused := errors.New("no signature")
	file := filepath.Join(s.TempDir(), "seed")
	s.Must(os.WriteFile(file, []byte("-----BEGIN USER NKEY SEED-----\n"+seed+"\n------END USER NKEY SEED------\n"), 0o600), "file")
	fromFile, err := nats.NkeyOptionFromSeed(file)
	s.Must(err, "seed file")
	s.Must(os.WriteFile(file+"2", []byte("nonsense"), 0o600), "file")
	_, err = nats.NkeyOptionFromSeed(file + "2")
	s.Note("nonsense", "%v", err != nil)
	_, err = nats.NkeyOptionFromSeed(file + "3")
	s.Note("missing", "%v", err != nil)
	for _, c := range []struct {
		name string
		opt  nats.Option
	}{
		{"key", nats.Nkey(public, pair.Sign)},
		{"key of a file", fromFile},
		{"JWT", nats.UserJWT(func() (string, error) { return "JWT", nil }, pair.Sign)},
		{"JWT and seed", nats.UserJWTAndSeed("JWT2", seed)},
		{"failing JWT", nats.UserJWT(func() (string, error) { return "", refused }, pair.Sign)},
		{"failing signature", nats.Nkey(public, func([]byte) ([]byte, error) { return nil, refused })},
		{"empty JWT", nats.UserJWT(func() (string, error) { return "", nil }, pair.Sign)},
	} {
		{
			nc, err := nats.Connect(h.URL(), c.opt)
			s.Note(c.name+", nonce", "%v, is the callback's %v", err == nil, errors.Is(err, refused))
			if err == nil {
				s.Note(c.name, "%s", toldBy(h, public))
				nc.Close()
			}
		}
		nc, err := nats.Connect(plain.URL(), c.opt)
		if strings.HasPrefix(c.name, "key") {
			s.Error(c.name+", no nonce", err)
		} else {
			s.Note(c.name+", no nonce", "%v", err == nil)
		}
		if err == nil {
			nc.Close()
		}
	}
}

func conflicts(s *stage.Stage) {
	h := keyed(s)
	public, seed := userKey(s)
	pair, err := nkeys.FromSeed([]byte(seed))
	s.Must(err, "seed")
	token := func() string { return "handler" }
	user := func() (string, string) { return "hu", "hp" }
	userJWT := func() (string, error) { return "JWT", nil }
	for _, c := range []struct {
		name, user string
		opts       []nats.Option
	}{
		{"token and handler", "", []nats.Option{nats.Token("t"), nats.TokenHandler(token)}},
		{"handler and token", "", []nats.Option{nats.TokenHandler(token), nats.Token("t")}},
		{"token handler and a token in the URL", "u@", []nats.Option{nats.TokenHandler(token)}},
		{"user and handler", "", []nats.Option{nats.UserInfo("u", "p"), nats.UserInfoHandler(user)}},
		{"JWT and key", "", []nats.Option{nats.UserJWT(userJWT, pair.Sign), nats.Nkey(public, pair.Sign)}},
		{"key and JWT", "", []nats.Option{nats.Nkey(public, pair.Sign), nats.UserJWT(userJWT, pair.Sign)}},
		{"JWT without signature", "", []nats.Option{nats.UserJWT(userJWT, nil)}},
		{"signature without JWT", "", []nats.Option{nats.UserJWT(nil, pair.Sign)}},
		{"key without signature", "", []nats.Option{nats.Nkey(public, nil)}},
		{"user of the URL, everything else", "u:p@", []nats.Option{nats.UserInfo("x", "y"), nats.Token("t")}},
		{"user of the URL and a key", "u:p@", []nats.Option{nats.Nkey(public, pair.Sign)}},
		{"user of the URL and a JWT", "u:p@", []nats.Option{nats.UserJWT(userJWT, pair.Sign)}},
		{"user of the URL and a handler", "u:p@", []nats.Option{nats.UserInfoHandler(user)}},
		{"token and JWT", "", []nats.Option{nats.Token("t"), nats.UserJWT(userJWT, pair.Sign)}},
		{"user and key", "", []nats.Option{nats.UserInfo("u", "p"), nats.Nkey(public, pair.Sign)}},
	} {
		nc, err := nats.Connect("nats://"+c.user+h.Addr(), c.opts...)
		s.Error(c.name, err)
		if err == nil {
			s.Note(c.name+" tells", "%s", toldBy(h, public))
			nc.Close()
		}
	}
}

func credentialPaths(s *stage.Stage) {
	h := keyed(s)
	_, seed := userKey(s)
	dir := s.TempDir()
	file := filepath.Join(dir, "f.creds")
	s.Must(os.WriteFile(file, fmt.Appendf(nil, "---B---\nJ\n---E---\n\n---B---\n%s\n---E---\n", seed), 0o600), "file")
	home, err := os.UserHomeDir()
	s.Must(err, "home")
	fromHome, err := filepath.Rel(home, file)
	s.Must(err, "relative path")
	fromHome = filepath.ToSlash(fromHome)
	for _, path := range []string{file, "~/" + fromHome, "$HOME/" + fromHome, "${HOME}/" + fromHome, "$NO_SUCH_VARIABLE_HERE/x"} {
		nc, err := nats.Connect(h.URL(), nats.UserCredentials(path))
		shown := strings.NewReplacer(file, "FILE", fromHome, "FILE").Replace(path)
		s.Note(shown, "%v", err == nil)
		if err == nil {
			nc.Close()
		}
		nc, err = nats.Connect(h.URL(), nats.UserCredentials(file, path))
		s.Note(shown+" as a seed's file", "%v", err == nil)
		if err == nil {
			nc.Close()
		}
	}
}

func operatorAccounts(s *stage.Stage) {
	pair := func(create func() (nkeys.KeyPair, error)) (nkeys.KeyPair, string) {
		key, err := create()
		s.Must(err, "key")
		public, err := key.PublicKey()
		s.Must(err, "public key")
		return key, public
	}
	operator, operatorName := pair(nkeys.CreateOperator)
	account, accountName := pair(nkeys.CreateAccount)
	claims := jwt.NewOperatorClaims(operatorName)
	encode := func(c jwt.Claims, key nkeys.KeyPair) string {
		text, err := c.Encode(key)
		s.Must(err, "encode")
		return text
	}
	system, systemName := pair(nkeys.CreateAccount)
	_ = system
	claims.SystemAccount = systemName
	s.Server(natstest.WithoutJetStream(), natstest.WithConfigText("operator: "+encode(claims, operator)+"\nresolver: MEMORY\nresolver_preload: {\n"+
		accountName+": "+encode(jwt.NewAccountClaims(accountName), operator)+"\n"+systemName+": "+encode(jwt.NewAccountClaims(systemName), operator)+"\n}\n"))
	user := func(change func(*jwt.UserClaims), by nkeys.KeyPair) []byte {
		key, name := pair(nkeys.CreateUser)
		c := jwt.NewUserClaims(name)
		if change != nil {
			change(c)
		}
		seed, err := key.Seed()
		s.Must(err, "seed")
		text, err := jwt.FormatUserConfig(encode(c, by), seed)
		s.Must(err, "format")
		return text
	}
	stranger, _ := pair(nkeys.CreateAccount)
	try := func(key string, opts ...nats.Option) {
		nc, err := nats.Connect(s.Server().URL(), opts...)
		s.Error(key, err)
		if err == nil {
			s.Error(key+", flush", nc.Flush())
			nc.Close()
		}
	}
	try("good", nats.UserCredentialBytes(user(nil, account)))
	try("another account", nats.UserCredentialBytes(user(nil, stranger)))
	try("over", nats.UserCredentialBytes(user(func(c *jwt.UserClaims) { c.Expires = time.Now().Add(-time.Hour).Unix() }, account)))
	try("nothing")
	told := newEvents()
	soon := user(func(c *jwt.UserClaims) { c.Expires = time.Now().Add(2 * time.Second).Unix() }, account)
	open(s, s.Server().URL(), nats.UserCredentialBytes(soon), watch(s, told), at(nats.ReconnectWait(50*time.Millisecond), nats.ReconnectJitter(0, 0)))
	expires := told.until("closed") // the server measures in seconds, and may let the user in again until the next one
	s.Note("expires", "%v, and again %v", strings.HasPrefix(expires, "[connected; error nats.ErrAuthExpired; disconnected network; "),
		strings.Count(expires, "error nats.ErrAuthExpired") > 1)
}
