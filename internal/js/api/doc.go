// Package api asks the JetStream API: one request, one decoded answer.
//
//	façade ── Call[T](ctx, client, subject, request) ──▶ marshal ── prefix + subject ──▶ engine.Request
//	       ◀── T, *wire.APIError, error ─────────────── envelope {type, error, …} ◀──────── reply
//
// Each public package decodes answers straight into its own types: one codec, two vocabularies. A refusal by the server is
// a *[wire.APIError], everything else that goes wrong an error: a value of package natserr, the context's error, or one that
// wraps [ErrBadAnswer]. [List] pages through names and infos, [NewLister] does so into a channel, and [GetMsg], [DirectGet]
// and [DirectGetLast] read stored messages.
package api
