package natstest

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// URL is where clients connect: nats://127.0.0.1:port, or tls:// with [WithTLS]. It never changes and contains no credentials.
func (s *Server) URL() string {
	scheme := "nats"
	if s.conf.tls != nil {
		scheme = "tls"
	}
	return (&url.URL{Scheme: scheme, Host: s.Addr()}).String()
}

// WebsocketURL is where WebSocket clients connect, or "" without [WithWebsocket].
func (s *Server) WebsocketURL() string {
	if s.conf.Websocket == 0 {
		return ""
	}
	return "ws://" + hostPort(s.conf.Websocket)
}

// Addr is host:port of [Server.URL].
func (s *Server) Addr() string {
	if e, ok := s.lastHost().(*embedded); ok { // WithConfig may have changed it
		return net.JoinHostPort(e.opts.Host, strconv.Itoa(e.opts.Port))
	}
	return hostPort(s.conf.Port)
}

// Name is the name given by [WithName] or by the cluster; without one it is the address.
func (s *Server) Name() string {
	if s.conf.Name != "" {
		return s.conf.Name
	}
	return s.Addr()
}

// StoreDir is the directory that holds JetStream's data.
func (s *Server) StoreDir() string { return s.conf.StoreDir }

// Running tells whether the server runs: it has been started and has not ended since, for whatever reason.
func (s *Server) Running() bool { return s.current() != nil }

// Embedded is the server itself, as long as it runs inside this process; otherwise nil. After Restart it is another one.
func (s *Server) Embedded() *server.Server {
	if e, ok := s.current().(*embedded); ok {
		return e.srv
	}
	return nil
}

// PID is the process id of a running server: with [AsProcess] its own, else that of this program's. It is 0 while the server
// does not run.
func (s *Server) PID() int {
	switch h := s.current().(type) {
	case *process:
		return h.cmd.Process.Pid
	case *embedded:
		return os.Getpid()
	}
	return 0
}

// Stop shuts the server down cleanly and waits for the end. Stopping a server that does not run does nothing.
func (s *Server) Stop() error {
	s.takeTurn()
	defer s.endTurn()
	return s.report("stop", s.end(host.stop))
}

// Kill ends the server's process as kill -9 does and waits for the end. It needs [AsProcess]; for an embedded server it
// fails with [ErrEmbedded]. Killing a server that does not run does nothing.
func (s *Server) Kill() error {
	s.takeTurn()
	defer s.endTurn()
	return s.report("kill", s.end(host.kill))
}

// Restart starts the server again, after stopping it if it runs, at the same address. With keepStore false JetStream starts
// empty. It returns when the server accepts connections; a member of a cluster may need longer to be of use, see
// [Server.WaitReady] and [ClusterT.WaitReady].
func (s *Server) Restart(keepStore bool) error {
	s.takeTurn()
	defer s.endTurn()
	return s.report("restart", s.restart(keepStore))
}

func (s *Server) restart(keepStore bool) error {
	if s.closed {
		return errClosed
	}
	if err := s.end(host.stop); err != nil {
		return err
	}
	if !keepStore {
		if err := s.wipe(); err != nil {
			return err
		}
	}
	var err error
	free := poll(s.conf.Timeout, func() bool {
		err = s.launch()
		return !portInUse(err)
	})
	if !free {
		return fmt.Errorf("somebody else took the port: %w", err)
	}
	return err
}

// LameDuck tells the server to go: it refuses new clients, tells its present ones, disconnects them bit by bit
// ([WithLameDuck]) and ends. LameDuck does not wait for that; [Server.WaitStopped] does.
func (s *Server) LameDuck() error {
	h := s.current()
	if h == nil {
		return s.report("lame duck", errNotRunning)
	}
	return s.report("lame duck", h.lameDuck())
}

// WaitStopped waits until the server has ended: after LameDuck, or because it died.
func (s *Server) WaitStopped() error {
	h := s.current()
	if h == nil {
		return nil
	}
	return s.report("wait for the end of", s.waitGone(h))
}

// WaitReady waits until the server is of use: it runs, and if it is a member of a cluster with JetStream, it knows the leader
// and has caught up with it. Run and Restart of a single server have waited already.
func (s *Server) WaitReady() error {
	var last error
	ready := poll(s.conf.Timeout, func() bool {
		a, err := s.ask(query{Verb: askState})
		last = err
		return err == nil && (a.Current || !s.conf.JetStream)
	})
	if ready {
		return nil
	}
	if last == nil {
		last = fmt.Errorf("not caught up with the cluster after %v", s.conf.Timeout)
	}
	return s.report("wait for", last)
}

// Close stops the server for good and gives back its port and its temporary store. For a server made by [Run] the test's
// cleanup does it. Closing twice does nothing.
func (s *Server) Close() error { return s.report("close", s.shut()) }

func (s *Server) shut() error {
	s.takeTurn()
	defer s.endTurn()
	if s.closed {
		return nil
	}
	s.closed = true
	err := s.end(host.stop)
	s.dispose()
	return err
}

// end ends a running server in the given way, waits, and keeps its ports. Its caller has the turn.
func (s *Server) end(how func(host) error) error {
	if h := s.current(); h != nil {
		if err := how(h); err != nil && s.current() != nil {
			return err
		}
		if err := s.waitGone(h); err != nil {
			return err
		}
	}
	settle()
	if len(s.held) == 0 && !s.closed {
		s.hold()
	}
	return nil
}

// waitGone waits for the end of h. A process that does not end by itself is killed.
func (s *Server) waitGone(h host) error {
	timeout := time.NewTimer(s.conf.Timeout)
	defer timeout.Stop()
	select {
	case <-h.gone():
		return nil
	case <-timeout.C:
	}
	err := fmt.Errorf("still running after %v%s", s.conf.Timeout, s.log.tail())
	if h.kill() == nil {
		<-h.gone()
	}
	return err
}

func (s *Server) lastHost() host {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.host
}

func (s *Server) takeTurn() { s.turn <- struct{}{} }
func (s *Server) endTurn()  { <-s.turn }
