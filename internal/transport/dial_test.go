package transport

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func parse(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// listen accepts connections and hands them over.
func listen(t *testing.T) (address string, accepted <-chan net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	ch := make(chan net.Conn, 10)
	go func() {
		defer close(ch)
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { nc.Close() })
			ch <- nc
		}
	}()
	return l.Addr().String(), ch
}

// dialer is a custom dialer.
type dialer func(network, address string) (net.Conn, error)

func (d dialer) Dial(network, address string) (net.Conn, error) { return d(network, address) }

func TestDialTCP(t *testing.T) {
	t.Parallel()
	address, accepted := listen(t)
	nc, err := Dial(t.Context(), parse(t, "nats://user:secret@"+address), Config{Dialer: &net.Dialer{}, Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	peer := <-accepted
	if got, want := peer.RemoteAddr().String(), nc.LocalAddr().String(); got != want {
		t.Errorf("connected to somebody else: got %s, want %s", got, want)
	}
	if !Exact(nc) {
		t.Error("Exact(TCP): got false, want true")
	}
}

func TestDialHostName(t *testing.T) {
	t.Parallel()
	address, _ := listen(t)
	_, port, _ := net.SplitHostPort(address)
	for _, skip := range []bool{false, true} {
		nc, err := Dial(t.Context(), parse(t, "nats://localhost:"+port), Config{Dialer: &net.Dialer{}, Timeout: 5 * time.Second, SkipHostLookup: skip})
		if err != nil {
			t.Errorf("SkipHostLookup %v: %v", skip, err)
			continue
		}
		nc.Close()
	}
}

func TestDialRefused(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	_, err = Dial(t.Context(), parse(t, "nats://"+address), Config{Dialer: &net.Dialer{}, Timeout: 5 * time.Second})
	if _, ok := err.(*net.OpError); !ok {
		t.Errorf("got %T %v, want the dialer's *net.OpError itself", err, err)
	}
}

func TestPrecedence(t *testing.T) {
	t.Parallel()
	custom, inProcess := errors.New("custom"), errors.New("in-process")
	cfg := Config{
		Dialer:    &net.Dialer{},
		Custom:    dialer(func(string, string) (net.Conn, error) { return nil, custom }),
		InProcess: func() (net.Conn, error) { return nil, inProcess },
	}
	if _, err := Dial(t.Context(), parse(t, "nats://127.0.0.1:1"), cfg); err != inProcess {
		t.Errorf("got %v, want %v", err, inProcess)
	}
	cfg.InProcess = nil
	if _, err := Dial(t.Context(), parse(t, "nats://127.0.0.1:1"), cfg); err != custom {
		t.Errorf("got %v, want %v", err, custom)
	}
}

func TestAddressesTried(t *testing.T) {
	t.Parallel()
	names := fakeDNS(t, map[string][]string{
		"two.test.":  {"192.0.2.1", "192.0.2.2"},
		"none.test.": nil,
	})
	reverse := func(n int, swap func(i, j int)) {
		for i := range n / 2 {
			swap(i, n-1-i)
		}
	}
	for _, tt := range []struct {
		name    string
		url     string
		skip    bool
		shuffle func(n int, swap func(i, j int))
		want    []string
	}{
		{"address", "nats://192.0.2.9:4222", false, nil, []string{"192.0.2.9:4222"}},
		{"IPv6 address", "nats://[2001:db8::1]:4222", false, nil, []string{"[2001:db8::1]:4222"}},
		{"name", "nats://two.test:4222", false, nil, []string{"192.0.2.1:4222", "192.0.2.2:4222"}},
		{"shuffled", "nats://two.test:4222", false, reverse, []string{"192.0.2.2:4222", "192.0.2.1:4222"}},
		{"left to the dialer", "nats://two.test:4222", true, nil, []string{"two.test:4222"}},
		{"unknown", "nats://none.test:4222", false, nil, []string{"none.test:4222"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			var got []string
			cfg := Config{Dialer: &net.Dialer{Resolver: names}, SkipHostLookup: tt.skip, Timeout: 10 * time.Second, Shuffle: tt.shuffle}
			cfg.Custom = dialer(func(network, address string) (net.Conn, error) {
				mu.Lock()
				defer mu.Unlock()
				got = append(got, address)
				return nil, fmt.Errorf("no %s to %s", network, address)
			})
			_, err := Dial(t.Context(), parse(t, tt.url), cfg)
			if tt.shuffle == nil {
				slices.Sort(got) // the resolver's order is its own
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("tried %v, want %v", got, tt.want)
			}
			for _, address := range tt.want {
				if err == nil || !strings.Contains(err.Error(), "no tcp to "+address) {
					t.Errorf("error: got %v, want it to tell of %s", err, address)
				}
			}
		})
	}
}

func TestUnknownHost(t *testing.T) {
	t.Parallel()
	names := fakeDNS(t, nil)
	_, err := Dial(t.Context(), parse(t, "nats://none.test:4222"), Config{Dialer: &net.Dialer{Resolver: names}, Timeout: 10 * time.Second})
	var dns *net.DNSError
	if !errors.As(err, &dns) || !dns.IsNotFound || !strings.HasPrefix(err.Error(), "dial tcp: lookup none.test") {
		t.Errorf("got %v, want a *net.DNSError of a name that was not found, as a dialer gives it", err)
	}
}

func TestEachAddressHasItsShare(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		defer close(hang)
		ok, _ := net.Pipe()
		cfg := Config{Custom: dialer(func(_, address string) (net.Conn, error) {
			if address == "first" {
				<-hang
			}
			return ok, nil
		})}
		began := time.Now()
		nc, err := dialEach(t.Context(), []string{"first", "second"}, time.Minute, &cfg)
		if took := time.Since(began); err != nil || nc != ok || took != time.Minute {
			t.Errorf("got %v, %v after %v; want the second address to have its turn", nc, err, took)
		}
	})
}

