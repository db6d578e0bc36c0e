// Package mono is an instant on the monotonic clock in 8 bytes.
//
// Machines take a Time as an argument and never read the clock; shells read it with [Now]:
//
//	shell:    now := mono.Now()  ->  machine.Event(now, ...)  ->  machine.Deadline()  ->  timer
//
// [Never] is the deadline of a machine that waits for nothing. All functions may be called from everywhere.
package mono
