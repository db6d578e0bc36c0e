package run

import (
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/js/api"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/natserr"
	"github.com/gannet-io/nats/internal/proto"
	"github.com/gannet-io/nats/internal/session"
)

// Leftover is a consumer that nobody reads any more, made by [LeftBehind].
type Leftover struct {
	Request string // the subject of the request to delete it, with its prefix
	Header  []byte // of the request
	// Inactive is the time after which the server deletes it by itself; 0: the server's default for ephemeral consumers.
	Inactive time.Duration
	// Unsure says that nobody has confirmed that it exists: the request for it may still be on its way.
	Unsure bool
	// Once asks once: the caller has left so many that it would be too much to insist.
	Once bool
	// Sent traces requests; nil: nothing. It is called by Remove, and later on goroutines of timers.
	Sent func(subject string, payload []byte)
}

// LeftBehind is a consumer of a stream, to be deleted through a.
func LeftBehind(a *api.Client, stream, consumer string) Leftover {
	return Leftover{Request: a.Prefix + wire.ConsumerDelete(stream, consumer), Header: a.Header}
}

// removalLink is what having a consumer deleted needs of the connection.
type removalLink interface {
	Ask(subject string, hdr, data []byte, w engine.Waiter, deadline mono.Time, o engine.AskOpts) (engine.Token, error)
	Watch(fn func(s session.Status, err error)) (stop func())
	Status() session.Status
	ConsumerLeft(request string, err error)
}

// Times of a removal.
const (
	ephemeralInactive = 5 * time.Second        // nats-server 2.15, of a consumer that sets no threshold
	removalGrace      = 5 * time.Second        // beyond the threshold: a server that is back, and a new leader, begin to count anew
	removalAnswer     = 2 * time.Second        // for the answer to one request
	removalPause      = 250 * time.Millisecond // before the second request, then twice as long each time
	removalMaxPause   = 10 * time.Second
	unsureFor         = 2 * time.Second // while it is not believed that there is no consumer
)

// removal is the deletion of one consumer, which is asked for until a server says that it is gone, or must have done it by itself. Consumers are left
// when servers go and leaders change, which is when requests get lost. It has no goroutine, and ends with the connection.
//
//	asking ──── no answer, no leader, link lost ────▶ resting
//	   │ ◀─────── pause over, link back ─────────────    │ connection closed, out of time
//	   ▼                                                 ▼
//	  over                                              over
type removal struct {
	link  removalLink
	what  Leftover
	began mono.Time
	track engine.Tracked // of the request that is out

	mu      sync.Mutex
	asking  bool // a request is out
	over    bool
	tries   int
	timer   *time.Timer // set while it rests
	unwatch func()      // nil until it rests for the first time
}

var _ engine.Waiter = (*removal)(nil)

// Remove has the server delete a consumer. It does not wait, and may be called on the reader. What has not succeeded when the server must have done it by itself,
// and what it does not permit, is told to the connection: engine.Conn.ConsumerLeft.
func Remove(link removalLink, what Leftover) {
	if what.Inactive <= 0 {
		what.Inactive = ephemeralInactive
	}
	r := &removal{link: link, what: what, began: mono.Now(), asking: true}
	r.ask()
}

// ask sends one request. The caller has set asking.
func (r *removal) ask() {
	if !up(r.link.Status()) {
		r.again(natserr.Disconnected, 0)
		return
	}
	if r.what.Sent != nil {
		r.what.Sent(r.what.Request, nil)
	}
	_, err := r.link.Ask(r.what.Request, r.what.Header, nil, r, mono.Now().Add(removalAnswer), engine.AskOpts{Track: &r.track})
	if err != nil {
		r.Fail(err)
	}
}

// Reply is part of [engine.Waiter].
func (r *removal) Reply(f *proto.Frame) {
	if status, ok := wire.StatusOf(f.Header, f.Data); ok && status.Code == wire.NoResponders {
		r.again(natserr.NoResponders, 0)
		return
	}
	var e wire.Envelope
	switch err := json.Unmarshal(f.Data, &e); {
	case err != nil:
		r.again(err, 0)
	case e.Error == nil:
		r.end()
	case e.Error.Code >= 500: // no leader
		r.again(e.Error, 0)
	case e.Error.Code != 404:
		r.leave(e.Error)
	case r.what.Unsure && !r.what.Once && mono.Now().Sub(r.began) < unsureFor:
		r.again(e.Error, unsureFor)
	default:
		r.end()
	}
}

// Fail is part of [engine.Waiter].
func (r *removal) Fail(err error) {
	switch {
	case errors.Is(err, natserr.ConnectionClosed), errors.Is(err, natserr.ConnectionDraining):
		r.end()
	case errors.Is(err, natserr.PermissionViolation):
		r.leave(err)
	default:
		r.again(err, 0)
	}
}

// again rests until the next request, for so long at least, unless it is too late for one: err is why there has to be one.
func (r *removal) again(err error, pause time.Duration) {
	if !r.rest(pause) {
		r.leave(err)
	}
}

func (r *removal) rest(pause time.Duration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return true
	}
	left := r.began.Add(r.what.Inactive + removalGrace).Sub(mono.Now())
	if left <= 0 || r.what.Once {
		return false
	}
	r.asking = false
	if r.unwatch == nil {
		r.unwatch = r.link.Watch(r.statusChanged)
	}
	switch status := r.link.Status(); { // a change from here on waits for mu
	case status == session.Closed:
		r.endLocked()
	case up(status):
		r.wakeAfterLocked(min(max(pause, removalPause<<min(r.tries, 10)), removalMaxPause, left))
		r.tries++
	default: // the link may come at any time
		r.wakeAfterLocked(left)
	}
	return true
}

func (r *removal) wakeAfterLocked(d time.Duration) {
	if r.timer == nil {
		r.timer = time.AfterFunc(d, r.wake)
		return
	}
	r.timer.Reset(d)
}

// statusChanged runs on the supervisor of the connection, so it leaves the rest to the timer.
func (r *removal) statusChanged(s session.Status, _ error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.over:
	case s == session.Closed:
		r.endLocked()
	case up(s) && !r.asking:
		r.wakeAfterLocked(0)
	}
}

// wake is the timer.
func (r *removal) wake() {
	if r.begin() {
		r.ask()
	}
}

func (r *removal) begin() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over || r.asking {
		return false
	}
	r.asking = true
	return true
}

// leave gives the consumer up.
func (r *removal) leave(err error) {
	if r.end() {
		r.link.ConsumerLeft(r.what.Request, err)
	}
}

func (r *removal) end() (first bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.endLocked()
}

func (r *removal) endLocked() (first bool) {
	if r.over {
		return false
	}
	r.over = true
	if r.timer != nil {
		r.timer.Stop()
	}
	if r.unwatch != nil {
		r.unwatch()
	}
	return true
}
