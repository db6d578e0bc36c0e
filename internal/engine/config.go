package engine

import (
	"crypto/tls"
	"net/url"
	"time"

	"github.com/gannet-io/nats/internal/outbox"
	"github.com/gannet-io/nats/internal/pool"
	"github.com/gannet-io/nats/internal/proto"
	"github.com/gannet-io/nats/internal/session"
	"github.com/gannet-io/nats/internal/transport"
)

// Counters are the live statistics of a connection, with the layout of nats.Statistics.
type Counters = outbox.Counters

// Config is what a connection needs to know. It does not change afterwards.
type Config struct {
	URLs    []string                         // the server list as the user gave it
	First   string                           // put in front of the shuffled list; empty: nothing
	Shuffle func(n int, swap func(i, j int)) // nil: the order stays
	Session session.Config                   // Rand may be nil: the engine has its own
	Net     transport.Config                 // Timeout bounds the dial, and once more the whole handshake

	WebSocket transport.WebSocketConfig // for servers whose scheme is ws or wss

	AwaitLink bool // Connect returns when there is a link, also with Session.RetryFailed

	ConfirmBytes int           // a PING behind so many bytes that were published; 0 or less: none
	ConfirmAfter time.Duration // and so long after a publish that has none behind it; 0 or less: none
	Resend       int           // bytes written and unconfirmed at most, to be sent again on the next link; 0 or less: nothing is sent twice
	OwedPublish  bool          // an unconfirmed publish is owed an answer, as a request is: the link is doubted when it stays silent

	Keep         int           // bytes of publishes kept while disconnected; negative: none
	WriteTimeout time.Duration // how long one write may take before the link counts as broken

	Secure   bool                        // the user wants TLS
	TLSFirst bool                        // the TLS handshake comes before INFO
	TLS      func() (*tls.Config, error) // called at every connect; nil: an empty configuration
	NoEcho   bool
	Hello    Greeter // never nil

	InboxPrefix      string // without the final dot
	IgnoreDiscovered bool
	Delay            func(passes int) time.Duration // replaces the reconnect pause; nil: the session's rules
	// Choose picks the next server to dial and a pause before it; nil: the pool's order. A nil URL leaves the choice to the
	// pool, one that is not in it is natserr.ServerNotInPool.
	Choose   func(servers []pool.Server, last proto.Info) (*url.URL, time.Duration)
	Counters *Counters // never nil
}

// Greeter introduces a connection.
type Greeter interface {
	// Hello makes the CONNECT with its credentials at every connect, on the goroutine that dials; it may run user code.
	// The engine fills in what follows from the server: TLSRequired, Headers, NoResponders, Protocol.
	Hello(info *proto.Info, server *url.URL) (proto.Connect, error)
}

// Event is what a [Listener] is told of.
type Event uint8

const (
	Connected       Event = iota // the first link
	Disconnected                 // a link was lost; the error may be nil
	Reconnected                  // there is a link again, and everything that was kept is on its way
	ReconnectFailed              // an attempt to reconnect failed; the error says why
	Closed                       // the end
	Discovered                   // servers have joined the pool
	LameDuck                     // the server will shut down
	LeftConsumer                 // a consumer that nobody reads could not be deleted; the error says which and why
)

// Listener is told what happens to a connection. Happened and Report run on the callback goroutine, in order, under no lock.
type Listener interface {
	// Status runs on the supervisor: it must not block and must not be user code.
	Status(session.Status)
	// Reading runs there too: true before the reader of a new link begins, false before the end of one is waited for. A sink whose Deliver
	// waits has to return then.
	Reading(on bool)
	// Listens is asked there when e happens: false says that Happened would do nothing.
	Listens(e Event) bool
	// Happened tells of e; err is nil but where the event says otherwise.
	Happened(e Event, err error)
	// Report tells of an asynchronous error; sink is that of the subscription concerned, or nil.
	Report(sink Sink, err error)
}

// Sink takes the messages of one subscription, on the reader goroutine. Its methods must not block and never run user
// code.
type Sink interface {
	// Deliver takes one message. The frame is borrowed, unless f.Owned: then its bytes may be kept. It may wait only where the user has
	// asked for that, within a bound of his, and not after Events.Reading(false).
	Deliver(f *proto.Frame)
	// Settle follows each run of Deliver calls, at the latest at the end of a read: locks, wake-ups and counters belong there.
	Settle()
	// Closed is the last call: the connection closed for good (natserr.ConnectionClosed) or the subscription's limit is
	// reached (natserr.MaxMessages). It is not called after Unsubscribe. Any goroutine may call it.
	Closed(err error)
}

// Waiter gets the end of one Ask: one of Reply and Fail, once, and neither after Forget returned true.
type Waiter interface {
	// Reply runs on the reader goroutine and must not block. The frame is borrowed unless f.Owned. No responders comes
	// here too, as a frame with status 503.
	Reply(f *proto.Frame)
	// Fail says why no reply will come: natserr.Timeout, natserr.ConnectionClosed, natserr.Disconnected. Any goroutine.
	Fail(err error)
}
