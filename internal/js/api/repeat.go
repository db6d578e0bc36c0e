package api

import (
	"context"
	"strings"
	"time"

	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/natserr"
)

// fragileLink is a Link that tells of its loss; *[engine.Conn] is one. Over others nothing is repeated.
type fragileLink interface {
	// RequestOnce is Request that ends with natserr.Disconnected as soon as the link is lost that it went to. What was
	// not written is taken back then.
	RequestOnce(ctx context.Context, timeout time.Duration, subject string, hdr, data []byte) (engine.Reply, error)
}

// repeatable are the operations that may be executed twice: those that read, and those that bring about a state that the request
// describes whole. A deletion is none of them: the second one would report that there is nothing to delete. Nor is a purge, which
// would take along what has come since, nor the creation of a consumer that the server names.
var repeatable = []struct {
	prefix string
	tokens int // that the subject has at least; 0: any number
}{
	{prefix: "INFO"},
	{prefix: "STREAM.INFO."},
	{prefix: "STREAM.NAMES"},
	{prefix: "STREAM.LIST"},
	{prefix: "STREAM.MSG.GET."},
	{prefix: "STREAM.CREATE."},
	{prefix: "STREAM.UPDATE."},
	{prefix: "DIRECT.GET."},
	{prefix: "CONSUMER.INFO."},
	{prefix: "CONSUMER.NAMES."},
	{prefix: "CONSUMER.LIST."},
	{prefix: "CONSUMER.CREATE.", tokens: 4},
	{prefix: "CONSUMER.DURABLE.CREATE."},
	{prefix: "CONSUMER.PAUSE."},
}

// mayRepeat reports whether a request to subject, without the API prefix, may be executed twice.
func mayRepeat(subject string) bool {
	for _, r := range repeatable {
		if strings.HasPrefix(subject, r.prefix) && strings.Count(subject, ".")+1 >= r.tokens {
			return true
		}
	}
	return false
}

// A server that comes back accepts connections a moment before its JetStream answers. A repeated request that nobody listens to is
// asked again after wakeUp, so many times.
const (
	wakeUp      = 100 * time.Millisecond
	wakeUpTries = 10
)

// repeat asks, and asks again whenever the link is lost before the answer has come, until the context or the timeout ends.
func repeat(ctx context.Context, link fragileLink, timeout time.Duration, subject string, hdr, payload []byte) (engine.Reply, error) {
	began := mono.Now()
	tries := 0
	for again := false; ; again = true {
		left, over := remaining(timeout, began)
		if over {
			return engine.Reply{}, natserr.Timeout
		}
		reply, err := link.RequestOnce(ctx, left, subject, hdr, payload)
		switch {
		case err == natserr.Disconnected:
		case err == natserr.NoResponders && again && tries < wakeUpTries:
			tries++
			if err := Pause(ctx, wakeUp); err != nil {
				return engine.Reply{}, err
			}
		default:
			return reply, err
		}
	}
}

// remaining is what is left of a timeout; 0 stays 0, which leaves the bound to the context.
func remaining(timeout time.Duration, began mono.Time) (left time.Duration, over bool) {
	if timeout <= 0 {
		return 0, false
	}
	left = timeout - mono.Now().Sub(began)
	return left, left <= 0
}

// Pause waits, unless ctx ends before: then it returns its error.
func Pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
