// Package ordered decides whether a message is the next one of a stream, and where a new consumer has to start if it is not. It serves every
// reader that promises order without acks: each message once, in stream order, across consumers, servers and links. It is pure.
//
//	             Message, Heartbeat: Reset
//	following ─────────────────────────────▶ lost
//	    ▲                                     │ everything is dropped
//	    └──────────── Recreated ◀─────────────┘
//
// A consumer without acks numbers what it sends: 1, 2, 3 … So a number that is missing is a message that is missing. Stream sequences cannot tell,
// since filters and deletions leave holes in them. The reader then makes a new consumer, of another name and on another inbox, which starts behind
// the last message that was delivered.
//
// Invariants: the stream sequences of delivered messages rise strictly, whatever the server sends; between two of them there is no message that the
// server counted for its consumer; From never falls, and is above every delivered message.
package ordered
