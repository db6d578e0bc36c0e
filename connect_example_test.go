package nats_test

import (
	"fmt"
	"log"
	"time"

	"github.com/gannet-io/nats"
)

func ExampleConn_Drain() {
	closed := make(chan struct{})
	nc, err := nats.Connect(nats.DefaultURL,
		nats.DrainTimeout(10*time.Second),
		nats.ClosedHandler(func(*nats.Conn) { close(closed) }),
	)
	if err != nil {
		log.Fatal(err)
	}
	handled := 0
	if _, err := nc.Subscribe("jobs", func(*nats.Msg) { handled++ }); err != nil {
		log.Fatal(err)
	}
	for range 100 {
		if err := nc.Publish("jobs", nil); err != nil {
			log.Fatal(err)
		}
	}
	if err := nc.Flush(); err != nil { // the server has sent us all of them
		log.Fatal(err)
	}
	// Drain does not wait: the closed handler says when everything is worked off.
	if err := nc.Drain(); err != nil {
		log.Fatal(err)
	}
	<-closed
	fmt.Println(handled, "jobs done")
}

func ExampleConn_SubscribeSync() {
	nc, err := nats.Connect(nats.DefaultURL)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	sub, err := nc.SubscribeSync("greetings")
	if err != nil {
		log.Fatal(err)
	}
	if err := nc.Publish("greetings", []byte("hello")); err != nil {
		log.Fatal(err)
	}
	m, err := sub.NextMsg(time.Second)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(m.Data))
}

func ExampleRootCAs() {
	// The files are read at every connect, so that renewed certificates are picked up.
	nc, err := nats.Connect("nats://127.0.0.1:4222",
		nats.RootCAs("ca.pem"),
		nats.ClientCert("client-cert.pem", "client-key.pem"),
	)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	state, err := nc.TLSConnectionState()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("encrypted:", state.HandshakeComplete)
}

func ExampleUserCredentials() {
	// The file with the JWT and the key of the user, as nsc and the operators of NATS hand it out.
	nc, err := nats.Connect(nats.DefaultURL, nats.UserCredentials("user.creds"))
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	fmt.Println(nc.Status())
}

func ExampleConn_StatusChanged() {
	nc, err := nats.Connect(nats.DefaultURL,
		nats.MaxReconnects(-1),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { log.Println("lost:", err) }),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { log.Println("not yet:", err) }),
		nats.ReconnectHandler(func(nc *nats.Conn) { log.Println("back on", nc.ConnectedUrlRedacted()) }),
	)
	if err != nil {
		log.Fatal(err)
	}
	changes := nc.StatusChanged(nats.RECONNECTING, nats.CONNECTED, nats.CLOSED)
	if err := nc.ForceReconnect(); err != nil { // or the server restarts, or the network fails
		log.Fatal(err)
	}
	fmt.Println(<-changes)
	fmt.Println(<-changes)
	nc.Close()
	fmt.Println(<-changes)
}
