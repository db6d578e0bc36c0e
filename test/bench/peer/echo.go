package peer

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/url"
	"strconv"

	"github.com/gannet-io/nats/test/bench/meter"
)

// Echo answers requests on meter.EchoSubject with their own payload.
type Echo struct {
	conn net.Conn
	r    *bufio.Reader
	w    *bufio.Writer
}

// NewEcho connects to a real server and subscribes; it returns when the server knows of the subscription.
func NewEcho(server string) (*Echo, error) {
	u, err := url.Parse(server)
	if err != nil {
		return nil, err
	}
	c, err := net.Dial("tcp", u.Host)
	if err != nil {
		return nil, err
	}
	e := &Echo{conn: c, r: bufio.NewReaderSize(c, 64<<10), w: bufio.NewWriterSize(c, 64<<10)}
	if _, err := e.r.ReadSlice('\n'); err != nil { // INFO
		return nil, err
	}
	_, err = fmt.Fprintf(c, "CONNECT {\"verbose\":false,\"pedantic\":false,\"lang\":\"raw\",\"version\":\"1\",\"protocol\":1}\r\n"+
		"SUB %s 1\r\nPING\r\n", meter.EchoSubject)
	if err != nil {
		return nil, err
	}
	for {
		line, err := e.r.ReadSlice('\n')
		if err != nil {
			return nil, err
		}
		if bytes.Equal(line, pong) {
			return e, nil
		}
	}
}

// Serve answers until the connection ends.
func (e *Echo) Serve() error {
	defer e.conn.Close()
	for {
		if e.r.Buffered() == 0 {
			if err := e.w.Flush(); err != nil {
				return err
			}
		}
		line, err := e.r.ReadSlice('\n')
		if err != nil {
			return err
		}
		switch {
		case bytes.HasPrefix(line, []byte("MSG ")):
			err = e.answer(line)
		case bytes.Equal(line, ping):
			_, err = e.w.Write(pong)
		case bytes.HasPrefix(line, []byte("-ERR")):
			err = fmt.Errorf("server says %q", line)
		}
		if err != nil {
			return err
		}
	}
}

// answer copies the payload of `MSG subject sid reply size` to `PUB reply size`.
func (e *Echo) answer(line []byte) error {
	line = bytes.TrimRight(line, "\r\n")
	last := bytes.LastIndexByte(line, ' ')
	size, err := strconv.Atoi(string(line[last+1:]))
	if err != nil {
		return err
	}
	reply := bytes.LastIndexByte(line[:last], ' ') + 1
	_, _ = e.w.WriteString("PUB ")
	_, _ = e.w.Write(line[reply:])
	_, _ = e.w.WriteString("\r\n")
	body, err := e.r.Peek(size + 2) // a request is smaller than the buffer
	if err != nil {
		return err
	}
	_, _ = e.w.Write(body)
	_, err = e.r.Discard(len(body))
	return err
}
