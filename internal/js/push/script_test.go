package push

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
)

// player plays the events of a script.
type player interface {
	reset()
	due() mono.Time
	// play returns the actions.
	play(now mono.Time, words []string) (string, error)
}

// TestScripts plays the conversations in testdata: an event a line, and behind an arrow what it brings about.
func TestScripts(t *testing.T) {
	t.Parallel()
	for file, p := range map[string]player{"flow": &flowPlayer{}, "renewal": &renewalPlayer{}} {
		text, err := os.ReadFile("testdata/" + file + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
				continue
			}
			if line == "reset" {
				p.reset()
				continue
			}
			event, want, _ := strings.Cut(line, "->")
			want = strings.TrimSpace(want)
			words := strings.Fields(event)
			at, err := time.ParseDuration(words[0])
			if err != nil || len(words) < 2 {
				t.Fatalf("%s:%d: no event: %q", file, i+1, line)
			}
			now := mono.Time(at)
			if due := p.due(); words[1] == "tick" && due != now || due < now {
				t.Errorf("%s:%d: %s: a tick was due at %v", file, i+1, line, time.Duration(due))
			}
			got, err := p.play(now, words[1:])
			if err != nil {
				t.Fatalf("%s:%d: %v", file, i+1, err)
			}
			if got != want {
				t.Errorf("%s:%d: %s\n got %q", file, i+1, line, got)
			}
		}
	}
}

type flowPlayer struct{ m Flow }

func (p *flowPlayer) reset()         { p.m = Flow{} }
func (p *flowPlayer) due() mono.Time { return p.m.Deadline() }

func (p *flowPlayer) play(now mono.Time, words []string) (string, error) {
	var acts []FlowAction
	number := func(i int) uint64 {
		if i >= len(words) {
			return 0
		}
		n, _ := strconv.ParseUint(words[i], 10, 64)
		return n
	}
	switch words[0] {
	case "start":
		p.m.Start()
	case "watch":
		beat, err := time.ParseDuration(words[1])
		if err != nil {
			return "", err
		}
		p.m.Start()
		p.m.Watch(now, beat, true)
	case "stop":
		p.m.Stop()
	case "down":
		p.m.Disconnected()
	case "up":
		p.m.Reconnected(now)
	case "message":
		p.m.Arrived(now, 1, number(1), number(3))
	case "handled":
		acts = p.m.Handled(number(1))
	case "control":
		acts = p.m.FlowControl(now, words[1])
	case "stalled":
		acts = p.m.Heartbeat(now, 0, false, words[1])
	case "beat":
		acts = p.m.Heartbeat(now, number(1), words[1] != "?", "")
	case "tick":
		acts = p.m.Tick(now)
	default:
		return "", fmt.Errorf("no event: %q", words)
	}
	var texts []string
	for _, a := range acts {
		texts = append(texts, flowText(a))
	}
	return strings.Join(texts, ", "), nil
}

func flowText(a FlowAction) string {
	switch a.Kind {
	case Answer:
		return "answer " + a.Reply
	case Await:
		return fmt.Sprint("await ", a.Mark)
	case Doubt:
		return "doubt"
	case Missed:
		return "missed"
	}
	return fmt.Sprint("differs ", a.Mismatch.Sent, " ", a.Mismatch.Seen, " ", a.Mismatch.Stream)
}

type renewalPlayer struct{ m Renewal }

func (p *renewalPlayer) reset()         { p.m = Renewal{} }
func (p *renewalPlayer) due() mono.Time { return p.m.Deadline() }

func (p *renewalPlayer) play(now mono.Time, words []string) (string, error) {
	var acts []RenewalAction
	code := wire.OK
	if len(words) > 1 {
		for c := wire.OK; c <= wire.Gap; c++ {
			if c.String() == words[1] {
				code = c
			}
		}
	}
	switch words[0] {
	case "start":
		acts = p.m.Start(now, words[1] == "up")
	case "stop":
		p.m.Stop()
	case "created":
		acts = p.m.Created(now)
	case "failed":
		acts = p.m.Failed(now, code, "", len(words) > 2)
	case "broken":
		acts = p.m.Broken(now, code, "")
	case "room":
		acts = p.m.Room()
	case "down":
		acts = p.m.Disconnected(now)
	case "up":
		acts = p.m.Reconnected()
	case "tick":
		acts = p.m.Tick(now)
	default:
		return "", fmt.Errorf("no event: %q", words)
	}
	var texts []string
	for _, a := range acts {
		texts = append(texts, renewalText(a))
	}
	return strings.Join(texts, ", "), nil
}

func renewalText(a RenewalAction) string {
	switch a.Kind {
	case Create:
		return fmt.Sprint("create ", a.Wait)
	case Abandon:
		return "abandon"
	case Probe:
		return "probe"
	case Tell:
		return "tell " + a.Code.String()
	}
	return "finish " + a.Code.String()
}
