package scenario

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/test/compat/stage"
)

var reconnecting = []stage.Scenario{
	{Name: "reconnecting, pauses", Rows: []string{"1.4", "1.5", "1.6", "2.5"}, Run: pauses},
	{Name: "reconnecting, two servers", Rows: []string{"1.4", "2.5", "2.6"}, Run: twoServers, Differs: []stage.Difference{
		stage.Differs("1.16", "told", "[connected; disconnected network; attempt network; attempt network; attempt network; attempt network; reconnected]")}},
	{Name: "reconnecting, a choice of one's own", Rows: []string{"1.7"}, Run: ownChoice},
	{Name: "reconnecting, the buffer", Rows: []string{"1.8", "2.3"}, Run: reconnectBuffer, Differs: []stage.Difference{
		stage.Differs("1.8", "buffer 100: taken", "4"), stage.Differs("1.8", "buffer 1024: taken", "42"),
		stage.Differs("1.8", "buffer 100: buffered", "96, nil"), stage.Differs("1.8", "buffer 1024: buffered", "1008, nil"),
		stage.Differs("1.8", "buffer 100: arrived", "4"), stage.Differs("1.8", "buffer 1024: arrived", "42")}},
	{Name: "reconnecting, giving up", Rows: []string{"1.3", "2.7"}, Run: givingUp, Differs: []stage.Difference{
		stage.Differs("2.7", "limit 1: one more", "false"), stage.Differs("2.7", "limit 3: one more", "false")}},
	{Name: "reconnecting, order", Rows: []string{"2.3", "2.6"}, Run: reconnectOrder},
	{Name: "reconnecting, forced", Rows: []string{"2.18"}, Run: forced},
	{Name: "reconnecting, flush and round trip", Rows: []string{"2.3", "2.19"}, Run: flushes,
		Differs: []stage.Difference{stage.Differs("2.19", "cut", "nats.ErrDisconnected")}},
	{Name: "reconnecting, the default time of a flush", Long: true, Rows: []string{"2.19"}, Run: flushDefault},
	{Name: "reconnecting, states", Rows: []string{"2.1"}, Run: states},
}

// hangUp lets a host close every connection after the first in place of a PONG.
func hangUp(h *stage.Host) {
	h.Greet(func(n int) string {
		if n == 1 {
			return "PONG\r\n"
		}
		return ""
	})
}

func pauses(s *stage.Stage) {
	play := func(key string, n int, opts ...nats.Option) []time.Duration {
		h := s.Host("")
		hangUp(h)
		nc := open(s, h.URL(), append([]nats.Option{nats.MaxReconnects(-1), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})}, opts...)...)
		lost := time.Now()
		h.Cut()
		times := h.AwaitAttempts(n + 1)[1 : n+1]
		nc.Close()
		var between []time.Duration
		for _, at := range times {
			between = append(between, at.Sub(lost))
			lost = at
		}
		return between
	}
	for i, d := range play("wait", 4, nats.ReconnectWait(400*time.Millisecond), nats.ReconnectJitter(0, 0)) {
		s.Time(fmt.Sprintf("wait 400ms, attempt %d after", i+1), d)
	}
	var within, spread int
	for _, d := range play("jitter", 6, nats.ReconnectWait(50*time.Millisecond), nats.ReconnectJitter(300*time.Millisecond, time.Hour)) {
		if d > 30*time.Millisecond && d < 500*time.Millisecond {
			within++
		}
		if d > 70*time.Millisecond {
			spread++
		}
	}
	s.Note("jitter of 300ms", "within %d of 6, spread %v", within, spread > 0)
	asked := newEvents()
	for i, d := range play("own", 4, nats.CustomReconnectDelay(func(n int) time.Duration {
		asked.add(fmt.Sprint(n))
		return time.Duration(n) * 200 * time.Millisecond
	})) {
		s.Time(fmt.Sprintf("own delay, attempt %d after", i+1), d)
	}
	s.Note("asked", "%s", strings.Join(asked.next(4)[:4], " "))
}

