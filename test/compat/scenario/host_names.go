//lint:file-ignore SA1019 nats.Dialer is the only option whose dialer sees how much time it has

package scenario

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/test/compat/stage"
)

var hostNames = []stage.Scenario{
	{Name: "host names, addresses tried", Rows: []string{"2.21"}, Run: addressesTried,
		Differs: []stage.Difference{stage.Differs("2.21", "errors that are reported", "map[0:40 1:40 2:40]")}},
	{Name: "host names, time of each address", Rows: []string{"2.21", "1.1"}, Run: addressTimes, Differs: dialersHaveALimit()},
	{Name: "host names, addresses that are silent", Rows: []string{"2.21", "1.1"}, Run: silentAddresses},
}

// dialersHaveALimit: one without a time of its own gets that of the connection.
func dialersHaveALimit() (all []stage.Difference) {
	for part, each := range map[string][]time.Duration{
		"three addresses": {ownTime / 3, ownTime / 3, ownTime / 3}, "left to the dialer": {ownTime / 3, ownTime / 2, ownTime},
		"one address": {ownTime}, "no name": {ownTime},
	} {
		for i, d := range each {
			all = append(all, stage.Lasts("2.21", fmt.Sprintf("own 0s, timeout %v, %s: address %d has", ownTime, part, i+1), d))
		}
	}
	return all
}

// lookedUp are the addresses of a name in the resolver's order. The scenario ends where it has not as many as it is to have.
func lookedUp(s *stage.Stage, name string, want int) []string {
	found, err := net.DefaultResolver.LookupHost(s.Context(resolved), name)
	s.Must(err, "look up")
	if len(found) != want {
		s.Must(fmt.Errorf("%s has the addresses %v", name, found), fmt.Sprintf("look up %d addresses", want))
	}
	return found
}

func addressesTried(s *stage.Stage) {
	known := lookedUp(s, stage.ThreeHosts, 3)
	for _, url := range []string{"nats://" + stage.ThreeHosts + ":99", stage.ThreeHosts, "ws://" + stage.ThreeHosts, "nats://" + stage.NoHost + ":99"} {
		for _, skip := range []bool{false, true} {
			opts := []nats.Option{nats.DontRandomize()}
			if skip {
				opts = append(opts, nats.SkipHostLookup())
			}
			l := lookUp{newEvents()}
			_, err := nats.Connect(url, append(opts, nats.SetCustomDialer(l))...)
			s.Note(fmt.Sprintf("%s, skip %v", url, skip), "%v, dials %s", err != nil, l.asked.list(1))
		}
	}
	first, reported := map[string]int{}, map[int]int{}
	for i := range 40 {
		l := failing{calls: new(atomic.Int64), errs: []error{errors.New("one"), errors.New("two"), errors.New("three")}, asked: newEvents()}
		opts := []nats.Option{nats.SetCustomDialer(l)}
		if i%2 == 0 {
			opts = append(opts, nats.DontRandomize())
		}
		_, err := nats.Connect("nats://"+stage.ThreeHosts+":99", opts...)
		for at := range l.errs {
			if errors.Is(err, l.errs[at]) {
				reported[at]++
			}
		}
		tried := l.asked.soFar()
		if i%2 == 0 {
			host, _, _ := net.SplitHostPort(tried[0])
			s.Must(same(host, known[0]), "order without chance")
			continue
		}
		first[tried[0]]++
	}
	s.Note("first of all", "several %v", len(first) > 1)
	s.Note("errors that are reported", "%v", reported)
	for _, skip := range []bool{false, true} {
		opts := []nats.Option{}
		if skip {
			opts = append(opts, nats.SkipHostLookup())
		}
		_, err := nats.Connect("nats://"+stage.NoHost+":99", opts...)
		var dns *net.DNSError
		var op *net.OpError
		s.Note(fmt.Sprintf("no such host, skip %v", skip), "look-up %v, network %v, no servers %v", errors.As(err, &dns) && dns.IsNotFound, errors.As(err, &op),
			errors.Is(err, nats.ErrNoServers))
	}
}

func same(got, want string) error {
	if got != want {
		return fmt.Errorf("got %s, want %s", got, want)
	}
	return nil
}

// failing is a dialer whose calls fail with one error after the other.
type failing struct {
	calls *atomic.Int64
	errs  []error
	asked *events
}

func (f failing) Dial(_, address string) (net.Conn, error) {
	f.asked.add(address)
	return nil, f.errs[int(f.calls.Add(1)-1)%len(f.errs)]
}

