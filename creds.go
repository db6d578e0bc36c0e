package nats

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/nats-io/nkeys"
)

// A credentials file holds a JWT and a seed, each as one line between two lines of at least three dashes, a title, and at
// least three dashes:
//
//	-----BEGIN NATS USER JWT-----
//	eyJ0eXAiOiJKV1QiLC...
//	------END NATS USER JWT------
//
//	-----BEGIN USER NKEY SEED-----
//	SUAGMJH5XLGZKQQWAWKRZJIGMOU4HPFUYLXJMXOO5NLFEO2OOQJ5LPRDPM
//	------END USER NKEY SEED------
//
// A file that is nothing but a token serves as the JWT, and one whose first line with SU, SA or SO at its start is a seed
// as the seed.

// maxCreds bounds what is read of a credentials file, in bytes.
const maxCreds = 1 << 20

// UserCredentials takes JWT and seed from a credentials file, or from one file each. In the first path ~ and environment
// variables are expanded. The option fails when a file cannot be read. Files are read again at every connect, so replaced ones are
// picked up, and the buffers are wiped afterwards.
func UserCredentials(userOrChainedFile string, seedFiles ...string) Option {
	return func(o *Options) error {
		userFile, err := expandPath(userOrChainedFile)
		if err != nil {
			return fmt.Errorf("nats: %w", err)
		}
		seedFile := userFile
		if len(seedFiles) > 0 {
			seedFile = seedFiles[0]
		}
		for _, name := range []string{userFile, seedFile} {
			if err := withFile(name, func([]byte) error { return nil }); err != nil {
				return err
			}
		}
		return UserJWT(
			func() (jwt string, err error) {
				err = withFile(userFile, func(b []byte) error {
					jwt, err = jwtIn(b)
					return err
				})
				return jwt, err
			},
			func(nonce []byte) (sig []byte, err error) {
				err = withFile(seedFile, func(b []byte) error {
					sig, err = sign(b, nonce)
					return err
				})
				return sig, err
			},
		)(o)
	}
}

// UserCredentialBytes is [UserCredentials] with the contents of the file or files. They are copied.
func UserCredentialBytes(userOrChainedFileBytes []byte, seedFiles ...[]byte) Option {
	user := bytes.Clone(userOrChainedFileBytes)
	seed := user
	if len(seedFiles) > 0 {
		seed = bytes.Clone(seedFiles[0])
	}
	return UserJWT(
		func() (string, error) { return jwtIn(user) },
		func(nonce []byte) ([]byte, error) { return sign(seed, nonce) },
	)
}

// UserJWTAndSeed authenticates with a JWT and the seed of its key.
func UserJWTAndSeed(jwt, seed string) Option {
	return UserJWT(
		func() (string, error) { return jwt, nil },
		func(nonce []byte) ([]byte, error) { return sign([]byte(seed), nonce) },
	)
}

var errNotUserSeed = errors.New("nats: not a valid nkey user seed")

