package peer

import (
	"bufio"
	"io"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/gannet-io/nats/test/bench/meter"
)

func dialFake(t *testing.T, f *Fake) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(f.URL(), "nats://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	r := bufio.NewReader(c)
	if line, err := r.ReadString('\n'); err != nil || !strings.HasPrefix(line, "INFO {") {
		t.Fatalf("got %q, %v, want INFO", line, err)
	}
	return c, r
}

func expect(t *testing.T, r *bufio.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(r, got); err != nil || string(got) != want {
		t.Fatalf("got %q, %v, want %q", got, err, want)
	}
}

func write(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

func TestSinkAnswersEachPing(t *testing.T) {
	t.Parallel()
	f, err := StartFake(nil, "")
	if err != nil {
		t.Fatal(err)
	}
	c, r := dialFake(t, f)
	sent := 0
	for _, text := range []string{"CONNECT {}\r\nPING\r\n", "PING\r\nPING\r\n", "PUB a 1\r\nx\r\nPING\r\n"} {
		write(t, c, text)
		sent += len(text)
		expect(t, r, strings.Repeat("PONG\r\n", strings.Count(text, "PING")))
	}
	if got := f.Bytes(); got != int64(sent) {
		t.Errorf("counted %d bytes, want %d", got, sent)
	}
}

func TestReplaySendsWhatWasGranted(t *testing.T) {
	t.Parallel()
	board, err := meter.NewBoard()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(board) })
	f, err := StartFake(&Frames{Size: 2, Reply: true}, board)
	if err != nil {
		t.Fatal(err)
	}
	c, r := dialFake(t, f)
	write(t, c, "CONNECT {}\r\nSUB bench.a  7\r\nPING\r\n")
	expect(t, r, "PONG\r\n")
	flow, err := (&meter.Run{Job: meter.Job{Board: board}}).NewFlow()
	if err != nil {
		t.Fatal(err)
	}
	flow.Start(2)
	expect(t, r, "MSG bench.a 7 _INBOX.bench.00000000 2\r\nxx\r\nMSG bench.a 7 _INBOX.bench.00000001 2\r\nxx\r\n")
	write(t, c, "PING\r\n")
	expect(t, r, "PONG\r\n") // and no third frame
	flow.Kick()
	if _, err := r.ReadByte(); err == nil {
		t.Error("the connection is open after Kick")
	}
}

func TestRingTakesTurns(t *testing.T) {
	t.Parallel()
	ring := newRing(Frames{Size: 1, Headers: true}, []sub{{"a", "1"}, {"b", "2"}, {"c", "3"}})
	if n := len(ring.ends); n%3 != 0 {
		t.Fatalf("%d frames, want a multiple of 3", n)
	}
	count, frames := 0, ""
	for count < 2*len(ring.ends) {
		b, n := ring.next(1000)
		count += n
		frames += string(b)
	}
	for _, s := range []string{"HMSG a 1 ", "HMSG b 2 ", "HMSG c 3 "} {
		if got := strings.Count(frames, s); got != count/3 {
			t.Errorf("%d frames begin with %q, want %d", got, s, count/3)
		}
	}
}

func TestEchoAnswers(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ready := make(chan *Echo, 1)
	go func() {
		e, err := NewEcho("nats://" + l.Addr().String())
		if err != nil {
			t.Error(err)
		}
		ready <- e
	}()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r := bufio.NewReader(c)
	write(t, c, "INFO {}\r\n")
	for line := ""; line != "PING\r\n"; {
		if line, err = r.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	write(t, c, "PONG\r\n")
	e := <-ready
	if e == nil {
		t.FailNow()
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = e.Serve() // ends with the connection
	}()
	write(t, c, "MSG bench.echo.service 1 r.1 3\r\nabc\r\nPING\r\nMSG bench.echo.service 1 r.2 0\r\n\r\n")
	expect(t, r, "PUB r.1 3\r\nabc\r\nPONG\r\nPUB r.2 0\r\n\r\n")
	_ = c.Close()
	<-ended
}
