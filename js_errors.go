package nats

import (
	"errors"
	"fmt"
)

// JetStreamError is an error of the server's API, or one of this package's own about JetStream. APIError tells them apart.
type JetStreamError interface {
	// APIError is the server's refusal that the error holds; nil when the client made the error.
	APIError() *APIError
	error
}

// ErrorCode is the server's code of an error (ADR-7). Unlike a text, it does not change.
type ErrorCode uint16

// Codes of errors that this package knows.
const (
	JSErrCodeBadRequest                      ErrorCode = 10003
	JSErrCodeConsumerAlreadyExists           ErrorCode = 10105
	JSErrCodeConsumerEmptyFilter             ErrorCode = 10139
	JSErrCodeConsumerNameExists              ErrorCode = 10013
	JSErrCodeConsumerNotFound                ErrorCode = 10014
	JSErrCodeDuplicateFilterSubjects         ErrorCode = 10136
	JSErrCodeInsufficientResourcesErr        ErrorCode = 10023
	JSErrCodeJetStreamNotAvailable           ErrorCode = 10008
	JSErrCodeJetStreamNotEnabled             ErrorCode = 10076
	JSErrCodeJetStreamNotEnabledForAccount   ErrorCode = 10039
	JSErrCodeMessageNotFound                 ErrorCode = 10037
	JSErrCodeOverlappingFilterSubjects       ErrorCode = 10138
	JSErrCodeStreamNameInUse                 ErrorCode = 10058
	JSErrCodeStreamNotFound                  ErrorCode = 10059
	JSErrCodeStreamWrongLastSequence         ErrorCode = 10071
	JSErrCodeStreamWrongLastSequenceConstant ErrorCode = 10164
	JSStreamInvalidConfig                    ErrorCode = 10052
)

// APIError is the server's refusal of a request.
type APIError struct {
	// Code is the class of the error, in the manner of HTTP: 400, 404, 503 and so on.
	Code int `json:"code"`
	// ErrorCode says exactly what went wrong.
	ErrorCode ErrorCode `json:"err_code"`
	// Description in the server's words.
	Description string `json:"description,omitempty"`
}

// Error is "nats: " and the description.
func (e *APIError) Error() string {
	return "nats: " + e.Description
}

// APIError returns e.
func (e *APIError) APIError() *APIError { return e }

// Is makes [errors.Is] match any error of this package that holds an APIError with the same ErrorCode, whatever else
// differs.
func (e *APIError) Is(target error) bool {
	if e == nil {
		return false
	}
	var other *APIError
	return errors.As(target, &other) && other != nil && e.ErrorCode == other.ErrorCode
}

// jsError is an error value of this package. api is the refusal it stands for, nil when the client makes the error;
// message, when it is set, is its text.
type jsError struct {
	api     *APIError
	message string
}

func (e *jsError) APIError() *APIError { return e.api }

func (e *jsError) Error() string {
	if e.message == "" {
		return e.api.Error()
	}
	return "nats: " + e.message
}

// Unwrap lets errors.Is compare error codes, and errors.As find the APIError.
func (e *jsError) Unwrap() error {
	if e.api == nil {
		return nil
	}
	return e.api
}

// General errors.
var (
	// ErrJetStreamNotEnabled: no JetStream answers: it is switched off on the server, or the prefix or domain is wrong.
	ErrJetStreamNotEnabled JetStreamError = &jsError{api: &APIError{Code: 503, ErrorCode: JSErrCodeJetStreamNotEnabled, Description: "jetstream not enabled"}}
	// ErrJetStreamNotEnabledForAccount: the account may not use JetStream.
	ErrJetStreamNotEnabledForAccount JetStreamError = &jsError{api: &APIError{Code: 503, ErrorCode: JSErrCodeJetStreamNotEnabledForAccount, Description: "jetstream not enabled for account"}}
	// ErrBadRequest: the server could not read the request.
	ErrBadRequest JetStreamError = &jsError{api: &APIError{Code: 400, ErrorCode: JSErrCodeBadRequest, Description: "bad request"}}
	// ErrContextAndTimeout: both a context and a timeout were given for one call.
	ErrContextAndTimeout JetStreamError = &jsError{message: "context and timeout can not both be set"}
)

