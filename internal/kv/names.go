package kv

import (
	"strings"

	"github.com/gannet-io/nats/internal/subject"
)

// A bucket is a stream, and a key is the rest of a subject.
const (
	streamPrefix  = "KV_"
	subjectPrefix = "$KV."
)

// AllSubjects matches the subjects of all buckets that store some of their own.
const AllSubjects = subjectPrefix + "*.>"

// StreamOf is the stream of a bucket.
func StreamOf(bucket string) string { return streamPrefix + bucket }

// BucketOf is the bucket of a stream; ok is false for a stream that has not the name of one.
func BucketOf(stream string) (bucket string, ok bool) { return strings.CutPrefix(stream, streamPrefix) }

// Subjects are what a bucket stores.
func Subjects(bucket string) string { return keysOf(bucket) + ">" }

// keysOf is what precedes the keys of a bucket in their subjects.
func keysOf(bucket string) string { return subjectPrefix + bucket + "." }

// SourceOf is the stream that a bucket copies from, whether it is named as a bucket or as a stream; bucket is its bucket.
func SourceOf(name string) (stream, bucket string) {
	if b, ok := BucketOf(name); ok {
		return name, b
	}
	return StreamOf(name), name
}

// Longer names break the link: the server (nats-server 2.15) takes lines of 4,096 bytes, in which a key may stand behind the names of its stream
// and bucket, and names of streams of 255.
const (
	maxBucket = 252
	maxKey    = 3072
)

// ValidBucket reports whether name can name a bucket: letters, digits, - and _.
func ValidBucket(name string) bool {
	for i := range len(name) {
		if !bucketBytes[name[i]] {
			return false
		}
	}
	return name != "" && len(name) <= maxBucket
}

// ValidKey reports whether key can be a key: letters, digits and -/_=. with no dot that leads, trails or follows another.
func ValidKey(key string) bool {
	for i := range len(key) {
		if !keyBytes[key[i]] {
			return false
		}
	}
	return len(key) <= maxKey && subject.ValidSubscribe(key)
}

// ValidFilter reports whether filter can select keys: like a key, with * anywhere and > at the end.
func ValidFilter(filter string) bool {
	for i := range len(filter) {
		c := filter[i]
		if !keyBytes[c] && c != '*' && (c != '>' || i != len(filter)-1) {
			return false
		}
	}
	return len(filter) <= maxKey && subject.ValidSubscribe(filter)
}

var (
	bucketBytes = bytesOf("-_")
	keyBytes    = bytesOf("-/_=.")
)

// bytesOf are letters, digits and more.
func bytesOf(more string) (t [256]bool) {
	for _, c := range []byte("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" + more) {
		t[c] = true
	}
	return t
}
