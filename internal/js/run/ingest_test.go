package run

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gannet-io/nats/internal/js/ingest"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/proto"
	"github.com/gannet-io/nats/internal/session"
)

// newTestIngest is an ingest with an ack every two messages, over a link that answers nothing.
func newTestIngest(t *testing.T, patience time.Duration) (*Ingest, *fakeLink) {
	t.Helper()
	l := newFakeLink()
	i, err := NewIngest(IngestConfig{Link: l, Config: ingest.Config{Every: 2, GiveUp: patience}})
	if err != nil {
		t.Fatal(err)
	}
	return i, l
}

// hear plays an answer to the reply subject of the last thing that was sent.
func (i *Ingest) hear(t *testing.T, l *fakeLink, data string) {
	t.Helper()
	i.deliver(&proto.Frame{Subject: []byte(l.last(t).Inbox), Data: []byte(data)})
}

func (i *Ingest) deliver(f *proto.Frame) {
	s := (*ingestSink)(i)
	s.Deliver(f)
	s.Settle()
}

func TestIngestConversation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i, l := newTestIngest(t, time.Minute)
		publish := func(data string) {
			t.Helper()
			if err := i.Publish(t.Context(), "lines", []byte("h"), []byte(data)); err != nil {
				t.Fatal(err)
			}
		}
		sent := func(want string) {
			t.Helper()
			a := l.last(t)
			if got := fmt.Sprint(a.Inbox[len("_INBOX.1."):], " ", a.JSON); got != want {
				t.Fatalf("sent %q, want %q", got, want)
			}
		}
		publish("one")
		sent("1-1.2.fail.1.0.$FI one")
		publish("two")
		sent("1-1.2.fail.1.0.$FI one") // until the first one is answered
		i.hear(t, l, `{"type":"ack","seq":0,"msgs":2}`)
		sent("1-1.2.fail.2.1.$FI two")
		publish("three")
		publish("four")
		sent("1-1.2.fail.4.1.$FI four")
		full := make(chan error, 1)
		go func() { full <- i.Publish(t.Context(), "lines", nil, []byte("five")) }()
		synctest.Wait()
		sent("1-1.2.fail.4.1.$FI four") // the window is full
		i.hear(t, l, `{"type":"ack","seq":2,"msgs":2}`)
		if err := <-full; err != nil {
			t.Fatal(err)
		}
		sent("1-1.2.fail.5.1.$FI five")
		if r := i.Result(); r.Stored != 2 || r.MayBeStored != 5 {
			t.Errorf("%+v", r)
		}
		closed := make(chan IngestResult, 1)
		go func() {
			r, _ := i.Close(t.Context())
			closed <- r
		}()
		synctest.Wait()
		sent("1-1.2.fail.6.3.$FI ")
		i.hear(t, l, `{"stream":"S","seq":9,"batch":"1-1","count":5}`)
		if r := <-closed; r.Code != wire.OK || r.Stored != 5 || r.Ack.Stream != "S" || r.Ack.Sequence != 9 {
			t.Errorf("%+v", r)
		}
		if subs, watchers, _, _ := l.counts(); subs != 0 || watchers != 0 || l.owed.Load() != 0 {
			t.Errorf("left behind: %d subscriptions, %d watchers, %d owed", subs, watchers, l.owed.Load())
		}
	})
}

// What was under way when a batch ended early goes out again, in the next one.
func TestIngestSendsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i, l := newTestIngest(t, time.Minute)
		for n := range 4 {
			if err := i.Publish(t.Context(), "lines", nil, fmt.Append(nil, n)); err != nil {
				t.Fatal(err)
			}
		}
		i.hear(t, l, `{"type":"ack","seq":0,"msgs":2}`)
		l.statusNow(session.Reconnecting)
		l.statusNow(session.Connected)
		if a := l.last(t); a.Inbox != "_INBOX.1.1-1.2.fail.4.4.$FI" {
			t.Errorf("asked %q, want a ping", a.Inbox)
		}
		i.hear(t, l, `{"type":"gap","last_seq":3,"seq":5}`)
		i.hear(t, l, `{"stream":"S","seq":2,"batch":"1-1","count":2}`)
		if a := l.last(t); a.Inbox != "_INBOX.1.1-2.2.fail.1.0.$FI" || a.JSON != "2" {
			t.Errorf("sent %+v, want the third message as the first of a batch", a)
		}
		i.hear(t, l, `{"type":"ack","seq":0,"msgs":2}`)
		if a := l.last(t); a.Inbox != "_INBOX.1.1-2.2.fail.2.1.$FI" || a.JSON != "3" {
			t.Errorf("sent %+v, want the fourth message", a)
		}
		i.Abandon()
	})
}

