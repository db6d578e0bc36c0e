package scenario

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/test/compat/stage"
)

const pullSubject = "$JS.API.CONSUMER.MSG.NEXT."

// puller is a client with a stream "S" on "s.>" and a durable consumer "C" of it.
type puller struct {
	*client
	cons jetstream.Consumer
}

// newPuller makes them; config is more of the consumer's.
func newPuller(s *stage.Stage, config ...string) *puller {
	s.Peer().Stream("S", "s.>")
	s.Peer().Consumer("S", "C", config...)
	p := &puller{client: newJetStreamClient(s)}
	p.cons = p.handle("C")
	return p
}

// handle looks a consumer up.
func (c *client) handle(name string) jetstream.Consumer {
	cons, err := c.new.Consumer(c.s.Context(resolved), "S", name)
	c.s.Must(err, "consumer "+name)
	return cons
}

// longest bounds every batch.
const longest = 40 * time.Second

// read takes the messages of a batch to its end.
func read(b jetstream.MessageBatch) (subjects []string, err error) {
	limit := time.After(longest)
	for {
		select {
		case m, open := <-b.Messages():
			if !open {
				return subjects, b.Error()
			}
			subjects = append(subjects, m.Subject())
		case <-limit:
			return subjects, errUnresolved
		}
	}
}

// noteBatch notes how a batch went.
func (c *client) noteBatch(fetch func() (jetstream.MessageBatch, error)) {
	start := time.Now()
	var b jetstream.MessageBatch
	err := c.s.Try(func() (err error) { b, err = fetch(); return err })
	if err != nil || b == nil {
		c.s.Error("refused", err)
		return
	}
	subjects, err := read(b)
	took := time.Since(start)
	c.s.Note("messages", "%d", len(subjects))
	c.s.Error("error", err)
	c.s.Time("took", took)
}

// pulls matches pull requests.
var pulls = stage.PublishedOn(pullSubject)

// noteRequests notes the pull requests from the nth on, and returns how many there are by now.
func (c *client) noteRequests(from int) int {
	c.s.Must(c.nc.Flush(), "flush")
	frames := c.s.Tap().Frames(pulls)
	for _, f := range frames[min(from, len(frames)):] {
		text, expires := pullRequest(f.Data)
		c.s.Note("request", "%s", text)
		if expires > 0 {
			c.s.Time("request expires", expires)
		}
	}
	return len(frames)
}

// pullRequest shows a request in one line, but for its expiry, which may depend on the clock.
func pullRequest(data string) (text string, expires time.Duration) {
	var fields map[string]any
	if err := json.Unmarshal([]byte(data), &fields); err != nil {
		return fmt.Sprintf("%q", data), 0
	}
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		switch value := fields[key].(type) {
		case float64:
			switch key {
			case "expires":
				expires = time.Duration(value)
				continue
			case "idle_heartbeat":
				parts = append(parts, fmt.Sprintf("%s=%v", key, time.Duration(value)))
			default:
				parts = append(parts, fmt.Sprintf("%s=%v", key, int64(value)))
			}
		default:
			parts = append(parts, fmt.Sprintf("%s=%v", key, value))
		}
	}
	return strings.Join(parts, " "), expires
}

// noteStatuses notes the status messages of one kind that the server has sent since start, with their times.
func (c *client) noteStatuses(status string, start time.Time) {
	found := c.s.Tap().Frames(func(f stage.Frame) bool { return !f.FromClient && f.Status() == status && f.At.After(start) })
	c.s.Note("statuses "+status, "%d", len(found))
	for i, f := range found {
		c.s.Time(fmt.Sprintf("status %s number %d", status, i+1), f.At.Sub(start))
	}
}
