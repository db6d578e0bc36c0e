package natstest

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Option changes how a server is started. Options that contradict each other make the start fail.
type Option func(*config)

// config is everything the options said.
type config struct {
	settings
	configure []func(*server.Options)
	tls       *tls.Config
	log       io.Writer
	process   bool
	account   string
}

const (
	defaultTimeout  = 15 * time.Second
	defaultLameDuck = time.Second
	defaultGrace    = 100 * time.Millisecond
	globalAccount   = server.DEFAULT_GLOBAL_ACCOUNT
)

// WithoutJetStream starts a server for core NATS only.
func WithoutJetStream() Option { return func(c *config) { c.JetStream = false } }

// WithStoreDir keeps JetStream's data under dir instead of a temporary directory; dir is not removed at the end.
// In a cluster every server has a directory of its own below dir.
func WithStoreDir(dir string) Option { return func(c *config) { c.StoreDir = dir } }

// WithConfig lets f change the server's options after everything else has been applied. It is meant for what has no option
// of its own. Values that f leaves alone (port, store directory, names) stay as natstest chose them. f runs before every
// start, so also in [Server.Restart]. It cannot be combined with [AsProcess]; use [WithConfigText] there.
func WithConfig(f func(*server.Options)) Option {
	return func(c *config) {
		if f != nil {
			c.configure = append(c.configure, f)
		}
	}
}

// WithConfigText adds lines in the format of nats-server's configuration file, for example "max_payload: 64KB". What the
// text says goes before the other options, except that address, ports, cluster, and store directory remain natstest's.
func WithConfigText(text string) Option { return func(c *config) { c.Text += text + "\n" } }

// WithUser makes clients log in with a user name and a password. [Server.URL] does not contain them.
func WithUser(user, password string) Option {
	return func(c *config) { c.User, c.Password = user, password }
}

// WithToken makes clients log in with a token. [Server.URL] does not contain it.
func WithToken(token string) Option { return func(c *config) { c.Token = token } }

// WithTLS makes the server require TLS; URLs then begin with tls://. [NewTLS] makes a suitable pair of configurations.
// Together with [AsProcess] only certificates with an exportable key are supported, and no client certificates.
func WithTLS(conf *tls.Config) Option { return func(c *config) { c.tls = conf } }

// WithWebsocket also listens for WebSocket connections (without TLS); see [Server.WebsocketURL].
func WithWebsocket() Option { return func(c *config) { c.Websocket = -1 } }

// WithPort fixes the client port. It cannot be used for a cluster.
func WithPort(port int) Option { return func(c *config) { c.Port = port } }

// WithName sets the server's name. It cannot be used for a cluster, whose servers are called n1, n2 and so on.
func WithName(name string) Option { return func(c *config) { c.Name = name } }

// WithLameDuck sets how long [Server.LameDuck] takes: clients are told at once, the first of them is disconnected after
// grace, the last before duration. The default is 1 s and 100 ms. grace has to be shorter than duration.
func WithLameDuck(duration, grace time.Duration) Option {
	return func(c *config) { c.LameDuck, c.Grace = duration, grace }
}

// WithoutAdvertise keeps servers of a cluster from telling clients the addresses of the others, so that a client that came
// through a [Proxy] does not find a way around it.
func WithoutAdvertise() Option { return func(c *config) { c.NoAdvertise = true } }

// WithAccount names the account in which the methods of [ClusterT] look for streams and consumers.
// The default is the global account, $G, which also is the account of [WithUser] and [WithToken].
func WithAccount(name string) Option { return func(c *config) { c.account = name } }

// WithLog writes the server's log to w, one line a call; t.Output() is a good choice. Trace and debug lines come if
// [WithConfigText] asks for them: "debug: true, trace: true".
func WithLog(w io.Writer) Option { return func(c *config) { c.log = w } }

// WithTimeout bounds every start, stop and wait. The default is 15 s; zero or less means the default.
func WithTimeout(d time.Duration) Option { return func(c *config) { c.Timeout = d } }

// AsProcess runs each server in a process of its own, which makes [Server.Kill] possible.
func AsProcess() Option { return func(c *config) { c.process = true } }

func newConfig(opts []Option) (config, error) {
	c := config{account: globalAccount}
	c.JetStream, c.LameDuck, c.Grace = true, defaultLameDuck, defaultGrace
	for _, o := range opts {
		if o != nil {
			o(&c)
		}
	}
	if c.Timeout <= 0 {
		c.Timeout = defaultTimeout
	}
	return c, c.validate()
}

func (c *config) validate() error {
	switch {
	case c.process && len(c.configure) > 0:
		return errors.New("WithConfig cannot reach another process: use WithConfigText with AsProcess")
	case c.Token != "" && (c.User != "" || c.Password != ""):
		return errors.New("WithUser and WithToken exclude each other")
	case c.User == "" && c.Password != "":
		return errors.New("WithUser without a user name")
	case !c.JetStream && c.StoreDir != "":
		return errors.New("WithStoreDir and WithoutJetStream exclude each other")
	case c.Port < 0 || c.Port > 65535:
		return fmt.Errorf("WithPort(%d): not a port", c.Port)
	case c.Grace < 0 || c.Grace >= c.LameDuck:
		return fmt.Errorf("WithLameDuck(%v, %v): grace has to be shorter than the duration", c.LameDuck, c.Grace)
	}
	return nil
}
