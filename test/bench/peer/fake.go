package peer

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gannet-io/nats/test/bench/meter"
)

// Frames says what a replaying server sends.
type Frames struct {
	Size    int  // bytes of payload
	Headers bool // HMSG with two headers
	Reply   bool // requests: each frame has a reply subject
}

// Fake is a server that knows just enough of the protocol: INFO, PONG, and the SIDs of subscriptions.
type Fake struct {
	data   net.Listener
	frames *Frames // nil: a sink
	board  meter.Board
	bytes  atomic.Int64

	mu   sync.Mutex
	conn net.Conn // the latest client
	subs []sub
	ring ring
	sent uint64 // messages
}

type sub struct{ subject, sid string }

// StartFake listens on a free port, until the process ends. With frames nil it only discards, and needs no board.
func StartFake(frames *Frames, board string) (*Fake, error) {
	f := &Fake{frames: frames}
	var err error
	if f.data, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	if frames != nil {
		if f.board, err = meter.OpenBoard(board); err != nil {
			return nil, err
		}
		go f.obey()
	}
	go f.accept()
	return f, nil
}

// URL is where the client connects.
func (f *Fake) URL() string { return "nats://" + f.data.Addr().String() }

// Bytes is how many have been received from clients.
func (f *Fake) Bytes() int64 { return f.bytes.Load() }

// accept serves connections until the process ends.
func (f *Fake) accept() {
	for {
		c, err := f.data.Accept()
		if err != nil {
			return
		}
		go f.serve(c)
	}
}

const info = `INFO {"server_id":"BENCH","server_name":"bench","version":"2.15.2","proto":1,"host":"127.0.0.1","port":%d,` +
	`"headers":true,"max_payload":1048576,"client_id":1}` + "\r\n"

func (f *Fake) serve(c net.Conn) {
	defer c.Close()
	f.take(c)
	if _, err := fmt.Fprintf(c, info, f.data.Addr().(*net.TCPAddr).Port); err != nil {
		return
	}
	if f.frames == nil {
		f.discard(c)
	} else {
		f.listen(c)
	}
}

func (f *Fake) take(c net.Conn) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.conn, f.subs, f.ring = c, nil, ring{}
}

var (
	ping = []byte("PING\r\n")
	pong = []byte("PONG\r\n")
)

// discard reads in large pieces. A client that waits for PONG publishes nothing more, so its PINGs are the last of what was read;
// payloads never end like one.
func (f *Fake) discard(c net.Conn) {
	buf := make([]byte, 256<<10)
	kept := 0 // bytes of the previous read in front: a PING may come in two pieces
	for {
		n, err := c.Read(buf[kept:])
		if err != nil {
			return
		}
		f.bytes.Add(int64(n))
		got := buf[:kept+n]
		for bytes.HasSuffix(got, ping) {
			if _, err := c.Write(pong); err != nil {
				return
			}
			got = got[:len(got)-len(ping)]
		}
		kept = copy(buf, got[max(0, len(got)-len(ping)+1):])
	}
}

// listen reads line by line. Payloads are lines, too: they contain no line ends.
func (f *Fake) listen(c net.Conn) {
	r := bufio.NewReaderSize(c, 256<<10)
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return
		}
		f.bytes.Add(int64(len(line)))
		switch {
		case bytes.Equal(line, ping):
			if err := f.send(c, pong); err != nil {
				return
			}
		case bytes.HasPrefix(line, []byte("SUB ")):
			f.subscribe(string(line[4:]))
		}
	}
}

func (f *Fake) send(c net.Conn, b []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock() // frames of the replay must not be cut in two
	_, err := c.Write(b)
	return err
}

// subscribe takes note of a subject, an optional queue group, and a SID. Nobody asks services who they are.
func (f *Fake) subscribe(rest string) {
	words := strings.Fields(rest)
	if len(words) < 2 || strings.HasPrefix(words[0], "$SRV.") {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.subs = append(f.subs, sub{words[0], words[len(words)-1]})
}

// lookEvery is how often the board is looked at. In this time a client takes fewer messages than it has in reserve.
const lookEvery = 50 * time.Microsecond

// obey does what the board says, until the process ends.
func (f *Fake) obey() {
	for kicked := uint64(0); ; {
		if k := f.board.Kicks(); k != kicked {
			kicked = k
			f.kick()
		}
		if !f.replay(f.board.Granted()) {
			time.Sleep(lookEvery)
		}
	}
}

func (f *Fake) kick() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.conn != nil {
		_ = f.conn.Close()
	}
}

// replay sends frames, as many as the ring has left, if the grant allows it; false: there was nothing to do. If the client is gone,
// so is what was sent: the scenario misses it.
func (f *Fake) replay(grant uint64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.sent >= grant || len(f.subs) == 0 {
		return false
	}
	if f.ring.ends == nil {
		f.ring = newRing(*f.frames, f.subs)
	}
	b, n := f.ring.next(int(grant - f.sent))
	f.sent += uint64(n)
	_, _ = f.conn.Write(b)
	return true
}
