package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/natserr"
	"github.com/gannet-io/nats/internal/proto"
	"github.com/gannet-io/nats/internal/session"
)

// asked is a taker that writes down what it is told.
type asked struct {
	mu    sync.Mutex
	out   int
	heard []string
}

func (k *asked) Answer(n uint64, f *proto.Frame) { k.hear(fmt.Sprintf("%d %s", n, f.Data)) }
func (k *asked) Lost(err error)                  { k.hear(err.Error()) }

func (k *asked) hear(s string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.heard = append(k.heard, s)
}

func (k *asked) Outstanding() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.out
}

func (k *asked) owes(n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.out = n
}

func (k *asked) want(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	k.mu.Lock()
	defer k.mu.Unlock()
	if !slices.Equal(k.heard, want) {
		t.Errorf("the taker heard %q, want %q", k.heard, want)
	}
	k.heard = nil
}

// replyTo reads a PUB and returns its reply subject.
func (c *conversation) replyTo(subject string) string {
	for line := range c.lines {
		if f := strings.Fields(line); f[0] == "PUB" && f[1] == subject {
			return f[2]
		}
	}
	return ""
}

func TestAsker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t)
		c, srv := s.connect(Events{})
		defer c.Close()
		ours, others := &asked{}, &asked{}
		a, b := c.NewAsker(ours), c.NewAsker(others)
		a.Join()
		b.Join()
		answer := func(reply, text string) { srv.send(fmt.Sprintf("MSG %s 1 %d\r\n%s\r\n", reply, len(text), text)) }
		ask := func(k *Asker, n uint64, now bool) (reply string) {
			t.Helper()
			subject := fmt.Sprint("s", n)
			err := error(nil)
			if now {
				err = k.AskNow(n, subject, nil, []byte("q"))
			} else {
				err = k.Ask(n, subject, nil, []byte("q"), mono.Never)
			}
			if err != nil {
				t.Fatal(err)
			}
			return srv.replyTo(subject)
		}

		one, most, foreign := ask(a, 1, false), ask(a, MostAsked, true), ask(b, 1, false)
		answer(most, "x")
		answer(foreign, "y")
		answer(one, "z")
		answer(one, "again") // the taker knows what is over
		ours.want(t, fmt.Sprint(uint64(MostAsked), " x"), "1 z", "1 again")
		others.want(t, "1 y")
		if n := c.NumSubscriptions(); n != 0 {
			t.Errorf("NumSubscriptions() = %d, want 0: the one for answers is not counted", n)
		}

		for _, broken := range []string{one[:len(one)-1] + "!", one[:len(one)-1], one + "0", strings.Repeat("-", len(one)), "_"} {
			answer(broken, "w")
		}
		ours.want(t)
		others.want(t)

		b.Leave()
		answer(foreign, "late")
		others.want(t)
		b.Join()
		answer(foreign, "known again")
		others.want(t, "1 known again")
		b.Leave()

		ours.owes(2)
		others.owes(4)
		if n := c.Requests(); n != 2 {
			t.Errorf("Requests() = %d, want 2: of who has joined", n)
		}
		ours.owes(0)

		srv.Conn.Close()
		s.next()
		ours.want(t, natserr.Disconnected.Error())
		c.Close()
		<-c.Done()
		synctest.Wait()
		ours.mu.Lock()
		last := ours.heard[len(ours.heard)-1]
		ours.heard = nil
		ours.mu.Unlock()
		if last != natserr.ConnectionClosed.Error() {
			t.Errorf("at Close: got %q, want %q", last, natserr.ConnectionClosed)
		}
		if err := a.Ask(1, "s", nil, nil, mono.Never); !errors.Is(err, natserr.ConnectionClosed) {
			t.Errorf("after Close: got %v, want %v", err, natserr.ConnectionClosed)
		}
		a.Join() // does nothing any more
		if n := len(c.mux.joined()); n != 0 {
			t.Errorf("%d askers are known after Close", n)
		}
		others.want(t)
	})
}

// While a taker waits for answers the link is watched, and no longer.
func TestAskerOwes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t)
		c, srv := s.connect(Events{})
		defer c.Close()
		k := &asked{}
		a := c.NewAsker(k)
		a.Join()
		k.owes(1)
		if err := a.Ask(1, "s", nil, nil, mono.Never); err != nil {
			t.Fatal(err)
		}
		srv.replyTo("s")
		if got := session.Debt(c.owed.Load()); got != session.Answers {
			t.Errorf("with a request out the link owes %v, want %v", got, session.Answers)
		}
		if got := c.owing(); got != session.Answers {
			t.Errorf("owing() = %v, want %v", got, session.Answers)
		}
		k.owes(0)
		if got := c.owing(); got != session.Nothing {
			t.Errorf("with nothing out owing() = %v, want %v", got, session.Nothing)
		}
	})
}

func BenchmarkAsker(b *testing.B) {
	m := &mux{prefix: "_INBOX.0123456789012345678901."}
	a := &Asker{conn: &Conn{}, taker: counter{}, prefix: m.nextAsker()}
	m.join(a)
	f := &proto.Frame{Subject: appendDigits([]byte(a.prefix), 12345, numberLen), Data: []byte("x")}
	b.ReportAllocs()
	for b.Loop() {
		m.Deliver(f)
	}
}

type counter struct{}

func (counter) Answer(uint64, *proto.Frame) {}
func (counter) Lost(error)                  {}
func (counter) Outstanding() int            { return 0 }