func twoServers(s *stage.Stage) {
	a, b := s.Host(""), s.Host("")
	hangUp(a)
	told := newEvents()
	b.Greet(func(n int) string {
		if n < 3 {
			return ""
		}
		return "PONG\r\n"
	})
	open(s, a.URL()+","+b.URL(), nats.DontRandomize(), watch(s, told), at(nats.ReconnectWait(300*time.Millisecond), nats.ReconnectJitter(0, 0)))
	lost := time.Now()
	a.Cut()
	s.Note("told", "%s", told.until("reconnected"))
	for i, at := range b.AwaitAttempts(3) {
		s.Time(fmt.Sprintf("the second, attempt %d", i+1), at.Sub(lost))
	}
	for i, at := range a.Attempts()[1:] {
		s.Time(fmt.Sprintf("the first, attempt %d", i+1), at.Sub(lost))
	}
}

func ownChoice(s *stage.Stage) {
	a, b := s.Host(""), s.Host("")
	told, asked := newEvents(), newEvents()
	n := 0
	nc := open(s, a.URL()+","+b.URL(), nats.DontRandomize(), watch(s, told), at(nats.ReconnectWait(100*time.Millisecond), nats.ReconnectJitter(0, 0)),
		nats.ReconnectToServer(func(pool []nats.Server, info nats.ServerInfo) (*nats.Server, time.Duration) {
			n++
			urls := []string{}
			for _, server := range pool {
				urls = append(urls, strings.NewReplacer(a.Addr(), "A", b.Addr(), "B").Replace(server.URL.String()))
			}
			slices.Sort(urls)
			asked.add(fmt.Sprint(urls, info.ID))
			switch n {
			case 1:
				for i := range pool {
					if pool[i].URL.Host == b.Addr() {
						return &pool[i], 300 * time.Millisecond
					}
				}
			case 2:
				other := pool[0]
				url := *other.URL
				url.Host = "127.0.0.1:1"
				other.URL = &url
				return &other, 0
			}
			return nil, 0
		}))
	lost := time.Now()
	a.Cut()
	s.Note("told", "%s", told.until("reconnected"))
	s.Time("after", b.Attempts()[0].Sub(lost))
	s.Note("asked", "%s", asked.list(1))
	s.Note("connected to B", "%v", nc.ConnectedUrl() == b.URL())
	b.Cut()
	s.Note("a stranger", "%s", told.until("reconnected"))
	s.Note("asked", "%s", asked.list(1))
	s.Note("connected to A", "%v", nc.ConnectedUrl() == a.URL())
}

func reconnectBuffer(s *stage.Stage) {
	for _, size := range []int{100, 1 << 10, -1} {
		s.Part(fmt.Sprintf("buffer %d", size))
		nc := connect(s, nats.ReconnectBufSize(size))
		lost := nc.StatusChanged(nats.RECONNECTING)
		s.Proxy().Refuse()
		s.Proxy().Cut()
		stage.Take(s, lost, "RECONNECTING")
		var err error
		taken := 0
		for ; taken < 1000; taken++ {
			if err = nc.Publish("abc", []byte("0123456789")); err != nil {
				break
			}
		}
		s.Note("taken", "%d", taken)
		s.Error("then", err)
		buffered, err := nc.Buffered()
		s.Note("buffered", "%d, %s", buffered, s.Describe(err))
		sub, err := nc.SubscribeSync("x")
		s.Error("subscribe", err)
		s.Error("unsubscribe", sub.Unsubscribe())
		before := len(s.Tap().Published("abc"))
		s.Must(s.Proxy().Heal(), "heal")
		s.Must(nc.Flush(), "flush")
		s.Note("arrived", "%d", len(s.Tap().Published("abc"))-before)
		nc.Close()
	}
}

