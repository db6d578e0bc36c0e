package main

import (
	"runtime"
	"syscall"
	"unsafe"
)

// cpuMask is the kernel's set of processors, for up to 1,024 of them.
type cpuMask [16]uint64

// onProcessors calls start on a thread that is bound to these processors; a process that start begins inherits that. Without
// processors it just calls start.
func onProcessors(cpus []int, start func() error) error {
	if len(cpus) == 0 {
		return start()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, now cpuMask
	if err := affinity(syscall.SYS_SCHED_GETAFFINITY, &before); err != nil {
		return err
	}
	for _, c := range cpus {
		now[c/64%len(now)] |= 1 << (c % 64)
	}
	if err := affinity(syscall.SYS_SCHED_SETAFFINITY, &now); err != nil {
		return err
	}
	defer func() { _ = affinity(syscall.SYS_SCHED_SETAFFINITY, &before) }() // what was allowed before cannot be refused now
	return start()
}

// affinity calls for the calling thread.
func affinity(call uintptr, m *cpuMask) error {
	if _, _, errno := syscall.RawSyscall(call, 0, unsafe.Sizeof(*m), uintptr(unsafe.Pointer(m))); errno != 0 {
		return errno
	}
	return nil
}