// TestCustomDialerTakesItsTime: it is not told how long it may take, so the connection's timeout does not end it.
func TestCustomDialerTakesItsTime(t *testing.T) {
	t.Parallel()
	for timeout, want := range map[time.Duration]time.Duration{time.Millisecond: ownTimeout, 2 * time.Second: ownTimeout, time.Minute: time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			conn, _ := net.Pipe()
			cfg := Config{Timeout: timeout}
			for name, take := range map[string]time.Duration{"in time": want - time.Second, "too long": want + time.Second} {
				cfg.Custom = dialer(func(string, string) (net.Conn, error) {
					time.Sleep(take)
					return conn, nil
				})
				nc, err := Dial(t.Context(), parse(t, "nats://127.0.0.1:4222"), cfg)
				if inTime := take < want; inTime != (nc != nil) || inTime != (err == nil) {
					t.Errorf("%s, %v of %v with a timeout of %v: got %v, %v", name, take, want, timeout, nc, err)
				}
			}
			time.Sleep(time.Minute) // until the last one has returned
		})
	}
}

// TestDialerHasItsTime: what is called before the connection is made sees the end of its time, and a dialer's own time wins.
func TestDialerHasItsTime(t *testing.T) {
	t.Parallel()
	names := fakeDNS(t, map[string][]string{"two.test.": {"192.0.2.1", "192.0.2.2"}})
	for _, tt := range []struct {
		name, url string
		own, of   time.Duration
		skip      bool
		want      []time.Duration
	}{
		{"address", "nats://192.0.2.1:4222", 0, 30 * time.Second, false, []time.Duration{30 * time.Second}},
		{"address, longer own", "nats://192.0.2.1:4222", time.Minute, 30 * time.Second, false, []time.Duration{time.Minute}},
		{"name", "nats://two.test:4222", 0, 30 * time.Second, false, []time.Duration{15 * time.Second, 15 * time.Second}},
		{"name, longer own", "nats://two.test:4222", time.Minute, 30 * time.Second, false, []time.Duration{30 * time.Second, 30 * time.Second}},
		{"name, shorter own", "nats://two.test:4222", 20 * time.Second, 30 * time.Second, false, []time.Duration{10 * time.Second, 10 * time.Second}},
		{"left to the dialer, longer own", "nats://two.test:4222", time.Minute, 30 * time.Second, true, []time.Duration{30 * time.Second, time.Minute}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []time.Duration
			dialer := &net.Dialer{Resolver: names, Timeout: tt.own}
			dialer.ControlContext = func(ctx context.Context, _, _ string, _ syscall.RawConn) error {
				until, _ := ctx.Deadline()
				got = append(got, time.Until(until))
				return errors.New("no")
			}
			_, err := Dial(t.Context(), parse(t, tt.url), Config{Dialer: dialer, Timeout: tt.of, SkipHostLookup: tt.skip})
			if err == nil || len(got) != len(tt.want) {
				t.Fatalf("got %v, %v; want an error after %v", got, err, tt.want)
			}
			for i, d := range got {
				if d > tt.want[i] || d < tt.want[i]-4*time.Second {
					t.Errorf("address %d: got %v, want %v", i+1, d, tt.want[i])
				}
			}
		})
	}
}

