package natstest

import (
	"fmt"

	"github.com/nats-io/nats-server/v2/server"
)

// host is the place where a running server lives: this process or one of its own.
type host interface {
	// ask puts a question to the server. An error means that the question was not answered.
	ask(query) (answer, error)
	// stop begins a clean shutdown, lameDuck one that tells the clients first. Neither waits.
	stop() error
	lameDuck() error
	kill() error
	// gone is closed when the server has ended, for whatever reason.
	gone() <-chan struct{}
}

// query is a question about a server's state.
type query struct {
	ID                        int
	Verb                      verb
	Account, Stream, Consumer string
}

type verb string

const (
	askState         verb = "state"
	askStream        verb = "stream"
	askConsumer      verb = "consumer"
	stepDownStream   verb = "step down stream"
	stepDownConsumer verb = "step down consumer"
	stopServer       verb = "stop"
	lameDuckServer   verb = "lame duck"
)

// answer is the reply to a query; which fields count depends on the verb.
type answer struct {
	ID       int
	Err      string
	Leader   bool     // state: of the meta group; stream, consumer: of that
	Current  bool     // state, stream: has what the leader has
	Assigned bool     // stream: this server holds a replica
	Peers    []string // state: what the meta leader sees online
	Remotes  int      // state: other servers that this one has routes to
	Routes   int      // state: these routes, several for each of them
}

// answerQuery asks a server that runs in this process.
func answerQuery(s *server.Server, q query) (a answer) {
	a.ID = q.ID
	// The getters of nats-server 2.15 are not all made for a server that is about to shut down.
	defer func() {
		if r := recover(); r != nil {
			a = answer{ID: q.ID, Err: fmt.Sprintf("%s: %v", q.Verb, r)}
		}
	}()
	var err error
	switch q.Verb {
	case askState:
		a.Leader, a.Current = s.JetStreamIsLeader(), s.JetStreamIsCurrent()
		a.Remotes, a.Routes = s.NumRemotes(), s.NumRoutes()
		if s.JetStreamIsClustered() { // it panics otherwise
			a.Peers = s.JetStreamClusterPeers()
		}
	case askStream:
		a.Leader = s.JetStreamIsStreamLeader(q.Account, q.Stream)
		a.Assigned = s.JetStreamIsStreamAssigned(q.Account, q.Stream)
		a.Current = a.Assigned && s.JetStreamIsStreamCurrent(q.Account, q.Stream)
	case askConsumer:
		a.Leader = s.JetStreamIsConsumerLeader(q.Account, q.Stream, q.Consumer)
	case stepDownStream:
		err = s.JetStreamStepdownStream(q.Account, q.Stream)
	case stepDownConsumer:
		err = s.JetStreamStepdownConsumer(q.Account, q.Stream, q.Consumer)
	default:
		err = fmt.Errorf("unknown verb %q", q.Verb)
	}
	if err != nil {
		a.Err = err.Error()
	}
	return a
}
