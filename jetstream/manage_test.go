package jetstream

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/internal/engine"
)

const (
	streamS   = `{"type":"t","config":{"name":"S","subjects":["s.>"],"retention":"limits","discard":"old","storage":"file"},"state":{"messages":1}}`
	consumerC = `{"type":"t","stream_name":"S","name":"c","config":{"name":"c","deliver_policy":"all","ack_policy":"explicit","replay_policy":"instant"}}`
	pushC     = `{"type":"t","stream_name":"S","name":"c","config":{"name":"c","deliver_subject":"d","deliver_policy":"all","ack_policy":"explicit","replay_policy":"instant"}}`
	cfgS      = `{"name":"S","retention":"limits","max_consumers":0,"max_msgs":0,"max_bytes":0,"discard":"old","max_age":0,"max_msgs_per_subject":0,"storage":"file","num_replicas":0,"compression":"none","allow_direct":false,"mirror_direct":false,"consumer_limits":{}}`
)

var (
	noStream   = refusal(404, 10059, "stream not found")
	noConsumer = refusal(404, 10014, "consumer not found")
	noMessage  = refusal(404, 10037, "no message found")
)

// handle makes a stream handle without asking.
func handle(js *jetStream, direct bool) *stream {
	return newStream(js, &StreamInfo{Config: StreamConfig{Name: "S", AllowDirect: direct}})
}

