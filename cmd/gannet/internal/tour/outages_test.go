package tour

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestOutages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOutages()
		go func() {
			time.Sleep(time.Second)
			o.lose()
			time.Sleep(2 * time.Second)
			o.regain()
			o.lose() // again, at once
			time.Sleep(time.Second)
			o.regain()
		}()
		began := time.Now()
		took, err := o.over(t.Context(), o.count())
		if err != nil || took != 2*time.Second {
			t.Errorf("the first outage: got %v, %v, want 2s", took, err)
		}
		if waited := time.Since(began); waited != 4*time.Second {
			t.Errorf("waited %v, want 4s, until the link is there to stay", waited)
		}
		if o.count() != 2 {
			t.Errorf("count: got %d, want 2", o.count())
		}
		began = time.Now()
		if _, err := o.over(t.Context(), 2); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != linkLimit {
			t.Errorf("no third outage: got %v after %v, want a deadline after %v", err, time.Since(began), linkLimit)
		}
	})
}
