//go:build !linux || race || 386 || s390x || gannet_announce_syscalls

package transport

import "net"

// Lean is nothing here. On Linux it is a TCP connection whose system calls are not announced to Go's scheduler, unless a program is built with
// the tag gannet_announce_syscalls, or with the race detector, which learns from them who has heard of whom.
type Lean struct{ *net.TCPConn }

// Over returns nc.
func (l *Lean) Over(nc net.Conn) net.Conn { return nc }
