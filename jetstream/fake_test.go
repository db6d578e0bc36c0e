package jetstream

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gannet-io/nats/internal/engine"
)

// link is a connection whose answers are a script, one for each request: a JSON text, an error, or an engine.Reply.
type link struct {
	done chan struct{}

	mu      sync.Mutex
	answers []any
	asked   []string // subject, a space and the payload
}

func (l *link) Request(_ context.Context, _ time.Duration, subject string, _, data []byte) (engine.Reply, error) {
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

func (l *link) Done() <-chan struct{} { return l.done }

func (l *link) requests() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.asked)
}

// scripted is a JetStream over a link with these answers.
func scripted(answers ...any) (*jetStream, *link) {
	l := &link{done: make(chan struct{}), answers: answers}
	o, err := newOptions(JetStreamOptions{}, nil)
	if err != nil {
		panic(err)
	}
	return &jetStream{opts: o, api: o.client(l)}, l
}

func wantAsked(t *testing.T, l *link, want ...string) {
	t.Helper()
	if got := l.requests(); !slices.Equal(got, want) {
		t.Errorf("asked %q, want %q", got, want)
	}
}

func refusal(code, errCode int, words string) string {
	return fmt.Sprintf(`{"type":"t","error":{"code":%d,"err_code":%d,"description":%q}}`, code, errCode, words)
}