// Nothing that is not an answer of the batch does anything.
func TestIngestIgnores(t *testing.T) {
	i, l := newTestIngest(t, time.Minute)
	defer i.Abandon()
	if err := i.Publish(t.Context(), "lines", nil, nil); err != nil {
		t.Fatal(err)
	}
	before := len(l.asked)
	ack := []byte(`{"stream":"S","seq":9,"count":1}`)
	for _, f := range []*proto.Frame{
		{Subject: []byte("_INBOX.1.1-9.2.fail.1.0.$FI"), Data: ack},
		{Subject: []byte("_INBOX.1.x"), Data: ack},
		{Subject: []byte("other"), Data: ack},
		{Subject: []byte("_INBOX.1.1-1.2.fail.1.0.$FI"), Data: []byte("junk")},
		{Subject: []byte("_INBOX.1.1-1.2.fail.1.0.$FI"), Header: []byte("NATS/1.0 100 Idle Heartbeat\r\n\r\n")},
	} {
		i.deliver(f)
	}
	if r := i.Result(); r.Stored != 0 || len(l.asked) != before {
		t.Errorf("%+v, %d asked", r, len(l.asked)-before)
	}
}

// Random answers end every ingest, and nobody waits on.
func TestIngestChaos(t *testing.T) {
	for seed := range uint64(200) {
		synctest.Test(t, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 0))
			i, l := newTestIngest(t, 20*time.Second)
			done := make(chan error, 2)
			go func() {
				for n := range 30 {
					if err := i.Publish(t.Context(), "lines", nil, fmt.Append(nil, n)); err != nil {
						done <- err
						return
					}
				}
				_, err := i.Close(t.Context())
				done <- err
			}()
			for range 100 {
				synctest.Wait()
				answers := []string{
					fmt.Sprintf(`{"type":"ack","seq":%d,"msgs":%d}`, rnd.IntN(40), rnd.IntN(4)),
					`{"type":"gap","last_seq":1,"seq":2}`,
					fmt.Sprintf(`{"stream":"S","seq":1,"count":%d}`, rnd.IntN(40)),
					`{"type":"err","seq":3,"error":{"code":400,"err_code":1}}`,
					`{"error":{"code":400,"err_code":10208}}`,
				}
				switch p := rnd.IntN(20); {
				case p < 14 && len(l.asked) > 0:
					i.hear(t, l, answers[rnd.IntN(len(answers))])
				case p == 14:
					l.statusNow(session.Reconnecting)
				case p < 17:
					l.statusNow(session.Connected)
				default:
					time.Sleep(time.Duration(rnd.IntN(3000)) * time.Millisecond)
				}
			}
			// In silence its patience ends it.
			if err := <-done; err != nil && !errors.Is(err, ErrIngestOver) {
				t.Errorf("seed %d: %v", seed, err)
			}
			<-i.Over()
			if subs, watchers, _, _ := l.counts(); subs != 0 || watchers != 0 {
				t.Errorf("seed %d: left behind: %d subscriptions, %d watchers", seed, subs, watchers)
			}
		})
	}
}

// Publish takes lent messages.
func (l *fakeLink) Publish(subject, reply string, hdr, data []byte) error {
	if !l.PublishVolatile(subject, reply, hdr, data) {
		return errClosed
	}
	return nil
}

// What was offered is sent by whoever offered it. If he does not come, as his reader pauses, the timer sends it.
func TestIngestLeavesWorkToTheLender(t *testing.T) {
	for name, comes := range map[string]bool{"who comes": true, "who does not": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newFakeLink()
				told := make(chan struct{}, 10)
				i, err := NewIngest(IngestConfig{Link: l, Config: ingest.Config{Every: 2, GiveUp: time.Minute}, Told: func() { told <- struct{}{} }})
				if err != nil {
					t.Fatal(err)
				}
				for n := range 3 {
					if !i.Offer("lines", nil, fmt.Append(nil, n)) {
						t.Fatal("not taken")
					}
				}
				if _, _, asked, _ := l.counts(); asked != 1 || !i.HasRoom() {
					t.Fatalf("%d are sent before the first one is answered, room %v", asked, i.HasRoom())
				}
				i.hear(t, l, `{"type":"ack","seq":0,"msgs":2}`)
				<-told
				if _, _, asked, _ := l.counts(); asked != 1 {
					t.Fatalf("the reader sent %d", asked-1)
				}
				if comes {
					i.Work()
				} else {
					time.Sleep(5 * time.Second)
				}
				synctest.Wait()
				if _, _, asked, _ := l.counts(); asked < 3 {
					t.Errorf("%d are sent, want 3", asked)
				}
				i.Abandon()
				<-i.Over()
				if i.Offer("lines", nil, nil) || i.HasRoom() {
					t.Error("there is room behind the end")
				}
				if subs, _, _, _ := l.counts(); subs != 0 {
					t.Errorf("%d subscriptions are left", subs)
				}
			})
		})
	}
}
