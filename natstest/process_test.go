package natstest

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

func TestKillKeepsTheStore(t *testing.T) {
	t.Parallel()
	s := Run(t, AsProcess())
	pid := s.PID()
	c := connect(t, s.Addr(), "")
	c.createStream("S", "s", 1)
	for range 10 {
		c.request("s", "x")
	}
	s.Kill()
	if line, err := c.tryLine(patience); err == nil {
		t.Errorf("after Kill: got %q, want the connection to end", line)
	}
	if s.Running() || !refused(s.Addr()) {
		t.Errorf("after Kill: running %v", s.Running())
	}
	s.Kill()
	s.Restart(true)
	if s.PID() == pid || s.PID() == os.Getpid() {
		t.Errorf("pid: got %d, want neither %d nor this process", s.PID(), pid)
	}
	c = connect(t, s.Addr(), "")
	if got := c.messages("S"); got != 10 {
		t.Errorf("messages: got %d, want 10", got)
	}
	if s.Embedded() != nil {
		t.Error("a process has an embedded server")
	}
}

// An answer that comes after its question has timed out does not take the place of the next one.
func TestLateAnswer(t *testing.T) {
	t.Parallel()
	p := &process{answers: make(chan answer, 1)}
	p.hear(answer{ID: 1})
	p.hear(answer{ID: 2})
	if got := (<-p.answers).ID; got != 2 {
		t.Errorf("got the answer to question %d, want that to 2", got)
	}
}

func TestDeathIsNoticed(t *testing.T) {
	t.Parallel()
	s := Run(t, AsProcess())
	p, err := os.FindProcess(s.PID())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	s.WaitStopped()
	if s.Running() {
		t.Error("a dead server counts as running")
	}
	s.Restart(true)
	connect(t, s.Addr(), "").ping()
}

// A server process ends with its parent, also when that is killed.
func TestProcessEndsWithParent(t *testing.T) {
	t.Parallel()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cmd := exec.CommandContext(ctx, exe) // cancel kills
	cmd.Env = append(os.Environ(), parentEnv+"="+t.TempDir())
	cmd.WaitDelay = time.Second
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	var addr string
	line, err := bufio.NewReader(out).ReadString('\n')
	if _, scanErr := fmt.Sscan(line, &pid, &addr); err != nil || scanErr != nil {
		t.Fatalf("parent says %q: %v, %v", line, err, scanErr)
	}
	c := connect(t, addr, "")
	cancel()
	_ = cmd.Wait()
	if line, err := c.tryLine(patience); err == nil {
		t.Errorf("got %q, want the connection to end", line)
	}
	if !poll(patience, func() bool { return refused(addr) }) {
		t.Errorf("the server %d lives on", pid)
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	for _, where := range []struct {
		name string
		opts []Option
		auth tls.ClientAuthType
	}{{"embedded", nil, tls.RequireAndVerifyClientCert}, {"process", []Option{AsProcess()}, tls.NoClientCert}} {
		t.Run(where.name, func(t *testing.T) {
			t.Parallel()
			forServer, forClient, err := NewTLS()
			if err != nil {
				t.Fatal(err)
			}
			forServer.ClientAuth = where.auth
			s := Run(t, append(where.opts, WithTLS(forServer))...)
			if got, want := s.URL(), "tls://"+s.Addr(); got != want {
				t.Errorf("URL: got %s, want %s", got, want)
			}
			c := open(t, s.Addr())
			c.readInfo()
			conf := forClient.Clone()
			conf.ServerName = "127.0.0.1"
			secure := tls.Client(c.conn, conf)
			if err := secure.HandshakeContext(t.Context()); err != nil {
				t.Fatal(err)
			}
			c.conn, c.r = secure, bufio.NewReader(secure)
			c.login("")
			s.Restart(true)
		})
	}
}

func TestTLSThatCannotBeExported(t *testing.T) {
	t.Parallel()
	forServer, _, err := NewTLS()
	if err != nil {
		t.Fatal(err)
	}
	forServer.ClientAuth = tls.RequireAndVerifyClientCert
	if _, err := Start(AsProcess(), WithTLS(forServer)); err == nil || !strings.Contains(err.Error(), "WithConfigText") {
		t.Errorf("got %v, want advice", err)
	}
}
