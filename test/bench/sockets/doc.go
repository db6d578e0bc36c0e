// Package sockets is a client without a library: what it needs is the floor under every library, and what its latencies are the
// server has to answer for.
//
//	socket ─► read buffer, 64 KiB ─► frame ─► scenario ─► write buffer, 64 KiB ─► socket
//
// Each scenario is one loop in one goroutine over one socket, which writes when its buffer is full or before it waits for bytes. The README
// of the benchmark says what a scenario does and what it leaves out. Nothing here is safe for a second goroutine, and an error ends the run.
package sockets

import "github.com/gannet-io/nats/test/bench/meter"

// Kinds are the scenario functions, by the names that they have in the libraries' packages. Where two of a library's ways come to the
// same bytes on the wire, one function serves both.
var Kinds = map[string]func(*meter.Run) error{
	"publish":           publish,
	"publish headers":   publishHeaders,
	"receive async":     receive,
	"receive sync":      receive,
	"reply":             reply,
	"request":           request,
	"connect":           connectAndClose,
	"js publish":        jsPublish,
	"js publish async":  jsPublishAsync,
	"old publish async": jsPublishAsync,
	"js fetch":          jsFetch,
	"js fetch no wait":  jsFetchNoWait,
	"old fetch":         jsFetch,
	"js consume":        jsConsume,
	"js messages":       jsConsume,
}

// measure runs work as warm-up and as measured stretch.
func measure(r *meter.Run, work func(n int, measured bool) error) error {
	if err := work(r.Warm, false); err != nil {
		return err
	}
	if err := r.Begin(); err != nil {
		return err
	}
	if err := work(r.Ops, true); err != nil {
		return err
	}
	r.End()
	return nil
}
