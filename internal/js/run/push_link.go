package run

import (
	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/session"
)

// pushLink is what push delivery needs of the connection.
type pushLink interface {
	Subscribe(subject, queue string, s engine.Sink) (*engine.Sub, error)
	Unsubscribe(s *engine.Sub) error
	StopServer(s *engine.Sub) error
	OnPong(fn func(err error)) error
	PublishNow(subject, reply string, hdr, data []byte) error
	PublishVolatile(subject, reply string, hdr, data []byte) bool
	Watch(fn func(s session.Status, err error)) (stop func())
	Status() session.Status
	NewInbox() string
	Doubt()
	Owe(n int)
	Ready(t *engine.Task)
	HoldDrain(done <-chan struct{})
}

var _ pushLink = (*engine.Conn)(nil)