// trial is an address that the dialer was about to connect to, and the time that it had left.
type trial struct {
	address string
	left    time.Duration
}

var errNotNow = errors.New("not now")

// hooked is a dialer with this time that asks before it connects. Where ask returns an error it does not.
func hooked(time time.Duration, ask func(ctx context.Context, address string) error) *net.Dialer {
	return &net.Dialer{Timeout: time, ControlContext: func(ctx context.Context, _, address string, _ syscall.RawConn) error { return ask(ctx, address) }}
}

// noteTrials connects in vain, with a dialer that has own time, and notes what each address had.
func noteTrials(s *stage.Stage, url string, own time.Duration, opts ...nats.Option) {
	trials := make(chan trial, 16)
	dialer := hooked(own, func(ctx context.Context, address string) error {
		until, _ := ctx.Deadline()
		if until.IsZero() {
			until = time.Now()
		}
		trials <- trial{address, time.Until(until)}
		return errNotNow
	})
	_, err := nats.Connect(url, append(opts, nats.Dialer(dialer))...)
	s.Note("error", "%v", errors.Is(err, errNotNow))
	close(trials)
	var tried []string
	var left []time.Duration
	for t := range trials {
		tried, left = append(tried, t.address), append(left, t.left)
	}
	slices.Sort(tried)
	s.Note("tried", "%s", strings.Join(tried, " "))
	for i, d := range left {
		s.Time(fmt.Sprintf("address %d has", i+1), max(d, 0)) // 0: as long as it takes
	}
}

const ownTime = 18 * time.Second

// limits are what a dialer's own time and that of the connection may be; 0: not set.
var limits = []struct{ own, conn time.Duration }{{ownTime, 3 * time.Second}, {ownTime, time.Minute}, {0, ownTime}}

func addressTimes(s *stage.Stage) {
	lookedUp(s, stage.ThreeHosts, 3)
	lookedUp(s, stage.OneHost, 1)
	for _, limit := range limits {
		timeout := nats.Timeout(limit.conn)
		part := fmt.Sprintf("own %v, timeout %v, ", limit.own, limit.conn)
		s.Part(part + "three addresses")
		noteTrials(s, "nats://"+stage.ThreeHosts+":99", limit.own, timeout)
		s.Part(part + "left to the dialer")
		noteTrials(s, "nats://"+stage.ThreeHosts+":99", limit.own, timeout, nats.SkipHostLookup())
		s.Part(part + "one address")
		noteTrials(s, "nats://"+stage.OneHost+":99", limit.own, timeout)
		s.Part(part + "no name")
		noteTrials(s, "nats://127.0.0.1:99", limit.own, timeout)
	}
	s.Part("")
}

// waits has a dialer wait for the end of the time of all addresses but one.
func waits(but string) func(ctx context.Context, address string) error {
	return func(ctx context.Context, address string) error {
		if address == but {
			return nil
		}
		<-ctx.Done()
		return ctx.Err()
	}
}

func silentAddresses(s *stage.Stage) {
	known := lookedUp(s, stage.ThreeHosts, 3)
	host := s.Host("")
	live, port, err := net.SplitHostPort(host.Addr())
	s.Must(err, "address")
	s.Must(same(known[2], live), "the last address")
	const limit = 900 * time.Millisecond
	for _, url := range []string{"nats://" + stage.ThreeHosts, "nats://127.0.0.1"} {
		s.Timed(url+", nobody there", func() error {
			_, err := nats.Connect(url+":99", nats.Dialer(hooked(limit, waits(""))))
			return timeoutOf(err)
		})
	}
	url := "nats://" + stage.ThreeHosts + ":" + port
	s.Timed("the last is there", func() error {
		nc, err := nats.Connect(url, nats.Dialer(hooked(limit, waits(host.Addr()))), nats.DontRandomize())
		s.Must(err, "connect")
		s.Note("connected to the name", "%v", nc.ConnectedUrl() == url)
		nc.Close()
		return nil
	})
	s.Timed("a dialer of one's own that is late", func() error {
		nc, err := nats.Connect(host.URL(), nats.SetCustomDialer(late{s, 700 * time.Millisecond}), nats.Timeout(300*time.Millisecond))
		if err == nil {
			nc.Close()
		}
		return err
	})
}

// late is a dialer that takes its time.
type late struct {
	stage *stage.Stage
	time  time.Duration
}

func (l late) Dial(network, address string) (net.Conn, error) {
	l.stage.Pause(l.time)
	return net.Dial(network, address)
}