// Each row is a call, what it sends, and the error for what the server answers: bare where callers compare with ==.
func TestCalls(t *testing.T) {
	t.Parallel()
	type call = func(ctx context.Context, js *jetStream) error
	err2 := func(_ any, err error) error { return err }
	cfg := ConsumerConfig{Name: "c"}
	const cfgC = `{"name":"c","deliver_policy":"all","ack_policy":"explicit","replay_policy":"instant","num_replicas":0}`
	until := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, tc := range []struct {
		name    string
		call    call
		answers []any
		asked   []string // without the prefix
		bare    error
		is      error
	}{
		{name: "account", call: func(ctx context.Context, js *jetStream) error { return err2(js.AccountInfo(ctx)) },
			answers: []any{`{"memory":1}`}, asked: []string{"INFO "}},
		{name: "account, nobody there", call: func(ctx context.Context, js *jetStream) error { return err2(js.AccountInfo(ctx)) },
			answers: []any{nats.ErrNoResponders}, asked: []string{"INFO "}, bare: ErrJetStreamNotEnabled},
		{name: "account, not enabled", call: func(ctx context.Context, js *jetStream) error { return err2(js.AccountInfo(ctx)) },
			answers: []any{refusal(503, 10039, "JetStream not enabled for account")}, asked: []string{"INFO "}, bare: ErrJetStreamNotEnabledForAccount},

		{name: "create stream", call: func(ctx context.Context, js *jetStream) error {
			return err2(js.CreateStream(ctx, StreamConfig{Name: "S"}))
		},
			answers: []any{streamS}, asked: []string{"STREAM.CREATE.S " + cfgS}},
		{name: "create stream, in use", call: func(ctx context.Context, js *jetStream) error {
			return err2(js.CreateStream(ctx, StreamConfig{Name: "S"}))
		},
			answers: []any{refusal(400, 10058, "stream name already in use with a different configuration")}, asked: []string{"STREAM.CREATE.S " + cfgS}, bare: ErrStreamNameAlreadyInUse},
		{name: "create stream, other refusal", call: func(ctx context.Context, js *jetStream) error {
			return err2(js.CreateStream(ctx, StreamConfig{Name: "S"}))
		},
			answers: []any{refusal(400, 10065, "subjects overlap")}, asked: []string{"STREAM.CREATE.S " + cfgS}, is: &APIError{ErrorCode: 10065}},
		{name: "create stream, odd answer", call: func(ctx context.Context, js *jetStream) error {
			return err2(js.CreateStream(ctx, StreamConfig{Name: "S"}))
		},
			answers: []any{`{}`}, asked: []string{"STREAM.CREATE.S " + cfgS}, bare: ErrInvalidJetStreamResponse},
		{name: "create stream, junk", call: func(ctx context.Context, js *jetStream) error {
			return err2(js.CreateStream(ctx, StreamConfig{Name: "S"}))
		},
			answers: []any{`junk`}, asked: []string{"STREAM.CREATE.S " + cfgS}, is: ErrInvalidJetStreamResponse},
		{name: "update stream, none", call: func(ctx context.Context, js *jetStream) error {
			return err2(js.UpdateStream(ctx, StreamConfig{Name: "S"}))
		},
			answers: []any{noStream}, asked: []string{"STREAM.UPDATE.S " + cfgS}, bare: ErrStreamNotFound},
		{name: "create or update, exists", call: func(ctx context.Context, js *jetStream) error {
			return err2(js.CreateOrUpdateStream(ctx, StreamConfig{Name: "S"}))
		},
			answers: []any{streamS}, asked: []string{"STREAM.UPDATE.S " + cfgS}},
		{name: "create or update, new", call: func(ctx context.Context, js *jetStream) error {
			return err2(js.CreateOrUpdateStream(ctx, StreamConfig{Name: "S"}))
		},
			answers: []any{noStream, streamS}, asked: []string{"STREAM.UPDATE.S " + cfgS, "STREAM.CREATE.S " + cfgS}},
		{name: "stream", call: func(ctx context.Context, js *jetStream) error { return err2(js.Stream(ctx, "S")) },
			answers: []any{streamS}, asked: []string{"STREAM.INFO.S "}},
		{name: "stream, none", call: func(ctx context.Context, js *jetStream) error { return err2(js.Stream(ctx, "S")) },
			answers: []any{noStream}, asked: []string{"STREAM.INFO.S "}, bare: ErrStreamNotFound},
		{name: "stream, nobody there", call: func(ctx context.Context, js *jetStream) error { return err2(js.Stream(ctx, "S")) },
			answers: []any{nats.ErrNoResponders}, asked: []string{"STREAM.INFO.S "}, bare: nats.ErrNoResponders},
		{name: "stream, closed", call: func(ctx context.Context, js *jetStream) error { return err2(js.Stream(ctx, "S")) },
			answers: []any{nats.ErrConnectionClosed}, asked: []string{"STREAM.INFO.S "}, bare: nats.ErrConnectionClosed},
		{name: "stream, time over", call: func(ctx context.Context, js *jetStream) error { return err2(js.Stream(ctx, "S")) },
			answers: []any{nats.ErrTimeout}, asked: []string{"STREAM.INFO.S "}, bare: context.DeadlineExceeded},
		{name: "delete stream", call: func(ctx context.Context, js *jetStream) error { return js.DeleteStream(ctx, "S") },
			answers: []any{`{"success":true}`}, asked: []string{"STREAM.DELETE.S "}},
		{name: "delete stream, none", call: func(ctx context.Context, js *jetStream) error { return js.DeleteStream(ctx, "S") },
			answers: []any{noStream}, asked: []string{"STREAM.DELETE.S "}, bare: ErrStreamNotFound},
		{name: "name by subject", call: func(ctx context.Context, js *jetStream) error { return err2(js.StreamNameBySubject(ctx, "s.a")) },
			answers: []any{`{"total":1,"streams":["S"]}`}, asked: []string{`STREAM.NAMES {"offset":0,"subject":"s.a"}`}},
		{name: "name by subject, none", call: func(ctx context.Context, js *jetStream) error { return err2(js.StreamNameBySubject(ctx, "s.a")) },
			answers: []any{`{"total":0,"streams":null}`}, asked: []string{`STREAM.NAMES {"offset":0,"subject":"s.a"}`}, bare: ErrStreamNotFound},

		{name: "info with details", call: func(ctx context.Context, js *jetStream) error {
			return err2(handle(js, false).Info(ctx, WithDeletedDetails(true), nil))
		}, answers: []any{streamS}, asked: []string{`STREAM.INFO.S {"deleted_details":true}`}},
		{name: "purge", call: func(ctx context.Context, js *jetStream) error { return handle(js, false).Purge(ctx) },
			answers: []any{`{"success":true,"purged":1}`}, asked: []string{`STREAM.PURGE.S {}`}},
		{name: "purge some", call: func(ctx context.Context, js *jetStream) error {
			return handle(js, false).Purge(ctx, WithPurgeSubject("a"), nil, WithPurgeKeep(2))
		}, answers: []any{`{"success":true}`}, asked: []string{`STREAM.PURGE.S {"filter":"a","keep":2}`}},
		{name: "purge by both", call: func(ctx context.Context, js *jetStream) error {
			return handle(js, false).Purge(ctx, WithPurgeSequence(1), WithPurgeKeep(2))
		}, is: ErrInvalidOption},
		{name: "get", call: func(ctx context.Context, js *jetStream) error { return err2(handle(js, false).GetMsg(ctx, 7)) },
			answers: []any{`{"message":{"subject":"a","seq":7}}`}, asked: []string{`STREAM.MSG.GET.S {"seq":7}`}},
		{name: "get next", call: func(ctx context.Context, js *jetStream) error {
			return err2(handle(js, false).GetMsg(ctx, 7, WithGetMsgSubject("a"), nil))
		}, answers: []any{noMessage}, asked: []string{`STREAM.MSG.GET.S {"seq":7,"next_by_subj":"a"}`}, bare: ErrMsgNotFound},
		{name: "get, unreadable header", call: func(ctx context.Context, js *jetStream) error { return err2(handle(js, false).GetMsg(ctx, 7)) },
			answers: []any{`{"message":{"subject":"a","seq":7,"hdrs":"eA=="}}`}, asked: []string{`STREAM.MSG.GET.S {"seq":7}`}, bare: nats.ErrBadHeaderMsg},
		{name: "get last", call: func(ctx context.Context, js *jetStream) error {
			return err2(handle(js, false).GetLastMsgForSubject(ctx, "*.a"))
		},
			answers: []any{`{"message":{"subject":"a","seq":7}}`}, asked: []string{`STREAM.MSG.GET.S {"last_by_subj":"*.a"}`}},
		{name: "direct get, none", call: func(ctx context.Context, js *jetStream) error { return err2(handle(js, true).GetMsg(ctx, 7)) },
			answers: []any{engine.Reply{Header: []byte("NATS/1.0 404 Message Not Found\r\n\r\n")}}, asked: []string{`DIRECT.GET.S {"seq":7}`}, bare: ErrMsgNotFound},
		{name: "direct get last", call: func(ctx context.Context, js *jetStream) error {
			return err2(handle(js, true).GetLastMsgForSubject(ctx, "a.b"))
		},
			answers: []any{engine.Reply{Header: []byte("NATS/1.0\r\nNats-Subject: a.b\r\nNats-Sequence: 7\r\nNats-Time-Stamp: 2026-01-02T03:04:05Z\r\n\r\n")}}, asked: []string{"DIRECT.GET.S.a.b "}},
		{name: "delete message", call: func(ctx context.Context, js *jetStream) error { return handle(js, false).DeleteMsg(ctx, 7) },
			answers: []any{`{"success":true}`}, asked: []string{`STREAM.MSG.DELETE.S {"seq":7,"no_erase":true}`}},
		{name: "delete message, none", call: func(ctx context.Context, js *jetStream) error { return handle(js, false).DeleteMsg(ctx, 7) },
			answers: []any{refusal(500, 10057, "stream store EOF")}, asked: []string{`STREAM.MSG.DELETE.S {"seq":7,"no_erase":true}`}, is: ErrMsgDeleteUnsuccessful},
		{name: "erase message, refused without a word", call: func(ctx context.Context, js *jetStream) error { return handle(js, false).SecureDeleteMsg(ctx, 7) },
			answers: []any{`{"success":false}`}, asked: []string{`STREAM.MSG.DELETE.S {"seq":7}`}, bare: ErrMsgDeleteUnsuccessful},

		{name: "create consumer", call: func(ctx context.Context, js *jetStream) error { return err2(js.CreateConsumer(ctx, "S", cfg)) },
			answers: []any{consumerC}, asked: []string{`CONSUMER.CREATE.S.c {"stream_name":"S","config":` + cfgC + `,"action":"create"}`}},
		{name: "create or update consumer", call: func(ctx context.Context, js *jetStream) error { return err2(js.CreateOrUpdateConsumer(ctx, "S", cfg)) },
			answers: []any{consumerC}, asked: []string{`CONSUMER.CREATE.S.c {"stream_name":"S","config":` + cfgC + `}`}},
		{name: "update consumer, none", call: func(ctx context.Context, js *jetStream) error { return err2(js.UpdateConsumer(ctx, "S", cfg)) },
			answers: []any{refusal(400, 10149, "consumer does not exist")}, asked: []string{`CONSUMER.CREATE.S.c {"stream_name":"S","config":` + cfgC + `,"action":"update"}`}, is: ErrConsumerDoesNotExist},
		{name: "create consumer, no stream", call: func(ctx context.Context, js *jetStream) error { return err2(js.CreateConsumer(ctx, "S", cfg)) },
			answers: []any{noStream}, asked: []string{`CONSUMER.CREATE.S.c {"stream_name":"S","config":` + cfgC + `,"action":"create"}`}, bare: ErrStreamNotFound},
		{name: "create consumer, empty answer", call: func(ctx context.Context, js *jetStream) error { return err2(js.CreateConsumer(ctx, "S", cfg)) },
			answers: []any{`{}`}, asked: []string{`CONSUMER.CREATE.S.c {"stream_name":"S","config":` + cfgC + `,"action":"create"}`}, bare: ErrConsumerCreationResponseEmpty},
		{name: "create consumer, name that would inject", call: func(ctx context.Context, js *jetStream) error { return err2(js.CreateConsumer(ctx, "S", cfg)) },
			answers: []any{strings.Replace(consumerC, `"name":"c"`, `"name":"c\r\nPUB x 0"`, 1)}, asked: []string{`CONSUMER.CREATE.S.c {"stream_name":"S","config":` + cfgC + `,"action":"create"}`}, bare: ErrConsumerCreationResponseEmpty},
		{name: "push consumer without subject", call: func(ctx context.Context, js *jetStream) error { return err2(js.CreatePushConsumer(ctx, "S", cfg)) }, bare: ErrNotPushConsumer},
		{name: "update push consumer without subject", call: func(ctx context.Context, js *jetStream) error { return err2(js.UpdatePushConsumer(ctx, "S", cfg)) }, bare: ErrNotPushConsumer},
		{name: "consumer", call: func(ctx context.Context, js *jetStream) error { return err2(js.Consumer(ctx, "S", "c")) },
			answers: []any{consumerC}, asked: []string{"CONSUMER.INFO.S.c "}},
		{name: "consumer, none", call: func(ctx context.Context, js *jetStream) error { return err2(js.Consumer(ctx, "S", "c")) },
			answers: []any{noConsumer}, asked: []string{"CONSUMER.INFO.S.c "}, bare: ErrConsumerNotFound},
		{name: "consumer, no stream", call: func(ctx context.Context, js *jetStream) error { return err2(js.Consumer(ctx, "S", "c")) },
			answers: []any{noStream}, asked: []string{"CONSUMER.INFO.S.c "}, is: ErrStreamNotFound},
		{name: "consumer, push", call: func(ctx context.Context, js *jetStream) error { return err2(js.Consumer(ctx, "S", "c")) },
			answers: []any{pushC}, asked: []string{"CONSUMER.INFO.S.c "}, bare: ErrNotPullConsumer},
		{name: "push consumer", call: func(ctx context.Context, js *jetStream) error { return err2(js.PushConsumer(ctx, "S", "c")) },
			answers: []any{pushC}, asked: []string{"CONSUMER.INFO.S.c "}},
		{name: "push consumer, pull", call: func(ctx context.Context, js *jetStream) error { return err2(js.PushConsumer(ctx, "S", "c")) },
			answers: []any{consumerC}, asked: []string{"CONSUMER.INFO.S.c "}, bare: ErrNotPushConsumer},
		{name: "delete consumer, none", call: func(ctx context.Context, js *jetStream) error { return js.DeleteConsumer(ctx, "S", "c") },
			answers: []any{noConsumer}, asked: []string{"CONSUMER.DELETE.S.c "}, bare: ErrConsumerNotFound},
		{name: "pause", call: func(ctx context.Context, js *jetStream) error { return err2(js.PauseConsumer(ctx, "S", "c", until)) },
			answers: []any{`{"paused":true}`}, asked: []string{`CONSUMER.PAUSE.S.c {"pause_until":"2026-01-02T03:04:05Z"}`}},
		{name: "resume", call: func(ctx context.Context, js *jetStream) error { return err2(js.ResumeConsumer(ctx, "S", "c")) },
			answers: []any{`{"paused":false}`}, asked: []string{`CONSUMER.PAUSE.S.c {}`}},
		{name: "reset", call: func(ctx context.Context, js *jetStream) error { return err2(js.ResetConsumer(ctx, "S", "c")) },
			answers: []any{consumerC}, asked: []string{`CONSUMER.RESET.S.c {}`}},
		{name: "reset, empty answer", call: func(ctx context.Context, js *jetStream) error {
			return err2(js.ResetConsumerToSequence(ctx, "S", "c", 7))
		},
			answers: []any{`{}`}, asked: []string{`CONSUMER.RESET.S.c {"seq":7}`}, bare: ErrConsumerResetResponseEmpty},
		{name: "unpin", call: func(ctx context.Context, js *jetStream) error { return handle(js, false).UnpinConsumer(ctx, "c", "g") },
			answers: []any{`{"type":"t"}`}, asked: []string{`CONSUMER.UNPIN.S.c {"group":"g"}`}},
		{name: "unpin, none", call: func(ctx context.Context, js *jetStream) error { return handle(js, false).UnpinConsumer(ctx, "c", "g") },
			answers: []any{noConsumer}, asked: []string{`CONSUMER.UNPIN.S.c {"group":"g"}`}, bare: ErrConsumerNotFound},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			js, l := scripted(tc.answers...)
			err := tc.call(t.Context(), js)
			switch {
			case tc.bare != nil && err != tc.bare:
				t.Errorf("got %v, want %v itself", err, tc.bare)
			case tc.is != nil && !errors.Is(err, tc.is):
				t.Errorf("got %v, want a match for %v", err, tc.is)
			case tc.bare == nil && tc.is == nil && err != nil:
				t.Errorf("got %v, want nil", err)
			}
			for i := range tc.asked {
				tc.asked[i] = "$JS.API." + tc.asked[i]
			}
			wantAsked(t, l, tc.asked...)
		})
	}
}

