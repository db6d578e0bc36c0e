package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/gannet-io/nats/test/bench/meter"
)

func main() {
	if playRole() {
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := command(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// settings are the command line.
type settings struct {
	runs          int
	only          *regexp.Regexp
	sides         []string
	scale         float64
	procs         int
	client, peers []int // processors; none: any
	profile       string
	print         func(io.Writer, string, []Result) error
	list, strict  bool
}

func parse(args []string, stderr io.Writer) (settings, error) {
	s := settings{print: table, sides: []string{theirs, ours}}
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.IntVar(&s.runs, "runs", 5, "runs of each scenario and client")
	only := f.String("only", "", "run only scenarios whose name matches this regular `expression`")
	side := f.String("client", "", "run only this `client`: nats.go or gannet")
	f.Float64Var(&s.scale, "scale", 1, "multiply the number of operations")
	f.IntVar(&s.procs, "procs", 0, "GOMAXPROCS of the client; 0: Go's choice")
	pin := f.String("pin", "", "bind client and peers to processors, `CLIENT/PEERS`, for example 1,2/0: the client gets the first,\n"+
		"in scenarios with two cores the first two")
	f.StringVar(&s.profile, "profile", "", "write a CPU profile of each run into this `directory`")
	asText, asMarkdown := f.Bool("json", false, "print JSON"), f.Bool("md", false, "print Markdown")
	f.BoolVar(&s.list, "list", false, "list the scenarios and end")
	withFloor := f.Bool("floor", false, "measure also a client without a library, in the scenarios that it can play")
	f.BoolVar(&s.strict, "strict", false, "fail if gannet misses what it must reach")
	if err := f.Parse(args); err != nil {
		return s, err
	}
	var err error
	if s.only, err = regexp.Compile(*only); err != nil {
		return s, err
	}
	switch {
	case f.NArg() > 0:
		return s, fmt.Errorf("unexpected argument %q", f.Arg(0))
	case s.runs < 1 || s.scale <= 0 || s.procs < 0:
		return s, errors.New("-runs, -scale and -procs must be positive")
	case *asText:
		s.print = asJSON
	case *asMarkdown:
		s.print = markdown
	}
	if *withFloor {
		s.sides = append(s.sides, floor)
	}
	if *side != "" {
		if sides[*side] == nil {
			return s, fmt.Errorf("no client %q", *side)
		}
		s.sides = []string{*side}
	}
	return s, s.parsePin(*pin)
}

func (s *settings) parsePin(text string) (err error) {
	if text == "" {
		return nil
	}
	client, peers, ok := strings.Cut(text, "/")
	if !ok {
		return errors.New("-pin needs CLIENT/PEERS")
	}
	if s.client, err = processors(client); err != nil {
		return err
	}
	s.peers, err = processors(peers)
	return err
}

func processors(list string) ([]int, error) {
	var cpus []int
	for f := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(f)
		if err != nil || n < 0 || n > 1023 {
			return nil, fmt.Errorf("-pin: %q is no processor", f)
		}
		cpus = append(cpus, n)
	}
	return cpus, nil
}

// processorsFor is where the client of a scenario may run, and with what GOMAXPROCS.
func (s *settings) processorsFor(sc Scenario) (cpus []int, procs int) {
	n, procs := 1, s.procs
	if sc.TwoCores {
		n, procs = 2, 2
	}
	return s.client[:min(n, len(s.client))], procs
}

func command(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	s, err := parse(args, stderr)
	if err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	if s.list {
		for _, sc := range scenarios {
			fmt.Fprintln(stdout, sc.Name)
		}
		return nil
	}
	results, err := runAll(ctx, s, stderr)
	if err != nil {
		return err
	}
	if err := s.print(stdout, about(s), results); err != nil {
		return err
	}
	return outcome(results, s.strict)
}

// outcome is an error if a scenario failed; with strict also if a limit is missed.
func outcome(results []Result, strict bool) error {
	bad := 0
	for _, r := range results {
		failed := strict && !r.OK
		for _, side := range r.Sides {
			failed = failed || side.Err != ""
		}
		if failed {
			bad++
		}
	}
	if bad > 0 {
		return fmt.Errorf("%d of %d scenarios failed", bad, len(results))
	}
	return nil
}

// about is the line that belongs to every table.
func about(s settings) string {
	where := "processors not bound"
	if len(s.client) > 0 {
		where = fmt.Sprintf("client on processor %v, peers on %v", s.client, s.peers)
	}
	return fmt.Sprintf("Client CPU time an operation, medians of %d interleaved runs; %s, %d processors, %s.",
		s.runs, runtime.Version(), runtime.NumCPU(), where)
}

func runAll(ctx context.Context, s settings, stderr io.Writer) ([]Result, error) {
	st := &stage{cpus: s.peers}
	defer st.close()
	var results []Result
	for _, sc := range scenarios {
		if !s.only.MatchString(sc.Name) {
			continue
		}
		res := runScenario(ctx, s, st, sc.scaled(s.scale))
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		fmt.Fprintln(stderr, strings.Join(row(res), "  "))
		results = append(results, res)
	}
	if len(results) == 0 {
		return nil, fmt.Errorf("no scenario matches %q", s.only)
	}
	return results, nil
}

// runScenario interleaves the sides; who begins alternates. A side that fails is not run again.
func runScenario(ctx context.Context, s settings, st *stage, sc Scenario) Result {
	s.sides = slices.DeleteFunc(slices.Clone(s.sides), func(side string) bool { return side == floor && !sc.hasFloor() })
	figures := make(map[string][]meter.Figures)
	failed := make(map[string]error)
	for i := range s.runs {
		for k := range s.sides {
			side := s.sides[(i+k)%len(s.sides)]
			if failed[side] != nil {
				continue
			}
			f, err := runOnce(ctx, s, st, sc, side, i)
			if err != nil {
				failed[side] = err
			}
			figures[side] = append(figures[side], f)
		}
	}
	bySide := make(map[string]Side)
	for _, side := range s.sides {
		bySide[side] = summarize(figures[side], failed[side])
	}
	return judge(sc, bySide)
}

func runOnce(ctx context.Context, s settings, st *stage, sc Scenario, side string, run int) (meter.Figures, error) {
	j, done, err := st.ready(ctx, sc)
	if err != nil {
		return meter.Figures{}, fmt.Errorf("set-up: %w", err)
	}
	j.Side = side
	if s.profile != "" {
		j.Profile = filepath.Join(s.profile, fmt.Sprintf("%s-%s-%d.pprof", profileName(sc.Name), side, run))
	}
	cpus, procs := s.processorsFor(sc)
	f, err := runJob(ctx, j, cpus, procs)
	if ended := done(f); err == nil {
		err = ended
	}
	return f, err
}

// profileName makes a file name of a scenario's name.
func profileName(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, name)
}
