// Package kv is the key-value store over a stream, once for both public APIs: names, subjects, revisions, reading, writing,
// watching.
//
//	bucket b ─▶ stream KV_b       key a.b ─▶ subject $KV.b.a.b       revision ─▶ stream sequence
//
//	Put, Create, Update ── message, expectations in headers ──▶ run.Publisher ──▶ ack: the revision
//	Remove ─────────────── KV-Operation: DEL, or PURGE with a rollup ──▶ likewise
//	Get ────────────────── direct get of the subject's last message ──▶ Entry
//	Watcher ◀── Entry ── run.Reader: the last message of each key, then all that follow
//
// A key is deleted by a message, which stays as a marker; the server puts markers of its own in place of messages that expire, when the
// bucket asks for it. Both read as an Entry whose Op is not Put.
//
// What callers see beside values are the errors of their own package: [Errors] brings them. The façades add their entry and configuration types.
//
// The conventions are those of ADR-8, ADR-31 (reading), ADR-43 (TTLs), ADR-48 (markers) and ADR-50 (transactions).
package kv
