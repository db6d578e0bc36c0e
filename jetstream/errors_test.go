package jetstream

import (
	"errors"
	"fmt"
	"testing"

	"github.com/gannet-io/nats"
)

// jsErrors are all errors of this package about JetStream.
var jsErrors = map[string]JetStreamError{
	"ErrAsyncPublishReplySubjectSet":                    ErrAsyncPublishReplySubjectSet,
	"ErrAsyncPublishTimeout":                            ErrAsyncPublishTimeout,
	"ErrBadBucket":                                      ErrBadBucket,
	"ErrBadObjectMeta":                                  ErrBadObjectMeta,
	"ErrBadRequest":                                     ErrBadRequest,
	"ErrBatchCompleted":                                 ErrBatchCompleted,
	"ErrBucketExists":                                   ErrBucketExists,
	"ErrBucketMalformed":                                ErrBucketMalformed,
	"ErrBucketNotFound":                                 ErrBucketNotFound,
	"ErrBucketRequired":                                 ErrBucketRequired,
	"ErrCantGetBucket":                                  ErrCantGetBucket,
	"ErrConnectionClosed":                               ErrConnectionClosed,
	"ErrConsumerAlreadyConsuming":                       ErrConsumerAlreadyConsuming,
	"ErrConsumerCreate":                                 ErrConsumerCreate,
	"ErrConsumerCreationResponseEmpty":                  ErrConsumerCreationResponseEmpty,
	"ErrConsumerDeleted":                                ErrConsumerDeleted,
	"ErrConsumerDoesNotExist":                           ErrConsumerDoesNotExist,
	"ErrConsumerExists":                                 ErrConsumerExists,
	"ErrConsumerHasActiveSubscription":                  ErrConsumerHasActiveSubscription,
	"ErrConsumerInvalidReset":                           ErrConsumerInvalidReset,
	"ErrConsumerLeadershipChanged":                      ErrConsumerLeadershipChanged,
	"ErrConsumerMultipleFilterSubjectsNotSupported":     ErrConsumerMultipleFilterSubjectsNotSupported,
	"ErrConsumerNameAlreadyInUse":                       ErrConsumerNameAlreadyInUse,
	"ErrConsumerNotFound":                               ErrConsumerNotFound,
	"ErrConsumerResetResponseEmpty":                     ErrConsumerResetResponseEmpty,
	"ErrDigestMismatch":                                 ErrDigestMismatch,
	"ErrDuplicateFilterSubjects":                        ErrDuplicateFilterSubjects,
	"ErrEmptyFilter":                                    ErrEmptyFilter,
	"ErrEndOfData":                                      ErrEndOfData,
	"ErrHandlerRequired":                                ErrHandlerRequired,
	"ErrHistoryTooLarge":                                ErrHistoryTooLarge,
	"ErrInvalidBucketName":                              ErrInvalidBucketName,
	"ErrInvalidConsumerName":                            ErrInvalidConsumerName,
	"ErrInvalidDigestFormat":                            ErrInvalidDigestFormat,
	"ErrInvalidJSAck":                                   ErrInvalidJSAck,
	"ErrInvalidJetStreamResponse":                       ErrInvalidJetStreamResponse,
	"ErrInvalidKey":                                     ErrInvalidKey,
	"ErrInvalidOption":                                  ErrInvalidOption,
	"ErrInvalidStoreName":                               ErrInvalidStoreName,
	"ErrInvalidStreamName":                              ErrInvalidStreamName,
	"ErrInvalidSubject":                                 ErrInvalidSubject,
	"ErrJetStreamNotEnabled":                            ErrJetStreamNotEnabled,
	"ErrJetStreamNotEnabledForAccount":                  ErrJetStreamNotEnabledForAccount,
	"ErrJetStreamPublisherClosed":                       ErrJetStreamPublisherClosed,
	"ErrKeyDeleted":                                     ErrKeyDeleted,
	"ErrKeyExists":                                      ErrKeyExists,
	"ErrKeyNotFound":                                    ErrKeyNotFound,
	"ErrKeyRevisionMismatch":                            ErrKeyRevisionMismatch,
	"ErrKeyValueConfigRequired":                         ErrKeyValueConfigRequired,
	"ErrLimitMarkerTTLNotSupported":                     ErrLimitMarkerTTLNotSupported,
	"ErrLinkNotAllowed":                                 ErrLinkNotAllowed,
	"ErrMaxBytesExceeded":                               ErrMaxBytesExceeded,
	"ErrMaximumConsumersLimit":                          ErrMaximumConsumersLimit,
	"ErrMessageSchedulesDisabled":                       ErrMessageSchedulesDisabled,
	"ErrMirrorWithMsgSchedules":                         ErrMirrorWithMsgSchedules,
	"ErrMsgAlreadyAckd":                                 ErrMsgAlreadyAckd,
	"ErrMsgDeleteUnsuccessful":                          ErrMsgDeleteUnsuccessful,
	"ErrMsgIteratorClosed":                              ErrMsgIteratorClosed,
	"ErrMsgNoReply":                                     ErrMsgNoReply,
	"ErrMsgNotBound":                                    ErrMsgNotBound,
	"ErrMsgNotFound":                                    ErrMsgNotFound,
	"ErrNameRequired":                                   ErrNameRequired,
	"ErrNoHeartbeat":                                    ErrNoHeartbeat,
	"ErrNoKeysFound":                                    ErrNoKeysFound,
	"ErrNoLinkToDeleted":                                ErrNoLinkToDeleted,
	"ErrNoLinkToLink":                                   ErrNoLinkToLink,
	"ErrNoMessages":                                     ErrNoMessages,
	"ErrNoObjectsFound":                                 ErrNoObjectsFound,
	"ErrNoStreamResponse":                               ErrNoStreamResponse,
	"ErrNotJSMessage":                                   ErrNotJSMessage,
	"ErrNotPullConsumer":                                ErrNotPullConsumer,
	"ErrNotPushConsumer":                                ErrNotPushConsumer,
	"ErrObjectAlreadyExists":                            ErrObjectAlreadyExists,
	"ErrObjectConfigRequired":                           ErrObjectConfigRequired,
	"ErrObjectNotFound":                                 ErrObjectNotFound,
	"ErrObjectRequired":                                 ErrObjectRequired,
	"ErrOrderConsumerUsedAsConsume":                     ErrOrderConsumerUsedAsConsume,
	"ErrOrderConsumerUsedAsFetch":                       ErrOrderConsumerUsedAsFetch,
	"ErrOrderedConsumerConcurrentRequests":              ErrOrderedConsumerConcurrentRequests,
	"ErrOrderedConsumerNotCreated":                      ErrOrderedConsumerNotCreated,
	"ErrOrderedConsumerReset":                           ErrOrderedConsumerReset,
	"ErrOverlappingFilterSubjects":                      ErrOverlappingFilterSubjects,
	"ErrPinIDMismatch":                                  ErrPinIDMismatch,
	"ErrSchedulePatternInvalid":                         ErrSchedulePatternInvalid,
	"ErrScheduleRollupInvalid":                          ErrScheduleRollupInvalid,
	"ErrScheduleSourceInvalid":                          ErrScheduleSourceInvalid,
	"ErrScheduleTTLInvalid":                             ErrScheduleTTLInvalid,
	"ErrScheduleTargetInvalid":                          ErrScheduleTargetInvalid,
	"ErrServerShutdown":                                 ErrServerShutdown,
	"ErrSourceWithMsgSchedules":                         ErrSourceWithMsgSchedules,
	"ErrStreamMessageExceedsMaximum":                    ErrStreamMessageExceedsMaximum,
	"ErrStreamNameAlreadyInUse":                         ErrStreamNameAlreadyInUse,
	"ErrStreamNameRequired":                             ErrStreamNameRequired,
	"ErrStreamNotFound":                                 ErrStreamNotFound,
	"ErrStreamSourceMultipleFilterSubjectsNotSupported": ErrStreamSourceMultipleFilterSubjectsNotSupported,
	"ErrStreamSourceNotSupported":                       ErrStreamSourceNotSupported,
	"ErrStreamSourceSubjectTransformNotSupported":       ErrStreamSourceSubjectTransformNotSupported,
	"ErrStreamSubjectTransformNotSupported":             ErrStreamSubjectTransformNotSupported,
	"ErrTTLOnDeleteNotSupported":                        ErrTTLOnDeleteNotSupported,
	"ErrTooManyStalledMsgs":                             ErrTooManyStalledMsgs,
	"ErrUpdateMetaDeleted":                              ErrUpdateMetaDeleted,
}

