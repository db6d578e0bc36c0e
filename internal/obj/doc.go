// Package obj is the object store, once for both public APIs: a bucket is a stream, an object is a row of chunks under a subject
// of its own and one meta message that names it.
//
//	OBJ_<bucket>:   $O.<bucket>.C.<nuid>               chunk, chunk, chunk ...
//	                $O.<bucket>.M.<name in base64url>  meta: size, chunks, digest, nuid
//
//	Put: reader ──► window ──► publisher ──► stream      meta last; then the chunks of the object it replaced go
//	          └──► SHA-256, on a goroutine of its own
//	Get: stream ──► run.Reader ──► chunks ──► Read ──► SHA-256
//
// What a public package adds is its types, its options, and its error values: see [Fault].
//
// The rules of the window, which keeps chunks in order across lost links, are pure and in window.go; put.go drives it.
package obj
