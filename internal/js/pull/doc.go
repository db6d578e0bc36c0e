// Package pull decides when to ask a pull consumer for messages, and when to give up. It serves the Fetch family of both
// APIs. It is pure: events are methods, time is an argument, and what is to be done comes back as actions.
//
//	          delay over        connected: Ask
//	Start ──▶ paused ─────────▶ asked ◀──────────── offline
//	  │                          │  ▲  Disconnected ──▶ ▲
//	  └──────────────────────────┘  └── Reconnected ────┘
//	asked:     messages count down; the last one, a terminal status or the clock finishes
//	lingering: the server's answer came early (408) and the caller wants to hear only when its own time is over
//	done:      every further event is legal and does nothing
//
// Four clocks end what nobody else ends: the caller's deadline; two heartbeats without any frame; the request's expiry and
// one second without a frame; and while paused, the pause. So time in every state is bounded.
//
// Invariants: what was asked and not answered never exceeds what the batch still lacks; exactly one Finish; two silent
// heartbeat intervals give exactly one NoHeartbeat; no Ask while the connection is down; time in every state is bounded.
//
// [Backoff] is the memory that consecutive batches of one consumer share: it slows down a loop of fetches that nobody
// answers, without delaying the first error.
package pull
