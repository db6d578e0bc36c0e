// Package nats is a client for NATS, a system for messaging by subject. A [Conn] publishes messages, subscribes to subjects, and makes
// requests; it survives the loss of its server by going to another one.
//
//	nc, err := nats.Connect("nats://127.0.0.1:4222")
//	if err != nil {
//		return err
//	}
//	defer nc.Drain()
//
//	_, err = nc.Subscribe("greet.*", func(m *nats.Msg) { m.Respond([]byte("hello")) })
//	answer, err := nc.Request("greet.joe", nil, time.Second)
//
// # How messages travel
//
//	Publish ──► outbox ──► writer ──► server ──► reader ──┬─► callback (a worker of the connection)
//	                                                      ├─► queue ──► NextMsg
//	                                                      ├─► the program's channel
//	                                                      └─► Request
//
// Publishing appends to a buffer and returns; it never waits for the network, unless more is published than the link takes. While there
// is no link, messages are kept up to [ReconnectBufSize], and sent after the reconnect, behind the subscriptions.
//
// Receiving is bounded: each subscription has a limit of messages and bytes, beyond which messages are dropped, counted, and
// [ErrSlowConsumer] is told. A callback that blocks holds up its own subscription and nothing else.
//
// # Errors
//
// Errors of calls are bare values of this package, to be compared with == or [errors.Is]; those that carry the server's words, or a reason,
// wrap one. What no call can return goes to the [ErrorHandler]: among them a [*LossError] when accepted messages may not have arrived.
//
// # Callbacks
//
// Any method may be called from any callback. Callbacks of a connection ([ConnectHandler] and the others) run one after the other. They are
// fields of [Conn.Opts] and can be replaced with the Set methods at any time.
//
// # Compatibility
//
// A program written for github.com/nats-io/nats.go works after a change of its import path. docs/differences.md in the module lists
// what differs, why, and how to get the old behaviour where somebody may want it.
package nats
