package natstest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

func TestRunIsReady(t *testing.T) {
	t.Parallel()
	s := Run(t)
	c := connect(t, s.Addr(), "")
	c.createStream("ORDERS", "orders.>", 1)
	if got, want := c.request("orders.new", "1"), `{"stream":"ORDERS","seq":1}`; !strings.HasPrefix(got, want[:len(want)-1]) {
		t.Errorf("ack: got %s, want %s", got, want)
	}
	if got, want := s.URL(), "nats://"+s.Addr(); got != want {
		t.Errorf("URL: got %s, want %s", got, want)
	}
	if got, want := c.info["port"], portOf(t, s.Addr()); fmt.Sprint(got) != want {
		t.Errorf("port in INFO: got %v, want %s", got, want)
	}
}

func portOf(t *testing.T, addr string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// Each option, embedded and as a process.
func TestOptions(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		opts  []Option
		login string
		check func(t *testing.T, s *Server, c *client)
	}{
		{"user", []Option{WithUser("ada", "pw")}, `"user":"ada","pass":"pw"`, func(t *testing.T, s *Server, _ *client) {
			expectRefusal(t, s, `"user":"ada","pass":"no"`)
		}},
		{"token", []Option{WithToken("s3cret")}, `"auth_token":"s3cret"`, func(t *testing.T, s *Server, _ *client) {
			expectRefusal(t, s, `"lang":"x"`)
		}},
		{"without JetStream", []Option{WithoutJetStream()}, "", func(t *testing.T, _ *Server, c *client) {
			if got := c.info["jetstream"]; got != nil {
				t.Errorf("jetstream in INFO: got %v, want nothing", got)
			}
		}},
		{"config text", []Option{WithConfigText("max_payload: 1000"), WithConfigText("server_name: text")}, "", func(t *testing.T, _ *Server, c *client) {
			if got, want := c.info["max_payload"], 1000.0; got != want {
				t.Errorf("max_payload: got %v, want %v", got, want)
			}
			if got, want := c.info["server_name"], "text"; got != want {
				t.Errorf("server_name: got %v, want %v", got, want)
			}
		}},
		{"config text cannot move the server", []Option{WithConfigText("listen: 127.0.0.1:1\njetstream { store_dir: /nowhere }")}, "",
			func(t *testing.T, s *Server, c *client) {
				c.createStream("S", "s", 1)
				if _, err := os.Stat(filepath.Join(s.StoreDir(), "jetstream")); err != nil {
					t.Errorf("store: %v", err)
				}
			}},
		{"name", []Option{WithName("solo")}, "", func(t *testing.T, s *Server, c *client) {
			if c.info["server_name"] != "solo" || s.Name() != "solo" {
				t.Errorf("name: got %v and %s, want solo", c.info["server_name"], s.Name())
			}
		}},
		{"websocket", []Option{WithWebsocket()}, "", func(t *testing.T, s *Server, _ *client) { expectUpgrade(t, s) }},
	}
	for _, tt := range tests {
		for _, where := range []struct {
			name string
			opts []Option
		}{{"embedded", nil}, {"process", []Option{AsProcess()}}} {
			t.Run(tt.name+"/"+where.name, func(t *testing.T) {
				t.Parallel()
				s := Run(t, append(where.opts, tt.opts...)...)
				tt.check(t, s, connect(t, s.Addr(), tt.login))
			})
		}
	}
}

func expectRefusal(t *testing.T, s *Server, login string) {
	t.Helper()
	c := open(t, s.Addr())
	c.readInfo()
	c.send("CONNECT {%s}\r\nPING\r\n", login)
	if got, want := c.line(), "-ERR 'Authorization Violation'"; got != want {
		t.Errorf("login %s: got %q, want %q", login, got, want)
	}
}

func expectUpgrade(t *testing.T, s *Server) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", "http"+strings.TrimPrefix(s.WebsocketURL(), "ws"), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusSwitchingProtocols {
		t.Errorf("upgrade: got %s, want 101", resp.Status)
	}
}

