package engine

import (
	"testing"
	"testing/synctest"
	"time"
)

// A flush that waits for the link must not end before what was published in front of it has been processed: its PING goes behind.
func TestFlushWithoutALinkCoversWhatWasKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t)
		lost := make(chan struct{}, 2) // Close tells it once more
		c, far := s.connect(Events{Disconnected: func(error) { lost <- struct{}{} }})
		defer c.Close()
		s.stop()
		<-far.lines
		<-lost
		_ = c.Publish("a", "", nil, []byte("1"))
		flushed := make(chan error, 1)
		if err := c.OnPong(func(err error) { flushed <- err }); err != nil {
			t.Fatal(err)
		}
		_ = c.Publish("a", "", nil, []byte("2"))
		time.Sleep(time.Second) // of the fake clock: some attempts fail
		s.start()
		far = s.next()
		far.expect("PUB a 1 1")
		select {
		case err := <-flushed:
			t.Fatalf("flushed (%v) before what was published arrived", err)
		default:
		}
		far.expect("PUB a 1 2")
		far.expect("PING")
		far.send("PONG\r\n")
		if err := <-flushed; err != nil {
			t.Errorf("got %v", err)
		}
		// The PONG confirms both.
		if loss := c.out.Hold()(); loss.Unconfirmed != 0 || loss.Dropped != 0 {
			t.Errorf("loss %+v", loss)
		}
	})
}
