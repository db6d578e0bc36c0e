package scenario

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/test/compat/stage"
)

var publishHeaders = []stage.Scenario{
	{Name: "publish, headers of options", Rows: []string{"7.32", "7.33", "7.26"}, Run: optionHeaders, Differs: []stage.Difference{
		stage.Differs("7.33", "new sync: ttl -1", "is jetstream.ErrInvalidOption, "),
		stage.Differs("7.33", "new async: ttl -1", "is jetstream.ErrInvalidOption, "),
	}},
	{Name: "publish, headers of schedules", Rows: []string{"7.34"}, Run: scheduleHeaders},
	{Name: "publish, headers by hand", Rows: []string{"7.32", "7.39"}, Run: headersByHand},
}

// wire is the header of the only publish on subject, sorted, in one line.
func (c *client) wire(subject string) string {
	c.s.Must(c.nc.Flush(), "flush")
	var all []string
	for _, f := range c.s.Tap().Published(subject) {
		lines := strings.Split(strings.TrimSpace(f.Header), "\r\n")
		slices.Sort(lines)
		all = append(all, strings.Join(lines, "|"))
	}
	return strings.Join(all, " AND ")
}

func optionHeaders(s *stage.Stage) {
	s.Peer().Respond("h.>", func(stage.Frame) string { return `{"stream":"S","seq":1}` })
	c := newJetStreamClient(s)
	cases := []struct {
		name string
		how  how
	}{
		{"id", how{old: []nats.PubOpt{nats.MsgId("my id")}, new: []jetstream.PublishOpt{jetstream.WithMsgID("my id")}}},
		{"empty id", how{old: []nats.PubOpt{nats.MsgId("")}, new: []jetstream.PublishOpt{jetstream.WithMsgID("")}}},
		{"stream", how{old: []nats.PubOpt{nats.ExpectStream("S")}, new: []jetstream.PublishOpt{jetstream.WithExpectStream("S")}}},
		{"sequence", how{old: []nats.PubOpt{nats.ExpectLastSequence(3)}, new: []jetstream.PublishOpt{jetstream.WithExpectLastSequence(3)}}},
		{"sequence 0", how{old: []nats.PubOpt{nats.ExpectLastSequence(0)}, new: []jetstream.PublishOpt{jetstream.WithExpectLastSequence(0)}}},
		{"subject sequence", how{
			old: []nats.PubOpt{nats.ExpectLastSequencePerSubject(4)},
			new: []jetstream.PublishOpt{jetstream.WithExpectLastSequencePerSubject(4)}}},
		{"subject sequence 0", how{
			old: []nats.PubOpt{nats.ExpectLastSequencePerSubject(0)},
			new: []jetstream.PublishOpt{jetstream.WithExpectLastSequencePerSubject(0)}}},
		{"subject sequence, subject", how{new: []jetstream.PublishOpt{jetstream.WithExpectLastSequenceForSubject(4, "h.*")}}},
		{"subject sequence, no subject", how{new: []jetstream.PublishOpt{jetstream.WithExpectLastSequenceForSubject(4, "")}}},
		{"last id", how{old: []nats.PubOpt{nats.ExpectLastMsgId("l")}, new: []jetstream.PublishOpt{jetstream.WithExpectLastMsgID("l")}}},
		{"ttl", how{old: []nats.PubOpt{nats.MsgTTL(90 * time.Second)}, new: []jetstream.PublishOpt{jetstream.WithMsgTTL(90 * time.Second)}}},
		{"ttl 1.5 s", how{old: []nats.PubOpt{nats.MsgTTL(1500 * time.Millisecond)}, new: []jetstream.PublishOpt{jetstream.WithMsgTTL(1500 * time.Millisecond)}}},
		{"ttl 0", how{old: []nats.PubOpt{nats.MsgTTL(0)}, new: []jetstream.PublishOpt{jetstream.WithMsgTTL(0)}}},
		{"ttl -1", how{old: []nats.PubOpt{nats.MsgTTL(-1)}, new: []jetstream.PublishOpt{jetstream.WithMsgTTL(-1)}}},
		{"all", how{
			old: []nats.PubOpt{nats.MsgId("i"), nats.ExpectStream("S"), nats.ExpectLastSequence(1), nats.ExpectLastMsgId("l"), nats.MsgTTL(time.Hour)},
			new: []jetstream.PublishOpt{jetstream.WithMsgID("i"), jetstream.WithExpectStream("S"), jetstream.WithExpectLastSequence(1),
				jetstream.WithExpectLastMsgID("l"), jetstream.WithMsgTTL(time.Hour)}}},
	}
	for w, way := range allWays {
		s.Part(way)
		for i, tc := range cases {
			m := message(fmt.Sprintf("h.%d.%d.", w, i))
			m.Subject = strings.TrimSuffix(m.Subject, ".")
			m.Header = nats.Header{"mine": {"a"}}
			_, err := c.publish(way, m, tc.how)
			s.Note(tc.name, "%s, %s", s.Describe(err), c.wire(m.Subject))
			s.Note(tc.name+", caller's header", "%v", m.Header)
		}
		m := message(fmt.Sprintf("h.%d", w))
		_, err := c.publish(way, m, how{old: []nats.PubOpt{nats.MsgId("i")}, new: []jetstream.PublishOpt{jetstream.WithMsgID("i")}})
		s.Note("no header before", "%s, %v", s.Describe(err), m.Header)
	}
}