func TestBadArguments(t *testing.T) {
	t.Parallel()
	bad := []string{"a.b", "a b", "a*", "a>", "a/b", `a\b`, "a\x00", "a\r\nPUB x 0\r\n", "\u007f", ""}
	ctx := t.Context()
	for _, name := range bad {
		wantStream, wantConsumer := error(ErrInvalidStreamName), error(ErrInvalidConsumerName)
		if name == "" {
			wantStream = ErrStreamNameRequired
		}
		js, l := scripted()
		s := handle(js, false)
		do := func(what string, want error, call func() (any, error)) {
			t.Helper()
			if _, err := call(); !errors.Is(err, want) {
				t.Errorf("%s of %q: got %v, want %v", what, name, err, want)
			}
		}
		do("Stream", wantStream, func() (any, error) { return js.Stream(ctx, name) })
		do("CreateStream", wantStream, func() (any, error) { return js.CreateStream(ctx, StreamConfig{Name: name}) })
		do("UpdateStream", wantStream, func() (any, error) { return js.UpdateStream(ctx, StreamConfig{Name: name}) })
		do("CreateOrUpdateStream", wantStream, func() (any, error) { return js.CreateOrUpdateStream(ctx, StreamConfig{Name: name}) })
		do("DeleteStream", wantStream, func() (any, error) { return nil, js.DeleteStream(ctx, name) })
		do("Consumer", wantStream, func() (any, error) { return js.Consumer(ctx, name, "c") })
		do("CreateConsumer", wantStream, func() (any, error) { return js.CreateConsumer(ctx, name, ConsumerConfig{}) })
		do("Consumer", wantConsumer, func() (any, error) { return js.Consumer(ctx, "S", name) })
		do("PushConsumer", wantConsumer, func() (any, error) { return js.PushConsumer(ctx, "S", name) })
		do("DeleteConsumer", wantConsumer, func() (any, error) { return nil, s.DeleteConsumer(ctx, name) })
		do("PauseConsumer", wantConsumer, func() (any, error) { return s.PauseConsumer(ctx, name, time.Now()) })
		do("ResumeConsumer", wantConsumer, func() (any, error) { return s.ResumeConsumer(ctx, name) })
		do("ResetConsumer", wantConsumer, func() (any, error) { return s.ResetConsumer(ctx, name) })
		do("UnpinConsumer", wantConsumer, func() (any, error) { return nil, s.UnpinConsumer(ctx, name, "g") })
		if name != "" {
			do("CreateConsumer", wantConsumer, func() (any, error) { return s.CreateConsumer(ctx, ConsumerConfig{Name: name}) })
			do("CreateConsumer durable", wantConsumer, func() (any, error) { return s.CreateConsumer(ctx, ConsumerConfig{Durable: name}) })
		}
		wantAsked(t, l)
	}

	js, l := scripted()
	for _, subject := range []string{"", "a b", ".a", "a.", "a..b", "a\r\nPUB x 0\r\n"} {
		if _, err := js.StreamNameBySubject(ctx, subject); !errors.Is(err, ErrInvalidSubject) {
			t.Errorf("StreamNameBySubject(%q): got %v, want %v", subject, err, ErrInvalidSubject)
		}
		if subject == "" {
			continue
		}
		if _, err := js.CreateConsumer(ctx, "S", ConsumerConfig{Name: "c", FilterSubject: subject}); !errors.Is(err, ErrInvalidSubject) {
			t.Errorf("filter %q: got %v, want %v", subject, err, ErrInvalidSubject)
		}
		if _, err := handle(js, true).GetLastMsgForSubject(ctx, subject); err != nats.ErrBadSubject {
			t.Errorf("GetLastMsgForSubject(%q): got %v, want %v", subject, err, nats.ErrBadSubject)
		}
	}
	for name, cfg := range map[string]StreamConfig{
		"nil source":          {Name: "S", Sources: []*StreamSource{nil}},
		"domain and external": {Name: "S", Mirror: &StreamSource{Name: "O", Domain: "d", External: &ExternalStream{}}},
	} {
		if _, err := js.CreateStream(ctx, cfg); !errors.Is(err, ErrInvalidOption) {
			t.Errorf("%s: got %v, want %v", name, err, ErrInvalidOption)
		}
	}
	wantAsked(t, l)
}