// NkeyOptionFromSeed is [Nkey] with the key of a file that has its seed. The file is read again at every connect, and
// the buffer wiped afterwards. It fails when the file cannot be read, or has no user's seed.
func NkeyOptionFromSeed(seedFile string) (Option, error) {
	var public string
	err := withFile(seedFile, func(b []byte) error {
		return withKey(b, func(key nkeys.KeyPair) (err error) {
			public, err = key.PublicKey()
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	if !nkeys.IsValidPublicUserKey(public) {
		return nil, errNotUserSeed
	}
	return Nkey(public, func(nonce []byte) (sig []byte, err error) {
		err = withFile(seedFile, func(b []byte) error {
			sig, err = sign(b, nonce)
			return err
		})
		return sig, err
	}), nil
}

// withFile calls use with the contents of the file, and wipes them afterwards.
func withFile(name string, use func([]byte) error) error {
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("nats: %w", err)
	}
	defer f.Close()
	// One buffer of the final size: a growing one would leave copies behind.
	buf := make([]byte, maxCreds+1)
	defer clear(buf)
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() && info.Size() < maxCreds {
		buf = buf[:info.Size()+1]
	}
	n, err := io.ReadFull(f, buf)
	switch {
	case err == nil:
		return fmt.Errorf("nats: %s is too long for credentials", name)
	case !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("nats: %w", err)
	}
	return use(buf[:n])
}

// withKey calls use with the key whose seed b has, and wipes it afterwards.
func withKey(b []byte, use func(nkeys.KeyPair) error) error {
	seed, err := seedIn(b)
	if err != nil {
		return err
	}
	key, err := nkeys.FromSeed(seed)
	if err != nil {
		return fmt.Errorf("nats: %w", err)
	}
	defer key.Wipe()
	return use(key)
}

func sign(creds, nonce []byte) (sig []byte, err error) {
	err = withKey(creds, func(key nkeys.KeyPair) error {
		sig, err = key.Sign(nonce)
		return err
	})
	return sig, err
}

var errNoJWT = errors.New("nats: no user JWT found")

// jwtIn finds the JWT: the first block, or all of b when it has none and is a token itself.
func jwtIn(b []byte) (string, error) {
	if first, _ := blocks(b); first != nil {
		return string(first), nil
	}
	if token := bytes.TrimSpace(b); isToken(token) {
		return string(token), nil
	}
	return "", errNoJWT
}

// seedIn finds the seed, as a part of b: the second block, or without two blocks the first line that begins like a seed.
func seedIn(b []byte) ([]byte, error) {
	_, seed := blocks(b)
	if seed == nil {
		for line := range bytes.Lines(b) {
			if line = bytes.TrimSpace(line); isSeed(line) {
				seed = line
				break
			}
		}
	}
	if !isSeed(seed) {
		return nil, nkeys.ErrNoSeedFound
	}
	return seed, nil
}

func isSeed(line []byte) bool {
	return isToken(line) && slices.ContainsFunc([]string{"SU", "SA", "SO"}, func(p string) bool { return bytes.HasPrefix(line, []byte(p)) })
}

// blocks returns the first two armoured tokens of b, as parts of it; nil where there is none.
func blocks(b []byte) (first, second []byte) {
	var before2, before1 []byte // the two lines before
	for line := range bytes.Lines(b) {
		line = bytes.TrimSpace(line)
		if isArmour(line) && isToken(before1) && isArmour(before2) {
			if first != nil {
				return first, before1
			}
			first = before1
			line = nil // a closing line does not open the next block
		}
		before2, before1 = before1, line
	}
	return first, nil
}

// isArmour reports whether line is dashes, a title, dashes.
func isArmour(line []byte) bool {
	dashes := []byte("---")
	return len(line) > 2*len(dashes) && bytes.HasPrefix(line, dashes) && bytes.HasSuffix(line, dashes)
}

// isToken reports whether line is one token of what JWTs and seeds are written in.
func isToken(line []byte) bool {
	if len(line) == 0 || isArmour(line) {
		return false
	}
	for _, c := range line {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-', c == '.', c == '=':
		default:
			return false
		}
	}
	return true
}

// expandPath replaces environment variables, and a ~ at the start, as a shell would.
func expandPath(path string) (string, error) {
	path = os.ExpandEnv(path)
	if len(path) == 0 || path[0] != '~' {
		return path, nil
	}
	home, err := homeDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(home, path[1:]), nil
}

func homeDir() (string, error) {
	home := os.Getenv("HOME")
	if runtime.GOOS == "windows" {
		if home = os.Getenv("HOMEDRIVE") + os.Getenv("HOMEPATH"); os.Getenv("HOMEDRIVE") == "" || os.Getenv("HOMEPATH") == "" {
			home = os.Getenv("USERPROFILE")
		}
	}
	if home == "" {
		return "", errors.New("no home directory in the environment")
	}
	return home, nil
}
