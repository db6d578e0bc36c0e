package session

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/pool"
)

var update = flag.Bool("update", false, "write what the machine does into the scripts")

// TestScripts plays testdata/scripts: blocks of commands, a line of dashes, and what the machine answers, up to an empty line. The first
// command of a file is config. A command may begin with +duration, which moves the clock first.
func TestScripts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/scripts/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(b))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			diff(t, got, string(b))
		})
	}
}

func diff(t *testing.T, got, want string) {
	t.Helper()
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(g), len(w)) {
		switch {
		case i >= len(g):
			t.Fatalf("line %d: got nothing, want %q", i+1, w[i])
		case i >= len(w):
			t.Fatalf("line %d: got %q, want nothing", i+1, g[i])
		case g[i] != w[i]:
			t.Fatalf("line %d:\n got %q\nwant %q", i+1, g[i], w[i])
		}
	}
}

// TestScriptsCanFail: a script with another answer than the machine's differs from what is played.
func TestScriptsCanFail(t *testing.T) {
	t.Parallel()
	script := "config servers=a\nstart\n----\nemit CONNECTED\n"
	if got := play(t, script); got == script || !strings.Contains(got, "emit CONNECTING") {
		t.Errorf("got %q", got)
	}
}

// play runs a script and returns it with the answers that the machine gave.
func play(t *testing.T, script string) string {
	t.Helper()
	s := &stage{}
	var out strings.Builder
	inAnswer := false
	var answer strings.Builder
	flush := func() {
		if answer.Len() > 0 {
			out.WriteString("----\n" + answer.String())
			answer.Reset()
		}
	}
	for line := range strings.SplitSeq(strings.TrimRight(script, "\n"), "\n") {
		switch {
		case line == "----":
			inAnswer = true
		case line == "":
			flush()
			inAnswer = false
			out.WriteString("\n")
		case inAnswer:
		case strings.HasPrefix(line, "#"):
			out.WriteString(line + "\n")
		default:
			out.WriteString(line + "\n")
			got, err := s.run(line)
			if err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			answer.WriteString(got)
		}
	}
	flush()
	return out.String()
}

// stage is a machine with a clock.
type stage struct {
	m    *Machine
	pool *pool.Pool
	now  mono.Time
}

func (s *stage) run(line string) (string, error) {
	words := strings.Fields(line)
	if after, ok := strings.CutPrefix(words[0], "+"); ok {
		d, err := time.ParseDuration(after)
		if err != nil {
			return "", err
		}
		s.now = s.now.Add(d)
		words = words[1:]
	}
	if words[0] == "config" {
		return "", s.config(words[1:])
	}
	acts, note, err := s.event(words[0], words[1:], strings.TrimSpace(strings.TrimPrefix(line[strings.Index(line, words[0]):], words[0])))
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, a := range acts {
		fmt.Fprintln(&b, a)
	}
	next := "nothing"
	if at := s.m.Deadline(); at != mono.Never {
		next = at.Sub(s.now).String()
	}
	last := ""
	if err := s.m.LastError(); err != nil {
		last = fmt.Sprintf(", last error %q", err.Error())
	}
	fmt.Fprintf(&b, "= %s%s, next in %s%s\n", s.m.Status(), note, next, last)
	return b.String(), nil
}

