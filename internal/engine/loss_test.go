package engine

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"
)

// A loss names what the link was lost by.
func TestLossHasItsCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t)
		told := make(chan error, 1)
		c, far := s.connect(Events{Error: func(_ Sink, err error) { told <- err }})
		defer c.Close()
		_ = c.Publish("a", "", nil, []byte("x"))
		far.expect("PUB a 1 x")
		_ = far.Close()
		var loss *LossError
		if err := <-told; !errors.As(err, &loss) || !errors.Is(err, io.EOF) || loss.Unconfirmed != 1 {
			t.Errorf("got %v (%+v), want one unconfirmed because of %v", err, loss, io.EOF)
		}
	})
}
