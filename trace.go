package nats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"time"
)

// Headers that ask the servers for a trace of a message (ADR-41, nats-server 2.11).
const (
	// TraceDestHeader holds the subject that the servers publish their events on.
	TraceDestHeader = "Nats-Trace-Dest"
	// TraceOnlyHeader, if it is "true", keeps the servers from delivering the message.
	TraceOnlyHeader = "Nats-Trace-Only"
)

// ErrBadTrace is wrapped by the error of a trace event that cannot be read.
var ErrBadTrace = errors.New("nats: bad trace event")

// TraceEvent is what one server tells of a traced message.
type TraceEvent struct {
	// Server that tells.
	Server TraceServer `json:"server"`
	// Request is the message as it came to the server.
	Request TraceRequest `json:"request"`
	// Hops is how many other servers this one has sent the message to. Each of them tells its part.
	Hops int `json:"hops"`
	// Steps are what happened to the message at this server, in order.
	Steps []TraceStep `json:"events"`
}

// TraceServer names a server.
type TraceServer struct {
	Name    string    `json:"name"`    // its id when it was given none
	Host    string    `json:"host"`    // that it listens on
	ID      string    `json:"id"`      // of this run of the server
	Cluster string    `json:"cluster"` // empty: none
	Domain  string    `json:"domain"`  // of its JetStream; empty: none
	Version string    `json:"ver"`     // of the server, as 2.15.2
	Time    time.Time `json:"time"`    // of the event, by the server's clock
}

// TraceRequest is the message that is traced.
type TraceRequest struct {
	// Header of the message.
	Header Header `json:"header"`
	// Size of header and payload in bytes.
	Size int `json:"msgsize"`
}

// TraceStepKind says what a [TraceStep] is about.
type TraceStepKind string

// Kinds of steps.
const (
	TraceIngress        TraceStepKind = "in" // the message came in
	TraceSubjectMapping TraceStepKind = "sm" // its subject was mapped: To
	TraceStreamExport   TraceStepKind = "se" // it went into another account: Account, To
	TraceServiceImport  TraceStepKind = "si" // it went to a service of another account: Account, From, To
	TraceJetStream      TraceStepKind = "js" // a stream got it: Stream, Subject, NoInterest
	TraceEgress         TraceStepKind = "eg" // it went out: to a subscription, or to another server
)

// TraceStep is one thing that happened to a traced message. Which fields are set depends on the kind.
type TraceStep struct {
	// Kind says what happened, and Time when, by the clock of the server that tells.
	Kind TraceStepKind
	Time time.Time
	// Connection of an ingress or egress: 0 a client, 1 a route, 2 a gateway, 3 the system, 4 a leaf node, 5 JetStream, 6 an account.
	Connection int
	// CID and Name of that connection; the name of a server if it is not a client's.
	CID  uint64
	Name string
	// Account that the step is in.
	Account string
	// Subject of the message.
	Subject string
	// From and To are the subjects of mappings, imports and exports.
	From, To string
	// Hop is the number by which the server at the other end of an egress refers to it.
	Hop string
	// Subscription and Queue that an egress is for.
	Subscription, Queue string
	// Stream that got the message; NoInterest: and did not store it, because no consumer wants it.
	Stream     string
	NoInterest bool
	// Error is why the step failed; empty: it did not.
	Error string
}

