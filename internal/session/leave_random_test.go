package session

import (
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/gannet-io/nats/internal/mono"
)

// aspects is what a life with lame ducks and shutdowns has to keep to, seen from outside.
type aspects struct {
	flights  map[uint64]string // dials in flight, by the server
	ready    uint64            // the dial that has succeeded beside the link; 0: none
	link     bool
	draining bool // a shutdown has begun
	over     bool
	installs int
	leaves   int
}

func (s *aspects) see(m *Machine, acts []Action) error {
	if s.over && len(acts) > 0 {
		return fmt.Errorf("%v after the end", acts)
	}
	for _, a := range acts {
		if err := s.act(a); err != nil {
			return fmt.Errorf("%v: %w", a, err)
		}
	}
	switch {
	case s.over:
		return nil
	case s.draining && m.Status() != DrainingSubs && m.Status() != DrainingPubs:
		return fmt.Errorf("status %v in a shutdown", m.Status())
	case !s.link && len(s.flights) == 0 && m.Deadline() == mono.Never && m.Status() != Disconnected:
		return fmt.Errorf("nothing to wait for without a link, status %v", m.Status())
	case !s.link && s.ready != 0:
		return fmt.Errorf("dial %d is ready and not used", s.ready)
	}
	return nil
}

func (s *aspects) act(a Action) error {
	switch a.Kind {
	case Dial:
		for _, host := range s.flights {
			if host == a.Server.URL.Host {
				return fmt.Errorf("two dials of one server")
			}
		}
		s.flights[a.Dial] = a.Server.URL.Host
	case Leave:
		if !s.link || s.ready != 0 {
			return fmt.Errorf("link %v, ready %d", s.link, s.ready)
		}
		s.ready = a.Dial
		s.leaves++
	case Abort:
		if s.ready == a.Dial {
			s.ready = 0
		} else if s.flights[a.Dial] == "" {
			return fmt.Errorf("not in flight")
		}
		delete(s.flights, a.Dial)
	case Install:
		if s.link || len(s.flights) > 0 {
			return fmt.Errorf("link %v, %d dials in flight", s.link, len(s.flights))
		}
		s.link, s.ready = true, 0
		s.installs++
	case CloseLink:
		s.link = false
	case SendPing:
		if !s.link {
			return fmt.Errorf("without a link")
		}
	case Emit:
		if s.draining && a.Status != Closed && a.Status != DrainingPubs && a.Status != Disconnected {
			return fmt.Errorf("in a shutdown")
		}
		s.draining = s.draining || a.Status == DrainingSubs
	case Finish:
		if s.link || len(s.flights) > 0 || s.ready != 0 {
			return fmt.Errorf("link %v, %d dials, ready %d", s.link, len(s.flights), s.ready)
		}
		s.over, s.draining = true, false
	}
	return nil
}

// TestLifeWithLameDucks: random lives with lame ducks, shutdowns and full jitter end no dial twice, have one link at a time, use what is
// ready, and wait for something in every state.
func TestLifeWithLameDucks(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	installs, leaves := 0, 0
	for run := range uint64(20_000) {
		src := randomSource{rand.New(rand.NewPCG(seed, run))}
		w := newWorld(src, nil)
		cfg := w.m.cfg
		cfg.AllowReconnect, cfg.ChooseServer = src.n(8) > 0, src.n(6) == 0
		cfg.FullJitter, cfg.LeaveWithin = src.n(2) == 0, time.Second
		w.m = New(cfg, w.pool)
		s := &aspects{flights: make(map[uint64]string)}
		var log []string
		do := func(name string, acts []Action) {
			t.Helper()
			log = append(log, fmt.Sprintf("%v %s -> %v", time.Duration(w.now), name, acts))
			if err := s.see(w.m, acts); err != nil {
				t.Fatalf("seed %d, run %d: %v\n%+v\n%v", seed, run, err, cfg, log)
			}
		}
		do("start", w.m.Start(w.now))
		for range 60 {
			w.now = w.now.Add(time.Duration(src.n(700)) * time.Millisecond)
			for i := 0; w.m.Deadline() <= w.now && i < 20; i++ {
				do("tick", w.m.Tick(w.now))
			}
			dial := uint64(0)
			for n := range s.flights {
				dial = max(dial, n)
			}
			switch src.n(10) {
			case 0, 1, 2:
				delete(s.flights, dial)
				do(fmt.Sprint("ok ", dial), w.m.DialDone(w.now, dial, nil))
			case 3:
				delete(s.flights, dial)
				do(fmt.Sprint("fail ", dial), w.m.DialDone(w.now, dial, w.failure()))
			case 4, 5:
				do("lame duck", w.m.LameDuck(w.now))
			case 6:
				do(fmt.Sprint("left ", s.ready), w.m.Left(w.now, s.ready))
			case 7:
				do("lost", w.m.LinkFailed(w.now, io.EOF))
			case 8:
				switch src.n(8) {
				case 0:
					acts, _ := w.m.Shutdown(w.now)
					do("shutdown", acts)
				case 1:
					do("drain-pubs", w.m.DrainPubs(w.now))
				case 2:
					do("close", w.m.Close(w.now))
				default:
					do("force", w.m.ForceReconnect(w.now))
				}
			case 9:
				do("delay", w.m.Delay(w.now, w.duration()))
				do("chosen", w.m.Chosen(w.now, w.server(), w.duration()))
			}
		}
		installs, leaves = installs+s.installs, leaves+s.leaves
	}
	if installs < 10_000 || leaves < 1000 {
		t.Errorf("only %d installs and %d leaves: the test sees too little", installs, leaves)
	}
}
