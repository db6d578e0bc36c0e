package stage

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"net"
	"strings"
)

// Host names that exist for scenarios only: [Names] knows them.
const (
	OneHost    = "one.test"   // one address
	OtherHost  = "other.test" // the same address
	ThreeHosts = "three.test" // three addresses; somebody can listen on the last
	NoHost     = "none.test"  // does not exist
)

var addresses = map[string][]net.IP{
	OneHost:    {net.IPv4(127, 0, 0, 1)},
	OtherHost:  {net.IPv4(127, 0, 0, 1)},
	ThreeHosts: {net.IPv4(127, 0, 0, 3), net.IPv4(127, 0, 0, 2), net.IPv4(127, 0, 0, 1)},
}

// Names is a resolver that knows the machine's own list of hosts, and the names above. It asks nobody: no scenario depends on the network
// of the machine. Both libraries look names up with net.DefaultResolver, in whose place it is to be put before they begin.
func Names() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go answerQueries(server) // until the client closes
		return client, nil
	}}
}

// answerQueries answers DNS queries (RFC 1035), each after its length in two bytes, as on a stream.
func answerQueries(c net.Conn) {
	defer c.Close()
	for r := bufio.NewReader(c); ; {
		var size [2]byte
		if _, err := io.ReadFull(r, size[:]); err != nil {
			return
		}
		query := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(r, query); err != nil {
			return
		}
		answer := answerQuery(query)
		if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)); err != nil {
			return
		}
	}
}

const (
	queryHeader = 12 // bytes
	typeA       = 1
	answerFlags = 0x8580 // a response, authoritative, recursion desired and available
	noSuchName  = 3
)

// answerQuery answers the one question of a query of package net.
func answerQuery(query []byte) []byte {
	var labels []string
	at := queryHeader
	for query[at] != 0 {
		end := at + 1 + int(query[at])
		labels = append(labels, string(query[at+1:end]))
		at = end
	}
	question := query[queryHeader : at+5] // the name, a type and a class
	known, exists := addresses[strings.ToLower(strings.Join(labels, "."))]
	flags := uint16(answerFlags)
	if !exists {
		flags |= noSuchName
	}
	if binary.BigEndian.Uint16(query[at+1:]) != typeA {
		known = nil
	}
	out := append([]byte(nil), query[:2]...)
	for _, v := range []uint16{flags, 1, uint16(len(known)), 0, 0} { // one question, answers
		out = binary.BigEndian.AppendUint16(out, v)
	}
	out = append(out, question...)
	for _, ip := range known {
		out = append(out, 0xc0, queryHeader, 0, typeA, 0, 1, 0, 0, 0, 60, 0, net.IPv4len) // the question's name, IN, for 60 s
		out = append(out, ip.To4()...)
	}
	return out
}
