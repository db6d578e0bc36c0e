// Package ingest decides how messages go into a stream as a fast batch (ADR-50): how many may be under way, what an answer
// means for those behind it, and what is to be sent again after a loss.
//
//	accepted ──► sent ──► acked          ordinals, from 1, over all batches of the machine
//	             └─ at most two ack intervals ─┘
//
//	Idle ─first─► Starting ─flow ack─► Open ─close─► Committing ─ack─► Over
//	  ▲               │                 │  ▲             │
//	  │               ▼     silence     ▼  │ flow ack    ▼
//	  │            Asking ◄── no link ──────────────── Asking     a ping: what has the server?
//	  └── ack for a prefix ◄── Ending ◄── gap, refusal
//
// The server ends a batch at the first message that is missing and acks what was stored before it. So nothing is stored out of order, and a new
// batch begins behind the stored prefix. Only when the server has forgotten the batch is it unknown what was stored: then messages are sent
// again only if all of them have ids.
//
// Invariants: acked <= sent <= accepted; no message is sent in two batches unless the first one ended with an ack before it, or the machine
// may repeat; an end is told exactly once; every state but Idle and a full Open has a deadline.
package ingest
