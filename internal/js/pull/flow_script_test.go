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

// TestFlowScripts plays the conversations in testdata/flow, in the manner of TestScripts.
func TestFlowScripts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/flow/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var p flowPlayer
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

type flowPlayer struct{ f Flow }

func (p *flowPlayer) line(line string) (want, got string, err error) {
	event, want, _ := strings.Cut(line, "->")
	want = strings.TrimSpace(want)
	words := strings.Fields(event)
	if words[0] == "config" {
		cfg, err := parseFlowConfig(words[1:])
		p.f.Reset(cfg)
		return "", "", err
	}
	at, err := time.ParseDuration(words[0])
	if err != nil || len(words) < 2 {
		return "", "", fmt.Errorf("no event: %q", line)
	}
	now := mono.Time(at)
	if due := p.f.Deadline(); words[1] == "tick" && due != now || due < now {
		return "", "", fmt.Errorf("the machine is due at %v", time.Duration(due))
	}
	got, err = p.event(now, words[1], words[2:])
	return want, got, err
}

// event plays one event. Messages and taken call Tick themselves when they must.
func (p *flowPlayer) event(now mono.Time, name string, args []string) (string, error) {
	act := false
	var acts []Action
	switch f := &p.f; name {
	case "start":
		acts = f.Start(now, len(args) == 0)
	case "messages":
		act = f.Arrived(now, number(args, 0), number(args, 1))
	case "late":
		act = f.Late(number(args, 0), number(args, 1))
	case "taken":
		act = f.Taken(number(args, 0), number(args, 1))
	case "status":
		acts = f.Status(now, flowStatus(args))
	case "disconnected":
		acts = f.Disconnected(now)
	case "reconnected":
		acts = f.Reconnected(now)
	case "closed":
		acts = f.Closed(now)
	case "stop":
		acts = f.Stop(now)
	case "drain":
		acts = f.Drain(now)
	case "left":
		acts = f.Left(now)
	case "inquired":
		acts = f.Inquired(now, args[0] == "gone")
	case "tick":
		acts = f.Tick(now)
	default:
		return "", fmt.Errorf("unknown event %q", name)
	}
	if act {
		acts = p.f.Tick(now)
	}
	return showFlow(acts), nil
}

func showFlow(acts []Action) string {
	var out []string
	for _, a := range acts {
		s := [...]string{Finish: "finish " + a.Code.String(), Doubt: "doubt", Warn: "warn " + a.Code.String(), Void: "void", Leave: "leave", Inquire: "inquire"}[a.Kind]
		if a.Kind == Ask {
			s = showAsk(a.Request)
		}
		if a.Words != "" {
			s += " " + strconv.Quote(a.Words)
		}
		if a.Lasting {
			s += " lasting"
		}
		out = append(out, s)
	}
	return strings.Join(out, ", ")
}

// flowStatus reads "<number> [left=<messages>[/<bytes>]] [words]".
func flowStatus(args []string) wire.Status {
	n, args := number(args, 0), args[1:]
	left := -1
	bytes := -1
	if len(args) > 0 {
		if value, ok := strings.CutPrefix(args[0], "left="); ok {
			args = args[1:]
			msgs, more, _ := strings.Cut(value, "/")
			left, _ = strconv.Atoi(msgs)
			bytes, _ = strconv.Atoi(more)
		}
	}
	s := status(n, strings.Join(args, " "))
	s.PendingMsgs, s.PendingBytes = left, bytes
	switch strings.Join(args, " ") {
	case "Leadership Change":
		s.Code = wire.LeadershipChange
	case "Server Shutdown":
		s.Code = wire.ServerShutdown
	case "Batch Completed":
		s.Code = wire.BatchCompleted
	}
	return s
}

func parseFlowConfig(words []string) (FlowConfig, error) {
	var cfg FlowConfig
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
		case "below":
			cfg.ThresholdMessages = n
		case "belowbytes":
			cfg.ThresholdBytes = n
		case "stopafter":
			cfg.StopAfter = n
		default:
			return cfg, fmt.Errorf("unknown setting %q", w)
		}
	}
	return cfg, nil
}
