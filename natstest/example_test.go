package natstest_test

import (
	"bufio"
	"fmt"
	"log"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/nats/natstest"
)

// hello connects to a server and returns the first word that it says, or how the connection ended.
func hello(addr string) string {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return "nobody there"
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetReadDeadline(time.Now().Add(time.Second))
	word, err := bufio.NewReader(conn).ReadString(' ')
	if err != nil {
		return "silence"
	}
	return strings.TrimSpace(word)
}

// In a test: everything ends with it.
func ExampleRun() {
	_ = func(t *testing.T) {
		srv := natstest.Run(t, natstest.WithUser("ada", "secret"))
		fmt.Println("connect your client to", srv.URL())

		srv.Restart(true) // same address, same streams
	}
}

func ExampleStart() {
	srv, err := natstest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = srv.Close() }()
	fmt.Println(hello(srv.Addr()))

	if err := srv.Stop(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(hello(srv.Addr()))

	if err := srv.Restart(true); err != nil {
		log.Fatal(err)
	}
	fmt.Println(hello(srv.Addr()))
	// Output:
	// INFO
	// nobody there
	// INFO
}

func ExampleServer_Kill() {
	srv, err := natstest.Start(natstest.AsProcess())
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = srv.Close() }()

	if err := srv.Kill(); err != nil { // kill -9: what was not on disk is lost
		log.Fatal(err)
	}
	fmt.Println(hello(srv.Addr()))

	if err := srv.Restart(true); err != nil {
		log.Fatal(err)
	}
	fmt.Println(hello(srv.Addr()))
	// Output:
	// nobody there
	// INFO
}

// A stream with three replicas survives the death of its leader.
func ExampleCluster() {
	_ = func(t *testing.T) {
		cluster := natstest.Cluster(t, 3, natstest.AsProcess())
		fmt.Println("connect your client to", cluster.URL())

		// ... create the stream ORDERS with three replicas ...

		leader := cluster.StreamLeader("ORDERS")
		leader.Kill()
		fmt.Println("now leads:", cluster.StreamLeader("ORDERS").Name())

		leader.Restart(true)
		cluster.WaitReady()
		cluster.WaitCurrent("ORDERS")
	}
}

func ExampleStartProxy() {
	srv, err := natstest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = srv.Close() }()
	proxy, err := natstest.StartProxy(srv.URL())
	if err != nil {
		log.Fatal(err)
	}
	defer proxy.Close()

	fmt.Println(hello(proxy.Addr()))
	proxy.HalfHandshake(natstest.NoInfo)
	fmt.Println(hello(proxy.Addr()))
	proxy.Refuse()
	fmt.Println(hello(proxy.Addr()))
	if err := proxy.Heal(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(hello(proxy.Addr()))
	// Output:
	// INFO
	// silence
	// nobody there
	// INFO
}

// Publishes reach the server, but nothing it says comes back any more: are they lost?
func ExampleProxy_HoleOnMatch() {
	_ = func(t *testing.T) {
		srv := natstest.Run(t)
		proxy := natstest.NewProxy(t, srv.URL())
		// ... connect to proxy.URL() ...

		proxy.HoleOnMatch([]byte("PUB orders"), natstest.ClientToServer, natstest.ServerToClient)
		// ... publish to orders: no ack arrives, and the link looks alive ...

		_ = proxy.Heal()
		// ... the client has to notice, reconnect, and resolve the publish ...
	}
}
