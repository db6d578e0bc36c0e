// Package tour streams a file through JetStream while things go wrong, and reports what the client made of it.
//
//	               link                                    one chapter after the other:
//	chapters ──► client ──► fault proxy ──► server           1 the stream appears late      publish
//	   │                                     ▲               2 an ack is lost               publish
//	   └───────► client ─────────────────────┘               3 the link breaks in a window  publish, async
//	               direct: looks on, cleans up                4 the link turns into a hole   fetch
//	                                                         5 the consumer is reaped       fetch
//	                                                         6 the text equals the file
//
// The file is cut into lines. Chapters 1 to 3 publish a share of them each, all with a message id; chapters 4 and 5 read all of
// them, each with a consumer of its own; chapter 6 compares. Whatever a chapter claims, it has measured: with the library's own
// return values, the connection's counters, or by asking the server over the direct connection. Every wait has a bound.
//
// Faults are set through the proxy at chosen moments, never by looking for bytes in the traffic, so that they work the same over TLS.
//
// The server is embedded, or the user's own; there the tour uses a stream with a unique name and deletes it however the tour ends.
package tour
