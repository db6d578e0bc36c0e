//go:build !linux

package main

import "errors"

// onProcessors cannot bind a process here.
func onProcessors(cpus []int, start func() error) error {
	if len(cpus) > 0 {
		return errors.New("-pin works on Linux only")
	}
	return start()
}
