package obj

import (
	"bytes"
	"encoding/base64"
	"strings"
)

// digestPrefix names the only algorithm there is.
const digestPrefix = "SHA-256="

// Digest is a hash as meta data has it: SHA-256=<base64url>.
func Digest(sum []byte) string { return digestPrefix + base64.URLEncoding.EncodeToString(sum) }

// ParseDigest is the way back. The algorithm is not looked at. Errors: [BadDigest], and that of base64.
func ParseDigest(s string) ([]byte, error) {
	_, sum, ok := strings.Cut(s, "=")
	if !ok {
		return nil, BadDigest
	}
	return base64.URLEncoding.DecodeString(sum)
}

// matches reports whether sum is what the digest of the meta data says.
func matches(digest string, sum []byte) error {
	want, err := ParseDigest(digest)
	if err != nil {
		return BadDigest
	}
	if !bytes.Equal(want, sum) {
		return DigestMismatch
	}
	return nil
}