// Errors about streams.
var (
	// ErrStreamConfigRequired: the stream configuration is nil.
	ErrStreamConfigRequired JetStreamError = &jsError{message: "stream configuration is required"}
	// ErrStreamNameRequired: a stream name is empty.
	ErrStreamNameRequired JetStreamError = &jsError{message: "stream name is required"}
	// ErrInvalidStreamName: a stream name has a character that is not allowed: white space or one of . * > / \.
	ErrInvalidStreamName JetStreamError = &jsError{message: "invalid stream name"}
	// ErrStreamNotFound: there is no such stream.
	ErrStreamNotFound JetStreamError = &jsError{api: &APIError{Code: 404, ErrorCode: JSErrCodeStreamNotFound, Description: "stream not found"}}
	// ErrStreamNameAlreadyInUse: a stream of this name exists with another configuration.
	ErrStreamNameAlreadyInUse JetStreamError = &jsError{api: &APIError{Code: 400, ErrorCode: JSErrCodeStreamNameInUse, Description: "stream name already in use"}}
	// ErrNoMatchingStream: no stream stores the subject.
	ErrNoMatchingStream JetStreamError = &jsError{message: "no stream matches subject"}
	// ErrMsgNotFound: the stream has no such message.
	ErrMsgNotFound JetStreamError = &jsError{api: &APIError{Code: 404, ErrorCode: JSErrCodeMessageNotFound, Description: "message not found"}}
	// ErrStreamSourceNotSupported: the server ignores sources.
	ErrStreamSourceNotSupported JetStreamError = &jsError{message: "stream sourcing is not supported by nats-server"}
	// ErrStreamSubjectTransformNotSupported: the server ignores the subject transform of a stream.
	ErrStreamSubjectTransformNotSupported JetStreamError = &jsError{message: "stream subject transformation not supported by nats-server"}
	// ErrStreamSourceSubjectTransformNotSupported: the server ignores the subject transforms of a source.
	ErrStreamSourceSubjectTransformNotSupported JetStreamError = &jsError{message: "stream subject transformation not supported by nats-server"}
	// ErrStreamSourceMultipleSubjectTransformsNotSupported: the server ignores all but one subject transform of a source.
	ErrStreamSourceMultipleSubjectTransformsNotSupported JetStreamError = &jsError{message: "stream sourcing with multiple subject transforms not supported by nats-server"}
)

// Errors about consumers.
var (
	// ErrConsumerConfigRequired: the consumer configuration is nil.
	ErrConsumerConfigRequired JetStreamError = &jsError{message: "consumer configuration is required"}
	// ErrConsumerNameRequired: a consumer name is empty.
	ErrConsumerNameRequired JetStreamError = &jsError{message: "consumer name is required"}
	// ErrInvalidConsumerName: a consumer name is empty or has a character that is not allowed: white space or one of . * >
	// / \.
	ErrInvalidConsumerName JetStreamError = &jsError{message: "invalid consumer name"}
	// ErrInvalidFilterSubject: a filter subject is not a valid subject.
	ErrInvalidFilterSubject JetStreamError = &jsError{message: "invalid filter subject"}
	// ErrConsumerNotFound: there is no such consumer.
	ErrConsumerNotFound JetStreamError = &jsError{api: &APIError{Code: 404, ErrorCode: JSErrCodeConsumerNotFound, Description: "consumer not found"}}
	// ErrConsumerNameAlreadyInUse: a consumer of this name exists with another configuration.
	ErrConsumerNameAlreadyInUse JetStreamError = &jsError{message: "consumer name already in use"}
	// ErrConsumerCreationResponseEmpty: the server answered the creation of a consumer without one.
	ErrConsumerCreationResponseEmpty JetStreamError = &jsError{message: "consumer creation response is empty"}
	// ErrConsumerMultipleFilterSubjectsNotSupported: the server ignores FilterSubjects; the consumer exists and delivers
	// everything.
	ErrConsumerMultipleFilterSubjectsNotSupported JetStreamError = &jsError{message: "multiple consumer filter subjects not supported by nats-server"}
	// ErrDuplicateFilterSubjects: FilterSubject and FilterSubjects are both set.
	ErrDuplicateFilterSubjects JetStreamError = &jsError{api: &APIError{Code: 500, ErrorCode: JSErrCodeDuplicateFilterSubjects, Description: "consumer cannot have both FilterSubject and FilterSubjects specified"}}
	// ErrOverlappingFilterSubjects: filter subjects of a consumer overlap.
	ErrOverlappingFilterSubjects JetStreamError = &jsError{api: &APIError{Code: 500, ErrorCode: JSErrCodeOverlappingFilterSubjects, Description: "consumer subject filters cannot overlap"}}
	// ErrEmptyFilter: one of FilterSubjects is empty.
	ErrEmptyFilter JetStreamError = &jsError{api: &APIError{Code: 500, ErrorCode: JSErrCodeConsumerEmptyFilter, Description: "consumer filter in FilterSubjects cannot be empty"}}
)

