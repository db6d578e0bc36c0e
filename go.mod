module github.com/gannet-io/nats

go 1.26.0

require (
	github.com/coder/websocket v1.8.15
	github.com/nats-io/nkeys v0.4.16
	github.com/nats-io/nuid v1.0.1
)

require (
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)