func scheduleHeaders(s *stage.Stage) {
	s.Peer().Respond("h.>", func(stage.Frame) string { return `{"stream":"S","seq":1}` })
	c := newJetStreamClient(s)
	at := time.Date(2030, 1, 2, 3, 4, 5, 600_000_000, time.FixedZone("x", 3600))
	cases := []struct {
		name string
		opts []jetstream.PublishOpt
	}{
		{"at", []jetstream.PublishOpt{jetstream.WithScheduleAt(at), jetstream.WithScheduleTarget("t")}},
		{"at the zero time", []jetstream.PublishOpt{jetstream.WithScheduleAt(time.Time{})}},
		{"every", []jetstream.PublishOpt{jetstream.WithScheduleEvery(90 * time.Second)}},
		{"every 1.5 s", []jetstream.PublishOpt{jetstream.WithScheduleEvery(1500 * time.Millisecond)}},
		{"every 500 ms", []jetstream.PublishOpt{jetstream.WithScheduleEvery(500 * time.Millisecond)}},
		{"every 0", []jetstream.PublishOpt{jetstream.WithScheduleEvery(0)}},
		{"cron", []jetstream.PublishOpt{jetstream.WithScheduleCron("0 30 * * * *"), jetstream.WithScheduleTimeZone("Europe/Berlin")}},
		{"cron name", []jetstream.PublishOpt{jetstream.WithScheduleCron(jetstream.ScheduleHourly)}},
		{"empty cron", []jetstream.PublishOpt{jetstream.WithScheduleCron("")}},
		{"empty target", []jetstream.PublishOpt{jetstream.WithScheduleEvery(time.Minute), jetstream.WithScheduleTarget("")}},
		{"empty zone", []jetstream.PublishOpt{jetstream.WithScheduleCron("@daily"), jetstream.WithScheduleTimeZone("")}},
		{"empty source", []jetstream.PublishOpt{jetstream.WithScheduleEvery(time.Minute), jetstream.WithScheduleSource("")}},
		{"source, ttl", []jetstream.PublishOpt{jetstream.WithScheduleEvery(time.Minute), jetstream.WithScheduleSource("src"), jetstream.WithScheduleTTL(time.Minute)}},
		{"ttl 0", []jetstream.PublishOpt{jetstream.WithScheduleEvery(time.Minute), jetstream.WithScheduleTTL(0)}},
		{"ttl 1.5 s", []jetstream.PublishOpt{jetstream.WithScheduleEvery(time.Minute), jetstream.WithScheduleTTL(1500 * time.Millisecond)}},
		{"ttl never", []jetstream.PublishOpt{jetstream.WithScheduleEvery(time.Minute), jetstream.WithScheduleTTLNever()}},
		{"rollup", []jetstream.PublishOpt{jetstream.WithScheduleEvery(time.Minute), jetstream.WithScheduleRollup()}},
		{"target only", []jetstream.PublishOpt{jetstream.WithScheduleTarget("t")}},
		{"two", []jetstream.PublishOpt{jetstream.WithScheduleEvery(time.Minute), jetstream.WithScheduleCron("@daily")}},
	}
	for i, tc := range cases {
		subject := fmt.Sprintf("h.%d", 100+i)
		_, err := c.publish(newSync, message(subject), how{new: tc.opts})
		s.Note(tc.name, "%s, %s", s.Describe(err), c.wire(subject))
	}
}

// headersByHand: what has no option passes untouched.
func headersByHand(s *stage.Stage) {
	s.Peer().Stream("S", "s.>", `"allow_rollup_hdrs":true`)
	trace := make(chan string, 8)
	s.Peer().Subscribe("trace", func(f stage.Frame) { trace <- f.Subject })
	c := newJetStreamClient(s)
	for i, way := range allWays {
		s.Part(way)
		subject := "s." + string(rune('a'+i))
		for range 2 {
			_, err := c.publish(way, message(subject), how{})
			s.Must(err, way)
		}
		m := message(subject)
		m.Header = nats.Header{"Nats-Rollup": {"sub"}}
		ack, err := c.publish(way, m, how{})
		s.Note("rollup", "%s, %s", s.Describe(err), ack)
		m = message(subject)
		m.Header = nats.Header{"Nats-Rollup": {"all"}}
		ack, err = c.publish(way, m, how{})
		s.Note("rollup of all", "%s, %s", s.Describe(err), ack)
		info := s.Peer().API("STREAM.INFO.S", "")
		s.Note("left", "one message %v", strings.Contains(info, `"messages":1,`))
		traced := message(subject)
		traced.Header = nats.Header{"Nats-Trace-Dest": {"trace"}}
		ack, err = c.publish(way, traced, how{})
		s.Note("traced", "%s, %s, trace %v", s.Describe(err), ack, stage.Wait(trace, resolved))
		only := message(subject)
		only.Header = nats.Header{"Nats-Trace-Dest": {"trace"}, "Nats-Trace-Only": {"true"}}
		s.Must(c.nc.PublishMsg(only), "publish")
		s.Note("only traced", "%v", stage.Wait(trace, resolved))
		info = s.Peer().API("STREAM.INFO.S", "")
		s.Note("stored", "%v", !strings.Contains(info, `"messages":2,`))
	}
}
