// Package push decides what a client of a push consumer has to do beside handing out messages: notice that the server has gone silent, answer its
// flow control, and, for delivery in order, make a new consumer when the current one is in doubt. It is pure: events are methods, time is
// an argument, actions come back.
//
//	messages, heartbeats ──▶ ┌──────┐ ── Answer: to flow control, when everything before it was handled
//	Handled ───────────────▶ │ Flow │ ── Doubt: a heartbeat is late, look after the link
//	link down, up, Tick ───▶ └──────┘ ── Missed, Mismatch
//	                             │ Broken
//	link down, up, Tick ───▶ ┌───▼─────┐ ── Abandon, Create: a consumer
//	Created, Failed ───────▶ │ Renewal │ ── Tell: the user, of each change
//	                         └─────────┘ ── Finish: the stream is gone
//
// [Flow] serves all push consumers, [Renewal] those that deliver in order; whether something is missing there is package ordered's decision.
//
// Invariants of Flow: an answer is given only when all messages that arrived before its request have been handled, and each request is
// answered in the end, if they are; two silent intervals with a link give exactly one Missed, and each further two another one.
// Invariants of Renewal: at most one consumer is being made, none without a link; after Abandon the next one is always another one; without a
// consumer and with a link it makes one, after 800 ms at the latest; nothing follows Finish.
package push
