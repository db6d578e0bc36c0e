package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const serverPackage = "github.com/gannet-io/nats/test/bench/server"

// server is a nats-server in a process of its own. See its package for why it is not a role of this program.
type server struct {
	url   string
	dir   string // of the program
	cmd   *exec.Cmd
	input io.Closer
}

// startServer builds the server, which takes a while the first time, and waits until it runs.
func startServer(ctx context.Context, cpus []int) (_ *server, err error) {
	s := new(server)
	if s.dir, err = os.MkdirTemp("", "bench-server-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	program := filepath.Join(s.dir, "server")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", program, serverPackage).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building %s: %w: %s", serverPackage, err, out)
	}
	cmd := exec.Command(program) // not bound to ctx: it ends with its input, and then removes its store
	cmd.Stderr = os.Stderr
	if s.input, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := onProcessors(cpus, cmd.Start); err != nil {
		return nil, err
	}
	s.cmd = cmd
	line, err := bufio.NewReader(out).ReadString('\n')
	s.url = strings.TrimSpace(line)
	return s, err
}

// close ends the server, which removes its store.
func (s *server) close() {
	if s.cmd != nil {
		_ = s.input.Close()
		_ = s.cmd.Wait()
	}
	_ = os.RemoveAll(s.dir)
}