func TestWithConfig(t *testing.T) {
	t.Parallel()
	starts := 0
	s := Run(t, WithConfig(func(o *server.Options) { o.MaxPayload = 4242; o.Port = -1; starts++ }))
	if got, want := connect(t, s.Addr(), "").info["max_payload"], 4242.0; got != want {
		t.Errorf("max_payload: got %v, want %v", got, want)
	}
	addr := s.Addr()
	s.Restart(true)
	if s.Addr() != addr || starts != 2 {
		t.Errorf("after restart: address %s and %d starts, want %s and 2", s.Addr(), starts, addr)
	}
	if s.Embedded() == nil || s.Embedded().NumClients() != 0 {
		t.Errorf("embedded server: got %v", s.Embedded())
	}
}

func TestWithPortAndStoreDir(t *testing.T) {
	t.Parallel()
	port, err := takePort()
	if err != nil {
		t.Fatal(err)
	}
	defer freePort(port)
	dir := filepath.Join(t.TempDir(), "new", "store")
	for i := range 2 {
		s, err := Start(WithPort(port), WithStoreDir(dir))
		if err != nil {
			t.Fatal(err)
		}
		if s.Addr() != hostPort(port) {
			t.Errorf("address: got %s, want %s", s.Addr(), hostPort(port))
		}
		c := connect(t, s.Addr(), "")
		if want := i - 1; c.messages("KEPT") != want {
			t.Errorf("start %d: got %d messages, want %d", i, c.messages("KEPT"), want)
		}
		if i == 0 {
			c.createStream("KEPT", "kept", 1)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTemporaryStoreIsRemoved(t *testing.T) {
	t.Parallel()
	s, err := Start()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Errorf("close twice: %v", err)
	}
	if _, err := os.Stat(s.StoreDir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("store after Close: got %v, want not exist", err)
	}
	if err := s.Restart(true); !errors.Is(err, errClosed) {
		t.Errorf("restart after Close: got %v, want %v", err, errClosed)
	}
}

func TestContradictoryOptions(t *testing.T) {
	t.Parallel()
	nothing := func(*server.Options) {}
	tests := []struct {
		name string
		opts []Option
		want string
	}{
		{"config func for a process", []Option{AsProcess(), WithConfig(nothing)}, "WithConfigText"},
		{"user and token", []Option{WithUser("u", "p"), WithToken("t")}, "exclude each other"},
		{"password alone", []Option{WithUser("", "p")}, "without a user name"},
		{"store without JetStream", []Option{WithoutJetStream(), WithStoreDir("x")}, "exclude each other"},
		{"port", []Option{WithPort(65536)}, "not a port"},
		{"negative port", []Option{WithPort(-1)}, "not a port"},
		{"lame duck", []Option{WithLameDuck(time.Second, time.Second)}, "grace"},
		{"text", []Option{WithConfigText("max_payload: {")}, "WithConfigText"},
		{"text for a process", []Option{WithConfigText("max_payload: {"), AsProcess()}, "WithConfigText"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, err := Start(append(tt.opts, nil)...)
			if err == nil {
				_ = s.Close()
				t.Fatal("got no error")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want it to mention %q", err, tt.want)
			}
		})
	}
}

func TestStartOnABusyPort(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	for _, opts := range [][]Option{nil, {AsProcess()}} {
		began := time.Now()
		_, err = Start(append(opts, WithPort(l.Addr().(*net.TCPAddr).Port))...)
		if !portInUse(err) {
			t.Errorf("got %v, want the port in use", err)
		}
		if took := time.Since(began); took > defaultTimeout/2 {
			t.Errorf("took %v, want the server's fatal message to be noticed at once", took)
		}
	}
}

func TestStopAndRestart(t *testing.T) {
	t.Parallel()
	for _, where := range [][]Option{nil, {AsProcess()}} {
		s := Run(t, where...)
		url, pid := s.URL(), s.PID()
		c := connect(t, s.Addr(), "")
		c.createStream("S", "s", 1)
		c.request("s", "x")

		s.Stop()
		s.Stop()
		if s.Running() || s.PID() != 0 || !refused(s.Addr()) {
			t.Errorf("after Stop: running %v, pid %d, refused %v", s.Running(), s.PID(), refused(s.Addr()))
		}
		s.Restart(true)
		c = connect(t, s.Addr(), "")
		if got := c.messages("S"); got != 1 {
			t.Errorf("messages with the store kept: got %d, want 1", got)
		}
		s.Restart(false)
		c = connect(t, s.Addr(), "")
		if got := c.messages("S"); got != -1 {
			t.Errorf("messages without the store: got %d, want no stream", got)
		}
		if own := os.Getpid(); (pid == own) != (where == nil) {
			t.Errorf("pid: got %d, this process is %d", pid, own)
		}
		s.WaitReady()
		if s.URL() != url {
			t.Errorf("URL: got %s, want %s", s.URL(), url)
		}
	}
}

func TestPortIsHeldWhileDown(t *testing.T) {
	t.Parallel()
	port, err := takePort()
	if err != nil {
		t.Fatal(err)
	}
	defer freePort(port)
	release := holdPort(port)
	if l, err := net.Listen("tcp", hostPort(port)); err == nil {
		_ = l.Close()
		if holdsPorts {
			t.Error("somebody else could listen on a held port")
		}
	}
	if !refused(hostPort(port)) {
		t.Error("a held port accepts connections")
	}
	release()
	release()
	l, err := net.Listen("tcp", hostPort(port))
	if err != nil {
		t.Fatalf("listen after release: %v", err)
	}
	_ = l.Close()
}

// thief closes a listener when the server's log says that the port is in use.
type thief struct{ l net.Listener }

func (th *thief) Write(b []byte) (int, error) {
	if th.l != nil && strings.Contains(string(b), "already in use") {
		_ = th.l.Close()
	}
	return len(b), nil
}

func TestRestartWaitsForItsPort(t *testing.T) {
	t.Parallel()
	th := &thief{}
	s := Run(t, WithLog(th))
	s.Stop()
	for _, release := range s.held {
		release()
	}
	var err error
	if th.l, err = net.Listen("tcp", s.Addr()); err != nil {
		t.Fatal(err)
	}
	s.Restart(true)
	connect(t, s.Addr(), "").ping()
}

func TestLameDuck(t *testing.T) {
	t.Parallel()
	for _, where := range [][]Option{nil, {AsProcess()}} {
		s := Run(t, append(where, WithLameDuck(300*time.Millisecond, 100*time.Millisecond))...)
		c := connect(t, s.Addr(), "")
		s.LameDuck()
		s.WaitStopped()
		if line, err := c.tryLine(patience); !errors.Is(err, io.EOF) {
			t.Errorf("end of the connection: got %q and %v, want EOF", line, err)
		}
		if !strings.Contains(c.lastInfo, `"ldm":true`) {
			t.Errorf("last INFO: got %q, want one with ldm", c.lastInfo)
		}
		if s.Running() || !refused(s.Addr()) {
			t.Errorf("after lame duck: running %v", s.Running())
		}
		s.Restart(true)
		connect(t, s.Addr(), "")
	}
}

// recorder stands for a test that is allowed to fail.
type recorder struct {
	testing.TB
	errors []string
}

func (r *recorder) Helper()           {}
func (r *recorder) Error(args ...any) { r.errors = append(r.errors, fmt.Sprint(args...)) }

func TestErrorsReachTheTest(t *testing.T) {
	t.Parallel()
	s, err := Start()
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{TB: t}
	s.tb = r
	if err := s.Kill(); !errors.Is(err, ErrEmbedded) {
		t.Errorf("kill: got %v, want %v", err, ErrEmbedded)
	}
	if !s.Running() {
		t.Error("the server does not run after a Kill that cannot be")
	}
	if err := errors.Join(s.Stop(), s.Kill(), s.WaitStopped()); err != nil {
		t.Errorf("a stopped server: %v", err)
	}
	if err := s.LameDuck(); !errors.Is(err, errNotRunning) {
		t.Errorf("lame duck: got %v, want %v", err, errNotRunning)
	}
	if got := len(r.errors); got != 2 || !strings.Contains(r.errors[0], "AsProcess") {
		t.Errorf("errors in the test: got %q, want two, the first with advice", r.errors)
	}
	s.tb = nil
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestLog(t *testing.T) {
	t.Parallel()
	for _, where := range [][]Option{nil, {AsProcess()}} {
		var log strings.Builder
		s, err := Start(append(where, WithLog(&log), WithConfigText("debug: true"))...)
		if err != nil {
			t.Fatal(err)
		}
		connect(t, s.Addr(), "").ping()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"[INF] Server is ready\n", "[DBG] ", "[INF] Server Exiting..\n"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("log: got %s, want it to contain %q", log.String(), want)
			}
		}
	}
}
