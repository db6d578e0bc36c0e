// Package run drives the JetStream machines: it gives them a lock, a timer and a connection, and hands their decisions to
// whoever waits. Both public APIs use these shells; what is public differs in vocabulary only.
//
//	caller ── PublishAsync ──► ┌───────────┐ ── Ask ─────────► connection
//	caller ── Publish ───────► │ Publisher │ ◄─ Reply, Fail ── reader, supervisor
//	timer  ── the time is up ► │  pubwin   │
//	                           └─────┬─────┘
//	                                 ├─ Resolved: under the lock, a channel of one place
//	                                 ├─ jobs: Ask again, Forget; one runner at a time, in order, under no lock
//	                                 └─ handlers of the user: the dispatcher, in order, under no lock
//
// [Publisher] publishes and waits for acks, and [Future] is what an asynchronous caller holds meanwhile. The puller works in the
// same way over its own machine: its subscriptions fill a batch on the reader, and a batch ends with a code.
//
// A [Feed] is Consume and Messages, over the flow machine: its reader fills a queue, which a handler on the dispatcher, or the callers
// of Next, empty.
//
// Lock order: Publisher.mu before Future.mu; the engine is never called with one of them held.
package run
