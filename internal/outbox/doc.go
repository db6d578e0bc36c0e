// Package outbox is the pair of write buffers between the publishers and the socket of a connection.
//
//	Publish ─┐                           ┌─ token: one at a time ─┐
//	Publish ─┼─ append ──► active ─ swap ─► in flight ─ 64 KB ───► Write ──► socket
//	Control ─┘  (mu)         ▲     (mu)         │     (no lock)
//	                         │                  │ Hold: what the kernel did not take,
//	                         └── pending ◄──────┘ from the first unfinished operation on
//
// Publishers append to the active buffer under one leaf lock. Nothing is written under it: whoever has the write token
// swaps the buffers and writes the one in flight while the others fill the new active one. The token belongs to the
// writer, a goroutine in [Box.Run], or to a publisher that finds the active buffer full: on a busy connection it
// writes itself, which costs a system call for every 64 KB and no switch of goroutines. The simple design, a lock
// around a buffered writer, costs twice the time for small messages and stops everybody, getters included, while the
// kernel blocks; a writer goroutine alone costs twice the time too as soon as it runs on another core.
//
// # Who writes
//
// The writer is woken only when it sleeps and the token is free, so that a publisher pays for a wake-up once, not for
// each message. Before it takes the buffer it yields the processor, until nothing joins any more, if recent writes carried more
// than one operation or several answers have just come ([Box.Expect]): everybody who is about to publish then joins the same
// write. Where this took long, because the processors are busy with other things, it is not repeated for a while. While publishers fill whole buffers by
// themselves the writer stands back for 0.1 ms at a time, unless something urgent comes: it would only cut their writes
// to pieces. With two processors this saves a third of the time that a message of 16 bytes takes.
//
// A publisher's own write is bounded by Config.Patience. When that time is over the kernel has a part, and the writer
// goes on from there; the publisher has put its message into the buffer before it began to write. This needs a link
// that is exact: a failed write says how much was taken, and an expired deadline does no harm. TLS, pipes and custom
// connections are not, and only the writer writes to them.
//
// A publisher of a message that is larger than a write does not copy it, if the link is exact and free: see loan.
//
// A write has at most [WriteSize] bytes and ends between two operations wherever those are smaller than that. On a link
// that is not exact it has a quarter of that, the size of a TLS record: all of it is in doubt when it fails.
//
// # Who waits
//
// Callers of Control hold locks, so they do not write; [Box.Relieve] does it for them afterwards.
//
// Publish alone waits, and only when one buffer is in flight and the active one has two write sizes. When nothing has
// been written for Config.Patience the socket stands still, and the active buffer grows instead, to twice the size for each
// further Patience, until Config.Keep bytes wait in all. When these are used up too, Publish waits for room, a Hold, a Close, or Config.WriteTimeout. PublishNow,
// PublishVolatile and Control never wait: they have a reserve beyond.
//
// # Reconnect
//
// A box without a link is held: it keeps publishes for the next one. Hold takes the link away before its socket is
// closed, so that no later write can succeed by half. Only when the write under way has returned is it known which
// operations the kernel took whole. Those are not repeated, and counted as unconfirmed unless a PONG has come
// since. All others come first in the pending buffer, before what was published meanwhile, so the order stays.
// On a link that is not exact the whole piece under way counts as taken. Subscriptions, PINGs and volatile
// publishes are not kept: who wants them makes them anew.
//
// # Counting what was lost
//
// Publishes without a reply subject are numbered in the order in which they were accepted. What is kept is always a
// suffix of that sequence, and a PONG confirms a prefix, so the number in between is a subtraction.
//
// # Confirming and sending again
//
// All PINGs pass through here, so that a PONG finds the one it answers: [Box.Ping], [Box.Pong]. With Config.ConfirmBytes or ConfirmAfter the box
// asks by itself, at exact places of the stream. With Config.Resend what is written stays here until it is confirmed and is kept like
// the unwritten rest when the link goes; no more than that is written ahead of the answers.
package outbox