func TestNilContext(t *testing.T) {
	t.Parallel()
	js, l := scripted()
	s, c := handle(js, true), newConsumer(js, "S", &ConsumerInfo{Name: "c"})
	var none context.Context
	for name, call := range map[string]func() error{
		"AccountInfo":         func() error { _, err := js.AccountInfo(none); return err },
		"CreateStream":        func() error { _, err := js.CreateStream(none, StreamConfig{Name: "S"}); return err },
		"Stream":              func() error { _, err := js.Stream(none, "S"); return err },
		"StreamNameBySubject": func() error { _, err := js.StreamNameBySubject(none, "s"); return err },
		"StreamNames":         func() error { l := js.StreamNames(none); <-l.Name(); return l.Err() },
		"ListConsumers":       func() error { l := s.ListConsumers(none); <-l.Info(); return l.Err() },
		"GetMsg":              func() error { _, err := s.GetMsg(none, 1); return err },
		"Info of a stream":    func() error { _, err := s.Info(none); return err },
		"Info of a consumer":  func() error { _, err := c.Info(none); return err },
	} {
		if err := call(); err != nats.ErrInvalidContext {
			t.Errorf("%s: got %v, want %v", name, err, nats.ErrInvalidContext)
		}
	}
	wantAsked(t, l)
}

