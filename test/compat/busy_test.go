package compat

import "time"

// A pulse that comes this late means that the machine has no time for the scenarios: what they say then is worth less.
const (
	pulse = 10 * time.Millisecond
	late  = 60 * time.Millisecond
)

// watchPulse returns a function that ends the watch and tells how late the latest pulse was.
func watchPulse() (latest func() time.Duration) {
	stop, worst := make(chan struct{}), make(chan time.Duration)
	go func() {
		ticker := time.NewTicker(pulse)
		defer ticker.Stop()
		var most time.Duration
		for last := time.Now(); ; {
			select {
			case <-ticker.C:
				now := time.Now()
				most = max(most, now.Sub(last)-pulse)
				last = now
			case <-stop:
				worst <- most
				return
			}
		}
	}()
	return func() time.Duration {
		close(stop)
		return <-worst
	}
}
