package nats

import (
	"bytes"
	"net"
	"testing"
)

const greeting = `INFO {"server_id":"S","server_name":"s","version":"2.15.2","proto":1,"headers":true,"max_payload":1048576,"host":"127.0.0.1","port":4222,` +
	`"client_id":5,"client_ip":"127.0.0.1"}` + "\r\n"

// greeter is the least that a client can connect to: INFO at once, and PONG behind a PING.
func greeter(t testing.TB) (address string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		info, ping, pong, buf := []byte(greeting), []byte("PING\r\n"), []byte("PONG\r\n"), make([]byte, 4096)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write(info)
			for {
				n, err := c.Read(buf)
				if err != nil {
					break
				}
				if bytes.HasSuffix(buf[:n], ping) {
					_, _ = c.Write(pong)
				}
			}
			_ = c.Close()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-over
	})
	return l.Addr().String()
}

// TestConnectAllocates measures what a connection allocates beyond a socket that is dialled and closed. Both figures have what the server
// made by hand allocates for a connection; net.Dial and closing are 14 without it. A dial that can be aborted is 9 more, of the contexts
// and the net package. The rest: the connection and its engine, the dial with its link, the URL, the texts of INFO, two channels
// and a timer, four goroutines, and what is posted to the supervisor.
func TestConnectAllocates(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	address := greeter(t)
	hello := make([]byte, len(greeting))
	bare := testing.AllocsPerRun(100, func() {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = c.Read(hello)
		_ = c.Close()
	})
	url := "nats://" + address
	got := testing.AllocsPerRun(100, func() {
		nc, err := Connect(url)
		if err != nil {
			t.Fatal(err)
		}
		nc.Close()
	})
	if most := bare + 27; got > most {
		t.Errorf("%v allocations, of them %v of a bare socket and its peer; want %v at most", got, bare, most)
	}
	t.Logf("%v allocations, a bare socket has %v", got, bare)
}
