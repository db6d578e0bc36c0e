package main

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
)

// asProgram makes the test binary behave as the program, for what only a process can show.
const asProgram = "GANNET_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	tiny := filepath.Join(t.TempDir(), "tiny")
	if err := os.WriteFile(tiny, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	off := natstest.Run(t, natstest.WithoutJetStream())
	for _, tt := range []struct {
		name           string
		args           []string
		status         int
		stdout, stderr string
	}{
		{"help", []string{"--help"}, exitOK, "Usage: gannet", ""},
		{"help for tour", []string{"tour", "--help"}, exitOK, "--server=URL", ""},
		{"version", []string{"--version"}, exitOK, "gannet " + nats.Version, ""},
		{"nothing", nil, exitUsage, "", "tour"},
		{"unknown command", []string{"dive"}, exitUsage, "", "dive"},
		{"unknown flag", []string{"tour", "--fast"}, exitUsage, "", "--fast"},
		{"credentials without server", []string{"tour", "--creds", "x"}, exitUsage, "", "--creds needs --server"},
		{"no such file", []string{"tour", "--file", tiny + "er"}, exitFailed, "", "tinyer"},
		{"file too small", []string{"tour", "--file", tiny}, exitFailed, "", "at least 16"},
		{"JetStream off", []string{"tour", "--server", off.URL()}, exitFailed, "", "JetStream is off on " + off.URL()},
		{"no such credentials", []string{"tour", "--server", off.URL(), "--creds", tiny + "er"}, exitFailed, "", "tinyer"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			status := run(t.Context(), tt.args, &stdout, &stderr)
			if status != tt.status {
				t.Errorf("status: got %d, want %d", status, tt.status)
			}
			check := func(name, got, want string) {
				if !strings.Contains(got, want) || want == "" && got != "" {
					t.Errorf("%s: got %q, want %q", name, got, want)
				}
			}
			check("stdout", stdout.String(), tt.stdout)
			check("stderr", stderr.String(), tt.stderr)
		})
	}
}

// TestJSON runs the whole tour over the project's documentation.
func TestJSON(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	if status := run(t.Context(), []string{"tour", "--json"}, &stdout, &stderr); status != exitOK {
		t.Errorf("status: got %d, want %d; %s%s", status, exitOK, stdout.String(), stderr.String())
	}
	var names []string
	for line := range strings.Lines(stdout.String()) {
		var object map[string]any
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		name, _ := object["name"].(string)
		ok, isBool := object["ok"].(bool)
		seconds, isNumber := object["seconds"].(float64)
		figures, isObject := object["figures"].(map[string]any)
		if name == "" || !isBool || !isNumber || !isObject || len(object) != 4 {
			t.Errorf("not {name, ok, seconds, figures}: %s", line)
		}
		if !ok || seconds < 0 || seconds > 60 {
			t.Errorf("%s: ok %v, %v seconds", name, ok, seconds)
		}
		for key, value := range figures {
			switch value.(type) {
			case float64, string:
			default:
				t.Errorf("%s: %s is %v", name, key, value)
			}
		}
		names = append(names, name)
	}
	want := "late_stream lost_ack broken_window black_hole reaped_consumer whole_file"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("chapters: got %s, want %s", got, want)
	}
}

// TestCtrlC is about the process: signals, its exit status, and what remains on a server.
func TestCtrlC(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("no signal can be sent to another process on Windows")
	}
	for _, tt := range []struct {
		name string
		end  func(t *testing.T, p *os.Process, stdout *os.File)
	}{
		{"Ctrl-C", func(t *testing.T, p *os.Process, _ *os.File) {
			if err := p.Signal(os.Interrupt); err != nil {
				t.Error(err)
			}
		}},
		{"terminated", func(t *testing.T, p *os.Process, _ *os.File) {
			if err := p.Signal(syscall.SIGTERM); err != nil {
				t.Error(err)
			}
		}},
		{"nobody reads", func(_ *testing.T, _ *os.Process, stdout *os.File) { _ = stdout.Close() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv := natstest.Run(t)
			exe, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			read, write, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = read.Close() }()
			cmd := exec.CommandContext(t.Context(), exe, "tour", "--server", srv.URL())
			cmd.Env = append(os.Environ(), asProgram+"=1")
			var stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = write, &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			_ = write.Close()
			lines := bufio.NewScanner(read)
			for lines.Scan() && !strings.Contains(lines.Text(), "An ack is lost") {
			}
			if n := countStreams(t, srv.URL()); n != 1 {
				t.Errorf("in the second chapter: got %d streams, want 1", n)
			}
			began := time.Now()
			tt.end(t, cmd.Process, read)
			err = cmd.Wait()
			if status := cmd.ProcessState.ExitCode(); status != exitInterrupted {
				t.Errorf("status: got %d (%v), want %d; %s", status, err, exitInterrupted, stderr.String())
			}
			if took := time.Since(began); took > 15*time.Second {
				t.Errorf("took %v to end", took)
			}
			if got, want := stderr.String(), "gannet: interrupted\n"; got != want {
				t.Errorf("stderr: got %q, want %q", got, want)
			}
			if n := countStreams(t, srv.URL()); n != 0 {
				t.Errorf("left on the server: %d streams", n)
			}
		})
	}
}

// TestTLS is a process because the authority of the server's certificate comes from the environment. The faults have to work although
// the proxy cannot read a byte.
func TestTLS(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux takes authorities from SSL_CERT_FILE")
	}
	conf, authority := selfSigned(t)
	srv := natstest.Run(t, natstest.WithTLS(conf))
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, "tour", "--server", srv.URL())
	cmd.Env = append(os.Environ(), asProgram+"=1", "SSL_CERT_FILE="+authority)
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "6 of 6 chapters held") {
		t.Errorf("got %v\n%s", err, out)
	}
}

// selfSigned returns a server's configuration for 127.0.0.1, and a file with the certificate, which is its own authority.
func selfSigned(t *testing.T) (*tls.Config, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "authority.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, file
}

func countStreams(t *testing.T, url string) int {
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
	info, err := js.AccountInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return info.Streams
}
