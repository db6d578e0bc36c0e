// Package peer holds the other ends of the benchmark, written with plain sockets: a fake server that discards what it gets (the
// sink) or sends frames made beforehand (the replay), and a responder that echoes requests through a real server. Each runs in a
// process of its own and is meant to be much faster than the client, which therefore is the bottleneck.
package peer
