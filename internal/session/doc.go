// Package session decides a connection's life: which server is dialled when, what a lost link means, when a silent one is dead, when to
// give up, and what the user is told in which order. It is pure: events come in as methods with the time first, what is to be
// done comes out as a slice of [Action], and [Machine.Deadline] says when [Machine.Tick] is due. It starts nothing and waits for nothing.
//
//	 Start
//	   │ CONNECTING                              RECONNECTING
//	   ▼                  a pass failed and    ┌───────────────────────────────────────────────┐
//	┌─────────┐           RetryFailed          │ ┌──────────┐  user's choice   ┌────────────┐  │
//	│ dialing ├───────────────────────────────►│ │ choosing ├─────────────────►│ pausing    │  │
//	└──┬───┬──┘                                │ └──────────┘  of a server     │ (or asking │  │
//	   │   │ one is usable                     │       ▲                       │ how long)  │  │
//	   │   ▼                                   │       │ failed   ┌─────────┐  └─────┬──────┘  │
//	   │ ┌──────────────────────────────┐ lost │       └──────────┤ dialing │◄───────┘         │
//	   │ │ up: CONNECTED, DRAINING_SUBS,├─────►│                  └────┬────┘                  │
//	   │ │     DRAINING_PUBS            │      └───────────────────────┼──────────────┬────────┘
//	   │ └──────┬──────────────▲────────┘                              │ usable       │ given up,
//	   │ failed │ closed,      └───────────────────────────────────────┘              │ refused twice,
//	   ▼        ▼ lost while draining, or no reconnect allowed                        ▼ closed
//	┌────────────────────────────────────────────────────────────────────────────────────┐
//	│ over: CLOSED, for ever                                                             │
//	└────────────────────────────────────────────────────────────────────────────────────┘
//
// # Passes
//
// Attempts come in passes: a pass dials every server of the pool once, in order, without a pause in between, but a dial that is
// silent for Config.Stagger is joined by one to the next server (three at a time at most). The first usable one wins; a failure counts
// for its own server only. Pauses stand between passes:
//
//   - Connect makes one pass. Its error is that of the attempt that was started last, and [natserr.NoServers] where that was refused.
//   - With Config.QuickFirst the first five passes after a loss come after pauses of 0-50 ms (random), 100, 200, 400 and 800 ms. They count
//     neither against MaxReconnect nor are their failures told. A refusal of credentials ends this early phase, or keeps it from beginning:
//     haste does not help there, and the second refusal in a row is the last. After a link of
//     less than half a second they go on where they were.
//   - Otherwise the server that was lost counts as the first attempt of the first pass: the others are tried at once, and then comes
//     a pause of Wait and up to Jitter before each pass. A lone server is so tried after the first pause.
//   - Config.CustomDelay has the engine ask for each pause ([AskDelay]), Config.ChooseServer for each server ([AskServer]).
//   - With Config.FullJitter pauses are random below a bound that doubles, and none comes before the other servers were tried.
//
// With Config.LeaveWithin a lame duck's link is left for that of a dial aside: Dial, and when that is usable, Leave; the engine answers Left when
// the old link has served out. [Machine.Shutdown] drains over losses of the link: the status stays DRAINING_SUBS or DRAINING_PUBS.
//
// # Order of actions
//
//	link lost           Emit RECONNECTING, CloseLink, TellDisconnected, then Dial or a pause
//	link lost for good  Emit DISCONNECTED, Emit CLOSED, CloseLink, FailPending, TellDisconnected(nil), TellClosed, Finish
//	success             Abort (other dials), Install, Emit CONNECTED, TellConnected or TellReconnected, ConnectDone (first time)
//	closed by the user  Abort, Emit CLOSED, CloseLink, FailPending, TellDisconnected(nil) where there is a link, TellClosed, Finish
//
// # Invariants
//
// Closed is final: afterwards no event has an effect. Every Dial ends by DialDone or by Abort, and no two dials in
// flight have the same server. Install answers a successful DialDone, once, and never while there is a link. Connect gets one answer.
// An ill-timed event (the result of an aborted dial, a delay that nobody asked for) does nothing. Every state ends by itself: dials by
// Config.DialLimit (or the engine's own timeout), questions to the user after a minute, drains by Config.DrainTimeout (or the engine's).
package session
