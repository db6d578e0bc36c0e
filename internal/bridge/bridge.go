// Package bridge hands package jetstream the engine behind a *nats.Conn, without a public method for it.
package bridge

import "github.com/gannet-io/nats/internal/engine"

// EngineOf returns the engine of a *nats.Conn. Package nats sets it when it is initialised; it panics on another type.
var EngineOf func(conn any) *engine.Conn