func TestOrigins(t *testing.T) {
	t.Parallel()
	js, l := scripted(`{"config":{"name":"S","retention":"limits","sources":[{"name":"O"}]}}`)
	origin := &StreamSource{Name: "O", Domain: "hub"}
	if _, err := js.CreateStream(t.Context(), StreamConfig{Name: "S", Sources: []*StreamSource{origin}}); err != nil {
		t.Fatal(err)
	}
	if asked := l.requests()[0]; !strings.Contains(asked, `"sources":[{"name":"O","external":{"api":"$JS.hub.API","deliver":""}}]`) {
		t.Errorf("asked %s, want the domain as an external API", asked)
	}
	if origin.External != nil || origin.Domain != "hub" {
		t.Errorf("the caller's configuration was changed to %+v", origin)
	}
}

func TestIgnoredByServer(t *testing.T) {
	t.Parallel()
	two := []SubjectTransformConfig{{Source: "a"}, {Source: "b"}}
	for _, tc := range []struct {
		name string
		cfg  StreamConfig
		got  string
		want error
	}{
		{"transform", StreamConfig{SubjectTransform: &SubjectTransformConfig{}}, `{}`, ErrStreamSubjectTransformNotSupported},
		{"sources", StreamConfig{Sources: []*StreamSource{{Name: "O"}}}, `{}`, ErrStreamSourceNotSupported},
		{"null source", StreamConfig{Sources: []*StreamSource{{Name: "O"}}}, `{"sources":[null]}`, nil},
		{"source transforms", StreamConfig{Sources: []*StreamSource{{Name: "O", SubjectTransforms: two}}}, `{"sources":[{"name":"O"}]}`, ErrStreamSourceSubjectTransformNotSupported},
		{"all but one", StreamConfig{Sources: []*StreamSource{{Name: "O", SubjectTransforms: two}}}, `{"sources":[{"name":"O","subject_transforms":[{"src":"a"}]}]}`, ErrStreamSourceMultipleFilterSubjectsNotSupported},
		{"nothing", StreamConfig{Sources: []*StreamSource{{Name: "O", SubjectTransforms: two}}}, `{"sources":[{"name":"O","subject_transforms":[{"src":"a"},{"src":"b"}]}]}`, nil},
	} {
		tc.cfg.Name = "S"
		js, _ := scripted(`{"config":` + strings.Replace(tc.got, "{", `{"name":"S",`, 1) + `}`)
		if tc.got == `{}` {
			js, _ = scripted(`{"config":{"name":"S"}}`)
		}
		if _, err := js.CreateStream(t.Context(), tc.cfg); err != tc.want {
			t.Errorf("%s: got %v, want %v", tc.name, err, tc.want)
		}
	}
	js, _ := scripted(consumerC)
	if _, err := js.CreateConsumer(t.Context(), "S", ConsumerConfig{Name: "c", FilterSubjects: []string{"a", "b"}}); err != ErrConsumerMultipleFilterSubjectsNotSupported {
		t.Errorf("filters: got %v, want %v", err, ErrConsumerMultipleFilterSubjectsNotSupported)
	}
}

