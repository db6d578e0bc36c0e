package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// webSocket is a byte stream in binary messages. One goroutine may read, another write, any may close.
//
// Deadlines are those of the connection beneath. The library would rather have contexts, and closes a connection whose
// context ends: it is given none, so nothing ends a read or write but a deadline of the caller's, and the connection is of no
// use after that, since it stopped within a frame. What remains is the library's own limit for control frames: a peer that sends
// a PING (of RFC 6455) and then does not read for 5 seconds is disconnected.
type webSocket struct {
	net.Conn // beneath: TCP, TLS or the user's
	frames   *frames
	ws       *websocket.Conn
	deflate  bool // messages may be compressed

	most int // bytes of one message that is written

	message io.Reader // what is left of the message that is being read; nil between two
	broken  error     // what ended reading
	shut    atomic.Bool
}

const (
	maxMessage = 64 << 10 // of those that are written; those that are read may have any size
	// compressFrom is where the library begins to compress: shorter messages are sent as they are.
	compressFrom = 512
	// farewell bounds the write of the close frame: a peer that does not read must not hold up anybody.
	farewell = 100 * time.Millisecond
)

// LimitMessages tells a WebSocket that the server refuses operations with more than maxPayload bytes; 0 and less: no limit is
// known. nats-server 2.15 applies that limit to the content of a compressed message too, whatever is in it. Other connections
// are left alone. Not together with Write.
func LimitMessages(nc net.Conn, maxPayload int64) {
	w, ok := nc.(*webSocket)
	if !ok {
		return
	}
	w.most = maxMessage
	if w.deflate && maxPayload > 0 {
		w.most = int(min(maxMessage, max(maxPayload, compressFrom-1)))
	}
}

// Write sends p as one message, or as several if it is longer than one may be. The count of a failed write is not exact.
func (w *webSocket) Write(p []byte) (n int, err error) {
	for n < len(p) {
		piece := p[n:min(len(p), n+w.most)]
		if err := w.ws.Write(context.Background(), websocket.MessageBinary, piece); err != nil {
			return n, w.explain(err)
		}
		n += len(piece)
	}
	return n, nil
}

// Read returns what has come of the current message, or of the next one. It does not wait for the rest of a large one.
func (w *webSocket) Read(p []byte) (n int, err error) {
	if len(p) == 0 || w.broken != nil {
		return 0, w.broken
	}
	n, err = w.read(p)
	if err != nil {
		w.broken = w.explain(err)
	}
	return n, w.broken
}

var errNotBinary = errors.New("nats: websocket: the server sent a text message")

func (w *webSocket) read(p []byte) (n int, err error) {
	for {
		if w.message == nil {
			kind, message, err := w.ws.Reader(context.Background())
			if err != nil {
				return 0, err
			}
			if kind != websocket.MessageBinary {
				return 0, errNotBinary
			}
			w.message = message
			w.frames.took(maxHeader)
		}
		n, err = w.message.Read(w.portion(p))
		w.frames.took(n)
		if err == io.EOF { // of the message, or of the connection: then the next message fails
			w.message, err = nil, nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// portion is the part of p to ask for. The library fills what it is given as far as the frame goes: without a bound, the
// first byte of a large frame over a slow link would be seen together with the last, and the link seem dead meanwhile. Out of a
// compressed message it gives whatever it has.
func (w *webSocket) portion(p []byte) []byte {
	if w.deflate {
		return p
	}
	return p[:min(len(p), w.frames.ready())]
}

// CloseWrite says goodbye, after which nothing may be written: the server answers in kind and ends the connection. It does not
// wait for that. No Write may be under way.
func (w *webSocket) CloseWrite() error {
	_ = w.Conn.SetWriteDeadline(time.Now().Add(farewell))
	_, err := w.Conn.Write(closeFrame)
	return err
}

// closeFrame is that of a client: status 1000, normal closure. The mask has to be there, but with nothing of the user's in the
// frame it has nothing to hide. The library's own farewell would read, too, and compete with the reader.
var closeFrame = []byte{0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8}

// Close ends the connection at once, reads and writes under way included. The library is not told: it would wait for these to
// return, which a connection of the user's making may never let them do, and it has nothing to release that the garbage
// collector would not.
func (w *webSocket) Close() error {
	w.shut.Store(true)
	return Shut(w.Conn)
}

// explain takes an error out of the library's wrapping, so that it looks as that of any other connection where there is such
// a one: a goodbye is io.EOF, a broken connection is what the socket said.
func (w *webSocket) explain(err error) error {
	var closed websocket.CloseError
	var socket *net.OpError
	switch {
	case err == errNotBinary:
		return err
	case errors.As(err, &closed):
		return goodbye(closed)
	case errors.As(err, &socket):
		return socket
	case errors.Is(err, io.EOF), w.frames.ended.Load():
		return io.EOF
	case errors.Is(err, net.ErrClosed) && !w.shut.Load():
		return io.EOF // the library has closed it, on a goodbye that the reader tells of
	}
	return fmt.Errorf("nats: websocket: %w", err)
}

func goodbye(c websocket.CloseError) error {
	switch c.Code {
	case websocket.StatusNormalClosure, websocket.StatusGoingAway, websocket.StatusNoStatusRcvd:
		return io.EOF
	}
	return fmt.Errorf("nats: websocket: closed by the server with status %d %q: %w", int(c.Code), c.Reason, io.EOF)
}
