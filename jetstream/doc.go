// Package jetstream is streams, consumers and stores over a NATS connection.
//
//	nc, _ := nats.Connect(nats.DefaultURL)
//	js, _ := jetstream.New(nc)
//	                     │
//	     ┌───────────────┼───────────────┬──────────────────┐
//	 js.Publish      js.Stream      js.Consumer     js.CreateStream, js.ListStreams …
//	 js.PublishAsync     │               │
//	                  Stream         Consumer ── Fetch, Next, Consume, Messages ──▶ Msg
//
// A [JetStream] is the API of the account that the connection belongs to; [NewWithDomain] and [NewWithAPIPrefix] reach
// that of another domain or account. [Stream] and [Consumer] are handles: they hold a name and the information that came
// with the last answer, and nothing of them has to be closed.
//
// # Publishing
//
// A publish ends with a [PubAck] when the stream has stored the message. It is tried again when no stream answers, and with
// [WithMsgID] when the connection is lost, since neither can store it twice. Everything else is told: every [PubAckFuture] ends, with
// an ack or an error.
//
// # Fetching
//
// A [Consumer] asks for messages in batches, and each [Msg] is to be acknowledged. A [MessageBatch] ends without an error only when it
// is full or the server has said that there is no more. Heartbeats, on by default for fetches of 10 seconds and more, find a dead
// connection sooner.
//
// # Consuming
//
// Consume and Messages keep messages on their way: the next ones are asked for while the last are handled. They go on through lost connections,
// restarts and changes of the leader, and tell of them. They end when they are stopped, when the consumer is gone, and with the
// connection.
//
// [All] and [Fetched] are Messages and Fetch as range loops.
//
// # Reading in order
//
// OrderedConsumer reads a stream without acks: every message that matches once, in the stream's order, whatever happens to connections, servers,
// leaders and consumers meanwhile. It makes a new consumer on the server whenever the last one is in doubt: after a reconnect, a gap, two missing
// heartbeats, any status that says so, and when it was deleted. The new one starts behind the last message. While none can be made it goes on
// trying, and tells [ErrOrderedConsumerReset] with the reason. A handle is used for one Consume or Messages, or for one batch after the other; each
// batch and each Next has a consumer of its own. Nothing has to be closed: what a handle has made at the server is deleted when it is stopped or
// drained, when the connection closes, and when nobody holds the handle any more.
//
// # Push
//
// A [PushConsumer] delivers to a subject whoever listens. It is there for streams that are set up so; a pull consumer does all that it does.
//
// # Contexts
//
// Every call that asks the server takes a context. One without a deadline is given 5 seconds, or what
// [WithDefaultTimeout] says; the error at the end is [context.DeadlineExceeded] either way. A nil context is
// nats.ErrInvalidContext.
//
// # Errors
//
// The server's refusals hold an [*APIError], and [errors.Is] compares its ErrorCode only. Errors of the connection come out
// as they are: nats.ErrConnectionClosed, and nats.ErrNoResponders where no JetStream answers. Errors of this package and of
// package nats never match each other, but for [ErrNoAnswer], which is a nats.ErrTimeout.
package jetstream