func TestConsumerCreateSubject(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		cfg  ConsumerConfig
		want string // pattern
	}{
		{"named", ConsumerConfig{Name: "c"}, `^\$JS\.API\.CONSUMER\.CREATE\.S\.c $`},
		{"durable", ConsumerConfig{Durable: "c"}, `^\$JS\.API\.CONSUMER\.CREATE\.S\.c $`},
		{"filter", ConsumerConfig{Name: "c", FilterSubject: "a.*"}, `^\$JS\.API\.CONSUMER\.CREATE\.S\.c\.a\.\* $`},
		{"filter for all", ConsumerConfig{Name: "c", FilterSubject: ">"}, `^\$JS\.API\.CONSUMER\.CREATE\.S\.c\.> $`},
		{"filters", ConsumerConfig{Name: "c", FilterSubjects: []string{"a"}}, `^\$JS\.API\.CONSUMER\.CREATE\.S\.c $`},
		{"both", ConsumerConfig{Name: "c", FilterSubject: "a", FilterSubjects: []string{"b"}}, `^\$JS\.API\.CONSUMER\.CREATE\.S\.c $`},
		{"unnamed", ConsumerConfig{}, `^\$JS\.API\.CONSUMER\.CREATE\.S\.[0-9A-Za-z]{8} $`},
	} {
		js, l := scripted(consumerC)
		js.CreateConsumer(t.Context(), "S", tc.cfg)
		subject, _, _ := strings.Cut(l.requests()[0], "{")
		if !regexp.MustCompile(tc.want).MatchString(subject) {
			t.Errorf("%s: asked %q, want a match for %s", tc.name, subject, tc.want)
		}
	}
}

