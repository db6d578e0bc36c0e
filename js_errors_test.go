package nats

import (
	"errors"
	"fmt"
	"testing"
)

// jsErrors are all errors of this package about JetStream.
var jsErrors = map[string]JetStreamError{
	"ErrAsyncPublishTimeout":                               ErrAsyncPublishTimeout,
	"ErrBadRequest":                                        ErrBadRequest,
	"ErrCantAckIfConsumerAckNone":                          ErrCantAckIfConsumerAckNone,
	"ErrConsumerConfigRequired":                            ErrConsumerConfigRequired,
	"ErrConsumerCreationResponseEmpty":                     ErrConsumerCreationResponseEmpty,
	"ErrConsumerDeleted":                                   ErrConsumerDeleted,
	"ErrConsumerInfoOnOrderedReset":                        ErrConsumerInfoOnOrderedReset,
	"ErrConsumerLeadershipChanged":                         ErrConsumerLeadershipChanged,
	"ErrConsumerMultipleFilterSubjectsNotSupported":        ErrConsumerMultipleFilterSubjectsNotSupported,
	"ErrConsumerNameAlreadyInUse":                          ErrConsumerNameAlreadyInUse,
	"ErrConsumerNameRequired":                              ErrConsumerNameRequired,
	"ErrConsumerNotActive":                                 ErrConsumerNotActive,
	"ErrConsumerNotFound":                                  ErrConsumerNotFound,
	"ErrContextAndTimeout":                                 ErrContextAndTimeout,
	"ErrDuplicateFilterSubjects":                           ErrDuplicateFilterSubjects,
	"ErrEmptyFilter":                                       ErrEmptyFilter,
	"ErrFetchDisconnected":                                 ErrFetchDisconnected,
	"ErrInvalidConsumerName":                               ErrInvalidConsumerName,
	"ErrInvalidFilterSubject":                              ErrInvalidFilterSubject,
	"ErrInvalidJSAck":                                      ErrInvalidJSAck,
	"ErrInvalidStreamName":                                 ErrInvalidStreamName,
	"ErrJetStreamNotEnabled":                               ErrJetStreamNotEnabled,
	"ErrJetStreamNotEnabledForAccount":                     ErrJetStreamNotEnabledForAccount,
	"ErrJetStreamPublisherClosed":                          ErrJetStreamPublisherClosed,
	"ErrKeyExists":                                         ErrKeyExists,
	"ErrKeyRevisionMismatch":                               ErrKeyRevisionMismatch,
	"ErrMsgAlreadyAckd":                                    ErrMsgAlreadyAckd,
	"ErrMsgNotFound":                                       ErrMsgNotFound,
	"ErrNoHeartbeat":                                       ErrNoHeartbeat,
	"ErrNoMatchingStream":                                  ErrNoMatchingStream,
	"ErrNoStreamResponse":                                  ErrNoStreamResponse,
	"ErrNotJSMessage":                                      ErrNotJSMessage,
	"ErrOverlappingFilterSubjects":                         ErrOverlappingFilterSubjects,
	"ErrPullSubscribeRequired":                             ErrPullSubscribeRequired,
	"ErrPullSubscribeToPushConsumer":                       ErrPullSubscribeToPushConsumer,
	"ErrStreamConfigRequired":                              ErrStreamConfigRequired,
	"ErrStreamNameAlreadyInUse":                            ErrStreamNameAlreadyInUse,
	"ErrStreamNameRequired":                                ErrStreamNameRequired,
	"ErrStreamNotFound":                                    ErrStreamNotFound,
	"ErrStreamSourceMultipleSubjectTransformsNotSupported": ErrStreamSourceMultipleSubjectTransformsNotSupported,
	"ErrStreamSourceNotSupported":                          ErrStreamSourceNotSupported,
	"ErrStreamSourceSubjectTransformNotSupported":          ErrStreamSourceSubjectTransformNotSupported,
	"ErrStreamSubjectTransformNotSupported":                ErrStreamSubjectTransformNotSupported,
	"ErrSubjectMismatch":                                   ErrSubjectMismatch,
	"ErrSubscriptionClosed":                                ErrSubscriptionClosed,
	"ErrTooManyStalledMsgs":                                ErrTooManyStalledMsgs,
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
		{ErrStreamNotFound, "nats: stream not found"},
		{&APIError{Code: 404, ErrorCode: 10059, Description: "stream not found"}, "nats: stream not found"},
		{ErrKeyExists, "nats: key exists"},
		{ErrNoHeartbeat, "nats: no heartbeat received"},
	} {
		if got := tc.err.Error(); got != tc.want {
			t.Errorf("got %q, want %q", got, tc.want)
		}
	}
}
