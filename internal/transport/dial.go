package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"time"
)

// Config says how to dial.
type Config struct {
	Dialer *net.Dialer // multipath etc. are set on it; its Resolver looks host names up, its Timeout wins over the one below; nil: the zero one
	Custom interface {
		Dial(network, address string) (net.Conn, error)
	} // wins over Dialer
	InProcess      func() (net.Conn, error)         // wins over both
	SkipHostLookup bool                             // the dialer gets the host name
	Timeout        time.Duration                    // per server, divided by the number of addresses of the host name; see ownLimit; 0 and less: only ctx bounds it
	Shuffle        func(n int, swap func(i, j int)) // order of several addresses; nil keeps it
}

const network = "tcp"

// ownTimeout is what a dial that is not told how long it may take has at least: through tunnels and proxies one takes its time, and knows best when it is
// in vain. One that is given up goes on in the background, for nothing, so it should be rare; to wait for it without a bound would be silence.
const ownTimeout = 30 * time.Second

// ownLimit bounds a custom dialer at each address, and an in-process server.
func (c *Config) ownLimit() time.Duration {
	if c.Timeout <= 0 {
		return 0
	}
	return max(c.Timeout, ownTimeout)
}

// Dial opens a connection to u within ctx and cfg.Timeout, trying the addresses of its host name one after the other.
// Several failures are joined into one error. A custom dialer, which hears neither of ctx nor of a timeout, is abandoned when ctx is done, and
// after ownLimit. When the time is over the error is context.DeadlineExceeded, or its Timeout method says so.
func Dial(ctx context.Context, u *url.URL, cfg Config) (net.Conn, error) {
	if cfg.Dialer == nil {
		cfg.Dialer = &zeroDialer
	}
	if cfg.InProcess != nil || cfg.Custom != nil {
		return dialAny(ctx, u, cfg)
	}
	if cfg.Dialer.Timeout > 0 {
		cfg.Timeout = cfg.Dialer.Timeout
	}
	if isIP(u.Hostname()) && cfg.Dialer.ControlContext == nil { // which may wait for the end of its context
		return dialIP(ctx, u.Host, cfg.Dialer, cfg.Timeout)
	}
	return dialAny(ctx, u, cfg)
}

func dialAny(ctx context.Context, u *url.URL, cfg Config) (net.Conn, error) {
	if cfg.InProcess != nil {
		ctx, cancel := within(ctx, cfg.ownLimit())
		defer cancel()
		return await(ctx, "in-process", cfg.InProcess)
	}
	inTime, cancel := within(ctx, cfg.Timeout)
	defer cancel()
	addresses, err := lookUp(inTime, u, &cfg)
	if err != nil {
		return nil, err
	}
	share := cfg.Timeout / time.Duration(len(addresses))
	switch {
	case cfg.Custom != nil:
		share = cfg.ownLimit()
	case len(addresses) == 1:
		ctx, share = inTime, 0 // which has it
	default:
		ctx = inTime
	}
	return dialEach(ctx, addresses, share, &cfg)
}

// dialEach tries one address after the other, each for the share of the time that it has; 0 and less: as long as ctx allows.
func dialEach(ctx context.Context, addresses []string, share time.Duration, cfg *Config) (net.Conn, error) {
	var failures []error
	for _, address := range addresses {
		nc, err := dialOne(ctx, address, share, cfg)
		if err == nil {
			return nc, nil
		}
		failures = append(failures, err)
		if ctx.Err() != nil {
			break
		}
	}
	if len(failures) == 1 {
		return nil, failures[0] // as it is: users compare types
	}
	return nil, errors.Join(failures...)
}

var zeroDialer net.Dialer

func isIP(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

// dialIP dials an address that need not be looked up: no one but the socket needs to know of the deadline.
func dialIP(ctx context.Context, address string, dialer *net.Dialer, timeout time.Duration) (net.Conn, error) {
	if timeout > 0 {
		until := time.Now().Add(timeout)
		if earlier, ok := ctx.Deadline(); !ok || until.Before(earlier) {
			ctx = untimed{ctx, until}
		}
	}
	return dialer.DialContext(ctx, network, address)
}

// untimed is a context with a deadline at which it does not end: the net package hands the deadline to the socket. A timer, and what
// makes it end the context, are four objects more for each connection.
type untimed struct {
	context.Context
	until time.Time
}

func (c untimed) Deadline() (time.Time, bool) { return c.until, true }

func dialOne(ctx context.Context, address string, share time.Duration, cfg *Config) (net.Conn, error) {
	ctx, cancel := within(ctx, share)
	defer cancel()
	if cfg.Custom != nil {
		return await(ctx, address, func() (net.Conn, error) { return cfg.Custom.Dial(network, address) })
	}
	return cfg.Dialer.DialContext(ctx, network, address)
}

// within bounds ctx by a time; 0 and less: by none of its own.
func within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if d <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, d)
}

// lookUp returns what to dial, in order. A custom dialer is given the name if it cannot be looked up: it may know better.
func lookUp(ctx context.Context, u *url.URL, cfg *Config) ([]string, error) {
	host, port := u.Hostname(), u.Port()
	if isIP(host) || cfg.SkipHostLookup {
		return []string{u.Host}, nil
	}
	resolver := net.DefaultResolver
	if cfg.Dialer.Resolver != nil {
		resolver = cfg.Dialer.Resolver
	}
	found, err := resolver.LookupHost(ctx, host)
	switch {
	case err != nil && cfg.Custom == nil:
		return nil, &net.OpError{Op: "dial", Net: network, Err: err} // as the dialer would have put it
	case err != nil || len(found) == 0:
		return []string{u.Host}, nil
	}
	if cfg.Shuffle != nil {
		cfg.Shuffle(len(found), func(i, j int) { found[i], found[j] = found[j], found[i] })
	}
	for i, ip := range found {
		found[i] = net.JoinHostPort(ip, port)
	}
	return found, nil
}

// await runs open, which may hang, until ctx is done. A connection that comes later is closed.
func await(ctx context.Context, what string, open func() (net.Conn, error)) (net.Conn, error) {
	type result struct {
		nc  net.Conn
		err error
	}
	done := make(chan result) // without a buffer: either somebody takes the result, or the goroutine keeps it
	go func() {
		nc, err := open()
		select {
		case done <- result{nc, err}:
		case <-ctx.Done():
			if nc != nil {
				_ = nc.Close()
			}
		}
	}()
	select {
	case r := <-done:
		if r.err == nil && r.nc == nil {
			return nil, fmt.Errorf("nats: dial %s: the dialer returned no connection", what)
		}
		return r.nc, r.err
	case <-ctx.Done():
		return nil, fmt.Errorf("nats: dial %s: %w", what, ctx.Err())
	}
}
