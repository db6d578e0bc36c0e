// Package pubwin decides about publishes that wait for an ack: how many may be out, what is sent again, what has taken too long.
// It is pure: time is an argument, and what must happen comes back as actions.
//
//	        Begin                  NoResponders, attempts left
//	free ----------> sent ------------------------------------------> waiting
//	  ^               | ^                                               |
//	  |               | +------------------- Tick: the wait is over ----+
//	  |               |                      (Send)                     |
//	  +---------------+-------------------------------------------------+
//	    Acked, Withdraw, Fail, Disconnected, Close, Tick: the deadline has passed
//	    (Resolve, and Unstall or Idle where they became true)
//
// Invariants:
//   - a token that Begin gave ends exactly once: by Acked or Withdraw with live true, or by one Resolve;
//   - a Send follows an answer "no responders" while attempts are left, or a lost link where [Retry].Repeat says that a
//     second copy is harmless; nothing is sent again because an ack is late;
//   - at most [Config].MaxPending tokens are live;
//   - no token lives past its deadline once Tick was called with a later time;
//   - a stalled window tells Unstall when it is down to three quarters, and Idle follows every last end.
package pubwin