func TestHandles(t *testing.T) {
	t.Parallel()
	js, l := scripted(streamS, strings.Replace(streamS, `"messages":1`, `"messages":2`, 1), noStream, consumerC, consumerC, pushC)
	s, err := js.Stream(t.Context(), "S")
	if err != nil || s.CachedInfo().State.Msgs != 1 {
		t.Fatalf("got %v, %v", s, err)
	}
	if info, err := s.Info(t.Context()); err != nil || info.State.Msgs != 2 || s.CachedInfo() != info {
		t.Errorf("got %+v, %v, want 2 messages, and cached", info, err)
	}
	if _, err := s.Info(t.Context()); err != ErrStreamNotFound || s.CachedInfo().State.Msgs != 2 {
		t.Errorf("got %v and %+v, want %v and what was cached", err, s.CachedInfo(), ErrStreamNotFound)
	}
	c, err := s.Consumer(t.Context(), "c")
	if err != nil || c.CachedInfo().Name != "c" {
		t.Fatalf("got %v, %v", c, err)
	}
	if info, err := c.Info(t.Context()); err != nil || c.CachedInfo() != info {
		t.Errorf("got %v, %v, want it cached", info, err)
	}
	p, err := s.PushConsumer(t.Context(), "c")
	if err != nil || p.CachedInfo().Config.DeliverSubject != "d" {
		t.Errorf("got %v, %v, want a push consumer", p, err)
	}
	wantAsked(t, l, "$JS.API.STREAM.INFO.S ", "$JS.API.STREAM.INFO.S ", "$JS.API.STREAM.INFO.S ", "$JS.API.CONSUMER.INFO.S.c ", "$JS.API.CONSUMER.INFO.S.c ", "$JS.API.CONSUMER.INFO.S.c ")
}

func TestCachedInfoWithoutSubjects(t *testing.T) {
	t.Parallel()
	js, _ := scripted(`{"total":1,"config":{"name":"S"},"state":{"messages":3,"subjects":{"a":3}}}`)
	s := handle(js, false)
	info, err := s.Info(t.Context(), WithSubjectFilter(">"))
	if err != nil || info.State.Subjects["a"] != 3 {
		t.Errorf("got %+v, %v, want 3 messages of a", info, err)
	}
	if c := s.CachedInfo(); c.State.Msgs != 3 || c.State.Subjects != nil {
		t.Errorf("cached %+v, want 3 messages and no subjects", c.State)
	}
}

func TestListers(t *testing.T) {
	t.Parallel()
	js, l := scripted(`{"total":2,"streams":["A","B"]}`, `{"total":2,"streams":[`+streamS+`,null]}`, `{"total":1,"consumers":["c"]}`, `{"total":1,"consumers":[`+consumerC+`]}`, noStream)
	s := handle(js, false)
	names := js.StreamNames(t.Context(), WithStreamListSubject("s.*"), nil)
	if a, b := <-names.Name(), <-names.Name(); a != "A" || b != "B" || <-names.Name() != "" || names.Err() != nil {
		t.Errorf("got %q, %q, %v", a, b, names.Err())
	}
	infos := js.ListStreams(t.Context())
	if i := <-infos.Info(); i == nil || i.Config.Name != "S" || <-infos.Info() != nil || infos.Err() != nil {
		t.Errorf("got %v, %v", i, infos.Err())
	}
	consumers := s.ConsumerNames(t.Context())
	if c := <-consumers.Name(); c != "c" || <-consumers.Name() != "" || consumers.Err() != nil {
		t.Errorf("got %q, %v", c, consumers.Err())
	}
	consumerInfos := s.ListConsumers(t.Context())
	if i := <-consumerInfos.Info(); i == nil || i.Name != "c" || <-consumerInfos.Info() != nil || consumerInfos.Err() != nil {
		t.Errorf("got %v, %v", i, consumerInfos.Err())
	}
	gone := s.ConsumerNames(t.Context())
	if _, more := <-gone.Name(); more || !errors.Is(gone.Err(), ErrStreamNotFound) {
		t.Errorf("got %v, %v, want a closed channel and %v", more, gone.Err(), ErrStreamNotFound)
	}
	broken := errors.New("broken option")
	refused := js.StreamNames(t.Context(), func(*streamListOpts) error { return broken })
	if _, more := <-refused.Name(); more || refused.Err() != broken {
		t.Errorf("got %v, %v, want a closed channel and %v", more, refused.Err(), broken)
	}
	wantAsked(t, l, `$JS.API.STREAM.NAMES {"offset":0,"subject":"s.*"}`, `$JS.API.STREAM.LIST {"offset":0}`, `$JS.API.CONSUMER.NAMES.S {"offset":0}`, `$JS.API.CONSUMER.LIST.S {"offset":0}`, `$JS.API.CONSUMER.NAMES.S {"offset":0}`)
}

