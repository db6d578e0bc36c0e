package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/gannet-io/nats/test/bench/meter"
	"github.com/gannet-io/nats/test/bench/peer"
)

func TestMain(m *testing.M) {
	if playRole() { // the program under test starts copies of itself, which here is the test
		return
	}
	os.Exit(m.Run())
}

// TestFiguresComeOut runs one scenario against a sink and one against a replay, briefly. It asserts nothing about speed.
func TestFiguresComeOut(t *testing.T) {
	t.Parallel()
	var out, log bytes.Buffer
	args := []string{"-runs", "2", "-scale", "0.01", "-json", "-only", "^(publish 128 B|receive 128 B)$"}
	if err := command(t.Context(), args, &out, &log); err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	var got struct{ Results []Result }
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Results) != 2 {
		t.Fatalf("got %d results, want 2", len(got.Results))
	}
	for _, r := range got.Results {
		for _, name := range []string{theirs, ours} {
			s := r.Sides[name]
			if s.Err != "" || s.CPU <= 0 || s.Wall <= 0 || len(s.CPURuns) != 2 {
				t.Errorf("%s, %s: got %+v, want CPU and wall time of 2 runs", r.Scenario, name, s)
			}
		}
		if r.CPURatio <= 0 {
			t.Errorf("%s: got ratio %v, want a positive one", r.Scenario, r.CPURatio)
		}
	}
}

// TestFloor plays each kind of scenario without a library, briefly. The peers check what it claims to have done.
func TestFloor(t *testing.T) {
	t.Parallel()
	st := &stage{}
	defer st.close()
	played := make(map[string]bool)
	for _, sc := range scenarios {
		what := fmt.Sprint(sc.Job.Kind, sc.Job.Headers, sc.Job.MsgID, sc.Job.Subs > 1, sc.Job.Window, sc.Place)
		if !sc.hasFloor() || played[what] {
			continue
		}
		played[what] = true
		if _, err := runOnce(t.Context(), settings{}, st, sc.scaled(0.01), floor, 0); err != nil {
			t.Errorf("%s: %v", sc.Name, err)
		}
	}
	for kind := range sides[floor] {
		if sides[ours][kind] == nil {
			t.Errorf("there is no kind %q for a library", kind)
		}
	}
}

// TestFloorIsToldBesideTheLibraries looks for it in the table: where it was measured, and nowhere else.
func TestFloorIsToldBesideTheLibraries(t *testing.T) {
	t.Parallel()
	var out, log bytes.Buffer
	args := []string{"-runs", "1", "-scale", "0.01", "-floor", "-md", "-only", "^publish 16 B"}
	if err := command(t.Context(), args, &out, &log); err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	if got := strings.Count(out.String(), "without a library"); got != 1 {
		t.Errorf("got %d rows with a floor, want that of one goroutine:\n%s", got, &out)
	}
}

// TestLostMessagesFailTheRun claims one message more than was published, and expects that the peer's count is believed.
func TestLostMessagesFailTheRun(t *testing.T) {
	t.Parallel()
	st := &stage{}
	defer st.close()
	j, done, err := st.ready(t.Context(), Scenario{Job: job("publish", 1000, 128)})
	if err != nil {
		t.Fatal(err)
	}
	j.Side = ours
	f, err := runJob(t.Context(), j, nil, 0)
	if err != nil {
		_ = done(f)
		t.Fatal(err)
	}
	const handshake = 4096 // more than CONNECT and PING take
	f.Wire += handshake
	if err := done(f); err == nil || !strings.Contains(err.Error(), "reached the peer") {
		t.Errorf("got %v, want an error about missing bytes", err)
	}
}

// TestScenariosAreSound checks what a typing error in the table would break.
func TestScenariosAreSound(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for _, s := range scenarios {
		if seen[s.Name] {
			t.Errorf("%q is there twice", s.Name)
		}
		seen[s.Name] = true
		for name, kinds := range sides {
			if name == floor {
				continue // plays few scenarios
			}
			if kinds[s.Job.Kind] == nil {
				t.Errorf("%q: %s has no kind %q", s.Name, name, s.Job.Kind)
			}
		}
		if s.Limits.Aim > s.Limits.Must {
			t.Errorf("%q aims at %v, which is less than it must reach, %v", s.Name, s.Limits.Aim, s.Limits.Must)
		}
		if s.Frames.Size > 0 && s.Place != Replay {
			t.Errorf("%q has frames and no replay", s.Name)
		}
	}
}

func TestScaled(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		in        Scenario
		f         float64
		ops, warm int
	}{
		{"plain", Scenario{Job: meter.Job{Ops: 1000, Warm: 100}}, 0.5, 500, 50},
		{"at least one", Scenario{Job: meter.Job{Ops: 10, Warm: 1}}, 0.01, 1, 1},
		{"the same for each subscription", Scenario{Place: Replay, Frames: peer.Frames{Size: 1}, Job: meter.Job{Ops: 100, Warm: 1, Subs: 10}},
			2, 2 * 10 * meter.Stride, 10 * meter.Stride},
	}
	for _, tt := range tests {
		if got := tt.in.scaled(tt.f).Job; got.Ops != tt.ops || got.Warm != tt.warm {
			t.Errorf("%s: got %d and %d, want %d and %d", tt.name, got.Ops, got.Warm, tt.ops, tt.warm)
		}
	}
}