func (s *stage) event(name string, args []string, rest string) (acts []Action, note string, err error) {
	arg := func(i int) string {
		if i < len(args) {
			return args[i]
		}
		return ""
	}
	number, _ := strconv.ParseUint(arg(0), 10, 64)
	switch m := s.m; name {
	case "start":
		return m.Start(s.now), "", nil
	case "ok":
		return m.DialDone(s.now, number, nil), "", nil
	case "fail":
		return m.DialDone(s.now, number, scriptError(strings.TrimSpace(strings.TrimPrefix(rest, arg(0))))), "", nil
	case "lost":
		return m.LinkFailed(s.now, errors.New(rest)), "", nil
	case "-ERR":
		return m.ServerError(s.now, rest), "", nil
	case "pong":
		return m.Pong(s.now), "", nil
	case "heard":
		m.Heard(s.now)
		return nil, "", nil
	case "owed":
		m.Owed(s.now, map[string]Debt{"nothing": Nothing, "pongs": Pongs, "something": Answers}[arg(0)])
		return nil, "", nil
	case "doubt":
		return m.Doubt(s.now), "", nil
	case "force":
		return m.ForceReconnect(s.now), "", nil
	case "drain":
		acts, err := m.Drain(s.now)
		if err != nil {
			note = " (" + err.Error() + ")"
		}
		return acts, note, nil
	case "shutdown":
		acts, err := m.Shutdown(s.now)
		if err != nil {
			note = " (" + err.Error() + ")"
		}
		return acts, note, nil
	case "lame-duck":
		return m.LameDuck(s.now), "", nil
	case "left":
		return m.Left(s.now, number), "", nil
	case "drain-pubs":
		return m.DrainPubs(s.now), "", nil
	case "close":
		return m.Close(s.now), "", nil
	case "tick": // at the deadline
		if s.m.Deadline() == mono.Never {
			return nil, "", errors.New("nothing is due")
		}
		s.now = max(s.now, s.m.Deadline())
		return m.Tick(s.now), "", nil
	case "tick-now":
		return m.Tick(s.now), "", nil
	case "delay":
		d, err := time.ParseDuration(arg(0))
		return m.Delay(s.now, d), "", err
	case "chosen":
		return s.chosen(arg(0), arg(1))
	case "merge":
		s.pool.Merge(args)
		return nil, "", nil
	case "remove":
		s.pool.Remove(s.pool.Current())
		return nil, "", nil
	case "replace":
		return nil, "", s.pool.Replace(args)
	}
	return nil, "", errors.New("no such command")
}

func (s *stage) chosen(name, delay string) ([]Action, string, error) {
	var srv *pool.Server
	switch name {
	case "none":
	case "stranger":
		srv = &pool.Server{}
	default:
		u, err := pool.Parse(name)
		if err != nil {
			return nil, "", err
		}
		if srv = s.pool.Find(u); srv == nil {
			return nil, "", errors.New("no such server")
		}
	}
	d, err := time.ParseDuration(delay)
	return s.m.Chosen(s.now, srv, d), "", err
}

func scriptError(text string) error {
	if said, ok := strings.CutPrefix(text, "-ERR "); ok {
		return ParseServerError(said)
	}
	if text == "refused" {
		return errors.New("dial tcp: connect: connection refused")
	}
	return errors.New(text)
}

// config reads name=value pairs and flags; half of what the random source may give is what it gives.
func (s *stage) config(args []string) error {
	cfg := Config{AllowReconnect: true, MaxReconnect: 60, Rand: func(n int64) int64 { return n / 2 }}
	servers := []string{"a"}
	durations := map[string]*time.Duration{
		"wait": &cfg.Wait, "jitter": &cfg.Jitter, "stagger": &cfg.Stagger, "dial-limit": &cfg.DialLimit, "ping": &cfg.PingInterval,
		"doubt-after": &cfg.DoubtAfter, "doubt-for": &cfg.DoubtFor, "drain": &cfg.DrainTimeout,
		"leave": &cfg.LeaveWithin,
	}
	numbers := map[string]*int{"max": &cfg.MaxReconnect, "pings": &cfg.MaxPingsOut}
	flags := map[string]*bool{
		"quick": &cfg.QuickFirst, "custom-delay": &cfg.CustomDelay, "choose": &cfg.ChooseServer, "retry": &cfg.RetryFailed, "ignore-auth": &cfg.IgnoreAuthAbort,
		"full-jitter": &cfg.FullJitter,
	}
	for _, a := range args {
		name, value, _ := strings.Cut(a, "=")
		var err error
		switch {
		case name == "servers":
			servers = strings.Split(value, ",")
		case name == "no-reconnect":
			cfg.AllowReconnect = false
		case durations[name] != nil:
			*durations[name], err = time.ParseDuration(value)
		case numbers[name] != nil:
			*numbers[name], err = strconv.Atoi(value)
		case flags[name] != nil:
			*flags[name] = true
		default:
			err = errors.New("no such setting")
		}
		if err != nil {
			return fmt.Errorf("%s: %w", a, err)
		}
	}
	p, err := pool.New(servers, "", nil)
	if err != nil {
		return err
	}
	s.pool, s.m, s.now = p, New(cfg, p), 0
	return nil
}
