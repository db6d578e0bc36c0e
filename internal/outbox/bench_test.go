package outbox

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"testing"
	"time"
)

// discard is a link that takes everything at once.
type discard struct{}

func (discard) Write(p []byte) (int, error)      { return len(p), nil }
func (discard) SetWriteDeadline(time.Time) error { return nil }

func sinkLink(b *testing.B) Link {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		io.Copy(io.Discard, c)
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close(); c.Close() })
	return c.(*net.TCPConn)
}

func BenchmarkPublish(b *testing.B) {
	for _, link := range []string{"discard", "tcp"} {
		for _, size := range []int{16, 128, 1024} {
			for _, publishers := range []int{1, 8, 64} {
				b.Run(fmt.Sprintf("link=%s/size=%d/publishers=%d", link, size, publishers), func(b *testing.B) {
					var l Link = discard{}
					if link == "tcp" {
						l = sinkLink(b)
					}
					box := New(Config{Keep: 8 << 20, WriteTimeout: time.Minute, Patience: 5 * time.Millisecond, Counters: &Counters{}})
					box.Release(l, true, nil, toldOf(func(err error) { b.Error(err) }))
					done := make(chan struct{})
					go func() { defer close(done); box.Run() }()
					data := make([]byte, size)
					b.ReportAllocs()
					b.SetBytes(int64(size))
					if publishers == 1 {
						for b.Loop() {
							box.PublishData("bench.subject", data)
						}
					} else {
						b.SetParallelism(max(1, publishers/runtime.GOMAXPROCS(0)))
						b.RunParallel(func(pb *testing.PB) {
							for pb.Next() {
								box.PublishData("bench.subject", data)
							}
						})
					}
					box.Close(time.Second, time.Second)
					<-done
				})
			}
		}
	}
}
