package run

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/natserr"
	"github.com/gannet-io/nats/internal/proto"
	"github.com/gannet-io/nats/internal/session"
)

// stored is a message as a direct get brings it.
func stored(seq int, data string) *proto.Frame {
	h := fmt.Sprintf("NATS/1.0\r\nNats-Stream: S\r\nNats-Subject: a\r\nNats-Sequence: %d\r\nNats-Time-Stamp: 2026-01-02T03:04:05Z\r\n\r\n", seq)
	return &proto.Frame{Header: []byte(h), Data: []byte(data)}
}

func statusFrame(line string) *proto.Frame {
	return &proto.Frame{Header: []byte("NATS/1.0 " + line + "\r\n\r\n")}
}

// answering makes the link answer every request with these frames.
func answering(l *fakeLink, frames ...*proto.Frame) {
	l.answer = func(a *fakeAsk) {
		l.mu.Lock()
		sub := l.bySubj[a.Inbox]
		l.mu.Unlock()
		for _, f := range frames {
			f.Subject = []byte(a.Inbox)
			sub.sink.Deliver(f)
		}
		sub.sink.Settle()
	}
}

func TestGetPageAnswers(t *testing.T) {
	eob := statusFrame("204 EOB\r\nNats-Num-Pending: 7\r\nNats-Last-Sequence: 3\r\nNats-UpTo-Sequence: 9")
	for name, c := range map[string]struct {
		frames  []*proto.Frame
		msgs    int
		end     wire.PageEnd
		refused int
		err     error
	}{
		"a page":               {frames: []*proto.Frame{stored(1, "x"), stored(3, ""), eob}, msgs: 2, end: wire.PageEnd{Pending: 7, Last: 3, UpTo: 9}},
		"an empty page":        {frames: []*proto.Frame{eob}, end: wire.PageEnd{Pending: 7, Last: 3, UpTo: 9}},
		"nothing":              {frames: []*proto.Frame{statusFrame("404 No Results")}, refused: 404},
		"nothing more":         {frames: []*proto.Frame{stored(1, "x"), statusFrame("404 Message Not Found")}, msgs: 1, refused: 404},
		"too many":             {frames: []*proto.Frame{statusFrame("413 Too Many Results")}, refused: 413},
		"nobody":               {frames: []*proto.Frame{statusFrame("503")}, err: natserr.NoResponders},
		"more than asked for":  {frames: []*proto.Frame{stored(1, ""), stored(2, ""), stored(3, ""), stored(4, ""), eob}, err: errLongPage},
		"behind the end":       {frames: []*proto.Frame{eob, stored(1, ""), statusFrame("503")}, end: wire.PageEnd{Pending: 7, Last: 3, UpTo: 9}},
		"words that are none":  {frames: []*proto.Frame{{Data: []byte("hello")}, {Header: []byte("NATS/1.0\r\nNats-Sequence: x\r\n\r\n"), Data: []byte("y")}, eob}, end: wire.PageEnd{Pending: 7, Last: 3, UpTo: 9}},
		"numbers that are not": {frames: []*proto.Frame{statusFrame("204 EOB\r\nNats-Num-Pending: -1\r\nNats-Last-Sequence: 99999999999999999999999")}},
	} {
		t.Run(name, func(t *testing.T) {
			l := newFakeLink()
			answering(l, c.frames...)
			p, err := GetPage(t.Context(), l, "get", wire.PageRequest{Seq: 1, Batch: 3})
			if err != c.err || len(p.Msgs) != c.msgs || err == nil && p.End != c.end {
				t.Errorf("got %+v, %v", p, err)
			}
			if c.refused != 0 && (p.Refused == nil || p.Refused.Code != c.refused) {
				t.Errorf("refused: %+v, want %d", p.Refused, c.refused)
			}
			if len(l.subs) != 0 || len(l.watchers) != 0 || l.owed.Load() != 0 {
				t.Errorf("left behind: %d subscriptions, %d watchers, %d owed", len(l.subs), len(l.watchers), l.owed.Load())
			}
		})
	}
}

func TestGetPageOwnsItsBytes(t *testing.T) {
	l := newFakeLink()
	m := stored(1, "mine")
	answering(l, m, statusFrame("204 EOB"))
	p, err := GetPage(t.Context(), l, "get", wire.PageRequest{Batch: 1})
	if err != nil {
		t.Fatal(err)
	}
	clear(m.Data)
	clear(m.Header)
	if got := string(p.Msgs[0].Data); got != "mine" || p.Msgs[0].Subject != "a" || len(p.Msgs[0].Header) == 0 || p.Msgs[0].Header[0] != 'N' {
		t.Errorf("got %q, header %q", got, p.Msgs[0].Header)
	}
}

func TestGetPageEnds(t *testing.T) {
	for name, c := range map[string]struct {
		link func(l *fakeLink)
		then func(l *fakeLink, cancel func())
		want error
	}{
		"refused":            {link: func(l *fakeLink) { l.refuse = errClosed }, want: errClosed},
		"canceled":           {then: func(_ *fakeLink, cancel func()) { cancel() }, want: context.Canceled},
		"closed before":      {link: func(l *fakeLink) { l.state = session.Closed }, want: natserr.ConnectionClosed},
		"no link, canceled":  {link: func(l *fakeLink) { l.state = session.Reconnecting }, then: func(_ *fakeLink, cancel func()) { cancel() }, want: context.Canceled},
		"closed while asked": {then: func(l *fakeLink, _ func()) { l.closeNow() }, want: natserr.ConnectionClosed},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newFakeLink()
				if c.link != nil {
					c.link(l)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				told := make(chan error, 1)
				go func() {
					_, err := GetPage(ctx, l, "get", wire.PageRequest{Batch: 1})
					told <- err
				}()
				synctest.Wait()
				if c.then != nil {
					c.then(l, cancel)
				}
				if err := <-told; !errors.Is(err, c.want) {
					t.Errorf("got %v, want %v", err, c.want)
				}
			})
		})
	}
}

// A page whose link is lost is asked for again on the next one, once.
func TestGetPageAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newFakeLink()
		told := make(chan error, 1)
		go func() {
			_, err := GetPage(t.Context(), l, "get", wire.PageRequest{Batch: 1})
			told <- err
		}()
		synctest.Wait()
		l.statusNow(session.Reconnecting)
		time.Sleep(time.Second)
		if n := len(l.asked); n != 1 {
			t.Errorf("asked %d times without a link", n)
		}
		answering(l, statusFrame("204 EOB"))
		l.statusNow(session.Connected)
		if err := <-told; err != nil || len(l.asked) != 2 {
			t.Errorf("%v, asked %d times", err, len(l.asked))
		}
	})
}