func TestDialerThatWaitsForTheEnd(t *testing.T) {
	t.Parallel()
	dialer := &net.Dialer{ControlContext: func(ctx context.Context, _, _ string, _ syscall.RawConn) error {
		select {
		case <-ctx.Done():
		case <-time.After(10 * time.Second):
			t.Error("the context did not end")
		}
		return ctx.Err()
	}}
	_, err := Dial(t.Context(), parse(t, "nats://127.0.0.1:1"), Config{Dialer: dialer, Timeout: 20 * time.Millisecond})
	var timeout net.Error
	if !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("got %v, want a timeout", err)
	}
}

// closeTold is a connection that tells when it is closed.
type closeTold struct {
	net.Conn
	closed chan struct{}
}

func (c *closeTold) Close() error {
	close(c.closed)
	return nil
}

func TestHangingDialerIsAbandoned(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		timeout time.Duration
		ctx     func(context.Context) (context.Context, context.CancelFunc)
		want    error
		took    time.Duration
	}{
		{"short timeout", time.Second, context.WithCancel, context.DeadlineExceeded, ownTimeout},
		{"long timeout", time.Minute, context.WithCancel, context.DeadlineExceeded, time.Minute},
		{"context", 0, func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(time.Second, cancel)
			return ctx, cancel
		}, context.Canceled, time.Second},
	} {
		for _, inProcess := range []bool{false, true} {
			t.Run(fmt.Sprint(tt.name, " in-process=", inProcess), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { // which also sees that the goroutine ends
					late := &closeTold{closed: make(chan struct{})}
					hang := make(chan struct{})
					open := func() (net.Conn, error) {
						<-hang
						return late, nil
					}
					cfg := Config{Timeout: tt.timeout, Custom: dialer(func(string, string) (net.Conn, error) { return open() })}
					if inProcess {
						cfg.InProcess = open
					}
					ctx, cancel := tt.ctx(t.Context())
					defer cancel()
					began := time.Now()
					nc, err := Dial(ctx, parse(t, "nats://127.0.0.1:4222"), cfg)
					if nc != nil || !errors.Is(err, tt.want) {
						t.Errorf("got %v, %v; want %v", nc, err, tt.want)
					}
					if took := time.Since(began); took != tt.took {
						t.Errorf("took %v, want %v", took, tt.took)
					}
					close(hang)
					<-late.closed
				})
			})
		}
	}
}

func TestDialerWithoutConnection(t *testing.T) {
	t.Parallel()
	cfg := Config{Custom: dialer(func(string, string) (net.Conn, error) { return nil, nil })}
	if nc, err := Dial(t.Context(), parse(t, "nats://127.0.0.1:4222"), cfg); nc != nil || err == nil {
		t.Errorf("got %v, %v; want an error", nc, err)
	}
}

// fakeDNS is a resolver that knows the given IPv4 addresses only. Its server listens on the loopback interface.
func fakeDNS(t *testing.T, names map[string][]string) *net.Resolver {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pc.Close() })
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			_, _ = pc.WriteTo(answer(buf[:n], names), from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", pc.LocalAddr().String())
	}}
}

// answer answers the one question of a DNS query (RFC 1035, section 4).
func answer(query []byte, names map[string][]string) []byte {
	name, at := "", 12
	for query[at] != 0 {
		name += string(query[at+1:at+1+int(query[at])]) + "."
		at += 1 + int(query[at])
	}
	question := query[12 : at+5]
	kind := binary.BigEndian.Uint16(query[at+1:])
	addresses := names[strings.ToLower(name)]
	flags := uint16(0x8580) // a response, authoritative
	if len(addresses) == 0 {
		flags |= 3 // no such name
	}
	if kind != 1 { // A
		addresses = nil
	}
	out := append([]byte(nil), query[:2]...)
	for _, v := range []uint16{flags, 1, uint16(len(addresses)), 0, 0} {
		out = binary.BigEndian.AppendUint16(out, v)
	}
	out = append(out, question...)
	for _, a := range addresses {
		out = append(out, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4) // the name of the question, A, IN, 60 s, 4 bytes
		out = append(out, net.ParseIP(a).To4()...)
	}
	return out
}
