package natstest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

var (
	errNotRunning = errors.New("the server is not running")
	errClosed     = errors.New("the server is closed")
)

// Server is one nats-server. It keeps its address and, unless told otherwise, its store from one start to the next.
// All methods may be called from any goroutine; those that start or end the server take turns.
type Server struct {
	conf     config
	tb       testing.TB // nil if made by Start
	log      *journal
	ownStore bool // the store directory is ours to remove
	ownPorts []int

	// turn is held (one element) by whoever starts or ends the server; held and closed belong to the holder.
	turn   chan struct{}
	held   []func() // lets go of the ports that are held while the server is down
	closed bool

	mu   sync.Mutex
	host host // the current or the last one; nil before the first start
}

// Run starts a server that is ready for connections, JetStream included. The test's cleanup stops it.
// If it does not start, the test ends at once (Fatal).
func Run(t testing.TB, opts ...Option) *Server {
	t.Helper()
	s, err := start(t, t.TempDir, opts)
	if err != nil {
		t.Fatalf("natstest: %v", err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// Start is [Run] outside of tests. The caller has to call Close. Without [WithStoreDir] the store is a temporary directory
// that Close removes.
func Start(opts ...Option) (*Server, error) { return start(nil, nil, opts) }

// startAttempts is how often a start is tried again with other ports, if somebody took the first ones meanwhile.
const startAttempts = 3

func start(tb testing.TB, tempDir func() string, opts []Option) (*Server, error) {
	conf, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		s, err := startOnce(tb, tempDir, conf)
		if err == nil || attempt == startAttempts || conf.Port != 0 || !portInUse(err) {
			return s, err
		}
	}
}

func startOnce(tb testing.TB, tempDir func() string, conf config) (*Server, error) {
	s, err := newServer(tb, tempDir, conf)
	if err != nil {
		return nil, err
	}
	if err := s.launch(); err != nil {
		s.dispose()
		return nil, err
	}
	return s, nil
}

// newServer reserves what a server needs: ports and a store directory.
func newServer(tb testing.TB, tempDir func() string, conf config) (_ *Server, err error) {
	s := &Server{conf: conf, tb: tb, log: newJournal(conf.log), turn: make(chan struct{}, 1)}
	defer func() {
		if err != nil {
			s.dispose()
		}
	}()
	if err := s.prepareStore(tempDir); err != nil {
		return nil, err
	}
	var places []*int
	if s.conf.Port == 0 {
		places = append(places, &s.conf.Port)
	}
	if s.conf.Websocket != 0 {
		places = append(places, &s.conf.Websocket)
	}
	if err := takePorts(places...); err != nil {
		return nil, err
	}
	for _, p := range places {
		s.ownPorts = append(s.ownPorts, *p)
	}
	if !conf.process {
		return s, nil
	}
	s.conf.TLS, err = exportCertificates(conf.tls)
	return s, err
}

func (s *Server) prepareStore(tempDir func() string) (err error) {
	switch {
	case s.conf.StoreDir != "":
		return os.MkdirAll(s.conf.StoreDir, 0o755)
	case tempDir != nil:
		s.conf.StoreDir = tempDir()
		return nil
	default:
		s.ownStore = true
		s.conf.StoreDir, err = os.MkdirTemp("", "natstest-")
		return err
	}
}

// launch starts the server where it ought to run. Whoever calls it has the turn, or is the only one that knows s.
func (s *Server) launch() (err error) {
	for _, release := range s.held {
		release()
	}
	s.held = nil
	var h host
	if s.conf.process {
		h, err = s.launchProcess()
	} else {
		h, err = s.launchEmbedded()
	}
	if err != nil {
		s.hold()
		return fmt.Errorf("start: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.host = h
	return nil
}

// The two below return an untyped nil with an error, so that a host is never a nil pointer in disguise.

func (s *Server) launchProcess() (host, error) {
	p, err := startProcess(s.conf.settings, s.log, s.conf.Timeout)
	if err != nil {
		return nil, err
	}
	return p, nil
}

func (s *Server) launchEmbedded() (host, error) {
	o, err := s.conf.embeddedOptions()
	if err != nil {
		return nil, err
	}
	s.log.forget()
	e, err := startEmbedded(o, s.log, s.conf.Timeout)
	if err != nil {
		return nil, err
	}
	return e, nil
}

func (c *config) embeddedOptions() (*server.Options, error) {
	o, err := c.options()
	if err != nil {
		return nil, err
	}
	if c.tls != nil {
		o.TLS, o.TLSConfig = true, c.tls.Clone()
	}
	for _, f := range c.configure {
		f(o)
	}
	if o.Port <= 0 {
		o.Port = c.Port // -1 would be another port at every start
	}
	return o, nil
}

// hold keeps the ports for the next start.
func (s *Server) hold() {
	ports := []int{s.conf.Port}
	if s.conf.Websocket > 0 {
		ports = append(ports, s.conf.Websocket)
	}
	if s.conf.Cluster != nil {
		ports = append(ports, s.conf.Cluster.Port)
	}
	for _, p := range ports {
		s.held = append(s.held, holdPort(p))
	}
}

// dispose gives back what newServer took. The server does not run.
func (s *Server) dispose() {
	for _, release := range s.held {
		release()
	}
	s.held = nil
	for _, p := range s.ownPorts {
		freePort(p)
	}
	s.ownPorts = nil
	if s.ownStore {
		_ = os.RemoveAll(s.conf.StoreDir)
	}
}

// wipe removes what JetStream stored, and nothing else that may be in the directory.
func (s *Server) wipe() error {
	return os.RemoveAll(filepath.Join(s.conf.StoreDir, server.JetStreamStoreDir))
}

// current is the host of a running server, or nil.
func (s *Server) current() host {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.host == nil {
		return nil
	}
	select {
	case <-s.host.gone():
		return nil
	default:
		return s.host
	}
}

func (s *Server) ask(q query) (answer, error) {
	h := s.current()
	if h == nil {
		return answer{}, errNotRunning
	}
	return h.ask(q)
}

// report marks the test as failed, if there is one, and returns err.
func (s *Server) report(doing string, err error) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("natstest: %s %s: %w", doing, s.Name(), err)
	if s.tb != nil {
		s.tb.Helper()
		s.tb.Error(err)
	}
	return err
}

// pollEvery is the time between two looks at a state of which nobody tells when it changes.
const pollEvery = 10 * time.Millisecond

// poll calls done until it says so, and returns false if that took longer than timeout.
func poll(timeout time.Duration, done func() bool) bool {
	deadline := time.NewTimer(timeout)
	defer deadline.Stop()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if done() {
			return true
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			return done()
		}
	}
}
