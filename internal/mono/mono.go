package mono

import (
	"math"
	"time"
)

// Time counts nanoseconds since the process started. Zero is an ordinary instant, and so are negative values,
// which occur under a fake clock.
type Time int64

// Never is later than every instant, so that deadlines can be compared with min.
const Never Time = math.MaxInt64

const first Time = math.MinInt64

// Add returns t plus d. It stays at [Never]; a sum past the range of Time becomes Never, or the earliest instant if d is negative.
func (t Time) Add(d time.Duration) Time {
	switch {
	case t == Never, d > 0 && t > Never-Time(d):
		return Never
	case d < 0 && t < first-Time(d):
		return first
	}
	return t + Time(d)
}

// Sub returns the time from u to t, negative where u is later. From any instant to [Never] it is the longest duration,
// and a difference past the range of a duration becomes the longest or the shortest, so its sign is always right.
func (t Time) Sub(u Time) time.Duration {
	d := t - u
	switch {
	case t == Never, u < 0 && t >= 0 && d < 0:
		return math.MaxInt64
	case u >= 0 && t < 0 && d >= 0:
		return math.MinInt64
	}
	return time.Duration(d)
}

var start = time.Now()

// Now reads the clock.
func Now() Time { return Time(time.Since(start)) }
