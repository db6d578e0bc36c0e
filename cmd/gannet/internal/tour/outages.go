package tour

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// outages are what the link's callbacks have told.
type outages struct {
	mu         sync.Mutex
	lost, back []time.Time
	news       chan struct{} // closed at the next change
}

func newOutages() *outages { return &outages{news: make(chan struct{})} }

func (o *outages) lose() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lost = append(o.lost, time.Now())
	o.announceLocked()
}

func (o *outages) regain() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.back = append(o.back, time.Now())
	o.announceLocked()
}

func (o *outages) announceLocked() {
	close(o.news)
	o.news = make(chan struct{})
}

// count is how often the link was lost so far, for [outages.over].
func (o *outages) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.lost)
}

// over waits until the link has been lost more than before times, and is back, and returns how long the first of these outages took.
func (o *outages) over(ctx context.Context, before int) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, linkLimit)
	defer cancel()
	for {
		took, ok, news := o.look(before)
		if ok {
			return took, nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return 0, fmt.Errorf("waiting for the link: %w", context.Cause(ctx))
		}
	}
}

func (o *outages) look(before int) (took time.Duration, ok bool, news <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.lost) <= before || len(o.back) < len(o.lost) {
		return 0, false, o.news
	}
	return o.back[before].Sub(o.lost[before]), true, o.news
}
