package nats

import (
	"testing"
)

const noConsumer = `{"error":{"code":404,"err_code":10014,"description":"consumer not found"}}`

// What is asked to find a consumer. Tests of the module test create them on a real server.
func TestFindConsumer(t *testing.T) {
	t.Parallel()
	const (
		streams  = `{"total":1,"offset":0,"limit":1024,"streams":["S"]}`
		consumer = `{"stream_name":"S","name":"c","num_pending":7,"config":{"durable_name":"c","filter_subject":"a","ack_policy":"explicit"}}`
	)
	for _, tc := range []struct {
		name, subj string
		opts       []SubOpt
		answers    []any
		asked      []string
		want       error
	}{
		{"durable", "a", []SubOpt{Durable("c")}, []any{streams, consumer},
			[]string{`$JS.API.STREAM.NAMES {"offset":0,"subject":"a"}`, "$JS.API.CONSUMER.INFO.S.c "}, nil},
		{"durable, stream known", "a", []SubOpt{Durable("c"), BindStream("S")}, []any{consumer}, []string{"$JS.API.CONSUMER.INFO.S.c "}, nil},
		{"bound", "a", []SubOpt{Bind("S", "c")}, []any{consumer}, []string{"$JS.API.CONSUMER.INFO.S.c "}, nil},
		{"bound unseen", "b", []SubOpt{Bind("S", "c"), SkipConsumerLookup()}, nil, nil, nil},
		{"bound to nothing", "a", []SubOpt{Bind("S", "c")}, []any{noConsumer}, []string{"$JS.API.CONSUMER.INFO.S.c "}, ErrConsumerNotFound},
		{"other subject", "b", []SubOpt{Bind("S", "c")}, []any{consumer}, []string{"$JS.API.CONSUMER.INFO.S.c "}, ErrSubjectMismatch},
		{"no stream", "a", nil, []any{`{"total":0}`}, []string{`$JS.API.STREAM.NAMES {"offset":0,"subject":"a"}`}, ErrNoMatchingStream},
		{"no JetStream", "a", nil, []any{ErrNoResponders}, []string{`$JS.API.STREAM.NAMES {"offset":0,"subject":"a"}`}, ErrJetStreamNotEnabled},
		{"lookup fails", "a", []SubOpt{Durable("c"), BindStream("S")}, []any{ErrConnectionClosed}, []string{"$JS.API.CONSUMER.INFO.S.c "}, ErrConnectionClosed},
		{"lookup of a name fails", "a", []SubOpt{ConsumerName("c"), BindStream("S")}, []any{ErrConnectionClosed}, []string{"$JS.API.CONSUMER.INFO.S.c "}, ErrConnectionClosed},
	} {
		j, link := jsScripted(tc.answers...)
		j.nc = unlinked(t)
		o, err := newSubOpts(tc.opts)
		if err != nil {
			t.Fatal(err)
		}
		info, owned, err := j.findOrCreate(tc.subj, o)
		if err != tc.want || owned {
			t.Errorf("%s: owned %v, %v, want %v", tc.name, owned, err, tc.want)
		}
		if err == nil && (info.Stream != "S" || info.Name != "c") {
			t.Errorf("%s: got %s/%s, want S/c", tc.name, info.Stream, info.Name)
		}
		link.wantAsked(t, tc.asked...)
	}
}

// A consumer that was never looked at is taken to want acks, unless the option says otherwise.
func TestUnseenConsumerAcks(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		opts []SubOpt
		want AckPolicy
	}{
		{"default", nil, AckExplicitPolicy},
		{"none", []SubOpt{AckNone()}, AckNonePolicy},
	} {
		j, _ := jsScripted()
		o, err := newSubOpts(append(tc.opts, Bind("S", "c"), SkipConsumerLookup()))
		if err != nil {
			t.Fatal(err)
		}
		info, _, err := j.findOrCreate("", o)
		if err != nil || info.Config.AckPolicy != tc.want {
			t.Errorf("%s: got %v, %v, want %v", tc.name, info.Config.AckPolicy, err, tc.want)
		}
	}
}
