package sockets

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
)

// conn is a connection, for one goroutine.
type conn struct {
	net.Conn
	in      []byte // read buffer
	at, end int    // in[at:end] has been read from the socket and not been taken
	out     []byte // waits to be written
	frame   frame  // what next found
}

const (
	readSize = 64 << 10
	// writeSize is how much goes out at once. On loopback up to 65,483 bytes are one segment, which costs a third less a byte than two.
	writeSize = 65_160
)

func newConn() *conn { return &conn{in: make([]byte, readSize), out: make([]byte, 0, 64<<10)} }

// dial connects, and leaves CONNECT to be written with what comes first.
func dial(server string) (*conn, error) {
	c := newConn()
	return c, c.dial(server)
}

func (c *conn) dial(server string) error {
	u, err := url.Parse(server)
	if err != nil {
		return err
	}
	c.at, c.end = 0, 0
	c.out = append(c.out[:0], "CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true,\"no_responders\":true,\"protocol\":1}\r\n"...)
	c.Conn, err = net.Dial("tcp", u.Host)
	return err
}

// subscribe counts on the server to read in order: nothing waits for it.
func (c *conn) subscribe(subject string, sid int) {
	c.out = fmt.Appendf(c.out, "SUB %s %d\r\n", subject, sid)
}

// room makes sure that so many bytes more still go out in one write.
func (c *conn) room(n int) error {
	if len(c.out)+n > writeSize {
		return c.write()
	}
	return nil
}

func (c *conn) write() error {
	_, err := c.Write(c.out)
	c.out = c.out[:0]
	return err
}

// publish appends one PUB, or HPUB where there is a header block.
func (c *conn) publish(subject string, reply, header, data []byte) error {
	if err := c.room(len(subject) + len(reply) + len(header) + len(data) + len("HPUB    99999 99999\r\n\r\n")); err != nil {
		return err
	}
	b := c.out
	if len(header) > 0 {
		b = append(b, 'H')
	}
	b = append(append(append(b, "PUB "...), subject...), ' ')
	if len(reply) > 0 {
		b = append(append(b, reply...), ' ')
	}
	if len(header) > 0 {
		b = append(strconv.AppendInt(b, int64(len(header)), 10), ' ')
	}
	b = append(strconv.AppendInt(b, int64(len(header)+len(data)), 10), "\r\n"...)
	c.out = append(append(append(b, header...), data...), "\r\n"...)
	return nil
}

// next takes the next message or PONG; what it finds in frame is valid until it is called again.
func (c *conn) next() error {
	for {
		next, err := c.frame.parse(c.in[:c.end], c.at)
		if err != nil {
			return err
		}
		if next == c.at {
			if err := c.read(); err != nil {
				return err
			}
			continue
		}
		c.at = next
		switch c.frame.op {
		case opMsg, opPong:
			return nil
		case opPing:
			c.out = append(c.out, "PONG\r\n"...)
		}
	}
}

// bytes are a part of what next has found.
func (c *conn) bytes(s span) []byte { return c.in[s.from:s.to] }

// read waits for more bytes. What was to be written is written first: the answers to one read go out together.
func (c *conn) read() error {
	if len(c.out) > 0 {
		if err := c.write(); err != nil {
			return err
		}
	}
	c.end = copy(c.in, c.in[c.at:c.end])
	c.at = 0
	if c.end == len(c.in) {
		return errors.New("a frame larger than the read buffer")
	}
	n, err := c.Read(c.in[c.end:])
	c.end += n
	return err
}

// message is next where only a message may come.
func (c *conn) message() error {
	if err := c.next(); err != nil {
		return err
	}
	if c.frame.op != opMsg {
		return errors.New("a PONG that nobody waits for")
	}
	return nil
}

// settle writes what there is, and returns with the PONG behind it. No message may be on its way.
func (c *conn) settle() error {
	c.out = append(c.out, "PING\r\n"...)
	if err := c.next(); err != nil {
		return err
	}
	if c.frame.op != opPong {
		return fmt.Errorf("a message on %q that nobody waits for", c.bytes(c.frame.subject))
	}
	return nil
}
