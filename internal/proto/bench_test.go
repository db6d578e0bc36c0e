package proto

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

const inbox = "_INBOX.R5u8iJ1WbBDB1bNlL8mYcA.gH3kLm2P"

func BenchmarkNext(b *testing.B) {
	block := "NATS/1.0\r\nNats-Msg-Id: 0123456789\r\nTrace: abcdefgh\r\n\r\n"
	msg := func(line string, size int) string {
		return fmt.Sprintf("%s %d\r\n%s\r\n", line, size, strings.Repeat("x", size))
	}
	hmsg := fmt.Sprintf("HMSG orders.new 12 %d %d\r\n%s%s\r\n", len(block), len(block)+128, block, strings.Repeat("x", 128))
	for _, bc := range []struct {
		name string
		ops  []string
	}{
		{"16B", []string{msg("MSG orders.new 12", 16)}},
		{"128B", []string{msg("MSG orders.new 12", 128)}},
		{"reply", []string{msg("MSG orders.new 12 "+inbox, 16)}},
		{"HMSG", []string{hmsg}},
		{"alternating", []string{msg("MSG orders.new 12", 16), msg("MSG orders.old 13", 16)}},
		{"odd", []string{msg("msg  orders.new 12", 16), msg("MSG orders.new\t12", 16)}},
	} {
		b.Run(bc.name, func(b *testing.B) {
			in := []byte(strings.Repeat(strings.Join(bc.ops, ""), 100))
			var p Parser
			var f Frame
			length := 0
			rest := in
			b.ReportAllocs()
			for b.Loop() {
				n, _, err := p.Next(rest, &f)
				if err != nil {
					b.Fatal(err)
				}
				length += len(f.SubjectString())
				if rest = rest[n:]; len(rest) == 0 {
					rest = in
				}
			}
		})
	}
}

// BenchmarkNextSplit brings a message byte by byte: one operation here is a message, so 34 calls.
func BenchmarkNextSplit(b *testing.B) {
	in := []byte("MSG orders.new 12 16\r\n0123456789012345\r\n")
	var p Parser
	var f Frame
	b.ReportAllocs()
	for b.Loop() {
		for end := range len(in) + 1 {
			p.Next(in[:end], &f)
		}
	}
}

func BenchmarkAppendPub(b *testing.B) {
	block := []byte("NATS/1.0\r\nNats-Msg-Id: 0123456789\r\nTrace: abcdefgh\r\n\r\n")
	buf := make([]byte, 64<<10)
	for _, bc := range []struct {
		name, reply string
		hdr         []byte
		size        int
	}{{"16B", "", nil, 16}, {"128B", "", nil, 128}, {"reply", inbox, nil, 16}, {"headers", "", block, 128}} {
		b.Run(bc.name, func(b *testing.B) {
			data := make([]byte, bc.size)
			out := buf[:0]
			b.ReportAllocs()
			for b.Loop() {
				if len(out) > 60<<10 {
					out = buf[:0]
				}
				out = AppendPub(out, "orders.new", bc.reply, bc.hdr, data)
			}
		})
	}
}

func BenchmarkBoundary(b *testing.B) {
	for _, size := range []int{16, 1024} {
		b.Run(fmt.Sprintf("%dB", size), func(b *testing.B) {
			op := AppendPub(nil, "orders.new", "", nil, make([]byte, size))
			buf := bytes.Repeat(op, 8<<20/len(op))
			b.SetBytes(int64(len(buf)))
			b.ReportAllocs()
			for b.Loop() {
				if Boundary(buf, len(buf)-1) != len(buf)-len(op) {
					b.Fatal("wrong")
				}
			}
		})
	}
}

func BenchmarkHeader(b *testing.B) {
	h := header{"Nats-Msg-Id": {"0123456789"}, "Trace": {"abcdefgh"}}
	block, _ := AppendHeader(nil, h)
	status := []byte("NATS/1.0 100 Idle Heartbeat\r\nNats-Last-Consumer: 12\r\nNats-Last-Stream: 14\r\n\r\n")
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var buf [256]byte
			if _, err := AppendHeader(buf[:0], h); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("append known", func(b *testing.B) {
		known := NewHeaderKeys(h)
		b.ReportAllocs()
		for b.Loop() {
			var buf [256]byte
			if _, ok := known.Append(buf[:0], h); !ok {
				b.Fatal("its own keys are unknown")
			}
		}
	})
	b.Run("length", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			HeaderLen(h)
		}
	})
	b.Run("parse", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ParseHeader(block); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("status", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			Status(status)
		}
	})
	b.Run("value", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			HeaderValue(status, "Nats-Last-Stream")
		}
	})
}

func BenchmarkInfo(b *testing.B) {
	in := []byte(`{"server_id":"NDGZEVHR5JRPRIC34MGUZOQH6P6QYF3WJ42WPSU36JG7OYGZRMJ66YFT","server_name":"n1","version":"2.15.2","proto":1,"go":"go1.26",` +
		`"host":"0.0.0.0","port":4222,"headers":true,"max_payload":1048576,"jetstream":true,"client_id":5,"client_ip":"127.0.0.1","xkey":"X","api_lvl":5}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseInfo(in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkConnect(b *testing.B) {
	c := Connect{Name: "n", Version: "1.0.0", Echo: true, Headers: true, NoResponders: true, Protocol: 1}
	buf := make([]byte, 0, 512)
	b.ReportAllocs()
	for b.Loop() {
		AppendConnect(buf, &c)
	}
}
