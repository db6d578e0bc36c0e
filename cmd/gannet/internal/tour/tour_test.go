package tour

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
)

// recorder keeps what it is told. onEvent, if set, is called for each event with the chapter that runs.
type recorder struct {
	onEvent func(chapter int)

	mu      sync.Mutex
	chapter int
	setting Setting
	events  []string
	results []Result
	left    string
}

func (r *recorder) Opening(s Setting) { r.with(func() { r.setting = s }) }
func (r *recorder) Chapter(n int, _, _ string) {
	r.with(func() { r.chapter = n })
}

func (r *recorder) Event(_ time.Duration, text string) {
	chapter := 0
	r.with(func() { r.events, chapter = append(r.events, text), r.chapter })
	if r.onEvent != nil {
		r.onEvent(chapter)
	}
}
func (r *recorder) Progress(string, int, int) {}
func (r *recorder) Result(res Result)         { r.with(func() { r.results = append(r.results, res) }) }
func (r *recorder) Closing(s Summary)         { r.with(func() { r.left = s.Left }) }

func (r *recorder) with(do func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	do()
}

// dump shows the recording of a failed test.
func (r *recorder) dump(t *testing.T) {
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("events:\n%s", strings.Join(r.events, "\n"))
			for _, res := range r.results {
				t.Logf("%+v", res)
			}
		}
	})
}

func writeFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// shortText has every kind of line: with both ends, empty, and longer than a piece may be.
func shortText() string {
	var b strings.Builder
	for i := range 60 {
		fmt.Fprintf(&b, "line %d\n", i)
	}
	b.WriteString("\n\r\n" + strings.Repeat("long ", maxPiece/4) + "\r\nno end")
	return b.String()
}

// expect compares figures that do not depend on chance.
func expect(t *testing.T, r Result, want map[string]any) {
	t.Helper()
	if !r.OK || r.Error != "" {
		t.Errorf("%s: got OK %v, %q", r.Name, r.OK, r.Error)
	}
	for key, value := range want {
		if got := r.Figures.Get(key); got != value {
			t.Errorf("%s: %s is %v, want %v", r.Name, key, got, value)
		}
	}
}

// number is a figure that has to be there.
func number[N int | float64](t *testing.T, r Result, key string) N {
	t.Helper()
	n, ok := r.Figures.Get(key).(N)
	if !ok {
		t.Errorf("%s: %s is %v", r.Name, key, r.Figures.Get(key))
	}
	return n
}

func TestTour(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	r.dump(t)
	text := shortText()
	if err := Run(t.Context(), Config{File: writeFile(t, text)}, r); err != nil {
		t.Fatal(err)
	}
	lines := len(split([]byte(text), maxPiece))
	if r.setting.Lines != lines || r.setting.Bytes != len(text) || r.setting.File != "text" {
		t.Errorf("setting: %+v", r.setting)
	}
	if len(r.results) != 6 {
		t.Fatalf("got %d results, want 6", len(r.results))
	}
	late, lost, window := shares(lines)

	c := r.results[0]
	expect(t, c, map[string]any{"lines": late.len(), "stored": late.len(), "lost": 0})
	if n := number[int](t, c, "attempts_of_first_line"); n < 2 || n > 22 {
		t.Errorf("line 1 took %d attempts, want one each %v for %v, about 21", n, retryWait, streamDelay)
	}

	c = r.results[1]
	expect(t, c, map[string]any{"lines": lost.len(), "sent_before_timeout": 1, "answered_as_duplicate": 1, "stored_twice": 0})
	if s := number[float64](t, c, "timeout_seconds"); s < 1.49 || s > 10 {
		t.Errorf("timeout after %v s, want 1.5", s)
	}

	c = r.results[2]
	expect(t, c, map[string]any{"lines": window.len(), "acked": window.len(), "unresolved": 0})
	if number[int](t, c, "in_flight") == 0 || number[int](t, c, "failed_disconnected")+number[int](t, c, "refused") != number[int](t, c, "republished") {
		t.Errorf("window: %v", c.Figures)
	}
	if s := number[float64](t, c, "offline_seconds"); s < 0.5 {
		t.Errorf("offline for %v s, want at least 0.5", s)
	}

	c = r.results[3]
	expect(t, c, map[string]any{"lines": lines, "unacked": 0})
	if s := number[float64](t, c, "silence_seconds"); s < 0.95 || s > 6 {
		t.Errorf("told after %v s of silence, want two intervals of 0.5", s)
	}

	c = r.results[4]
	expect(t, c, map[string]any{"lines": lines, "consumers": 2})
	if s := number[float64](t, c, "told_seconds"); s > 5 {
		t.Errorf("told by the next Fetch after %v s, want at once", s)
	}
	if number[float64](t, c, "handler_seconds") <= number[float64](t, c, "consumer_gone_seconds") {
		t.Errorf("the handler was faster than the server: %v", c.Figures)
	}

	expect(t, r.results[5], map[string]any{
		"lines": lines, "bytes": len(text), "in_stream": lines, "lost": 0, "duplicated": 0,
		"sha256_black_hole": "equal", "sha256_reaped_consumer": "equal",
	})
}

// streams are the names on a server, asked without the tour.
func streams(t *testing.T, url string, opts ...nats.Option) []string {
	t.Helper()
	nc, err := nats.Connect(url, opts...)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	list := js.StreamNames(t.Context())
	for name := range list.Name() {
		names = append(names, name)
	}
	if err := list.Err(); err != nil {
		t.Fatal(err)
	}
	return names
}

