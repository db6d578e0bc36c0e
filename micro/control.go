package micro

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/gannet-io/nats"
)

// Names on the wire, see ADR-32.
const (
	// APIPrefix begins the subjects of discovery.
	APIPrefix = "$SRV"

	PingResponseType  = "io.nats.micro.v1.ping_response"
	InfoResponseType  = "io.nats.micro.v1.info_response"
	StatsResponseType = "io.nats.micro.v1.stats_response"

	// ErrorHeader has the description in the answer that is an error.
	ErrorHeader = "Nats-Service-Error"
	// ErrorCodeHeader has its code.
	ErrorCodeHeader = "Nats-Service-Error-Code"
)

// Verb is a question that every service answers.
type Verb int64

// The verbs.
const (
	PingVerb  Verb = iota // who is there, see [Ping]
	StatsVerb             // how it does, see [Stats]
	InfoVerb              // what it offers, see [Info]
)

// String is the verb on the wire; empty for one that is none.
func (v Verb) String() string {
	switch v {
	case PingVerb:
		return "PING"
	case StatsVerb:
		return "STATS"
	case InfoVerb:
		return "INFO"
	}
	return ""
}

// ControlSubject is the subject on which all services answer verb, those called name, or the one instance with that id. Names and ids go
// in as they are, and their case counts. Errors: [ErrVerbNotSupported], wrapped; [ErrServiceNameRequired] for an id without a name.
func ControlSubject(verb Verb, name, id string) (string, error) {
	text := verb.String()
	switch {
	case text == "":
		return "", fmt.Errorf("%w: %q", ErrVerbNotSupported, text)
	case name == "" && id != "":
		return "", ErrServiceNameRequired
	case name == "":
		return APIPrefix + "." + text, nil
	case id == "":
		return APIPrefix + "." + text + "." + name, nil
	}
	return APIPrefix + "." + text + "." + name + "." + id, nil
}

// ServiceIdentity says which instance it is.
type ServiceIdentity struct {
	Name     string            `json:"name"`     // of [Config]
	ID       string            `json:"id"`       // different for each instance
	Version  string            `json:"version"`  // of [Config]
	Metadata map[string]string `json:"metadata"` // of [Config]
}

// Ping is the answer to [PingVerb].
type Ping struct {
	ServiceIdentity
	Type string `json:"type"` // [PingResponseType]
}

// Info is the answer to [InfoVerb].
type Info struct {
	ServiceIdentity
	Type        string         `json:"type"`        // [InfoResponseType]
	Description string         `json:"description"` // of [Config]
	Endpoints   []EndpointInfo `json:"endpoints"`   // as they were added
}

// EndpointInfo is an endpoint in [Info].
type EndpointInfo struct {
	Name       string            `json:"name"`        // that AddEndpoint got
	Subject    string            `json:"subject"`     // with the prefix of its groups
	QueueGroup string            `json:"queue_group"` // empty: none
	Metadata   map[string]string `json:"metadata"`    // of [EndpointConfig]
}

// Stats is the answer to [StatsVerb].
type Stats struct {
	ServiceIdentity
	Type      string           `json:"type"`      // [StatsResponseType]
	Started   time.Time        `json:"started"`   // in UTC; since when the figures count
	Endpoints []*EndpointStats `json:"endpoints"` // as in [Info]
}

// EndpointStats are the figures of an endpoint in [Stats].
type EndpointStats struct {
	Name                  string          `json:"name"`                    // that AddEndpoint got
	Subject               string          `json:"subject"`                 // with the prefix of its groups
	QueueGroup            string          `json:"queue_group"`             // empty: none
	NumRequests           int             `json:"num_requests"`            // whose handler has returned
	NumErrors             int             `json:"num_errors"`              // of them those with an error, and errors of the subscription
	LastError             string          `json:"last_error"`              // empty: none so far
	ProcessingTime        time.Duration   `json:"processing_time"`         // of all requests, in ns on the wire
	AverageProcessingTime time.Duration   `json:"average_processing_time"` // of a request, likewise
	Data                  json.RawMessage `json:"data,omitempty"`          // of the [StatsHandler]
}

// answer is what the service says to a verb.
func (s *service) answer(verb Verb) any {
	switch verb {
	case PingVerb:
		return Ping{ServiceIdentity: s.identity(), Type: PingResponseType}
	case InfoVerb:
		return s.Info()
	}
	return s.Stats()
}

// listen subscribes to the control subjects: each verb for all services, for those of the name, and for this one.
func (s *service) listen() error {
	for _, verb := range []Verb{PingVerb, StatsVerb, InfoVerb} {
		for _, who := range [][2]string{{}, {s.config.Name}, {s.config.Name, s.id}} {
			subj, err := ControlSubject(verb, who[0], who[1])
			if err != nil {
				return err
			}
			l := &line{svc: s}
			if err := l.begin(subj, "", nil, func(m *nats.Msg) { s.control(verb, m) }); err != nil {
				return err
			}
		}
	}
	return nil
}

// control answers a control request. What it says is not looked at.
func (s *service) control(verb Verb, m *nats.Msg) {
	data, err := json.Marshal(s.answer(verb))
	if err == nil {
		err = m.Respond(data)
	}
	if err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
		s.tell(m.Subject, err)
	}
}
