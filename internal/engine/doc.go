// Package engine is the only room with sockets. It keeps one connection to a cluster of servers alive and moves messages
// over it.
//
//	Publish, Ask ──► outbox ──► writer ──► socket ──► server
//	                                                    │
//	Sink ◄── subscription table ◄── reader ◄── socket ◄─┘
//	  │                               │
//	  └► dispatcher ► callbacks       └► reply mux ► Waiter, Taker
//
//	supervisor: session machine, dials, pings, status      callback queue: connection events
//
// Goroutines. The supervisor lives as long as the connection and alone touches the session machine and the server
// pool. Each socket has a reader and a writer; each dial has a goroutine of its own. Connection events run on a goroutine that
// exists while there are any. Dispatcher workers run the callbacks of asynchronous subscriptions, as many as are
// blocked in user code at a time plus one; all but one end when idle. The supervisor ends last of all but workers and callbacks that are
// inside user code.
//
// Locks, outer first: Conn.mu, then mux.mu, then the outbox's own; subscription locks of the façades lie between Conn.mu
// and the outbox. No lock is held during I/O, during a call of a Sink, a Waiter, a Taker or a user's function.
package engine
