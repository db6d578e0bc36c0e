package obj

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/gannet-io/nats/internal/subject"
)

const (
	streamPrefix = "OBJ_"
	// everyBucket selects the streams of buckets in a list: what stores chunks.
	everyBucket = "$O.*.C.>"
	// DefaultChunk is the size of chunks unless the meta data says otherwise, in bytes.
	DefaultChunk = 128 << 10
)

// StreamName is that of a bucket's stream.
func StreamName(bucket string) string { return streamPrefix + bucket }

// BucketOf is the way back; ok is false for other streams.
func BucketOf(stream string) (bucket string, ok bool) {
	bucket, ok = strings.CutPrefix(stream, streamPrefix)
	return bucket, ok && ValidBucket(bucket)
}

// maxBucket is the longest name of a bucket: with its prefix it has to be the name of a stream, for which nats-server 2.15 allows 255 bytes.
const maxBucket = 255 - len(streamPrefix)

// ValidBucket reports whether s can name a bucket: letters, digits, - and _, at most 251.
func ValidBucket(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return s != "" && len(s) <= maxBucket
}

// chunkSubject is where the chunks of an object are. A nuid comes from meta data that others wrote: see validNUID.
func chunkSubject(bucket, nuid string) string { return "$O." + bucket + ".C." + nuid }

// metaSubject is where the meta data of an object is; any name is one token.
func metaSubject(bucket, name string) string {
	return metaPrefix(bucket) + base64.URLEncoding.EncodeToString([]byte(name))
}

// maxName is the longest name of an object, in bytes. In base64, with what stands around it in a request, it has to fit into a protocol line,
// for which servers allow 4096 bytes unless they are configured otherwise; a longer line costs the link.
const maxName = 2048

// checkName says what is wrong with the name of an object: [NameRequired], or [BadMeta] in words.
func checkName(name string) error {
	if name == "" {
		return NameRequired
	}
	if len(name) > maxName {
		return fmt.Errorf("nats: the name of an object has %d bytes, at most %d fit into a subject: %w", len(name), maxName, BadMeta)
	}
	return nil
}

func metaPrefix(bucket string) string { return "$O." + bucket + ".M." }

// validNUID reports whether s can be the last token of a chunk subject. With a wildcard in it a purge would take the bucket.
func validNUID(s string) bool { return subject.ValidName(s) && len(s) <= maxNUID }

const maxNUID = 128
