package engine

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
)

// What a server says again and again must not pile up behind a callback that blocks. The end of the connection is told all the same.
func TestFloodOfNews(t *testing.T) {
	for name, line := range map[string]string{
		"errors":     "-ERR 'Permissions Violation for Publish to \"a\"'\r\n",
		"lame ducks": "INFO {\"ldm\":true}\r\nINFO {\"ldm\":false}\r\n",
		"discovered": "INFO {\"connect_urls\":[\"10.0.0.%d:1\"]}\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScript(t)
				release, closed := make(chan struct{}), make(chan struct{})
				c, far := s.connect(Events{
					Error:      func(Sink, error) { <-release },
					LameDuck:   func() { <-release },
					Discovered: func() { <-release },
					Closed:     func() { close(closed) },
				})
				for i := range 100 {
					text := line
					if strings.Contains(line, "%d") {
						text = fmt.Sprintf(line, i)
					}
					far.send(strings.Repeat(text, 100))
				}
				far.send("PING\r\n")
				far.expect("PONG")
				synctest.Wait()
				if n := len(c.calls.queue); n > mostNews+1 { // and the report of what was dropped
					t.Errorf("%d callbacks wait, want %d at most", n, mostNews+1)
				}
				c.Close()
				close(release)
				<-closed
			})
		})
	}
}

// News that the supervisor has had no time for are bounded too.
func TestMailboxBoundsNews(t *testing.T) {
	m := mailbox{wake: make(chan struct{}, 1)}
	for range 10 * mostNews {
		m.offer(func() {})
	}
	if n := len(m.queue); n != mostNews {
		t.Errorf("%d wait, want %d", n, mostNews)
	}
	if !m.post(func() {}) {
		t.Error("post was refused")
	}
}
