// Package scenario holds what a program can do with the client library, scene by scene. It is written once; `go generate` in the
// directory above writes the copy that uses the other library.
package scenario

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/test/compat/stage"
)

// Suite is everything this package plays.
var Suite = stage.Suite{
	Scenarios: slices.Concat(
		publishRetries, publishBudgets, publishAnswers, publishAsync, publishWindow, publishHeaders,
		fetchRequests, fetchSilence, fetchStatuses, fetchEnds, fetchServer, fetchGroups,
		oldFetch, oldFetchEnds, acks, input, inputStreams, identity, requests, slow,
		consumes, flowRequests, flowStatuses, flowLinks, orderedConsumers,
		connecting, hostNames, reconnecting, life, wire, credentials, secure, certifiedNames, apis, manages,
		services,
		objects, keyValues, elsewhere,
		oldPush, pushes, serverStatuses,
	),
	Errors: errorNames,
	Code:   code,
}

// code is how the server's refusals are compared.
func code(err error) string {
	var old *nats.APIError
	if errors.As(err, &old) {
		return fmt.Sprintf("nats %d/%d", old.Code, old.ErrorCode)
	}
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return fmt.Sprintf("jetstream %d/%d", api.Code, api.ErrorCode)
	}
	return ""
}