func givingUp(s *stage.Stage) {
	told := newEvents()
	for _, limit := range []int{0, 1, 3} {
		s.Part(fmt.Sprintf("limit %d", limit))
		h := s.Host("")
		hangUp(h)
		nc := open(s, h.URL()+",nats://127.0.0.1:1", nats.DontRandomize(), watch(s, told), nats.MaxReconnects(limit), nats.ReconnectWait(20*time.Millisecond), nats.ReconnectJitter(0, 0))
		h.Cut()
		got := told.until("closed")
		s.Note("lost", "%d", strings.Count(got, "disconnected network"))
		s.Note("failed", "%v", strings.Count(got, "attempt refused"))
		s.Note("at the end", "%s", got[strings.LastIndex(got, ";")+1:])
		s.Note("one more", "%v", strings.Contains(got, "disconnected nil"))
		s.Note("connections", "%d", len(h.Attempts()))
		s.Error("last error", nc.LastError())
		s.Error("publish", nc.Publish("a", nil))
	}
}

func reconnectOrder(s *stage.Stage) {
	h := s.Host("")
	told := newEvents()
	nc := open(s, h.URL(), watch(s, told), at(nats.ReconnectWait(300*time.Millisecond), nats.ReconnectJitter(0, 0)))
	var limited *nats.Subscription
	for _, subject := range []string{"one", "two", "gone", "three"} {
		sub, err := nc.SubscribeSync(subject)
		s.Must(err, "subscribe")
		switch subject {
		case "gone":
			s.Must(sub.Unsubscribe(), "unsubscribe")
		case "two":
			limited = sub
			s.Must(sub.AutoUnsubscribe(5), "limit")
		}
	}
	_, err := nc.QueueSubscribeSync("four", "q")
	s.Must(err, "subscribe")
	s.Must(nc.Publish("before", nil), "publish")
	s.Must(nc.Flush(), "flush")
	two := h.Await(1, func(f stage.Frame) bool { return f.Op == "SUB" && f.Subject == "two" })
	h.Send(strings.Repeat("MSG two "+two.SID+" 1\r\nx\r\n", 2))
	for range 2 {
		_, err := limited.NextMsg(time.Second)
		s.Must(err, "next")
	}
	before := len(h.Frames(isOp("SUB", "UNSUB", "PUB", "CONNECT")))
	nc.SetReconnectHandler(func(nc *nats.Conn) { told.add("reconnected"); _ = nc.Publish("handler", nil) })
	lost := nc.StatusChanged(nats.RECONNECTING)
	h.Cut()
	stage.Take(s, lost, "RECONNECTING")
	s.Must(nc.Publish("meanwhile", nil), "publish")
	_, err = nc.SubscribeSync("late")
	s.Must(err, "subscribe")
	s.Must(nc.Publish("late", nil), "publish")
	h.Await(1, func(f stage.Frame) bool { return f.Subject == "handler" })
	ids := map[string]string{} // subject of a SID
	for _, f := range h.Frames(isOp("SUB")) {
		ids[f.SID] = f.Subject
	}
	var subs, rest []string
	for _, f := range h.Frames(isOp("SUB", "UNSUB", "PUB", "CONNECT"))[before:] {
		switch f.Op {
		case "SUB":
			subs = append(subs, strings.TrimSpace("SUB "+f.Subject+" "+f.Queue))
			if len(subs) == 1 {
				rest = append(rest, "subscriptions")
			}
		case "UNSUB":
			subs = append(subs, "UNSUB "+ids[f.SID]+" "+f.Data)
		default:
			rest = append(rest, strings.TrimSpace(f.Op+" "+f.Subject))
		}
	}
	slices.Sort(subs)
	s.Note("again", "%q", subs)
	s.Note("order", "%q", rest)
	s.Note("told", "%s", told.list(1))
	s.Note("reconnects", "%d", nc.Stats().Reconnects)
}

