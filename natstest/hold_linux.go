package natstest

import (
	"sync"
	"syscall"
)

// holdPort keeps other processes from listening on a loopback port while its owner is down: a socket is bound to it that
// never listens, so clients are refused as they should be. Failing to do so only makes a restart less certain, hence no error.
// The returned function lets the port go; it may be called more than once.
func holdPort(port int) (release func()) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return func() {}
	}
	// Connections of the old server may linger in TIME_WAIT, which only a socket with SO_REUSEADDR may ignore. Kept on, it
	// would let others in as well.
	_ = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		_ = syscall.Close(fd)
		return func() {}
	}
	_ = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 0)
	return sync.OnceFunc(func() {
		_ = syscall.Close(fd)
		settle()
	})
}
