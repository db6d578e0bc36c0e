package gannet

import (
	"fmt"
	"time"

	"github.com/gannet-io/nats"

	"github.com/gannet-io/nats/test/bench/meter"
)

// Kinds are the scenario functions. Each connects, warms up, and runs the job between Begin and End.
var Kinds = map[string]func(*meter.Run) error{
	"publish":           publish,
	"publish headers":   publishHeaders,
	"receive async":     receiveAsync,
	"receive sync":      receiveSync,
	"receive chan":      receiveChan,
	"reply":             reply,
	"request":           request,
	"service":           service,
	"connect":           connectAndClose,
	"subscribe async":   subscribeAsync,
	"subscribe sync":    subscribeSync,
	"reconnect":         reconnect,
	"js publish":        jsPublish,
	"js publish async":  jsPublishAsync,
	"js fetch":          jsFetch,
	"js fetch no wait":  jsFetchNoWait,
	"js consume":        jsConsume,
	"js messages":       jsMessages,
	"js ordered":        jsOrdered,
	"old publish async": oldPublishAsync,
	"kv get":            kvGet,
	"kv watch":          kvWatch,
	"old fetch":         oldFetch,
	"object put":        objectPut,
	"object get":        objectGet,
}

// connect is how every scenario connects. An error that comes asynchronously ends the process: a run with errors has no speed.
func connect(r *meter.Run, opts ...nats.Option) (*nats.Conn, error) {
	opts = append(opts, nats.Timeout(10*time.Second), nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
		panic(fmt.Sprintf("asynchronous error: %v", err))
	}))
	return nats.Connect(r.URL, opts...)
}