func forced(s *stage.Stage) {
	told := newEvents()
	nc := open(s, s.Proxy().URL(), watch(s, told), at(nats.ReconnectWait(2*time.Second), nats.ReconnectJitter(0, 0)))
	s.Note("told", "%s", told.list(1))
	start := time.Now()
	s.Error("force", nc.ForceReconnect())
	s.Note("told", "%s", told.until("reconnected"))
	s.Time("with a link, after", time.Since(start)-quiet)
	s.Proxy().Refuse()
	lost := nc.StatusChanged(nats.RECONNECTING)
	s.Proxy().Cut()
	stage.Take(s, lost, "RECONNECTING")
	s.Must(s.Proxy().Heal(), "heal")
	s.Pause(100 * time.Millisecond)
	start = time.Now()
	s.Error("in the pause", nc.ForceReconnect())
	s.Note("told", "%s", told.until("reconnected"))
	s.Time("in the pause, after", time.Since(start)-quiet)
	s.Note("status", "%v, %d reconnects", nc.Status(), nc.Stats().Reconnects)
	none := open(s, s.Proxy().URL(), nats.NoReconnect(), watch(s, told))
	told.next(1)
	s.Error("not allowed", none.ForceReconnect())
	s.Note("told", "%s", told.list(1))
	s.Note("status", "%v", none.Status())
}

func flushes(s *stage.Stage) {
	nc := connect(s)
	rtt, err := nc.RTT()
	s.Note("RTT", "%v, %s", rtt > 0 && rtt < 5*time.Second, s.Describe(err))
	s.Proxy().Hole(0)
	s.Timed("hole", func() error { return nc.FlushTimeout(400 * time.Millisecond) })
	s.Timed("hole, context", func() error { return nc.FlushWithContext(s.Context(400 * time.Millisecond)) })
	time.AfterFunc(300*time.Millisecond, func() { s.Proxy().Refuse(); s.Proxy().Cut() })
	s.Timed("cut", func() error { return nc.FlushTimeout(5 * time.Second) })
	s.Timed("reconnecting", func() error { return nc.FlushTimeout(400 * time.Millisecond) })
	s.Timed("RTT while reconnecting", func() error { _, err := nc.RTT(); return err })
	time.AfterFunc(400*time.Millisecond, nc.Close)
	s.Timed("closed", func() error { return nc.FlushTimeout(5 * time.Second) })
}

func flushDefault(s *stage.Stage) {
	nc := connect(s)
	s.Proxy().Hole(0)
	s.Timed("hole", nc.Flush)
}

func states(s *stage.Stage) {
	for st := nats.Status(-1); st < 9; st++ {
		s.Note(fmt.Sprintf("status %d", st), "%s", st)
	}
	for st := nats.SubStatus(-1); st < 5; st++ {
		s.Note(fmt.Sprintf("subscription's status %d", st), "%s", st)
	}
	nc := connect(s)
	some := nc.StatusChanged(nats.CONNECTED, nats.DISCONNECTED, nats.CLOSED)
	removed := nc.StatusChanged(nats.CONNECTED)
	s.Note("capacity", "%d", cap(some))
	nc.RemoveStatusListener(removed)
	_, isOpen := <-removed
	s.Note("removed", "open %v", isOpen)
	reconnects := nc.StatusChanged(nats.CONNECTED)
	s.Proxy().Cut()
	stage.Take(s, reconnects, "CONNECTED")
	s.Must(nc.Flush(), "flush")
	nc.Close()
	var got []string
	for range 2 {
		got = append(got, stage.Take(s, some, "a status").String())
	}
	s.Note("got", "%v", got)
	after, isOpen := stage.TryTake(some)
	s.Note("at the end", "%v, open %v", after, isOpen)
	late := nc.StatusChanged()
	first, isOpen := stage.TryTake(late)
	s.Note("a listener after the end", "%v, open %v", first, isOpen)
}
