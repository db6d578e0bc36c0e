package natstest

import (
	"errors"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"syscall"
)

// Ports below the ranges that Linux (32768 on), macOS and Windows (49152 on) use for outgoing connections: a port from those
// could be taken by anybody's connection while a server is down.
const (
	lowestPort  = 10000
	highestPort = 32000
)

// taken holds the ports that this process uses or keeps for a restart.
var taken = struct {
	sync.Mutex
	ports map[int]bool
}{ports: map[int]bool{}}

// takePort reserves a free port in this process. The other processes of the machine are asked by trying to listen.
func takePort() (int, error) {
	for range 1000 {
		port := lowestPort + rand.IntN(highestPort-lowestPort)
		if reserve(port) {
			if l, err := net.Listen("tcp", hostPort(port)); err == nil {
				err = l.Close()
				settle()
				return port, err
			}
			freePort(port)
		}
	}
	return 0, errors.New("no free port")
}

// takePorts fills every listed place with a port, or none.
func takePorts(places ...*int) error {
	for i, p := range places {
		port, err := takePort()
		if err != nil {
			for _, q := range places[:i] {
				freePort(*q)
			}
			return err
		}
		*p = port
	}
	return nil
}

func reserve(port int) bool {
	taken.Lock()
	defer taken.Unlock()
	if taken.ports[port] {
		return false
	}
	taken.ports[port] = true
	return true
}

func freePort(port int) {
	taken.Lock()
	defer taken.Unlock()
	delete(taken.ports, port)
}

// portInUse recognises the failure to listen in an error that nats-server may have turned into text.
func portInUse(err error) bool {
	if err == nil {
		return false
	}
	text := err.Error()
	return strings.Contains(text, "address already in use") || strings.Contains(text, "Only one usage of each socket address")
}

// settle makes sure that sockets closed before it are closed for good: a process that this one is just starting has copies of
// them until it executes its program. (Certain on Linux, where starting holds the lock for so long.)
func settle() {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
}
