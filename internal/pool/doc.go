// Package pool is the server pool of a connection: which servers there are, and which one is next.
//
//	Parse, New        what the user wrote           ─┐
//	Merge             what INFO connect_urls names   ├─►  [ a  b  c  d ]  ─► Next: a, b, c, d, a, ...
//	Replace           a new list from the user      ─┘      ▲ current: goes to the back when Next is asked
//	Retire            failed too often: leaves it
//
// The pool decides neither when to dial nor when to give up: that is package session's. It is pure, without a clock and
// without randomness of its own (the shuffle comes from outside), and not safe for concurrent use: the goroutine
// that owns the session machine owns the pool too.
package pool
