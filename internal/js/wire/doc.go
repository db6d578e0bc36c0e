// Package wire is what JetStream says on the wire: API subjects, header names, status messages, acknowledgements,
// pull requests and JSON envelopes. Pure: it holds no clock, lock or goroutine, and every fact stands here once.
//
//	publisher ── message ──▶ stream subject          ack:     {"stream":"S","seq":7}            AckParser
//	client ───── request ──▶ $JS.API.<operation>     answer:  {"type":…,"error":{…},…}          APIError
//	client ───── pull ─────▶ $JS.API.CONSUMER.MSG.NEXT.<stream>.<consumer>                       PullRequest
//	    ◀──── message ─── reply $JS.ACK.<stream>.<consumer>.…                                    Meta
//	    ◀──── status ──── NATS/1.0 408 Request Timeout                                           Status
//	client ───── +ACK ─────▶ the message's reply subject                                         Ack, Nak …
//
// The hot parts are [AckParser.Parse], [AckSequences], [ParseAckSubject], [StatusOf] and [PullRequest.AppendJSON]: they
// do not allocate on their usual path. Each of them has its simple counterpart as an oracle in the tests.
//
// The forms are those of nats-server 2.15 (API level 5), ADR-1, ADR-6, ADR-13, ADR-15, ADR-31, ADR-42 and ADR-50.
package wire
