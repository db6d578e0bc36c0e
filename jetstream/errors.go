package jetstream

import (
	"errors"
	"strconv"
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
	JSErrCodeConsumerCreate                  ErrorCode = 10012
	JSErrCodeConsumerDoesNotExist            ErrorCode = 10149
	JSErrCodeConsumerEmptyFilter             ErrorCode = 10139
	JSErrCodeConsumerExists                  ErrorCode = 10148
	JSErrCodeConsumerInvalidReset            ErrorCode = 10204
	JSErrCodeConsumerNameExists              ErrorCode = 10013
	JSErrCodeConsumerNotFound                ErrorCode = 10014
	JSErrCodeDuplicateFilterSubjects         ErrorCode = 10136
	JSErrCodeJetStreamNotEnabled             ErrorCode = 10076
	JSErrCodeJetStreamNotEnabledForAccount   ErrorCode = 10039
	JSErrCodeMaximumConsumersLimit           ErrorCode = 10026
	JSErrCodeMessageNotFound                 ErrorCode = 10037
	JSErrCodeMessageSchedulesDisabled        ErrorCode = 10188
	JSErrCodeMirrorWithMsgSchedules          ErrorCode = 10186
	JSErrCodeOverlappingFilterSubjects       ErrorCode = 10138
	JSErrCodeSchedulePatternInvalid          ErrorCode = 10189
	JSErrCodeScheduleRollupInvalid           ErrorCode = 10192
	JSErrCodeScheduleSourceInvalid           ErrorCode = 10203
	JSErrCodeScheduleTTLInvalid              ErrorCode = 10191
	JSErrCodeScheduleTargetInvalid           ErrorCode = 10190
	JSErrCodeSourceWithMsgSchedules          ErrorCode = 10187
	JSErrCodeStreamMessageExceedsMaximum     ErrorCode = 10054
	JSErrCodeStreamNameInUse                 ErrorCode = 10058
	JSErrCodeStreamNotFound                  ErrorCode = 10059
	JSErrCodeStreamWrongLastSequence         ErrorCode = 10071
	JSErrCodeStreamWrongLastSequenceConstant ErrorCode = 10164
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

// Error is nats: API error: code=<code> err_code=<code> description=<description>.
func (e *APIError) Error() string {
	return "nats: API error: code=" + strconv.Itoa(e.Code) + " err_code=" + strconv.Itoa(int(e.ErrorCode)) + " description=" + e.Description
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
	// ErrInvalidJetStreamResponse: an answer of the API cannot be understood.
	ErrInvalidJetStreamResponse JetStreamError = &jsError{message: "invalid jetstream api response"}
	// ErrBadRequest: the server could not read the request.
	ErrBadRequest JetStreamError = &jsError{api: &APIError{Code: 400, ErrorCode: JSErrCodeBadRequest, Description: "bad request"}}
	// ErrInvalidOption: an option has an invalid value, or two of them exclude each other; the error that wraps it says
	// which.
	ErrInvalidOption JetStreamError = &jsError{message: "invalid jetstream option"}
	// ErrInvalidSubject: a subject is empty, has white space or an empty token.
	ErrInvalidSubject JetStreamError = &jsError{message: "invalid subject name"}
	// ErrConnectionClosed: the connection was closed while messages were being consumed.
	ErrConnectionClosed JetStreamError = &jsError{message: "connection closed"}
	// ErrNoMessages: there are no messages.
	ErrNoMessages JetStreamError = &jsError{message: "no messages"}
	// ErrEndOfData: there is no more data.
	ErrEndOfData JetStreamError = &jsError{message: "end of data reached"}
)

// Errors about streams.
var (
	// ErrStreamNameRequired: a stream name is empty.
	ErrStreamNameRequired JetStreamError = &jsError{message: "stream name is required"}
	// ErrInvalidStreamName: a stream name has a character that is not allowed: white space or one of . * > / \.
	ErrInvalidStreamName JetStreamError = &jsError{message: "invalid stream name"}
	// ErrStreamNotFound: there is no such stream.
	ErrStreamNotFound JetStreamError = &jsError{api: &APIError{Code: 404, ErrorCode: JSErrCodeStreamNotFound, Description: "stream not found"}}
	// ErrStreamNameAlreadyInUse: a stream of this name exists with another configuration.
	ErrStreamNameAlreadyInUse JetStreamError = &jsError{api: &APIError{Code: 400, ErrorCode: JSErrCodeStreamNameInUse, Description: "stream name already in use"}}
	// ErrMsgNotFound: the stream has no such message.
	ErrMsgNotFound JetStreamError = &jsError{api: &APIError{Code: 404, ErrorCode: JSErrCodeMessageNotFound, Description: "message not found"}}
	// ErrMsgDeleteUnsuccessful: a message could not be deleted; the error that wraps it holds the server's.
	ErrMsgDeleteUnsuccessful JetStreamError = &jsError{message: "message deletion unsuccessful"}
	// ErrStreamMessageExceedsMaximum: a message is larger than the stream allows.
	ErrStreamMessageExceedsMaximum JetStreamError = &jsError{api: &APIError{Code: 400, ErrorCode: JSErrCodeStreamMessageExceedsMaximum, Description: "message size exceeds maximum allowed"}}
	// ErrStreamSourceNotSupported: the server ignores sources.
	ErrStreamSourceNotSupported JetStreamError = &jsError{message: "stream sourcing is not supported by nats-server"}
	// ErrStreamSubjectTransformNotSupported: the server ignores the subject transform of a stream.
	ErrStreamSubjectTransformNotSupported JetStreamError = &jsError{message: "stream subject transformation not supported by nats-server"}
	// ErrStreamSourceSubjectTransformNotSupported: the server ignores the subject transforms of a source.
	ErrStreamSourceSubjectTransformNotSupported JetStreamError = &jsError{message: "stream subject transformation not supported by nats-server"}
	// ErrStreamSourceMultipleFilterSubjectsNotSupported: the server ignores all but one filter of a source.
	ErrStreamSourceMultipleFilterSubjectsNotSupported JetStreamError = &jsError{message: "stream sourcing with multiple subject filters not supported by nats-server"}
)

// Errors about consumers.
var (
	// ErrInvalidConsumerName: a consumer name is empty or has a character that is not allowed: white space or one of . * >
	// / \.
	ErrInvalidConsumerName JetStreamError = &jsError{message: "invalid consumer name"}
	// ErrConsumerNotFound: there is no such consumer.
	ErrConsumerNotFound JetStreamError = &jsError{api: &APIError{Code: 404, ErrorCode: JSErrCodeConsumerNotFound, Description: "consumer not found"}}
	// ErrConsumerExists: a consumer of this name exists with another configuration.
	ErrConsumerExists JetStreamError = &jsError{api: &APIError{Code: 400, ErrorCode: JSErrCodeConsumerExists, Description: "consumer already exists"}}
	// ErrConsumerDoesNotExist: there is no such consumer to update.
	ErrConsumerDoesNotExist JetStreamError = &jsError{api: &APIError{Code: 400, ErrorCode: JSErrCodeConsumerDoesNotExist, Description: "consumer does not exist"}}
	// ErrConsumerNameAlreadyInUse: a consumer of this name exists with another configuration.
	ErrConsumerNameAlreadyInUse JetStreamError = &jsError{message: "consumer name already in use"}
	// ErrConsumerCreate: the server could not create the consumer.
	ErrConsumerCreate JetStreamError = &jsError{api: &APIError{Code: 500, ErrorCode: JSErrCodeConsumerCreate, Description: "could not create consumer"}}
	// ErrConsumerCreationResponseEmpty: the server answered the creation of a consumer without one.
	ErrConsumerCreationResponseEmpty JetStreamError = &jsError{message: "consumer creation response is empty"}
	// ErrConsumerResetResponseEmpty: the server answered the reset of a consumer without one.
	ErrConsumerResetResponseEmpty JetStreamError = &jsError{message: "consumer reset response is empty"}
	// ErrConsumerInvalidReset: the consumer cannot be reset to this sequence.
	ErrConsumerInvalidReset JetStreamError = &jsError{api: &APIError{Code: 400, ErrorCode: JSErrCodeConsumerInvalidReset, Description: "invalid reset"}}
	// ErrMaximumConsumersLimit: the stream or account has as many consumers as it may have.
	ErrMaximumConsumersLimit JetStreamError = &jsError{api: &APIError{Code: 400, ErrorCode: JSErrCodeMaximumConsumersLimit, Description: "maximum consumers limit reached"}}
	// ErrConsumerMultipleFilterSubjectsNotSupported: the server ignores FilterSubjects; the consumer exists and delivers
	// everything.
	ErrConsumerMultipleFilterSubjectsNotSupported JetStreamError = &jsError{message: "multiple consumer filter subjects not supported by nats-server"}
	// ErrDuplicateFilterSubjects: FilterSubject and FilterSubjects are both set.
	ErrDuplicateFilterSubjects JetStreamError = &jsError{api: &APIError{Code: 500, ErrorCode: JSErrCodeDuplicateFilterSubjects, Description: "consumer cannot have both FilterSubject and FilterSubjects specified"}}
	// ErrOverlappingFilterSubjects: filter subjects of a consumer overlap.
	ErrOverlappingFilterSubjects JetStreamError = &jsError{api: &APIError{Code: 500, ErrorCode: JSErrCodeOverlappingFilterSubjects, Description: "consumer subject filters cannot overlap"}}
	// ErrEmptyFilter: one of FilterSubjects is empty.
	ErrEmptyFilter JetStreamError = &jsError{api: &APIError{Code: 500, ErrorCode: JSErrCodeConsumerEmptyFilter, Description: "consumer filter in FilterSubjects cannot be empty"}}
	// ErrNotPullConsumer: a push consumer was asked for as a pull consumer.
	ErrNotPullConsumer JetStreamError = &jsError{message: "consumer is not a pull consumer"}
	// ErrNotPushConsumer: a pull consumer was asked for as a push consumer, or DeliverSubject is empty.
	ErrNotPushConsumer JetStreamError = &jsError{message: "consumer is not a push consumer"}
)

// ErrListIncomplete is matched by the error of a list that came to its end without some streams or consumers, which it names: no server answered
// for them in time, or none can run them. What was listed is as it should be.
var ErrListIncomplete JetStreamError = &jsError{message: "list is incomplete"}

// Errors while receiving.
var (
	// ErrConsumerDeleted: the consumer was deleted while messages were being received.
	ErrConsumerDeleted JetStreamError = &jsError{message: "consumer deleted"}
	// ErrConsumerLeadershipChanged: another server leads the consumer now; a new request reaches it.
	ErrConsumerLeadershipChanged JetStreamError = &jsError{message: "leadership change"}
	// ErrServerShutdown: the server that leads the consumer shuts down; a new request reaches another one.
	ErrServerShutdown JetStreamError = &jsError{message: "server shutdown"}
	// ErrNoHeartbeat: two idle heartbeats in a row are missing.
	ErrNoHeartbeat JetStreamError = &jsError{message: "no heartbeat received"}
	// ErrBatchCompleted: the server ended a pull because the next message would exceed its size.
	ErrBatchCompleted JetStreamError = &jsError{message: "batch completed"}
	// ErrMaxBytesExceeded: a message is larger than the bytes asked for.
	ErrMaxBytesExceeded JetStreamError = &jsError{message: "message size exceeds max bytes"}
	// ErrPinIDMismatch: another client is pinned now.
	ErrPinIDMismatch JetStreamError = &jsError{message: "pin ID mismatch"}
	// ErrMsgIteratorClosed: the iterator was stopped, drained to its end, or ended by an error.
	ErrMsgIteratorClosed JetStreamError = &jsError{message: "messages iterator closed"}
	// ErrConsumerHasActiveSubscription: the consumer has a subscription already.
	ErrConsumerHasActiveSubscription JetStreamError = &jsError{message: "consumer has active subscription"}
	// ErrConsumerAlreadyConsuming: a push consumer is consumed already.
	ErrConsumerAlreadyConsuming JetStreamError = &jsError{message: "consumer is already consuming"}
	// ErrHandlerRequired: the message handler is nil.
	ErrHandlerRequired JetStreamError = &jsError{message: "handler cannot be empty"}
	// ErrOrderedConsumerReset: an ordered consumer is created anew.
	ErrOrderedConsumerReset JetStreamError = &jsError{message: "recreating ordered consumer"}
	// ErrOrderedConsumerConcurrentRequests: an ordered consumer is in use already.
	ErrOrderedConsumerConcurrentRequests JetStreamError = &jsError{message: "cannot run concurrent processing using ordered consumer"}
	// ErrOrderedConsumerNotCreated: an ordered consumer has not begun to read.
	ErrOrderedConsumerNotCreated JetStreamError = &jsError{message: "consumer instance not yet created"}
	// ErrOrderConsumerUsedAsFetch: an ordered consumer that fetches cannot consume.
	ErrOrderConsumerUsedAsFetch JetStreamError = &jsError{message: "ordered consumer initialized as fetch"}
	// ErrOrderConsumerUsedAsConsume: an ordered consumer that consumes cannot fetch.
	ErrOrderConsumerUsedAsConsume JetStreamError = &jsError{message: "ordered consumer initialized as consume"}
)

// Errors of acknowledgements.
var (
	// ErrMsgAlreadyAckd: a message was acknowledged before.
	ErrMsgAlreadyAckd JetStreamError = &jsError{message: "message was already acknowledged"}
	// ErrMsgNotBound: a message did not come from a subscription, so that it cannot be acknowledged.
	ErrMsgNotBound JetStreamError = &jsError{message: "message is not bound to subscription/connection"}
	// ErrMsgNoReply: a message has no reply subject.
	ErrMsgNoReply JetStreamError = &jsError{message: "message does not have a reply"}
	// ErrNotJSMessage: a message is not one of a stream.
	ErrNotJSMessage JetStreamError = &jsError{message: "not a jetstream message"}
)

// Errors of publishes.
var (
	// ErrNoStreamResponse: no stream stores the subject.
	ErrNoStreamResponse JetStreamError = &jsError{message: "no response from stream"}
	// ErrInvalidJSAck: the answer to a publish is not an acknowledgement; somebody else may listen on the subject.
	ErrInvalidJSAck JetStreamError = &jsError{message: "invalid jetstream publish response"}
	// ErrAsyncPublishReplySubjectSet: a message to be published asynchronously has a reply subject.
	ErrAsyncPublishReplySubjectSet JetStreamError = &jsError{message: "reply subject should be empty"}
	// ErrAsyncPublishTimeout: an asynchronous publish was not acknowledged in time.
	ErrAsyncPublishTimeout JetStreamError = &jsError{message: "timeout waiting for ack"}
	// ErrTooManyStalledMsgs: too many asynchronous publishes wait for their acks.
	ErrTooManyStalledMsgs JetStreamError = &jsError{message: "stalled with too many outstanding async published messages"}
	// ErrJetStreamPublisherClosed: the publisher was cleaned up while a publish was waiting for its ack.
	ErrJetStreamPublisherClosed JetStreamError = &jsError{message: "jetstream context closed"}
	// ErrMessageSchedulesDisabled: the stream does not allow scheduled messages.
	ErrMessageSchedulesDisabled JetStreamError = &jsError{api: &APIError{Code: 400, ErrorCode: JSErrCodeMessageSchedulesDisabled, Description: "message schedules is disabled"}}
	// ErrMirrorWithMsgSchedules: a mirror cannot allow scheduled messages.
	ErrMirrorWithMsgSchedules JetStreamError = &jsError{api: &APIError{Code: 400, ErrorCode: JSErrCodeMirrorWithMsgSchedules, Description: "stream mirrors can not also schedule messages"}}
	// ErrSourceWithMsgSchedules: a stream with sources cannot allow scheduled messages.
	ErrSourceWithMsgSchedules JetStreamError = &jsError{api: &APIError{Code: 400, ErrorCode: JSErrCodeSourceWithMsgSchedules, Description: "stream source can not also schedule messages"}}
	// ErrSchedulePatternInvalid: a schedule cannot be read.
	ErrSchedulePatternInvalid JetStreamError = &jsError{api: &APIError{Code: 400, ErrorCode: JSErrCodeSchedulePatternInvalid, Description: "message schedules pattern is invalid"}}
	// ErrScheduleTargetInvalid: the target of a schedule is not valid.
	ErrScheduleTargetInvalid JetStreamError = &jsError{api: &APIError{Code: 400, ErrorCode: JSErrCodeScheduleTargetInvalid, Description: "message schedules target is invalid"}}
	// ErrScheduleTTLInvalid: the TTL of a schedule is not valid.
	ErrScheduleTTLInvalid JetStreamError = &jsError{api: &APIError{Code: 400, ErrorCode: JSErrCodeScheduleTTLInvalid, Description: "message schedules invalid per-message TTL"}}
	// ErrScheduleRollupInvalid: the rollup of a schedule is not valid.
	ErrScheduleRollupInvalid JetStreamError = &jsError{api: &APIError{Code: 400, ErrorCode: JSErrCodeScheduleRollupInvalid, Description: "message schedules invalid rollup"}}
	// ErrScheduleSourceInvalid: the source of a schedule is not valid.
	ErrScheduleSourceInvalid JetStreamError = &jsError{api: &APIError{Code: 400, ErrorCode: JSErrCodeScheduleSourceInvalid, Description: "message schedules source is invalid"}}
)

// Errors of key-value buckets.
var (
	// ErrKeyValueConfigRequired: the bucket configuration is missing.
	ErrKeyValueConfigRequired JetStreamError = &jsError{message: "config required"}
	// ErrInvalidBucketName: a bucket name has a character that is not allowed.
	ErrInvalidBucketName JetStreamError = &jsError{message: "invalid bucket name"}
	// ErrInvalidKey: a key has a character that is not allowed, or begins or ends with a dot.
	ErrInvalidKey JetStreamError = &jsError{message: "invalid key"}
	// ErrBucketExists: the bucket exists with another configuration.
	ErrBucketExists JetStreamError = &jsError{message: "bucket name already in use"}
	// ErrBucketNotFound: there is no such bucket.
	ErrBucketNotFound JetStreamError = &jsError{message: "bucket not found"}
	// ErrBadBucket: the stream is not a bucket.
	ErrBadBucket JetStreamError = &jsError{message: "bucket not valid key-value store"}
	// ErrKeyNotFound: the key does not exist or was deleted.
	ErrKeyNotFound JetStreamError = &jsError{message: "key not found"}
	// ErrKeyDeleted: the key was deleted.
	ErrKeyDeleted JetStreamError = &jsError{message: "key was deleted"}
	// ErrKeyExists: the key exists already.
	ErrKeyExists JetStreamError = &jsError{message: "key exists", api: &APIError{Code: 400, ErrorCode: JSErrCodeStreamWrongLastSequence}}
	// ErrKeyRevisionMismatch: the key has another revision than expected.
	ErrKeyRevisionMismatch JetStreamError = &jsError{message: "key revision mismatch"}
	// ErrHistoryTooLarge: a bucket can keep at most 64 revisions of a key.
	ErrHistoryTooLarge JetStreamError = &jsError{message: "history limited to a max of 64"}
	// ErrNoKeysFound: the bucket has no keys.
	ErrNoKeysFound JetStreamError = &jsError{message: "no keys found"}
	// ErrTTLOnDeleteNotSupported: a delete cannot have a TTL; a purge can.
	ErrTTLOnDeleteNotSupported JetStreamError = &jsError{message: "TTL is not supported on delete"}
	// ErrLimitMarkerTTLNotSupported: the server does not know LimitMarkerTTL.
	ErrLimitMarkerTTLNotSupported JetStreamError = &jsError{message: "limit marker TTLs not supported by server"}
)

// Errors of object stores.
var (
	// ErrObjectConfigRequired: the object store configuration is missing.
	ErrObjectConfigRequired JetStreamError = &jsError{message: "object-store config required"}
	// ErrInvalidStoreName: the name of an object store has a character that is not allowed.
	ErrInvalidStoreName JetStreamError = &jsError{message: "invalid object-store name"}
	// ErrBadObjectMeta: the description of an object cannot be used.
	ErrBadObjectMeta JetStreamError = &jsError{message: "object-store meta information invalid"}
	// ErrObjectNotFound: there is no such object.
	ErrObjectNotFound JetStreamError = &jsError{message: "object not found"}
	// ErrObjectAlreadyExists: an object of this name exists.
	ErrObjectAlreadyExists JetStreamError = &jsError{message: "an object already exists with that name"}
	// ErrObjectRequired: the object to link to is missing.
	ErrObjectRequired JetStreamError = &jsError{message: "object required"}
	// ErrBucketRequired: the bucket to link to is missing.
	ErrBucketRequired JetStreamError = &jsError{message: "bucket required"}
	// ErrBucketMalformed: the bucket to link to is not one of this package.
	ErrBucketMalformed JetStreamError = &jsError{message: "bucket malformed"}
	// ErrNameRequired: a name is empty.
	ErrNameRequired JetStreamError = &jsError{message: "name is required"}
	// ErrLinkNotAllowed: a link cannot be put; it has calls of its own.
	ErrLinkNotAllowed JetStreamError = &jsError{message: "link cannot be set when putting the object in bucket"}
	// ErrNoLinkToDeleted: the object to link to was deleted.
	ErrNoLinkToDeleted JetStreamError = &jsError{message: "not allowed to link to a deleted object"}
	// ErrNoLinkToLink: the object to link to is a link itself.
	ErrNoLinkToLink JetStreamError = &jsError{message: "not allowed to link to another link"}
	// ErrCantGetBucket: the object is a link to a bucket, which cannot be read.
	ErrCantGetBucket JetStreamError = &jsError{message: "invalid Get, object is a link to a bucket"}
	// ErrDigestMismatch: an object was damaged on its way.
	ErrDigestMismatch JetStreamError = &jsError{message: "received a corrupt object, digests do not match"}
	// ErrInvalidDigestFormat: a digest cannot be read.
	ErrInvalidDigestFormat JetStreamError = &jsError{message: "object digest hash has invalid format"}
	// ErrNoObjectsFound: the store has no objects.
	ErrNoObjectsFound JetStreamError = &jsError{message: "no objects found"}
	// ErrUpdateMetaDeleted: the object is deleted or does not exist.
	ErrUpdateMetaDeleted JetStreamError = &jsError{message: "cannot update meta for a deleted object"}
)
