// Package natstest gives tests real NATS servers and real faults: one server, a cluster, a server that dies by kill -9,
// and a TCP proxy that cuts, swallows, slows and corrupts what passes between a client and its server.
//
//	your test ──► client under test ──► Proxy ──► Server (embedded, or AsProcess)
//	                                                ▲ routes
//	                                                ▼
//	                                    ClusterT: Server, Server, ...
//
// The package does not depend on any client library; it hands out URLs.
//
//	func TestOrders(t *testing.T) {
//		srv := natstest.Run(t)                 // JetStream, free port, temporary store
//		proxy := natstest.NewProxy(t, srv.URL())
//		nc, err := nats.Connect(proxy.URL())
//		...
//		proxy.Cut()                            // the connection breaks
//		srv.Restart(true)                      // same port, same streams
//	}
//
// # Life cycle
//
// [Run], [Cluster] and [NewProxy] belong to a test: what they start ends in the test's cleanup, which waits until every
// goroutine, process and socket is gone. [Start], [StartCluster] and [StartProxy] are the same for programs and examples;
// there the caller calls Close.
//
// Methods that can fail return an error. If the value belongs to a test, they also mark the test as failed (with Errorf, so
// they may be called from any goroutine while the test runs), and the error may be ignored.
//
// Every wait is bounded: [WithTimeout], 15 s by default.
//
// # Embedded or a process
//
// A server is embedded in the calling program by default. That is quick to start and allows [WithConfig] and
// [Server.Embedded], but such a server can only be stopped, not killed. With [AsProcess] the program starts itself a second
// time, and an init function of this package turns that copy into the server before main or any test runs. Such a server can
// be killed; it ends by itself when its parent does, however the parent ends.
//
// # Ports
//
// Everything listens on 127.0.0.1. Ports come from below the range that operating systems use for outgoing connections, and
// stay reserved while a server is down, so that Restart finds its port free even when many tests run at once.
package natstest
