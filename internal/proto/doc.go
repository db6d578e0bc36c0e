// Package proto is the client protocol of NATS: bytes to operations and back. It has no I/O, no locks and no clock.
//
//	server to client                            client to server
//	  INFO, MSG, HMSG, PING, PONG, +OK, -ERR      CONNECT, PUB, HPUB, SUB, UNSUB
//	      |                                           ^
//	  Parser.Next -> Op, Frame, Arg               AppendConnect, AppendPub, AppendSub, AppendUnsub
//	      |                                           |
//	  ParseInfo, ParseHeader, Status, ...         Boundary, Publishes: where operations end in bytes already written
//
// A message is one line and a body of known length; with a header block the line says where the payload begins in the body:
//
//	MSG subject sid [reply] size CRLF payload CRLF
//	HMSG subject sid [reply] header-size size CRLF header payload CRLF
//
// The parser keeps no bytes. Its caller owns one buffer, hands over what is in there, and keeps what was not consumed:
//
//	for {
//		n, op, err := p.Next(buf[r:w], &f)
//		switch {
//		case err != nil:        // give the connection up
//		case op != proto.OpNone: // use f or p.Arg() now; r += n
//		default:                 // read more behind w; p.Need() says how much room that takes
//		}
//	}
//
// What a server sends is not trusted: every length has a bound, no announced size makes anything grow, and each violation
// is an [Error].
package proto