func TestOptions(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken option")
	trace := &ClientTrace{}
	for _, tc := range []struct {
		name   string
		in     JetStreamOptions
		opts   []JetStreamOpt
		want   JetStreamOptions
		prefix string
		err    error
	}{
		{name: "none", want: JetStreamOptions{DefaultTimeout: 5 * time.Second}, prefix: "$JS.API."},
		{name: "nil option", opts: []JetStreamOpt{nil}, want: JetStreamOptions{DefaultTimeout: 5 * time.Second}, prefix: "$JS.API."},
		{name: "timeout and trace", opts: []JetStreamOpt{WithDefaultTimeout(time.Second), WithClientTrace(trace)}, want: JetStreamOptions{DefaultTimeout: time.Second, ClientTrace: trace}, prefix: "$JS.API."},
		{name: "domain", in: JetStreamOptions{Domain: "hub"}, want: JetStreamOptions{Domain: "hub", DefaultTimeout: 5 * time.Second}, prefix: "$JS.hub.API."},
		{name: "prefix", in: JetStreamOptions{APIPrefix: "x.y"}, want: JetStreamOptions{APIPrefix: "x.y", DefaultTimeout: 5 * time.Second}, prefix: "x.y."},
		{name: "prefix with dot", in: JetStreamOptions{APIPrefix: "x.y."}, want: JetStreamOptions{APIPrefix: "x.y.", DefaultTimeout: 5 * time.Second}, prefix: "x.y."},
		{name: "both", in: JetStreamOptions{Domain: "hub", APIPrefix: "x"}, err: ErrInvalidOption},
		{name: "zero timeout", opts: []JetStreamOpt{WithDefaultTimeout(0)}, err: ErrInvalidOption},
		{name: "broken", opts: []JetStreamOpt{func(*JetStreamOptions) error { return broken }}, err: broken},
		{name: "wildcard domain", in: JetStreamOptions{Domain: "*"}, err: ErrInvalidOption},
		{name: "domain with space", in: JetStreamOptions{Domain: "a b"}, err: ErrInvalidOption},
		{name: "wildcard prefix", in: JetStreamOptions{APIPrefix: "a.>"}, err: ErrInvalidOption},
		{name: "prefix that injects", in: JetStreamOptions{APIPrefix: "a\r\nPUB x 0\r\n"}, err: ErrInvalidOption},
		{name: "prefix of a dot", in: JetStreamOptions{APIPrefix: "."}, err: ErrInvalidOption},
	} {
		got, err := newOptions(tc.in, tc.opts)
		if !errors.Is(err, tc.err) || (err == nil) != (tc.err == nil) {
			t.Errorf("%s: got %v, want %v", tc.name, err, tc.err)
		}
		if err == nil && (got != tc.want || got.client(nil).Prefix != tc.prefix) {
			t.Errorf("%s: got %+v and %q, want %+v and %q", tc.name, got, got.client(nil).Prefix, tc.want, tc.prefix)
		}
	}
	for name, call := range map[string]func() (JetStream, error){
		"no connection": func() (JetStream, error) { return New(nil) },
		"no domain":     func() (JetStream, error) { return NewWithDomain(&nats.Conn{}, "") },
		"no prefix":     func() (JetStream, error) { return NewWithAPIPrefix(&nats.Conn{}, "") },
	} {
		if js, err := call(); js != nil || err == nil {
			t.Errorf("%s: got %v, %v, want an error", name, js, err)
		}
	}
}

func TestClientTrace(t *testing.T) {
	t.Parallel()
	var got []string
	o := JetStreamOptions{ClientTrace: &ClientTrace{
		RequestSent: func(subject string, payload []byte) { got = append(got, subject+" "+string(payload)) },
		ResponseReceived: func(subject string, payload []byte, hdr nats.Header) {
			got = append(got, subject+" "+string(payload)+" "+strings.Join(hdr["K"], ","))
		},
	}}
	js := &jetStream{opts: o, api: o.client(&link{answers: []any{engine.Reply{Header: []byte("NATS/1.0\r\nK: v\r\n\r\n"), Data: []byte(`{"success":true}`)}}})}
	if err := js.DeleteStream(t.Context(), "S"); err != nil {
		t.Fatal(err)
	}
	want := []string{"$JS.API.STREAM.DELETE.S ", `$JS.API.STREAM.DELETE.S {"success":true} v`}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("got %q, want %q", got, want)
	}
}
