package scenario

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/test/compat/stage"
)

var publishAnswers = []stage.Scenario{
	{Name: "publish, acks", Rows: []string{"7.24"}, Run: publishAcks},
	{Name: "publish, duplicates", Rows: []string{"7.25"}, Run: publishDuplicates},
	{
		Name: "publish, errors of the server", Rows: []string{"7.12", "7.27", "7.38", "10.7", "17.5"}, Run: publishServerErrors,
		Differs: []stage.Difference{
			stage.Differs("7.12", "new sync, wrong last sequence: text", "nats: API error: code=400 err_code=10071 description=wrong last sequence: 2"),
			stage.Differs("7.12", "new sync, wrong last id: text", "nats: API error: code=400 err_code=10070 description=wrong last msg ID: "),
			stage.Differs("7.12", "new sync, wrong stream: text", "nats: API error: code=400 err_code=10060 description=expected stream does not match"),
			stage.Differs("7.12", "new sync, wrong last of subject: text", "nats: API error: code=400 err_code=10071 description=wrong last sequence: 2"),
			stage.Differs("7.12", "new sync, ttl: text", "nats: API error: code=400 err_code=10166 description=per-message TTL is disabled"),
		},
	},
	{Name: "publish with a reply subject", Rows: []string{"7.15"}, Run: publishReplySet},
	{
		Name: "publish, odd messages", Rows: []string{"16.6", "16.7"}, Run: publishOddMessages,
		Differs: []stage.Difference{stage.Differs("7.21", "pending", "0, 0")},
	},
	{Name: "publish counters", Rows: []string{"7.35"}, Run: publishCounter},
}

// publishAcks answers by hand.
func publishAcks(s *stage.Stage) {
	bodies := []string{
		"", "{}", "not json", `{"stream":""}`, `{"stream":"","seq":3}`, `{"seq":3}`, `[]`, `null`, `{"stream":"S"}`, `{"stream":"S","seq":0}`,
		`{"stream":"S","seq":5,"domain":"d","duplicate":true}`, `{"stream":"S","seq":6,"val":"12"}`,
		` {"seq": 7, "stream": "S" } `, `{"stream":"S","seq":"8"}`, `{"stream":"S","seq":-1}`, `{"stream":"S","seq":18446744073709551615}`,
		`{"stream":"S","seq":9}garbage`, `{"stream":"S","seq":10,"more":{"a":[1]}}`, `{"stream":"Sé\n","seq":11}`,
		`{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 1"}}`,
		`{"error":{"code":503,"err_code":10076,"description":"jetstream not enabled"}}`,
		`{"error":{"code":500}}`, `{"error":{}}`, `{"error":null,"stream":"S","seq":12}`,
		`{"error":{"code":400,"err_code":10071,"description":"both"},"stream":"S","seq":13}`,
	}
	var answer atomic.Value
	s.Peer().Respond("odd", func(stage.Frame) string { return answer.Load().(string) })
	c := newJetStreamClient(s)
	for _, way := range allWays {
		s.Part(way)
		for _, body := range bodies {
			answer.Store(body)
			ack, err := c.publish(way, message("odd"), how{})
			s.Note("answer "+body, "%s, %s", s.Describe(err), ack)
		}
	}
}

func publishDuplicates(s *stage.Stage) {
	s.Peer().Stream("S", "s.>", `"duplicate_window":500000000`)
	c := newJetStreamClient(s)
	for i, way := range allWays {
		s.Part(way)
		id := fmt.Sprint("id", i)
		o := how{old: []nats.PubOpt{nats.MsgId(id)}, new: []jetstream.PublishOpt{jetstream.WithMsgID(id)}}
		for _, key := range []string{"first", "again"} {
			ack, err := c.publish(way, message("s.a"), o)
			s.Note(key, "%s, %s", s.Describe(err), ack)
		}
	}
	s.Pause(1200 * time.Millisecond)
	ack, err := c.publish(oldSync, message("s.a"), how{old: []nats.PubOpt{nats.MsgId("id0")}})
	s.Note("after the window", "%s, %s", s.Describe(err), ack)
}

