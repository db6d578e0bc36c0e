// Package pull decides when to ask a pull consumer for messages, and when to give up. It serves both
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
// A [Machine] is one batch. A [Flow] is a continuous pull: Consume, Messages.
//
//	       connected: Ask                     Drain: Leave
//	Start ──▶ flowing ◀───────────── offline    flowing ──▶ leaving ──▶ done
//	           │  ▲  └─ Disconnected ──▶ ▲                  Left, or two seconds
//	           │  └──── Reconnected: Ask ┘
//	flowing:   Taken below a threshold asks for more; a failure, or silence, makes requests void, is told (Warn), and they are asked anew
//
// Its invariants: what was asked, and what has arrived and was not taken, never exceed the maximum together; StopAfter never overshoots; two silent
// heartbeat intervals while something is owed are one Warn; nothing is asked before the pause after a failure is over, and always something
// when little is left; exactly one Finish.
//
// [Backoff] is the memory that consecutive batches of one consumer share: it slows down a loop of fetches that nobody
// answers, without delaying the first error.
package pull
