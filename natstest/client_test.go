package natstest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"
)

const patience = 10 * time.Second

// client speaks the text protocol over a plain socket.
type client struct {
	t        testing.TB
	conn     net.Conn
	r        *bufio.Reader
	info     map[string]any
	sid      int
	lastInfo string // after the first
}

// connect dials, logs in and waits for the PONG. login is what CONNECT says, "" for nothing special.
func connect(t testing.TB, addr, login string) *client {
	t.Helper()
	c := open(t, addr)
	c.readInfo()
	c.login(login)
	return c
}

// open dials only.
func open(t testing.TB, addr string) *client {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		t.Fatalf("dial %s: %v", addr, err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &client{t: t, conn: conn, r: bufio.NewReader(conn)}
}

func (c *client) readInfo() {
	c.t.Helper()
	line := c.line()
	text, found := strings.CutPrefix(line, "INFO ")
	if !found {
		c.t.Fatalf("first line: got %q, want INFO", line)
	}
	if err := json.Unmarshal([]byte(text), &c.info); err != nil {
		c.t.Fatalf("INFO: %v", err)
	}
}

func (c *client) login(login string) {
	c.t.Helper()
	if login != "" {
		login = "," + login
	}
	c.send("CONNECT {\"verbose\":false,\"protocol\":1,\"headers\":true,\"no_responders\":true%s}\r\nPING\r\n", login)
	if got := c.line(); got != "PONG" {
		c.t.Fatalf("after CONNECT: got %q, want PONG", got)
	}
}

func (c *client) send(format string, args ...any) {
	c.t.Helper()
	_ = c.conn.SetWriteDeadline(time.Now().Add(patience))
	if _, err := fmt.Fprintf(c.conn, format, args...); err != nil {
		c.t.Fatalf("write: %v", err)
	}
}

func (c *client) line() string {
	c.t.Helper()
	line, err := c.tryLine(patience)
	if err != nil {
		c.t.Fatalf("read: %v after %q", err, line)
	}
	return line
}

// tryLine keeps INFO lines that come after the first one to itself.
func (c *client) tryLine(d time.Duration) (string, error) {
	_ = c.conn.SetReadDeadline(time.Now().Add(d))
	for {
		line, err := c.r.ReadString('\n')
		if c.info != nil && strings.HasPrefix(line, "INFO ") {
			c.lastInfo = line
			continue
		}
		return strings.TrimRight(line, "\r\n"), err
	}
}

// ping returns when the server has answered, and fails the test if it does not.
func (c *client) ping() {
	c.t.Helper()
	c.send("PING\r\n")
	if got := c.line(); got != "PONG" {
		c.t.Fatalf("after PING: got %q, want PONG", got)
	}
}

// message reads the next message, headers included, answering pings before it.
func (c *client) message() string {
	c.t.Helper()
	m, err := c.tryMessage(patience)
	if err != nil {
		c.t.Fatalf("message: %v", err)
	}
	return m
}

func (c *client) tryMessage(d time.Duration) (string, error) {
	for {
		line, err := c.tryLine(d)
		switch {
		case err != nil:
			return "", err
		case line == "PING":
			c.send("PONG\r\n")
		case strings.HasPrefix(line, "MSG ") || strings.HasPrefix(line, "HMSG "):
			fields := strings.Fields(line)
			size, err := strconv.Atoi(fields[len(fields)-1])
			if err != nil {
				return "", err
			}
			payload := make([]byte, size+2)
			if _, err := io.ReadFull(c.r, payload); err != nil {
				return "", err
			}
			return string(payload[:size]), nil
		case line == "PONG":
		default:
			return "", fmt.Errorf("got %q, want a message", line)
		}
	}
}

// request returns the first reply.
func (c *client) request(subject, payload string) string {
	c.t.Helper()
	c.ask(subject, payload)
	return c.message()
}

func (c *client) ask(subject, payload string) {
	c.t.Helper()
	c.sid++
	inbox := fmt.Sprintf("_INBOX.%d.%d", time.Now().UnixNano(), c.sid)
	c.send("SUB %s %d\r\nUNSUB %d 1\r\nPUB %s %s %d\r\n%s\r\n", inbox, c.sid, c.sid, subject, inbox, len(payload), payload)
}

// store publishes one message into a stream and repeats that, with the same message id, until there is an ack.
func (c *client) store(subject, id string) {
	c.t.Helper()
	var reply string
	stored := poll(patience, func() bool {
		c.sid++
		header := "NATS/1.0\r\nNats-Msg-Id: " + id + "\r\n\r\n"
		c.send("SUB _INBOX.%d %d\r\nHPUB %s _INBOX.%d %d %d\r\n%s\r\n", c.sid, c.sid, subject, c.sid, len(header), len(header), header)
		reply, _ = c.tryMessage(time.Second)
		return strings.HasPrefix(reply, `{"stream":`)
	})
	if !stored {
		c.t.Fatalf("store in %s: got %q, want an ack", subject, reply)
	}
}

// api calls JetStream and fails the test on an error reply.
func (c *client) api(verb, payload string) string {
	c.t.Helper()
	reply := c.request("$JS.API."+verb, payload)
	if strings.Contains(reply, `"error"`) || !strings.HasPrefix(reply, "{") {
		c.t.Fatalf("%s: got %s", verb, reply)
	}
	return reply
}

func (c *client) createStream(name, subject string, replicas int) {
	c.t.Helper()
	c.api("STREAM.CREATE."+name, fmt.Sprintf(`{"name":%q,"subjects":[%q],"storage":"file","num_replicas":%d,"retention":"limits"}`,
		name, subject, replicas))
}

// messages is the number of messages in a stream, or -1 if there is no such stream.
func (c *client) messages(stream string) int {
	c.t.Helper()
	var reply struct {
		Error *struct{ Description string }
		State struct{ Messages int }
	}
	text := c.request("$JS.API.STREAM.INFO."+stream, "")
	if err := json.Unmarshal([]byte(text), &reply); err != nil {
		c.t.Fatalf("stream info: %v in %q", err, text)
	}
	if reply.Error != nil {
		return -1
	}
	return reply.State.Messages
}

// refused reports whether nobody listens at addr.
func refused(addr string) bool {
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err == nil {
		_ = conn.Close()
	}
	return err != nil
}