func publishServerErrors(s *stage.Stage) {
	s.Peer().Stream("S", "s.>")
	c := newJetStreamClient(s)
	_, err := c.publish(oldSync, message("s.a"), how{})
	s.Error("stored", err)
	cases := []struct {
		name string
		how  how
	}{
		{"wrong last sequence", how{
			old: []nats.PubOpt{nats.ExpectLastSequence(7)}, new: []jetstream.PublishOpt{jetstream.WithExpectLastSequence(7)}}},
		{"wrong last id", how{
			old: []nats.PubOpt{nats.ExpectLastMsgId("x")}, new: []jetstream.PublishOpt{jetstream.WithExpectLastMsgID("x")}}},
		{"wrong stream", how{
			old: []nats.PubOpt{nats.ExpectStream("T")}, new: []jetstream.PublishOpt{jetstream.WithExpectStream("T")}}},
		{"wrong last of subject", how{
			old: []nats.PubOpt{nats.ExpectLastSequencePerSubject(9)},
			new: []jetstream.PublishOpt{jetstream.WithExpectLastSequencePerSubject(9)}}},
		{"ttl", how{
			old: []nats.PubOpt{nats.MsgTTL(time.Minute)}, new: []jetstream.PublishOpt{jetstream.WithMsgTTL(time.Minute)}}},
	}
	for _, way := range allWays {
		for _, tc := range cases {
			s.Part(way + ", " + tc.name)
			_, err := c.publish(way, message("s.a"), tc.how)
			s.Error("publish", err)
			if err != nil {
				s.Note("text", "%s", err)
			}
		}
		s.Part(way + ", API level")
		m := message("s.a")
		m.Header = nats.Header{"Nats-Required-Api-Level": {"9999"}}
		_, err := c.publish(way, m, how{old: nil, new: nil})
		s.Error("publish", err)
	}
}

func publishReplySet(s *stage.Stage) {
	s.Peer().Stream("S", "s.>")
	c := newJetStreamClient(s)
	for i, way := range allWays {
		s.Part(way)
		m := message("s." + string(rune('a'+i)))
		m.Reply = "mine"
		ack, err := c.publish(way, m, how{})
		s.ErrorText("publish", err)
		s.Note("ack", "%s", ack)
		s.Note("reply of the message afterwards", "%v", m.Reply == "mine")
		for _, f := range s.Tap().Published(m.Subject) {
			s.Note("reply on the wire is mine", "%v", f.Reply == "mine")
		}
	}
}

func publishOddMessages(s *stage.Stage) {
	s.Peer().Stream("S", ">", `"no_ack":true`)
	c := newJetStreamClient(s)
	big := strings.Repeat("x", 2<<20)
	odd := []struct {
		name string
		msg  *nats.Msg
	}{
		{"no subject", &nats.Msg{}},
		{"space", &nats.Msg{Subject: "a b"}},
		{"line end", &nats.Msg{Subject: "a\r\nPUB"}},
		{"too large", &nats.Msg{Subject: "s", Data: []byte(big)}},
		{"bad header key", &nats.Msg{Subject: "s", Header: nats.Header{"a b": {"x"}}}},
	}
	for _, way := range allWays {
		s.Part(way)
		for _, o := range odd {
			s.Error(o.name, s.Try(func() error { _, err := c.publish(way, o.msg, how{}); return err }))
		}
	}
	s.Part("")
	s.Note("pending", "%d, %d", c.old.PublishAsyncPending(), c.new.PublishAsyncPending())
	s.Error("new, empty", func() error { _, err := c.new.Publish(context.Background(), "", nil); return err }())
}

func publishCounter(s *stage.Stage) {
	s.Peer().Stream("S", "s.>", `"allow_msg_counter":true,"allow_direct":true`)
	c := newJetStreamClient(s)
	for _, way := range allWays {
		m := &nats.Msg{Subject: "s.n", Header: nats.Header{"Nats-Incr": {"+5"}}}
		ack, err := c.publish(way, m, how{})
		s.Note(way, "%s, %s", s.Describe(err), ack)
	}
}
