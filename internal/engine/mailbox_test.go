package engine

import (
	"testing"
	"testing/synctest"
	"time"
)

// What is posted while the supervisor waits for the end of a link is handled behind that, however the signs of both coincide.
func TestPostWhileALinkEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &Conn{}
		c.mail.wake = make(chan struct{}, 1)
		s := &supervisor{c: c}
		s.timer = time.AfterFunc(time.Hour, c.mail.nudge)
		defer s.timer.Stop()
		l := &link{}
		l.in.c = c
		l.running.Store(1)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			s.awaitEnd(l, shutLimit)
		}()
		synctest.Wait()
		if !c.mail.post(func() {}) {
			t.Fatal("the post was refused")
		}
		synctest.Wait() // its sign has been seen, but the link has not ended
		l.oneEnded()
		<-ended
		select {
		case <-c.mail.wake:
		default:
			t.Error("the supervisor would sleep on what was posted")
		}
	})
}
