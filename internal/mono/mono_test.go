package mono

import (
	"math"
	"testing"
	"testing/synctest"
	"time"
)

const minTime Time = math.MinInt64

func TestAdd(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		t    Time
		d    time.Duration
		want Time
	}{
		{"plain", 5, 3, 8},
		{"back", 5, -8, -3},
		{"nothing", 5, 0, 5},
		{"negative", -5, 3, -2},
		{"up to never", Never - 1, 1, Never},
		{"past never", Never - 1, 2, Never},
		{"the longest", 1, math.MaxInt64, Never},
		{"the longest from zero", 0, math.MaxInt64, Never},
		{"the longest from a negative", -1, math.MaxInt64, Never - 1},
		{"never and more", Never, 1, Never},
		{"never and less", Never, -1, Never},
		{"never and the least", Never, math.MinInt64, Never},
		{"down to the least", minTime + 1, -1, minTime},
		{"past the least", minTime + 1, -2, minTime},
		{"the least from a negative", -1, math.MinInt64, minTime},
		{"the least from a positive", 1, math.MinInt64, minTime + 1},
	} {
		if got := tc.t.Add(tc.d); got != tc.want {
			t.Errorf("%s: %d.Add(%d) = %d, want %d", tc.name, tc.t, tc.d, got, tc.want)
		}
	}
}

func TestSub(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		t, u Time
		want time.Duration
	}{
		{"plain", 8, 5, 3},
		{"back", 5, 8, -3},
		{"across zero", 5, -3, 8},
		{"both negative", -5, -3, -2},
		{"both negative, forwards", -3, -5, 2},
		{"to never", Never, 5, math.MaxInt64},
		{"to never from a negative", Never, -5, math.MaxInt64},
		{"never from itself", Never, Never, math.MaxInt64},
		{"from never", 0, Never, -math.MaxInt64},
		{"from never to a negative", -5, Never, math.MinInt64},
		{"too long", Never - 1, -2, math.MaxInt64},
		{"just not too long", Never - 1, -1, math.MaxInt64},
		{"too long back", minTime, 1, math.MinInt64},
		{"the whole range", minTime, Never, math.MinInt64},
	} {
		if got := tc.t.Sub(tc.u); got != tc.want {
			t.Errorf("%s: %d.Sub(%d) = %d, want %d", tc.name, tc.t, tc.u, got, tc.want)
		}
	}
}

func TestNow(t *testing.T) {
	t.Parallel()
	a := Now()
	b := Now()
	if b < a {
		t.Errorf("Now went back from %d to %d", a, b)
	}
	if a >= Never {
		t.Errorf("Now() = %d, want less than Never", a)
	}
}

func TestNowFollowsFakeClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		before := Now()
		time.Sleep(90 * time.Second)
		after := Now()
		if got := after.Sub(before); got != 90*time.Second {
			t.Errorf("after a sleep of 90 s Now had moved by %v", got)
		}
		if after >= Never || before.Add(90*time.Second) != after {
			t.Errorf("from %d to %d: Add does not agree with Now", before, after)
		}
	})
}

func BenchmarkNow(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_ = Now()
	}
}
