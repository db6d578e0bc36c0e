package test

import (
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"
)

// silence is the longest time for which a reader got and told nothing, although it had a link and a probe found that the servers could
// serve it, and had something for it.
type silence struct {
	from    time.Time // since when the servers are able, and the reader had no sign
	longest time.Duration
	looks   int
	able    int // looks at which the servers were able, and had something
}

func (s *silence) sign(now time.Time) { s.from = now }

// look notes what a probe found.
func (s *silence) look(now time.Time, able bool) {
	s.looks++
	if !able {
		s.from = now
		return
	}
	s.able++
	s.longest = max(s.longest, now.Sub(s.from))
}

const (
	lookEvery = 100 * time.Millisecond
	lookFor   = 500 * time.Millisecond // bound of a probe's question
)

// watchSilence starts a probe for each consumer, and for each stream one that makes consumers as the library would.
func (c *convoy) watchSilence() {
	makes := map[string]*atomic.Bool{convoyStream: {}, convoyKV: {}}
	for stream, able := range makes {
		c.crews.Go(func() { c.every(2*lookEvery, func(i int) { able.Store(c.canMake(stream, i)) }) })
	}
	for _, r := range c.readers {
		c.crews.Go(func() {
			c.every(lookEvery, func(int) {
				able := makes[r.stream].Load() && c.acked[r.stream].Load() > r.highest()
				if r.durable != "" {
					able = c.canServe(r)
				}
				able = able && r.nc.IsConnected()
				r.mu.Lock()
				defer r.mu.Unlock()
				r.silence.look(time.Now(), able && !r.busy)
			})
		})
	}
}

// every calls f again and again until the publishers stop.
func (c *convoy) every(d time.Duration, f func(i int)) {
	tick := time.NewTicker(d)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-c.stop:
			return
		case <-tick.C:
			f(i)
		}
	}
}

// canServe reports whether the leader of a reader's consumer answers and has something to deliver.
func (c *convoy) canServe(r *reader) bool {
	var info struct {
		Error   any    `json:"error"`
		Pending uint64 `json:"num_pending"`
	}
	if !c.ask("CONSUMER.INFO."+convoyStream+"."+r.durable, nil, &info) || info.Error != nil {
		return false
	}
	// A link that swallows messages is not what the server knows of.
	return info.Pending > 0 || c.lossy.Load() && c.acked[convoyStream].Load() > r.highest()
}

// canMake reports whether a consumer can be made, with one replica, as for ordered readers.
func (c *convoy) canMake(stream string, i int) bool {
	name := fmt.Sprintf("probe%d", i)
	cfg := fmt.Sprintf(`{"stream_name":%q,"config":{"name":%q,"ack_policy":"none","num_replicas":1,"mem_storage":true,"inactive_threshold":1000000000}}`, stream, name)
	var made struct {
		Error any `json:"error"`
	}
	if !c.ask("CONSUMER.CREATE."+stream+"."+name, []byte(cfg), &made) || made.Error != nil {
		return false
	}
	_ = c.nc.Publish("$JS.API.CONSUMER.DELETE."+stream+"."+name, nil)
	return true
}

func (c *convoy) ask(subject string, request []byte, answer any) bool {
	m, err := c.nc.Request("$JS.API."+subject, request, lookFor)
	return err == nil && json.Unmarshal(m.Data, answer) == nil
}

func (r *reader) highest() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.top
}
