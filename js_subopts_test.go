package nats

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestSubOptions(t *testing.T) {
	t.Parallel()
	at := time.Unix(1700000000, 0)
	for _, tc := range []struct {
		name  string
		opt   SubOpt
		want  ConsumerConfig
		given subGiven
	}{
		{"nil", nil, ConsumerConfig{}, 0},
		{"AckAll", AckAll(), ConsumerConfig{AckPolicy: AckAllPolicy}, givenAckPolicy},
		{"AckExplicit", AckExplicit(), ConsumerConfig{AckPolicy: AckExplicitPolicy}, givenAckPolicy},
		{"AckNone", AckNone(), ConsumerConfig{AckPolicy: AckNonePolicy}, givenAckPolicy},
		{"AckWait", AckWait(1), ConsumerConfig{AckWait: 1}, 0},
		{"BackOff", BackOff([]time.Duration{1, 2}), ConsumerConfig{BackOff: []time.Duration{1, 2}}, 0},
		{"ConsumerFilterSubjects", ConsumerFilterSubjects("a", "b"), ConsumerConfig{FilterSubjects: []string{"a", "b"}}, 0},
		{"ConsumerMemoryStorage", ConsumerMemoryStorage(), ConsumerConfig{MemoryStorage: true}, 0},
		{"ConsumerName", ConsumerName("n"), ConsumerConfig{Name: "n"}, 0},
		{"ConsumerReplicas", ConsumerReplicas(3), ConsumerConfig{Replicas: 3}, 0},
		{"DeliverAll", DeliverAll(), ConsumerConfig{}, givenDeliverPolicy},
		{"DeliverLast", DeliverLast(), ConsumerConfig{DeliverPolicy: DeliverLastPolicy}, givenDeliverPolicy},
		{"DeliverLastPerSubject", DeliverLastPerSubject(), ConsumerConfig{DeliverPolicy: DeliverLastPerSubjectPolicy}, givenDeliverPolicy},
		{"DeliverNew", DeliverNew(), ConsumerConfig{DeliverPolicy: DeliverNewPolicy}, givenDeliverPolicy},
		{"StartSequence", StartSequence(5), ConsumerConfig{DeliverPolicy: DeliverByStartSequencePolicy, OptStartSeq: 5}, givenDeliverPolicy},
		{"StartTime", StartTime(at), ConsumerConfig{DeliverPolicy: DeliverByStartTimePolicy, OptStartTime: &at}, givenDeliverPolicy},
		{"DeliverSubject", DeliverSubject("d"), ConsumerConfig{DeliverSubject: "d"}, 0},
		{"Description", Description("d"), ConsumerConfig{Description: "d"}, 0},
		{"Durable", Durable("d"), ConsumerConfig{Durable: "d"}, 0},
		{"EnableFlowControl", EnableFlowControl(), ConsumerConfig{FlowControl: true}, 0},
		{"HeadersOnly", HeadersOnly(), ConsumerConfig{HeadersOnly: true}, 0},
		{"IdleHeartbeat", IdleHeartbeat(1), ConsumerConfig{Heartbeat: 1}, 0},
		{"InactiveThreshold", InactiveThreshold(1), ConsumerConfig{InactiveThreshold: 1}, 0},
		{"ManualAck", ManualAck(), ConsumerConfig{}, givenManualAck},
		{"MaxAckPending", MaxAckPending(9), ConsumerConfig{MaxAckPending: 9}, 0},
		{"MaxAckPending, none", MaxAckPending(-9), ConsumerConfig{MaxAckPending: -1}, 0},
		{"MaxDeliver", MaxDeliver(9), ConsumerConfig{MaxDeliver: 9}, 0},
		{"MaxDeliver, none", MaxDeliver(-9), ConsumerConfig{MaxDeliver: -1}, 0},
		{"MaxRequestBatch", MaxRequestBatch(9), ConsumerConfig{MaxRequestBatch: 9}, 0},
		{"MaxRequestExpires", MaxRequestExpires(9), ConsumerConfig{MaxRequestExpires: 9}, 0},
		{"MaxRequestMaxBytes", MaxRequestMaxBytes(9), ConsumerConfig{MaxRequestMaxBytes: 9}, 0},
		{"OrderedConsumer", OrderedConsumer(), ConsumerConfig{}, givenOrdered},
		{"PullMaxWaiting", PullMaxWaiting(9), ConsumerConfig{MaxWaiting: 9}, 0},
		{"RateLimit", RateLimit(9), ConsumerConfig{RateLimit: 9}, 0},
		{"ReplayInstant", ReplayInstant(), ConsumerConfig{}, givenReplayPolicy},
		{"ReplayOriginal", ReplayOriginal(), ConsumerConfig{ReplayPolicy: ReplayOriginalPolicy}, givenReplayPolicy},
		{"SkipConsumerLookup", SkipConsumerLookup(), ConsumerConfig{}, givenNoLookup},
	} {
		o, err := newSubOpts([]SubOpt{tc.opt})
		if err != nil || !reflect.DeepEqual(o.cfg, tc.want) || o.given != tc.given {
			t.Errorf("%s: got %+v, given %b, %v, want %+v, %b", tc.name, o.cfg, o.given, err, tc.want, tc.given)
		}
	}
}

// has is an error that is compared by a part of its text.
type has string

func (h has) Error() string { return string(h) }

// wantErr reports how got differs from want: nil, a value, or a part of the text.
func wantErr(t *testing.T, name string, got, want error) {
	t.Helper()
	var text has
	switch {
	case errors.As(want, &text):
		if got == nil || !strings.Contains(got.Error(), string(text)) {
			t.Errorf("%s: got %v, want a text with %q", name, got, text)
		}
	case !errors.Is(got, want):
		t.Errorf("%s: got %v, want %v", name, got, want)
	}
}

