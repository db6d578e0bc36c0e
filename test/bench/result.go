package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/gannet-io/nats/test/bench/meter"
)

// Result is a finished row.
type Result struct {
	Scenario string          `json:"scenario"`
	Sides    map[string]Side `json:"sides"`
	CPURatio float64         `json:"cpu_ratio"` // of the medians, gannet / nats.go; 0: there is none
	Must     float64         `json:"must,omitempty"`
	Aim      float64         `json:"aim,omitempty"`
	Checks   []Check         `json:"checks"` // what must hold, CPU included
	OK       bool            `json:"ok"`
}

// Side is what one library reached: medians of its runs, for each operation where not said otherwise.
type Side struct {
	CPU        float64   `json:"cpu_ns"`
	CPURuns    []float64 `json:"cpu_ns_runs"`
	Wall       float64   `json:"wall_ns"`
	Allocs     float64   `json:"allocs"`
	AllocBytes float64   `json:"alloc_bytes"`
	Writes     float64   `json:"writes"` // write calls
	Switches   float64   `json:"context_switches"`
	Peak       float64   `json:"peak_bytes"` // of the process, beyond what it had before it used the library
	P50        float64   `json:"p50_ns,omitempty"`
	P99        float64   `json:"p99_ns,omitempty"`
	Held       float64   `json:"held_bytes,omitempty"`
	Goroutines float64   `json:"goroutines,omitempty"` // left by all operations
	Err        string    `json:"error,omitempty"`
}

// Check is one limit.
type Check struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Limit float64 `json:"limit"`
	OK    bool    `json:"ok"`
	text  string
}

func summarize(runs []meter.Figures, err error) Side {
	if err != nil {
		return Side{Err: err.Error()}
	}
	per := func(f func(meter.Figures) float64) float64 {
		return median(collect(runs, func(x meter.Figures) float64 { return f(x) / float64(x.Ops) }))
	}
	all := func(f func(meter.Figures) float64) float64 { return median(collect(runs, f)) }
	return Side{
		CPU:        per(func(f meter.Figures) float64 { return float64(f.CPU) }),
		CPURuns:    collect(runs, func(f meter.Figures) float64 { return float64(f.CPU) / float64(f.Ops) }),
		Wall:       per(func(f meter.Figures) float64 { return float64(f.Wall) }),
		Allocs:     per(func(f meter.Figures) float64 { return float64(f.Mallocs) }),
		AllocBytes: per(func(f meter.Figures) float64 { return float64(f.Allocated) }),
		Writes:     per(func(f meter.Figures) float64 { return float64(f.Writes) }),
		Switches:   per(func(f meter.Figures) float64 { return float64(f.Switches) }),
		Held:       per(func(f meter.Figures) float64 { return float64(f.Held) }),
		Peak:       all(func(f meter.Figures) float64 { return float64(f.Peak - f.Base) }),
		P50:        all(func(f meter.Figures) float64 { return float64(f.P50) }),
		P99:        all(func(f meter.Figures) float64 { return float64(f.P99) }),
		Goroutines: all(func(f meter.Figures) float64 { return float64(f.Goroutines) }),
	}
}

func collect(runs []meter.Figures, f func(meter.Figures) float64) []float64 {
	v := make([]float64, len(runs))
	for i, r := range runs {
		v[i] = f(r)
	}
	return v
}

// median of no values is 0; of an even number, the mean of the middle two.
func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	v = slices.Sorted(slices.Values(v))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// peakNoise is how much the peak of a process differs between two runs of the same: a ratio of small peaks says nothing.
const peakNoise = 3 << 20

// judge compares. If one side is missing, only what is absolute is checked.
func judge(s Scenario, bySide map[string]Side) Result {
	res := Result{Scenario: s.Name, Sides: bySide, Must: s.Limits.Must, Aim: s.Limits.Aim, OK: true}
	us, haveUs := bySide[ours]
	them, haveThem := bySide[theirs]
	both := haveUs && haveThem && us.Err == "" && them.Err == ""
	add := func(name string, value, limit float64, ok bool, text string) {
		res.Checks = append(res.Checks, Check{Name: name, Value: value, Limit: limit, OK: ok, text: text})
	}
	l := s.Limits
	if both {
		res.CPURatio = us.CPU / them.CPU
		judgeRatios(l, us, them, res.CPURatio, add)
	}
	if haveUs && us.Err == "" {
		if l.Allocs > 0 {
			add("allocs", us.Allocs, l.Allocs, us.Allocs <= l.Allocs, "")
		}
		if l.Held > 0 {
			add("held", us.Held, l.Held, us.Held <= l.Held, fmt.Sprintf("%.0f B each (%.0f B), must be ≤ %.0f", us.Held, them.Held, l.Held))
		}
		if l.Goroutines > 0 {
			add("goroutines", us.Goroutines, float64(l.Goroutines), us.Goroutines <= float64(l.Goroutines),
				fmt.Sprintf("%.0f goroutines (%.0f)", us.Goroutines, them.Goroutines))
		}
	}
	for _, side := range bySide {
		res.OK = res.OK && side.Err == ""
	}
	for _, c := range res.Checks {
		res.OK = res.OK && c.OK
	}
	return res
}

func judgeRatios(l Limits, us, them Side, cpu float64, add func(string, float64, float64, bool, string)) {
	if l.Must > 0 {
		add("CPU", cpu, l.Must, cpu <= l.Must, "")
	}
	if l.P99 > 0 && them.P99 > 0 {
		v := us.P99 / them.P99
		add("p99", v, l.P99, v <= l.P99, fmt.Sprintf("p99 %s (%s) = %.2f, must be ≤ %.2f", duration(us.P99), duration(them.P99), v, l.P99))
	}
	if l.Throughput > 0 {
		v := them.Wall / us.Wall
		add("throughput", v, l.Throughput, v >= l.Throughput, fmt.Sprintf("throughput x %.2f, must be ≥ %.1f", v, l.Throughput))
	}
	if them.Peak > 0 {
		limit := cmp.Or(l.Peak, 1)
		v := us.Peak / them.Peak
		add("peak", v, limit, us.Peak <= limit*them.Peak+peakNoise,
			fmt.Sprintf("peak %.0f MB (%.0f)", us.Peak/1e6, them.Peak/1e6)+bound(l.Peak))
	}
}

func bound(limit float64) string {
	if limit == 0 {
		return ""
	}
	return fmt.Sprintf(", must be ≤ %.1fx", limit)
}

// duration prints nanoseconds with three digits.
func duration(ns float64) string {
	switch d := time.Duration(ns); {
	case d < 10*time.Nanosecond:
		return fmt.Sprintf("%.1f ns", ns)
	case d < time.Microsecond:
		return fmt.Sprintf("%.0f ns", ns)
	case d < 10*time.Microsecond:
		return fmt.Sprintf("%.2f us", ns/1e3)
	case d < time.Millisecond:
		return fmt.Sprintf("%.1f us", ns/1e3)
	}
	return fmt.Sprintf("%.2f ms", ns/1e6)
}