func TestMedian(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in   []float64
		want float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 2, 9}, 3}}
	for _, tt := range tests {
		if got := median(tt.in); got != tt.want {
			t.Errorf("median(%v) = %v, want %v", tt.in, got, tt.want)
		}
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	const mb = 1 << 20
	them := Side{CPU: 100, Wall: 200, P99: 1000, Allocs: 6, Peak: 50 * mb}
	limits := Limits{Must: 0.5, Aim: 0.3, Allocs: 2, P99: 0.7, Throughput: 1.5, Held: 100, Goroutines: 4}
	good := Side{CPU: 30, Wall: 100, P99: 700, Allocs: 2, Peak: 50 * mb, Held: 100, Goroutines: 4}
	with := func(f func(*Side)) Side { s := good; f(&s); return s }
	tests := []struct {
		name string
		us   Side
		want string
	}{
		{"all that is aimed at", good, "aim"},
		{"all that is needed", with(func(s *Side) { s.CPU = 50 }), "must"},
		{"CPU", with(func(s *Side) { s.CPU = 51 }), "NO: CPU"},
		{"allocations", with(func(s *Side) { s.Allocs = 2.1 }), "NO: allocs"},
		{"latency and throughput", with(func(s *Side) { s.P99, s.Wall = 800, 150 }), "NO: p99, throughput"},
		{"memory", with(func(s *Side) { s.Peak = 60 * mb }), "NO: peak"},
		{"memory, within the noise", with(func(s *Side) { s.Peak = 51 * mb }), "aim"},
		{"what is left", with(func(s *Side) { s.Held, s.Goroutines = 101, 5 }), "NO: held, goroutines"},
		{"failure", Side{Err: "broken"}, "failed"},
	}
	for _, tt := range tests {
		res := judge(Scenario{Limits: limits}, map[string]Side{theirs: them, ours: tt.us})
		if got := verdict(res); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestOutcome(t *testing.T) {
	t.Parallel()
	fine := Result{OK: true, Sides: map[string]Side{ours: {CPU: 1}}}
	missed := Result{Sides: map[string]Side{ours: {CPU: 1}}}
	broken := Result{Sides: map[string]Side{ours: {Err: "broken"}}}
	tests := []struct {
		name   string
		in     []Result
		strict bool
		fails  bool
	}{
		{"fine", []Result{fine}, true, false},
		{"missed", []Result{fine, missed}, false, false},
		{"missed, strict", []Result{fine, missed}, true, true},
		{"broken", []Result{broken, fine}, false, true},
	}
	for _, tt := range tests {
		if err := outcome(tt.in, tt.strict); (err != nil) != tt.fails {
			t.Errorf("%s: got %v, want an error: %v", tt.name, err, tt.fails)
		}
	}
}

func TestTables(t *testing.T) {
	t.Parallel()
	res := judge(Scenario{Name: "publish | b", Limits: Limits{Must: 0.5, Allocs: 2}},
		map[string]Side{theirs: {CPU: 100, Allocs: 6}, ours: {CPU: 1234, Allocs: 1}})
	var b strings.Builder
	if err := markdown(&b, "about", []Result{res}); err != nil {
		t.Fatal(err)
	}
	want := `| publish \| b | 100 ns | 1.23 us | 12.34 | 0.50 |  | 6 → 1 ≤ 2 |  | NO: CPU |`
	if !strings.Contains(b.String(), want) {
		t.Errorf("got %q, want a row %q", b.String(), want)
	}
	b.Reset()
	if err := table(&b, "about", []Result{res}); err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`publish \| b +100 ns +1\.23 us +12\.34 +0\.50`).MatchString(b.String()) {
		t.Errorf("got %q, want the figures in a row", b.String())
	}
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"-runs", "0"}, {"-scale", "-1"}, {"-only", "("}, {"-client", "other"}, {"-pin", "1"}, {"-pin", "1/x"}, {"-pin", "9999/0"}, {"more"},
		{"-only", "no such scenario"},
	} {
		if err := command(t.Context(), args, &bytes.Buffer{}, &bytes.Buffer{}); err == nil {
			t.Errorf("%q: got no error", args)
		}
	}
	s, err := parse([]string{"-pin", "1,2/0"}, &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	if cpus, procs := s.processorsFor(Scenario{}); len(cpus) != 1 || procs != 0 {
		t.Errorf("got processors %v, GOMAXPROCS %d; want one, and Go's choice", cpus, procs)
	}
	if cpus, procs := s.processorsFor(Scenario{TwoCores: true}); len(cpus) != 2 || procs != 2 {
		t.Errorf("two cores: got processors %v, GOMAXPROCS %d", cpus, procs)
	}
	if len(s.peers) != 1 || s.peers[0] != 0 {
		t.Errorf("got peers on %v, want [0]", s.peers)
	}
}
