package pull

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
)

// TestScripts plays the conversations in testdata: one event a line, and behind the arrow what the machine makes of it.
// "tick" asserts that the machine is due at exactly that time, and an event past the deadline is a mistake of the script.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var p player
		for i, line := range strings.Split(string(text), "\n") {
			if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
				continue
			}
			want, got, err := p.line(line)
			if err != nil {
				t.Fatalf("%s:%d: %v", file, i+1, err)
			}
			if got != want {
				t.Errorf("%s:%d: %s\n got %q", file, i+1, line, got)
			}
		}
	}
}

type player struct{ m Machine }

func (p *player) line(line string) (want, got string, err error) {
	event, want, _ := strings.Cut(line, "->")
	want = strings.TrimSpace(want)
	words := strings.Fields(event)
	if words[0] == "config" {
		cfg, err := parseConfig(words[1:])
		p.m.Reset(cfg)
		return "", "", err
	}
	at, err := time.ParseDuration(words[0])
	if err != nil || len(words) < 2 {
		return "", "", fmt.Errorf("no event: %q", line)
	}
	now := mono.Time(at)
	if due := p.m.Deadline(); words[1] == "tick" && due != now || due < now {
		return "", "", fmt.Errorf("the machine is due at %v", time.Duration(due))
	}
	got, err = p.event(now, words[1], words[2:])
	return want, got, err
}

func (p *player) event(now mono.Time, name string, args []string) (string, error) {
	switch name {
	case "start":
		down, pause := false, time.Duration(0)
		for _, arg := range args {
			if arg == "down" {
				down = true
			} else {
				pause, _ = time.ParseDuration(strings.TrimPrefix(arg, "pause="))
			}
		}
		return p.show(p.m.Start(now, !down, pause)), nil
	case "messages":
		n, bytes := number(args, 0), number(args, 1)
		if p.m.Messages(now, n, bytes) {
			return "act", nil
		}
		return "", nil
	case "status":
		return p.show(p.m.Status(now, status(number(args, 0), strings.Join(args[1:], " ")))), nil
	case "disconnected":
		return p.show(p.m.Disconnected(now)), nil
	case "reconnected":
		return p.show(p.m.Reconnected(now)), nil
	case "closed":
		return p.show(p.m.Closed(now)), nil
	case "stop":
		return p.show(p.m.Stop(now, wire.Canceled)), nil
	case "tick":
		return p.show(p.m.Tick(now)), nil
	}
	return "", fmt.Errorf("unknown event %q", name)
}

func (p *player) show(acts []Action) string {
	var out []string
	for _, a := range acts {
		switch a.Kind {
		case Ask:
			out = append(out, showAsk(a.Request))
		case Doubt:
			out = append(out, "doubt")
		case Finish:
			s := "finish " + a.Code.String()
			if a.Words != "" {
				s += " " + strconv.Quote(a.Words)
			}
			if p.m.Clean() {
				s += " clean"
			}
			out = append(out, s)
		}
	}
	return strings.Join(out, ", ")
}

func showAsk(r wire.PullRequest) string {
	s := fmt.Sprintf("ask batch=%d", r.Batch)
	if r.MaxBytes > 0 {
		s += fmt.Sprintf(" bytes=%d", r.MaxBytes)
	}
	if r.Expires > 0 {
		s += fmt.Sprintf(" expires=%v", r.Expires)
	}
	if r.NoWait {
		s += " nowait"
	}
	if r.Heartbeat > 0 {
		s += fmt.Sprintf(" heartbeat=%v", r.Heartbeat)
	}
	return s
}

func parseConfig(words []string) (Config, error) {
	cfg := Config{Deadline: mono.Never}
	for _, w := range words {
		key, value, _ := strings.Cut(w, "=")
		n, _ := strconv.Atoi(value)
		d, _ := time.ParseDuration(value)
		switch key {
		case "batch":
			cfg.Request.Batch = n
		case "bytes":
			cfg.Request.MaxBytes = n
		case "expires":
			cfg.Request.Expires = d
		case "heartbeat":
			cfg.Request.Heartbeat = d
		case "nowait":
			cfg.Request.NoWait = true
		case "deadline":
			cfg.Deadline = mono.Time(d)
		case "nowaitfirst":
			cfg.NoWaitFirst = true
		case "linger":
			cfg.Linger = true
		case "failfast":
			cfg.FailOnDisconnect = true
		default:
			return cfg, fmt.Errorf("unknown setting %q", w)
		}
	}
	return cfg, nil
}

func number(args []string, i int) int {
	if i >= len(args) {
		return 0
	}
	n, _ := strconv.Atoi(args[i])
	return n
}

// status is what the wire package makes of a status line.
func status(number int, words string) wire.Status {
	s := wire.Status{Number: number, Description: []byte(words), Code: wire.OtherStatus}
	switch number {
	case 100:
		s.Code = wire.IdleHeartbeat
	case 400:
		s.Code = wire.BadRequest
	case 404:
		s.Code = wire.NoMessages
	case 408:
		s.Code = wire.RequestTimeout
	case 409:
		s.Code = wire.LimitExceeded
		switch words {
		case "Consumer Deleted":
			s.Code = wire.ConsumerDeleted
		case "Message Size Exceeds MaxBytes":
			s.Code = wire.MaxBytesExceeded
		}
	case 423:
		s.Code = wire.PinIDMismatch
	case 503:
		s.Code = wire.NoResponders
	}
	return s
}