// UnmarshalJSON reads a step of any kind; fields that it does not know are left out. What is no JSON object of a step is an error.
func (s *TraceStep) UnmarshalJSON(data []byte) error {
	var in struct {
		Kind         TraceStepKind `json:"type"`
		Time         time.Time     `json:"ts"`
		Connection   int           `json:"kind"`
		CID          uint64        `json:"cid"`
		Name         string        `json:"name"`
		Account      string        `json:"acc"`
		Subj         string        `json:"subj"`
		Subject      string        `json:"subject"`
		From         string        `json:"from"`
		To           string        `json:"to"`
		Hop          string        `json:"hop"`
		Subscription string        `json:"sub"`
		Queue        string        `json:"queue"`
		Stream       string        `json:"stream"`
		NoInterest   bool          `json:"nointerest"`
		Error        string        `json:"error"`
	}
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	if in.Subject == "" {
		in.Subject = in.Subj
	}
	*s = TraceStep{
		Kind: in.Kind, Time: in.Time, Connection: in.Connection, CID: in.CID, Name: in.Name, Account: in.Account,
		Subject: in.Subject, From: in.From, To: in.To, Hop: in.Hop, Subscription: in.Subscription, Queue: in.Queue,
		Stream: in.Stream, NoInterest: in.NoInterest, Error: in.Error,
	}
	return nil
}

// traceSilence ends a trace whose context has no deadline.
const traceSilence = 2 * time.Second

// TraceMsg publishes m and returns an iterator over what the servers tell of its way (ADR-41). Without deliver the message goes the whole way,
// through imports, routes and gateways, but no subscription gets it and no stream stores it. What becomes of it in another account is told only
// where that account's export of a service, or the import of a stream, has allow_trace. m stays as it is.
//
//	for event, err := range nc.TraceMsg(ctx, nats.NewMsg("orders.new"), false) {
//		if err != nil { ... } // the loop ends with it
//		for _, step := range event.Steps { ... }
//	}
//
// The loop ends when all servers that the message reached have told their part. It ends with an error when ctx ends before, or, if it
// has no deadline, after 2 seconds without an event: [ErrTimeout]. Servers before 2.11 tell nothing. Other errors: [ErrInvalidContext],
// those of PublishMsg and of a subscription. Nothing is left behind when the loop ends early. The error of an event that cannot be read
// wraps [ErrBadTrace].
func (nc *Conn) TraceMsg(ctx context.Context, m *Msg, deliver bool) iter.Seq2[*TraceEvent, error] {
	return func(yield func(*TraceEvent, error) bool) {
		if err := nc.trace(ctx, m, deliver, yield); err != nil {
			yield(nil, err)
		}
	}
}

func (nc *Conn) trace(ctx context.Context, m *Msg, deliver bool, yield func(*TraceEvent, error) bool) error {
	switch {
	case nc == nil:
		return ErrInvalidConnection
	case ctx == nil:
		return ErrInvalidContext
	case m == nil:
		return ErrInvalidMsg
	}
	sub, err := nc.SubscribeSync(nc.NewInbox())
	if err != nil {
		return err
	}
	defer func() { _ = sub.Unsubscribe() }() // the connection may be over
	h := maps.Clone(m.Header)
	if h == nil {
		h = Header{}
	}
	h.Set(TraceDestHeader, sub.Subject)
	if !deliver {
		h.Set(TraceOnlyHeader, "true")
	}
	if err := nc.PublishMsg(&Msg{Subject: m.Subject, Reply: m.Reply, Header: h, Data: m.Data}); err != nil {
		return err
	}
	for missing := 1; missing > 0; missing-- {
		event, err := nextTrace(ctx, sub)
		if err != nil {
			return err
		}
		missing += max(event.Hops, 0)
		if !yield(event, nil) {
			return nil
		}
	}
	return nil
}

func nextTrace(ctx context.Context, sub *Subscription) (*TraceEvent, error) {
	var m *Msg
	var err error
	if _, bounded := ctx.Deadline(); bounded {
		m, err = sub.NextMsgWithContext(ctx)
	} else {
		quiet, cancel := context.WithTimeoutCause(ctx, traceSilence, ErrTimeout)
		defer cancel()
		if m, err = sub.NextMsgWithContext(quiet); err != nil && ctx.Err() == nil && quiet.Err() != nil {
			err = ErrTimeout
		}
	}
	if err != nil {
		return nil, err
	}
	event := new(TraceEvent)
	if err := json.Unmarshal(m.Data, event); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadTrace, err)
	}
	return event, nil
}
