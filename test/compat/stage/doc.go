// Package stage is where scenarios play: a server, a link with faults, a tap that sees every frame, a peer that speaks the
// protocol by hand, and the transcript. It knows no client library, so that both use exactly the same.
//
//	client under test ──► Tap ──► Proxy ──► Server ◄── Peer
//	                 frames, drops    faults            streams, consumers, scripted answers
package stage
