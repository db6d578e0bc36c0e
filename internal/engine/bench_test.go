package engine

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/gannet-io/nats/internal/proto"
)

// rawServer is a TCP server that shakes hands and then lets f have the socket: a sink or a replay.
func rawServer(tb testing.TB, f func(net.Conn)) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				fmt.Fprintf(conn, "INFO %s\r\n", plainInfo)
				buf := make([]byte, 4096)
				for got := []byte(nil); !bytes.Contains(got, []byte("PING\r\n")); {
					n, err := conn.Read(buf)
					if err != nil {
						return
					}
					got = append(got, buf[:n]...)
				}
				io.WriteString(conn, "PONG\r\n")
				f(conn)
			}()
		}
	}()
	return l.Addr().String()
}

func benchConn(tb testing.TB, f func(net.Conn)) *Conn {
	cfg := newScript(nil).config()
	cfg.Net.Custom = nil
	cfg.Net.Dialer = &net.Dialer{}
	cfg.URLs = []string{"nats://" + rawServer(tb, f)}
	c, err := Connect(context.Background(), cfg, Events{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.Close)
	return c
}

func BenchmarkPublishToSink(b *testing.B) {
	for _, size := range []int{16, 128, 1024} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			c := benchConn(b, func(conn net.Conn) { io.Copy(io.Discard, conn) })
			data := make([]byte, size)
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for b.Loop() {
				if err := c.PublishData("bench.subject", data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// countingSink closes done when it has got want messages.
type countingSink struct {
	n, want int64
	done    chan struct{}
}

func (s *countingSink) Deliver(*proto.Frame) {
	if s.n++; s.n == s.want {
		close(s.done)
	}
}
func (s *countingSink) Settle()      {}
func (s *countingSink) Closed(error) {}

func BenchmarkReceive(b *testing.B) {
	for _, size := range []int{16, 128, 1024, 32 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			frame := fmt.Sprintf("MSG bench.subject 1 %d\r\n%s\r\n", size, make([]byte, size))
			chunk := bytes.Repeat([]byte(frame), max(1, 256<<10/len(frame)))
			per := int64(len(chunk) / len(frame))
			start := make(chan int64, 1)
			c := benchConn(b, func(conn net.Conn) {
				go func() {
					for n := <-start; n > 0; n -= per {
						conn.Write(chunk)
					}
				}()
				io.Copy(io.Discard, conn) // until the client closes: closing first could reset the stream
			})
			total := (int64(b.N) + per - 1) / per * per
			s := &countingSink{want: total, done: make(chan struct{})}
			if _, err := c.Subscribe("bench.subject", "", s); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.SetBytes(int64(size))
			b.ResetTimer()
			start <- total
			<-s.done
		})
	}
}

func BenchmarkConnectClose(b *testing.B) {
	cfg := newScript(nil).config()
	cfg.Net.Custom = nil
	cfg.Net.Dialer = &net.Dialer{}
	cfg.URLs = []string{"nats://" + rawServer(b, func(conn net.Conn) { io.Copy(io.Discard, conn) })}
	b.ReportAllocs()
	for b.Loop() {
		c, err := Connect(context.Background(), cfg, Events{})
		if err != nil {
			b.Fatal(err)
		}
		c.Close()
	}
}
