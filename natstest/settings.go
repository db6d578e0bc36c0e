package natstest

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// settings are the part of a configuration that can cross to another process.
type settings struct {
	Name                  string
	Port                  int
	Websocket             int // 0: none
	StoreDir              string
	JetStream             bool
	User, Password, Token string
	Text                  string
	LameDuck, Grace       time.Duration
	NoAdvertise           bool
	Timeout               time.Duration
	TLS                   *certificates
	Cluster               *membership
}

// membership is what makes a server part of a cluster.
type membership struct {
	Name  string
	Port  int
	Ports []int // of all members, this one included: the server counts them to know the size of the cluster
}

const (
	loopback   = "127.0.0.1"
	tlsTimeout = 10 // seconds; the server's default of 2 is short on a busy machine
)

// options translates the settings for nats-server.
func (c settings) options() (*server.Options, error) {
	o := &server.Options{
		JetStream:              c.JetStream,
		Username:               c.User,
		Password:               c.Password,
		Authorization:          c.Token,
		LameDuckDuration:       c.LameDuck,
		LameDuckGracePeriod:    c.Grace,
		DisableJetStreamBanner: true,
		TLSTimeout:             tlsTimeout,
	}
	if c.TLS != nil {
		conf, err := c.TLS.config()
		if err != nil {
			return nil, err
		}
		o.TLS, o.TLSConfig = true, conf
	}
	if err := parseText(o, c.Text); err != nil {
		return nil, err
	}
	o.NoSigs = true
	o.Host, o.Port, o.StoreDir = loopback, c.Port, c.StoreDir
	if c.Name != "" {
		o.ServerName = c.Name
	}
	if c.Websocket > 0 {
		o.Websocket.Host, o.Websocket.Port, o.Websocket.NoTLS = loopback, c.Websocket, true
	}
	c.join(o)
	return o, nil
}

func (c settings) join(o *server.Options) {
	if c.NoAdvertise {
		o.Cluster.NoAdvertise = true
	}
	if c.Cluster == nil {
		return
	}
	o.Cluster.Name, o.Cluster.Host, o.Cluster.Port = c.Cluster.Name, loopback, c.Cluster.Port
	o.Routes = nil
	for _, p := range c.Cluster.Ports {
		o.Routes = append(o.Routes, &url.URL{Scheme: "nats-route", Host: hostPort(p)})
	}
}

// parseText applies configuration text. Warnings of the parser (an empty text, an unused variable) are no reason to fail.
func parseText(o *server.Options, text string) error {
	if text == "" {
		return nil
	}
	err := o.ProcessConfigString(text)
	if w, ok := err.(interface{ Errors() []error }); ok && len(w.Errors()) == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("WithConfigText: %w", err)
	}
	return nil
}

func hostPort(port int) string { return net.JoinHostPort(loopback, strconv.Itoa(port)) }
