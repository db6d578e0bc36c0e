package run

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestHandlers(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		var p *Publisher
		var got []string
		inside := make(chan struct{})
		note := func(kind string) func(Result) {
			return func(r Result) {
				f := r.(*testFuture)
				if _, _, done := f.Outcome(same); !done {
					t.Errorf("%s is handled but not resolved", f.name)
				}
				got = append(got, fmt.Sprintf("%s:%s:%d", kind, f.name, p.Pending())) // Pending must not deadlock
				if f.name == "c" {
					<-inside
				}
			}
		}
		p, l := newScripted(PublisherConfig{AckTimeout: time.Second, OnAck: note("ack"), OnError: note("error")})
		for _, name := range []string{"a", "b", "c", "d"} {
			publishAsync(t, p, AsyncSpec{Data: []byte(name)})
		}
		l.ack(l.ask(1), 1)
		synctest.Wait()
		l.noStream(l.ask(0))
		synctest.Wait()
		l.ack(l.ask(2), 2) // its handler blocks, and nothing else does
		synctest.Wait()
		complete := p.Complete()
		time.Sleep(2 * time.Second) // d times out
		wantPending(t, p, 0)
		if isClosed(complete) || isClosed(p.Complete()) {
			t.Error("Complete is closed before the handlers were called")
		}
		close(inside)
		<-complete
		synctest.Wait()
		if want := []string{"ack:b:3", "error:a:2", "ack:c:1", "error:d:0"}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

func TestHandlerMayDoAnything(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		var p *Publisher
		var l *scriptedLink
		left := 3
		over := make(chan struct{})
		p, l = newScripted(PublisherConfig{MaxPending: 1, OnError: func(r Result) {
			if left--; left == 0 {
				p.Close()
				<-p.Complete() // it is the last one
				close(over)
				return
			}
			if err := p.PublishAsync(&AsyncSpec{Subject: "s"}, &testFuture{}); err != nil {
				t.Errorf("PublishAsync: %v", err)
			}
			l.noStream(l.ask(len(l.all()) - 1))
			runtime.Goexit() // as t.FailNow does: the next call must come all the same
		}})
		publishAsync(t, p, AsyncSpec{})
		l.noStream(l.ask(0))
		<-over
		wantPending(t, p, 0)
	})
}

// Complete waits for the handlers, also for one that has not begun and for one that ends its goroutine.
func TestCompleteWaitsForHandlers(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		var complete <-chan struct{}
		early := false
		p, l := newScripted(PublisherConfig{OnAck: func(Result) {
			early = isClosed(complete)
			runtime.Goexit()
		}})
		publishAsync(t, p, AsyncSpec{})
		complete = p.Complete()
		l.ack(l.ask(0), 1)
		<-complete
		synctest.Wait()
		if early {
			t.Error("Complete was closed before the handler was called")
		}
	})
}
