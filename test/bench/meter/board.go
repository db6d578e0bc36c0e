package meter

import (
	"errors"
	"os"
	"sync/atomic"
	"syscall"
	"unsafe"
)

// Board is memory that a scenario and its fake server share, a file mapped by both. What a scenario orders costs it a store,
// and the server looks now and then. (Orders on a socket were 7% of the CPU time of receiving 16 bytes: a write wakes a
// process.)
type Board struct{ words *[2]atomic.Uint64 }

const (
	granted   = iota // messages that the server may send, in all
	kicks            // times that it is to close the client's connection
	boardSize = 4096
)

// NewBoard makes the file. The caller removes it.
func NewBoard() (path string, err error) {
	f, err := os.CreateTemp("", "bench-board-")
	if err != nil {
		return "", err
	}
	err = errors.Join(f.Truncate(boardSize), f.Close())
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return f.Name(), err
}

// OpenBoard maps it, for the life of the process.
func OpenBoard(path string) (Board, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return Board{}, err
	}
	defer f.Close() // the mapping stays
	mem, err := syscall.Mmap(int(f.Fd()), 0, boardSize, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return Board{}, err
	}
	return Board{(*[2]atomic.Uint64)(unsafe.Pointer(unsafe.SliceData(mem)))}, nil
}

// Granted is how many messages the server may have sent in all.
func (b Board) Granted() uint64 { return b.words[granted].Load() }

// Kicks is how often the server shall have closed the client's connection.
func (b Board) Kicks() uint64 { return b.words[kicks].Load() }
