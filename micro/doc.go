// Package micro makes services: request handlers that can be found and watched by whoever is connected to the same NATS account.
//
//	               $SRV.PING, .INFO, .STATS            (discovery: every instance answers)
//	Client ────────────────────────────────────┐
//	  │                                        ▼
//	  │  orders.create  ┌─ queue group q ─► Service instance ─┬─ Endpoint "create" ─► middleware ─► Handler
//	  └────────────────►│                                     └─ Group "v2" ─ Endpoint …
//	                    └────────────────► Service instance (another process)
//
// [AddService] starts an instance on a connection, [Service.AddEndpoint] has a [Handler] called for each request on a subject,
// [Service.AddGroup] gives endpoints a common prefix. Instances of a service share a queue group, so one of them gets each request.
//
//	svc, err := micro.AddService(nc, micro.Config{Name: "orders", Version: "1.2.0"})
//	err = svc.AddEndpoint("create", micro.HandlerFunc(func(r micro.Request) {
//		r.RespondJSON(create(r.Data()))
//	}))
//
// The subjects and the JSON of discovery are those of ADR-32, so services and clients of every NATS library find each other.
//
// # Handlers
//
// The handlers of an endpoint run one after the other, in the order of arrival, unless [WithEndpointConcurrency] says otherwise; those of
// different endpoints run at the same time. A handler that panics answers with code 500 and is told; see [PanicError] and
// Config.PropagatePanics. What comes faster than it is handled waits, within [WithEndpointPendingLimits], and is dropped beyond them, which
// is counted and told.
//
// # The caller's deadline
//
// A caller may say until when an answer is of use, in [DeadlineHeader]: [Client.Request] and [SetDeadline] do. [RequestContext] and
// [ContextHandler] give the handler a context that ends then. Without the header there is no deadline. The context also ends when the
// connection is closed, and when a stopped service has used up Config.DrainTimeout.
//
// # The end
//
// [Service.Stop] ends an instance without losing requests: no new ones come, those that have arrived are handled, then the done handler is
// called. [Shutdown] also waits for that. A service whose connection drains or closes ends with it.
//
// # Clients
//
// A [Client] asks all services, or some, who they are and how they do, and makes requests whose failures are errors.
package micro