// TestUsersServer also has something of the user's on the server, a password in the URL, and hardly any text.
func TestUsersServer(t *testing.T) {
	t.Parallel()
	srv := natstest.Run(t, natstest.WithUser("ann", "secret"))
	url := strings.Replace(srv.URL(), "://", "://ann:secret@", 1)
	mine := createStream(t, url, "MINE")
	r := &recorder{}
	r.dump(t)
	if err := Run(t.Context(), Config{File: writeFile(t, "one line, less than 64 bytes"), Server: url}, r); err != nil {
		t.Fatal(err)
	}
	if r.left != "nothing is left on the server" {
		t.Errorf("it says: %s", r.left)
	}
	if got := streams(t, url); len(got) != 1 || got[0] != mine {
		t.Errorf("left on the server: %v, want only %s", got, mine)
	}
	if strings.Contains(r.setting.Server, "secret") || !strings.Contains(r.setting.Server, "the user's") {
		t.Errorf("the server is described as %q", r.setting.Server)
	}
}

func createStream(t *testing.T, url, name string) string {
	t.Helper()
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: name}); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	srv := natstest.Run(t)
	for chapter := 1; chapter <= 5; chapter++ {
		t.Run(fmt.Sprintf("in chapter %d", chapter), func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var at time.Time
			r := &recorder{onEvent: func(n int) {
				if n == chapter && ctx.Err() == nil {
					at = time.Now()
					cancel()
				}
			}}
			r.dump(t)
			err := Run(ctx, Config{Server: srv.URL(), File: writeFile(t, shortText())}, r)
			if !errors.Is(err, ErrInterrupted) {
				t.Errorf("got %v, want %v", err, ErrInterrupted)
			}
			if took := time.Since(at); took > 10*time.Second {
				t.Errorf("took %v to end", took)
			}
			if len(r.results) != chapter || r.results[chapter-1].OK || r.results[chapter-1].Error != "interrupted" {
				t.Errorf("got %d results, want %d, the last one interrupted: %+v", len(r.results), chapter, r.results)
			}
			for _, name := range streams(t, srv.URL()) {
				if name == r.setting.Stream {
					t.Errorf("the stream %s is left behind", name)
				}
			}
		})
	}
}

func TestInterruptedBeforeTheBeginning(t *testing.T) {
	t.Parallel()
	srv := natstest.Run(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Run(ctx, Config{Server: srv.URL()}, &recorder{}); !errors.Is(err, ErrInterrupted) {
		t.Errorf("got %v, want %v", err, ErrInterrupted)
	}
}

// TestInterruptedWhileConnecting is before a server that never says a word.
func TestInterruptedWhileConnecting(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, Config{Server: "nats://" + silent.Addr().String()}, &recorder{}) }()
	c, err := silent.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	cancel()
	select {
	case err := <-ended:
		if !errors.Is(err, ErrInterrupted) {
			t.Errorf("got %v, want %v", err, ErrInterrupted)
		}
	case <-time.After(dialLimit / 2):
		t.Errorf("not ended %v after the interruption", dialLimit/2)
	}
}

func TestRedact(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"nats://h:1":                       "nats://h:1",
		"h":                                "h",
		"":                                 "",
		"nats://ann:pw@h:1":                "nats://ann:xxxxx@h:1",
		"ann:pw@h":                         "ann:xxxxx@h",
		"nats://token@h:1":                 "nats://xxxxx@h:1",
		"nats://ann:p@w:x@h:1":             "nats://ann:xxxxx@h:1",
		"nats://a:1@h:1,tls://b:2@[::1]:2": "nats://a:xxxxx@h:1,tls://b:xxxxx@[::1]:2",
	} {
		if got := redact(address); got != want {
			t.Errorf("redact(%q) = %q, want %q", address, got, want)
		}
	}
}

func TestJetStreamOff(t *testing.T) {
	t.Parallel()
	srv := natstest.Run(t, natstest.WithoutJetStream())
	r := &recorder{}
	err := Run(t.Context(), Config{Server: srv.URL()}, r)
	if !errors.Is(err, ErrNoJetStream) || !strings.Contains(err.Error(), srv.URL()) || !strings.Contains(err.Error(), "-js") {
		t.Errorf("got %v, want %v, where, and what to do", err, ErrNoJetStream)
	}
	if len(r.results) != 0 {
		t.Errorf("chapters were played: %v", r.results)
	}
}

func TestNobodyThere(t *testing.T) {
	t.Parallel()
	srv := natstest.Run(t)
	if err := srv.Stop(); err != nil {
		t.Fatal(err)
	}
	url := strings.Replace(srv.URL(), "://", "://ann:secret@", 1)
	err := Run(t.Context(), Config{Server: url}, &recorder{})
	if !errors.Is(err, nats.ErrNoServers) || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v, want %v without the password", err, nats.ErrNoServers)
	}
}

// TestFailure is on a server that takes no stream of this size.
func TestFailure(t *testing.T) {
	t.Parallel()
	srv := natstest.Run(t, natstest.WithConfigText("jetstream: {max_file_store: 1KB}"))
	r := &recorder{}
	r.dump(t)
	err := Run(t.Context(), Config{Server: srv.URL()}, r)
	if !errors.Is(err, ErrFailed) || !strings.Contains(err.Error(), "late_stream") {
		t.Errorf("got %v, want %v in late_stream", err, ErrFailed)
	}
	if len(r.results) != 6 {
		t.Fatalf("got %d results, want 6", len(r.results))
	}
	for i, res := range r.results {
		want := "creating the stream"
		if i > 0 {
			want = "not played"
		}
		if res.OK || !strings.Contains(res.Error, want) {
			t.Errorf("%s: got OK %v, %q, want an error with %q", res.Name, res.OK, res.Error, want)
		}
	}
	if res := r.results[0]; res.Seconds > 10 {
		t.Errorf("took %v s to give up", res.Seconds)
	}
}
