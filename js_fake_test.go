package nats

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/js/api"
)

// jsLink is a connection whose answers are a script, one for each request: a JSON text, an error, or an engine.Reply.
type jsLink struct {
	done chan struct{}

	mu      sync.Mutex
	answers []any
	asked   []string // subject, a space and the payload
}

func (l *jsLink) Request(_ context.Context, _ time.Duration, subject string, _, data []byte) (engine.Reply, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = append(l.asked, subject+" "+string(data))
	if len(l.answers) == 0 {
		return engine.Reply{}, fmt.Errorf("no answer for %s", subject)
	}
	answer := l.answers[0]
	l.answers = l.answers[1:]
	switch answer := answer.(type) {
	case error:
		return engine.Reply{}, answer
	case engine.Reply:
		return answer, nil
	}
	return engine.Reply{Data: []byte(answer.(string))}, nil
}

func (l *jsLink) Done() <-chan struct{} { return l.done }

func (l *jsLink) wantAsked(t *testing.T, want ...string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Equal(l.asked, want) {
		t.Errorf("asked %q, want %q", l.asked, want)
	}
}

// jsScripted is a JetStream context over a link with these answers.
func jsScripted(answers ...any) (*js, *jsLink) {
	l := &jsLink{done: make(chan struct{}), answers: answers}
	return &js{link: l, api: &api.Client{Conn: l, Prefix: "$JS.API."}}, l
}

func jsRefusal(code, errCode int, words string) string {
	return fmt.Sprintf(`{"type":"t","error":{"code":%d,"err_code":%d,"description":%q}}`, code, errCode, words)
}
