package meter

import (
	"bytes"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

// sum keeps the compiler from dropping the arithmetic of Load.
var sum atomic.Uint64

// usage is what the process has used so far.
type usage struct {
	cpu              time.Duration // of all processors, system time included
	writes, switches int64
}

func used() usage {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // it fails for bad arguments only
	}
	return usage{
		cpu:      time.Duration(u.Utime.Nano() + u.Stime.Nano()),
		writes:   procNumber("/proc/self/io", "syscw:"),
		switches: int64(u.Nvcsw) + int64(u.Nivcsw),
	}
}

const status = "/proc/self/status"

func resident() int64 { return procNumber(status, "VmRSS:") << 10 }

// peakResident is not from getrusage: what that tells survives exec, so a small child shows the size of its parent.
func peakResident() int64 { return procNumber(status, "VmHWM:") << 10 }

// procNumber reads one number of what Linux tells of this process; 0 elsewhere.
func procNumber(file, name string) int64 {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	_, rest, found := bytes.Cut(text, []byte(name))
	fields := bytes.Fields(rest)
	if !found || len(fields) == 0 {
		return 0
	}
	n, err := strconv.ParseInt(string(fields[0]), 10, 64)
	if err != nil {
		return 0
	}
	return n
}