func TestSubOptionsRefused(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		opts []SubOpt
		want error
	}{
		{"durable twice", []SubOpt{Durable("a"), Durable("a")}, errDurableTwice},
		{"durable without a name", []SubOpt{Durable("")}, ErrConsumerNameRequired},
		{"durable with a dot", []SubOpt{Durable("a.b")}, ErrInvalidConsumerName},
		{"name with a line break", []SubOpt{ConsumerName("a\r\nb")}, ErrInvalidConsumerName},
		{"no name", []SubOpt{ConsumerName("")}, ErrConsumerNameRequired},
		{"bind to no stream", []SubOpt{Bind("", "c")}, ErrStreamNameRequired},
		{"bind to no consumer", []SubOpt{Bind("S", "")}, ErrConsumerNameRequired},
		{"bind to a wildcard stream", []SubOpt{Bind("*", "c")}, ErrInvalidStreamName},
		{"bind to a wildcard consumer", []SubOpt{Bind("S", ">")}, ErrInvalidConsumerName},
		{"bind to two consumers", []SubOpt{Bind("S", "c"), Bind("S", "d")}, has("duplicate consumer names (c and d)")},
		{"bind and another durable", []SubOpt{Bind("S", "c"), Durable("d")}, has("duplicate consumer names (c and d)")},
		{"bind to two streams", []SubOpt{Bind("S", "c"), Bind("T", "c")}, has("duplicate stream name (S and T)")},
		{"bind to another stream", []SubOpt{BindStream("S"), Bind("T", "c")}, has("duplicate stream name (S and T)")},
		{"bind to a bad stream", []SubOpt{BindStream("a b")}, ErrInvalidStreamName},
		{"negative threshold", []SubOpt{InactiveThreshold(-1)}, has("InactiveThreshold")},
		{"no replicas", []SubOpt{ConsumerReplicas(0)}, has("ConsumerReplicas")},
		{"negative ack wait", []SubOpt{AckWait(-1)}, ErrInvalidArg},
		{"nil context", []SubOpt{Context(nil)}, ErrInvalidContext},
		{"fine", []SubOpt{BindStream(""), Bind("S", "c"), Bind("S", "c"), BindStream("S"), Durable("c")}, nil},
	} {
		_, err := newSubOpts(tc.opts)
		wantErr(t, tc.name, err, tc.want)
	}
}

func TestCheckPull(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, subj string
		opts       []SubOpt
		want       error
	}{
		{"subject", "a.*", nil, nil},
		{"stream", "", []SubOpt{BindStream("S")}, nil},
		{"neither", "", nil, errSubjectRequired},
		{"bad subject", "a..b", nil, ErrBadSubject},
		{"subject that injects", "a\r\nPUB b 0\r\n", []SubOpt{BindStream("S")}, ErrBadSubject},
		{"ordered", "a", []SubOpt{OrderedConsumer()}, errOrderedPull},
		{"ordered and durable", "a", []SubOpt{OrderedConsumer(), Durable("d")}, errOrderedDurable},
		{"push", "a", []SubOpt{DeliverSubject("d")}, ErrPullSubscribeToPushConsumer},
	} {
		o, err := newSubOpts(tc.opts)
		if err != nil {
			t.Fatal(err)
		}
		if err := o.checkPull(tc.subj); err != tc.want {
			t.Errorf("%s: got %v, want %v", tc.name, err, tc.want)
		}
	}
}

func TestFits(t *testing.T) {
	t.Parallel()
	have := ConsumerConfig{Durable: "c", FilterSubject: "a", AckPolicy: AckAllPolicy, DeliverPolicy: DeliverLastPolicy, ReplayPolicy: ReplayOriginalPolicy, AckWait: time.Second}
	for _, tc := range []struct {
		name, subj string
		opts       []SubOpt
		have       ConsumerConfig
		want       error
	}{
		{"policies that are not asked for", "a", nil, have, nil},
		{"other subject", "b", nil, have, ErrSubjectMismatch},
		{"no subject", "", nil, have, ErrSubjectMismatch},
		{"consumer without a filter", "b", nil, ConsumerConfig{}, nil},
		{"consumer with several filters", "b", nil, ConsumerConfig{FilterSubjects: []string{"x", "y"}}, nil},
		{"push consumer", "a", nil, ConsumerConfig{DeliverSubject: "d"}, ErrPullSubscribeToPushConsumer},
		{"ack policy", "a", []SubOpt{AckExplicit()}, have, has("configuration requests ack policy to be AckExplicit, but consumer's value is AckAll")},
		{"ack policy none", "a", []SubOpt{AckNone()}, have, has("configuration requests ack policy to be AckNone, but consumer's value is AckAll")},
		{"deliver policy", "a", []SubOpt{DeliverAll()}, have, has("configuration requests deliver policy to be 0, but consumer's value is 1")},
		{"replay policy", "a", []SubOpt{ReplayInstant()}, have, has("configuration requests replay policy to be 0, but consumer's value is 1")},
		{"ack wait", "a", []SubOpt{AckWait(2 * time.Second)}, have, has("configuration requests ack wait to be 2s, but consumer's value is 1s")},
		{"start time", "a", []SubOpt{StartTime(time.Unix(0, 0).UTC())}, ConsumerConfig{DeliverPolicy: DeliverByStartTimePolicy}, has("optional start time to be 1970-01-01 00:00:00 +0000 UTC, but consumer's value is <nil>")},
		{"back-off", "a", []SubOpt{BackOff([]time.Duration{1})}, have, nil},
	} {
		o, err := newSubOpts(tc.opts)
		if err != nil {
			t.Fatal(err)
		}
		wantErr(t, tc.name, o.fits(tc.subj, &tc.have), tc.want)
	}
}