func TestErrorsMatchOnlyThemselves(t *testing.T) {
	t.Parallel()
	for a, x := range jsErrors {
		for b, y := range jsErrors {
			if got, want := errors.Is(x, y), a == b; got != want {
				t.Errorf("errors.Is(%s, %s): got %v, want %v", a, b, got, want)
			}
		}
	}
}

func TestErrorsMatchByCode(t *testing.T) {
	t.Parallel()
	for name, x := range jsErrors {
		api := x.APIError()
		if api == nil {
			if errors.Is(&APIError{}, x) || errors.Is(x, &APIError{}) {
				t.Errorf("%s: matches an API error without a code", name)
			}
			continue
		}
		// Neither the text nor the class matters, and wrapping does not either.
		refusal := &APIError{Code: 999, ErrorCode: api.ErrorCode, Description: "other words"}
		for how, err := range map[string]error{"bare": refusal, "wrapped": fmt.Errorf("it failed: %w", refusal)} {
			if !errors.Is(err, x) || !errors.Is(x, refusal) {
				t.Errorf("%s and a refusal (%s) with its code: got no match, want one", name, how)
			}
		}
		if other := (&APIError{ErrorCode: api.ErrorCode + 5000}); errors.Is(other, x) || errors.Is(x, other) {
			t.Errorf("%s and a refusal with another code: got a match, want none", name)
		}
		var as *APIError
		if !errors.As(error(x), &as) || as != api {
			t.Errorf("%s: errors.As found %v, want %v", name, as, api)
		}
	}
	var none *APIError
	if none.Is(ErrStreamNotFound) {
		t.Error("a nil APIError matches")
	}
}

