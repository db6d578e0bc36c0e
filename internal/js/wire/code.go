package wire

import "strconv"

// Code says what happened. Each public package maps (operation, code) to its own error value, since one event is a
// different value per call. The zero value is OK.
type Code uint8

const (
	OK               Code = iota // nothing to tell
	NoHeartbeat                  // two silent idle-heartbeat intervals
	NoAnswer                     // a pull without heartbeats ended by its own clock with no word from the server
	NoResponders                 // 503
	Timeout                      // the caller's time is over
	NoMessages                   // 404
	RequestTimeout               // 408: the pull expired
	ConsumerDeleted              // 409
	LeadershipChange             // 409
	ServerShutdown               // 409
	MaxBytesExceeded             // 409 Message Size Exceeds MaxBytes
	BatchCompleted               // 409
	LimitExceeded                // any other 409; the description is the server's
	BadRequest                   // 400
	PinIDMismatch                // 423
	Disconnected                 // the link was lost
	ConnectionClosed             // the connection is over
	InvalidAck                   // an ack without stream, or no JSON
	ServerRefused                // an API error came; see APIError
	TooManyStalled               // the window of async publishes stayed full
	PublisherClosed              // the publisher was cleaned up
	AckTimeout                   // async publish never answered
	Canceled                     // the caller's context ended
	IdleHeartbeat                // 100 Idle Heartbeat
	FlowControl                  // 100 FlowControl Request
	OtherStatus                  // a status that is none of these
	OrderedReset                 // an ordered reader has to make a new consumer, or cannot
	Gap                          // a consumer has sent messages that did not come
	BatchForgotten               // the server does not know a fast batch any more
)

var codeNames = [...]string{
	OK:               "OK",
	NoHeartbeat:      "NoHeartbeat",
	NoAnswer:         "NoAnswer",
	NoResponders:     "NoResponders",
	Timeout:          "Timeout",
	NoMessages:       "NoMessages",
	RequestTimeout:   "RequestTimeout",
	ConsumerDeleted:  "ConsumerDeleted",
	LeadershipChange: "LeadershipChange",
	ServerShutdown:   "ServerShutdown",
	MaxBytesExceeded: "MaxBytesExceeded",
	BatchCompleted:   "BatchCompleted",
	LimitExceeded:    "LimitExceeded",
	BadRequest:       "BadRequest",
	PinIDMismatch:    "PinIDMismatch",
	Disconnected:     "Disconnected",
	ConnectionClosed: "ConnectionClosed",
	InvalidAck:       "InvalidAck",
	ServerRefused:    "ServerRefused",
	TooManyStalled:   "TooManyStalled",
	PublisherClosed:  "PublisherClosed",
	AckTimeout:       "AckTimeout",
	Canceled:         "Canceled",
	IdleHeartbeat:    "IdleHeartbeat",
	FlowControl:      "FlowControl",
	OtherStatus:      "OtherStatus",
	OrderedReset:     "OrderedReset",
	Gap:              "Gap",
	BatchForgotten:   "BatchForgotten",
}

// String is the constant's name, for logs and tests; users never see it.
func (c Code) String() string {
	if int(c) < len(codeNames) {
		return codeNames[c]
	}
	return "Code(" + strconv.Itoa(int(c)) + ")"
}