// Errors while receiving.
var (
	// ErrConsumerDeleted: the consumer was deleted while messages were being received.
	ErrConsumerDeleted JetStreamError = &jsError{message: "consumer deleted"}
	// ErrConsumerLeadershipChanged: another server leads the consumer now; a new request reaches it.
	ErrConsumerLeadershipChanged JetStreamError = &jsError{message: "Leadership Changed"}
	// ErrConsumerNotActive: an idle heartbeat of a push consumer is missing.
	ErrConsumerNotActive JetStreamError = &jsError{message: "consumer not active"}
	// ErrNoHeartbeat: two idle heartbeats in a row are missing.
	ErrNoHeartbeat JetStreamError = &jsError{message: "no heartbeat received"}
	// ErrFetchDisconnected: the connection was lost during a fetch.
	ErrFetchDisconnected JetStreamError = &jsError{message: "disconnected during fetch"}
	// ErrSubscriptionClosed: the subscription is closed.
	ErrSubscriptionClosed JetStreamError = &jsError{message: "subscription closed"}
	// ErrSubjectMismatch: the subject is not one that the consumer delivers.
	ErrSubjectMismatch JetStreamError = &jsError{message: "subject does not match consumer"}
	// ErrPullSubscribeRequired: a pull consumer was subscribed to like a push consumer.
	ErrPullSubscribeRequired JetStreamError = &jsError{message: "must use pull subscribe to bind to pull based consumer"}
	// ErrPullSubscribeToPushConsumer: a push consumer was subscribed to like a pull consumer.
	ErrPullSubscribeToPushConsumer JetStreamError = &jsError{message: "cannot pull subscribe to push based consumer"}
	// ErrConsumerInfoOnOrderedReset: an ordered consumer is being created anew at this moment.
	ErrConsumerInfoOnOrderedReset JetStreamError = &jsError{message: "cannot fetch consumer info; ordered consumer is being reset"}
)

// Errors of acknowledgements.
var (
	// ErrMsgAlreadyAckd: a message was acknowledged before.
	ErrMsgAlreadyAckd JetStreamError = &jsError{message: "message was already acknowledged"}
	// ErrNotJSMessage: a message is not one of a stream.
	ErrNotJSMessage JetStreamError = &jsError{message: "not a jetstream message"}
	// ErrCantAckIfConsumerAckNone: the consumer of a message has AckNonePolicy.
	ErrCantAckIfConsumerAckNone JetStreamError = &jsError{message: "cannot acknowledge a message for a consumer with AckNone policy"}
)

// Errors of publishes.
var (
	// ErrNoStreamResponse: no stream stores the subject.
	ErrNoStreamResponse JetStreamError = &jsError{message: "no response from stream"}
	// ErrInvalidJSAck: the answer to a publish is not an acknowledgement; somebody else may listen on the subject.
	ErrInvalidJSAck JetStreamError = &jsError{message: "invalid jetstream publish response"}
	// ErrAsyncPublishTimeout: an asynchronous publish was not acknowledged in time.
	ErrAsyncPublishTimeout JetStreamError = &jsError{message: "timeout waiting for ack"}
	// ErrTooManyStalledMsgs: too many asynchronous publishes wait for their acks.
	ErrTooManyStalledMsgs JetStreamError = &jsError{message: "stalled with too many outstanding async published messages"}
	// ErrJetStreamPublisherClosed: the publisher was cleaned up while a publish was waiting for its ack.
	ErrJetStreamPublisherClosed JetStreamError = &jsError{message: "jetstream context closed"}
)

// Errors of key-value buckets.
var (
	// ErrKeyExists: the key exists already.
	ErrKeyExists JetStreamError = &jsError{message: "key exists", api: &APIError{Code: 400, ErrorCode: JSErrCodeStreamWrongLastSequence}}
	// ErrKeyRevisionMismatch: the key has another revision than expected.
	ErrKeyRevisionMismatch JetStreamError = &jsError{message: "key revision mismatch"}
)

// ErrConsumerSequenceMismatch goes to the asynchronous error handler when a heartbeat shows that a push subscription has missed
// messages.
type ErrConsumerSequenceMismatch struct {
	// StreamResumeSequence is the stream sequence from which a new consumer would bring what is missing.
	StreamResumeSequence uint64
	// ConsumerSequence is the consumer sequence that came last.
	ConsumerSequence uint64
	// LastConsumerSequence is the one that the server sent last.
	LastConsumerSequence uint64
}

// Error has all three numbers.
func (e *ErrConsumerSequenceMismatch) Error() string {
	return fmt.Sprintf("nats: sequence mismatch for consumer at sequence %d (%d sequences behind), should restart consumer from stream sequence %d",
		e.ConsumerSequence, e.LastConsumerSequence-e.ConsumerSequence, e.StreamResumeSequence)
}