func TestErrorTexts(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		err  error
		want string
	}{
		{ErrStreamNotFound, "nats: API error: code=404 err_code=10059 description=stream not found"},
		{&APIError{Code: 404, ErrorCode: 10059, Description: "stream not found"}, "nats: API error: code=404 err_code=10059 description=stream not found"},
		{ErrKeyExists, "nats: key exists"},
		{ErrNoHeartbeat, "nats: no heartbeat received"},
	} {
		if got := tc.err.Error(); got != tc.want {
			t.Errorf("got %q, want %q", got, tc.want)
		}
	}
}

// Errors of this package and of package nats never match, whatever they have in common.
func TestErrorsAcrossPackages(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name      string
		this, old error
	}{
		{"stream not found", ErrStreamNotFound, nats.ErrStreamNotFound},
		{"no heartbeat", ErrNoHeartbeat, nats.ErrNoHeartbeat},
		{"connection closed", ErrConnectionClosed, nats.ErrConnectionClosed},
		{"refusals with one code", &APIError{ErrorCode: 10059}, &nats.APIError{ErrorCode: 10059}},
		{"value and refusal", ErrStreamNotFound, &nats.APIError{ErrorCode: 10059}},
	} {
		if errors.Is(tc.this, tc.old) || errors.Is(tc.old, tc.this) {
			t.Errorf("%s: got a match, want none", tc.name)
		}
	}
}
