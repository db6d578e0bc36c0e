package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/gannet-io/nats/test/bench/meter"
	"github.com/gannet-io/nats/test/bench/peer"
)

// roleEnv makes a copy of this program a client or a peer.
const roleEnv = "BENCH_ROLE"

// role is what such a copy shall be: one of Client, Sink, Replay and Echo is set.
type role struct {
	Client *meter.Job   `json:",omitempty"`
	Sink   bool         `json:",omitempty"`
	Replay *peer.Frames `json:",omitempty"`
	Board  string       `json:",omitempty"` // of the replay
	Echo   string       `json:",omitempty"` // URL of the server
}

// word is what it prints, one JSON line each: a client its result; a peer, when it is ready, its address, and when its
// input has ended the bytes it received.
type word struct {
	Figures meter.Figures
	URL     string
	Bytes   int64
	Err     string
}

// playRole is the whole of a copy's main; false: this process is the original.
func playRole() bool {
	text := os.Getenv(roleEnv)
	if text == "" {
		return false
	}
	say := json.NewEncoder(os.Stdout).Encode
	var r role
	err := json.Unmarshal([]byte(text), &r)
	switch {
	case err != nil:
	case r.Client != nil:
		var f meter.Figures
		if f, err = runClient(*r.Client); err == nil {
			err = say(word{Figures: f})
		}
	case r.Echo != "":
		err = runEcho(r.Echo, say)
	default:
		err = runFake(r.Replay, r.Board, say)
	}
	if err != nil {
		_ = say(word{Err: err.Error()})
		os.Exit(1)
	}
	return true
}

func runClient(j meter.Job) (meter.Figures, error) {
	run := sides[j.Side][j.Kind]
	if run == nil {
		return meter.Figures{}, fmt.Errorf("%s has no scenario %q", j.Side, j.Kind)
	}
	r := meter.New(j)
	err := run(r)
	return r.Figures(), err
}

func runFake(frames *peer.Frames, board string, say func(any) error) error {
	f, err := peer.StartFake(frames, board)
	if err != nil {
		return err
	}
	if err := say(word{URL: f.URL()}); err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	return say(word{Bytes: f.Bytes()})
}

func runEcho(server string, say func(any) error) error {
	e, err := peer.NewEcho(server)
	if err != nil {
		return err
	}
	if err := say(word{URL: server}); err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- e.Serve() }() // ends with the process
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(ended)
	}()
	select {
	case err := <-failed:
		return err
	case <-ended:
		return nil
	}
}

// process is a copy of this program in a role.
type process struct {
	cmd    *exec.Cmd
	input  io.Closer
	output *bufio.Reader
	log    *strings.Builder
}

// spawn starts a copy on the given processors (none: any) with that GOMAXPROCS (0: Go's choice). It is killed when ctx ends.
func spawn(ctx context.Context, r role, cpus []int, procs int) (*process, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.CommandContext(ctx, exe), log: new(strings.Builder)}
	// Under the race detector a program sleeps a second before it exits, unless told not to.
	p.cmd.Env = append(os.Environ(), roleEnv+"="+string(text), "GORACE="+os.Getenv("GORACE")+" atexit_sleep_ms=0")
	if procs > 0 {
		p.cmd.Env = append(p.cmd.Env, fmt.Sprintf("GOMAXPROCS=%d", procs))
	}
	p.cmd.Stderr = p.log
	p.cmd.WaitDelay = time.Second
	if p.input, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.output = bufio.NewReader(out)
	return p, onProcessors(cpus, p.cmd.Start)
}

// listen waits for the next word.
func (p *process) listen() (word, error) {
	line, err := p.output.ReadBytes('\n')
	if err != nil {
		return word{}, fmt.Errorf("the process ended without a word: %w", err)
	}
	var w word
	if err := json.Unmarshal(line, &w); err != nil {
		return w, fmt.Errorf("unreadable word %q: %w", line, err)
	}
	if w.Err != "" {
		return w, errors.New(w.Err)
	}
	return w, nil
}

// end closes the input, which ends a peer, and waits. The error carries what the process wrote to its log.
func (p *process) end() error {
	_ = p.input.Close()
	err := p.cmd.Wait()
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w%s", err, p.said())
}

// said is the beginning of the log: of a panic, what it was about.
func (p *process) said() string {
	text := strings.TrimSpace(p.log.String())
	if text == "" {
		return ""
	}
	const enough = 600
	return ": " + text[:min(len(text), enough)]
}

// clientTime bounds one run of one scenario, so that a hanging client costs a row and not the night.
const clientTime = 2 * time.Minute

// runJob runs one client process to its end.
func runJob(ctx context.Context, j meter.Job, cpus []int, procs int) (meter.Figures, error) {
	ctx, cancel := context.WithTimeout(ctx, clientTime)
	defer cancel()
	p, err := spawn(ctx, role{Client: &j}, cpus, procs)
	if err != nil {
		return meter.Figures{}, err
	}
	w, err := p.listen()
	if ended := p.end(); err != nil && ended != nil {
		err = fmt.Errorf("%w (%w)", err, ended)
	} else if err == nil {
		err = ended
	}
	return w.Figures, err
}
