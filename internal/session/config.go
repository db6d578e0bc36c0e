package session

import "time"

// Status is a connection's state. The numbers are part of the public API.
type Status uint8

const (
	Disconnected Status = iota
	Connected
	Closed
	Reconnecting
	Connecting
	DrainingSubs
	DrainingPubs
)

var statusNames = [...]string{"DISCONNECTED", "CONNECTED", "CLOSED", "RECONNECTING", "CONNECTING", "DRAINING_SUBS", "DRAINING_PUBS"}

// String is the name in capitals, "unknown status" for a number that has none.
func (s Status) String() string {
	if int(s) < len(statusNames) {
		return statusNames[s]
	}
	return "unknown status"
}

// Config is fixed for a connection's life. Its zero value connects once, without pings, and ends with the link.
type Config struct {
	AllowReconnect  bool
	MaxReconnect    int           // failures in a row after which a server leaves the pool; negative: never
	Wait            time.Duration // between passes; together with Jitter at least 1 ms
	Jitter          time.Duration // uniform addition to Wait: the one that applies (plain or TLS)
	QuickFirst      bool          // five early passes before the waits begin; false when the user set a wait, jitter or delay
	FullJitter      bool          // pauses are random up to a bound that doubles with each pass, from 100 ms to Wait; none comes before the other servers of the pool were tried once
	CustomDelay     bool          // the pause is the engine's to ask for: AskDelay, Delay
	ChooseServer    bool          // the server of each attempt to reconnect is the engine's to ask for: AskServer, Chosen
	RetryFailed     bool          // a failed first pass becomes a reconnect
	IgnoreAuthAbort bool          // a second refusal of credentials is a failure like any other

	Stagger   time.Duration // a dial that is silent so long is joined by another; 0 or less: never
	DialLimit time.Duration // a dial that has not ended by then is aborted and has failed (natserr.Timeout); 0 or less: the engine bounds it

	PingInterval time.Duration // 0 or less: no pings
	MaxPingsOut  int           // more unanswered ones than this: stale
	DoubtAfter   time.Duration // something owed an answer, and nothing heard for so long, or for a PingInterval that is shorter: one PING; 0 or less: never
	DoubtFor     time.Duration // no byte for so long after that PING: stale; 0 or less: no doubts at all

	LeaveWithin time.Duration // a lame duck is left for another server within so long, at random; 0 or less: it is not left

	DrainTimeout time.Duration // draining for so long: natserr.DrainTimeout is told, and the connection closes; 0 or less: the engine bounds it

	Rand func(n int64) int64 // uniform in [0, n), n > 0; nil: always 0
}

// Bounds and pauses that nobody sets.
const (
	maxDials    = 3
	quickJitter = 50 * time.Millisecond      // the first early pause is a random part of it, so that not all clients of a server come back at once
	minPause    = time.Millisecond           // where the user's figures say less: a pool that refuses at once must not keep a core busy
	firstBound  = 100 * time.Millisecond     // of a pause under FullJitter
	steady      = 500 * time.Millisecond     // a link that lived so long gets early passes again, one that is cut at once does not
	maxPause    = 100 * 365 * 24 * time.Hour // so that every pause has an end
	askLimit    = time.Minute                // for the user to answer a question; then as if there were no pause and no choice
	minProbe    = 250 * time.Millisecond
	minDoubt    = 500 * time.Millisecond // of silence, however short PingInterval is
	recent      = 100 * time.Millisecond // a link that was heard so shortly ago is not doubted
)

// quickPauses are the early pauses; the first one is random.
var quickPauses = [...]time.Duration{0, 100 * time.Millisecond, 200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond}

func (c *Config) random(n time.Duration) time.Duration {
	if n <= 0 || c.Rand == nil {
		return 0
	}
	return time.Duration(c.Rand(int64(n)))
}

// probeLimit is how long after an explicit doubt the link has for its next byte: shorter where short ping intervals say that the user
// is in a hurry, but no shorter than the link took to come about, which is more than a round trip.
func (c *Config) probeLimit(dialled time.Duration) time.Duration {
	if c.PingInterval <= 0 {
		return c.DoubtFor
	}
	return min(c.DoubtFor, max(minProbe, c.PingInterval/5*2, dialled))
}
