package run

import (
	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/session"
)

// askLink is what asking on an inbox of one's own needs of the connection: GetPage, an Ingest.
type askLink interface {
	Subscribe(subject, queue string, s engine.Sink) (*engine.Sub, error)
	Unsubscribe(s *engine.Sub) error
	PublishVolatile(subject, reply string, hdr, data []byte) bool
	Watch(fn func(s session.Status, err error)) (stop func())
	Status() session.Status
	NewInbox() string
	Doubt()
	Owe(n int)
}

// pullLink is what a Puller and its Feeds need.
type pullLink interface {
	askLink
	StopServer(s *engine.Sub) error
	OnPong(fn func(err error)) error
	Ready(t *engine.Task)
	HoldDrain(done <-chan struct{})
	OnDeleted(fn func(request string)) (stop func())
}

// pushLink is what push delivery needs.
type pushLink interface {
	pullLink
	PublishNow(subject, reply string, hdr, data []byte) error
	Ask(subject string, hdr, data []byte, w engine.Waiter, deadline mono.Time, o engine.AskOpts) (engine.Token, error)
	ConsumerLeft(request string, err error)
}

// ingestLink is what an Ingest needs.
type ingestLink interface {
	askLink
	Publish(subject, reply string, hdr, data []byte) error
}

var (
	_ pushLink   = (*engine.Conn)(nil)
	_ ingestLink = (*engine.Conn)(nil)
)
