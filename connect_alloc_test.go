package nats

import (
	"bytes"
	"net"
	"os"
	"runtime"
	"runtime/pprof"
	"testing"
)

// greeter is the least that a client can connect to: INFO at once, and PONG for what holds a PING.
func greeter(t testing.TB) (url string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		info := []byte(`INFO {"server_id":"NAAAA","server_name":"s","version":"2.15.2","proto":1,"headers":true,"max_payload":1048576,"host":"127.0.0.1","port":4222,"client_id":5,"client_ip":"127.0.0.1"}` + "\r\n")
		buf := make([]byte, 4096)
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
				if bytes.Contains(buf[:n], []byte("PING\r\n")) {
					_, _ = c.Write([]byte("PONG\r\n"))
				}
			}
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().String()
}

func TestXConnectAlloc(t *testing.T) {
	addr := greeter(t)
	if p := os.Getenv("X5PROF"); p != "" {
		runtime.MemProfileRate = 1
	}
	bare := testing.AllocsPerRun(200, func() {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = c.Write([]byte("PING\r\n"))
		var b [4096]byte
		_, _ = c.Read(b[:])
		_ = c.Close()
	})
	d := &net.Dialer{}
	bare2 := testing.AllocsPerRun(200, func() {
		c, err := d.DialContext(t.Context(), "tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		_ = c.Close()
	})
	got := testing.AllocsPerRun(200, func() {
		nc, err := Connect("nats://" + addr)
		if err != nil {
			t.Fatal(err)
		}
		nc.Close()
	})
	t.Logf("net.Dial %v, DialContext %v, connect %v", bare, bare2, got)
	if p := os.Getenv("X5PROF"); p != "" {
		f, _ := os.Create(p)
		runtime.GC()
		runtime.GC()
		_ = pprof.Lookup("allocs").WriteTo(f, 0)
		f.Close()
	}
}
