package scenario

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/test/compat/stage"
)

var acks = []stage.Scenario{
	{Name: "acks on the wire", Rows: []string{"8.3", "8.4", "8.7"}, Run: acksOnTheWire},
	{Name: "acks, metadata", Rows: []string{"8.1", "8.8"}, Run: metadata},
	{Name: "acks, reply subjects", Rows: []string{"8.1", "8.2", "8.8"}, Run: replySubjects, Differs: notAcksRefused()},
	{Name: "acks, confirmed", Rows: []string{"8.5"}, Run: confirmed},
	{Name: "acks, not confirmed", Long: true, Rows: []string{"8.5"}, Run: notConfirmed},
	{Name: "acks, where they cannot be", Rows: []string{"8.6", "8.7"}, Run: ackRefused, Differs: []stage.Difference{
		stage.Differs("8.6", "old, ack none", "nats.ErrCantAckIfConsumerAckNone"),
		stage.Differs("8.6", "old, ack none, sync", "nats.ErrCantAckIfConsumerAckNone"),
	}},
}

// next fetches one message with each API.
func (p *puller) next() jetstream.Msg {
	m, err := p.cons.Next(jetstream.FetchMaxWait(5 * time.Second))
	p.s.Must(err, "next")
	return m
}

func (p *puller) oldNext(sub *nats.Subscription) *nats.Msg {
	msgs, err := sub.Fetch(1, nats.MaxWait(5*time.Second))
	p.s.Must(err, "fetch")
	return msgs[0]
}

// ackBodies are what was published on the reply subject.
func (p *puller) ackBodies(reply string) string {
	p.s.Must(p.nc.Flush(), "flush")
	var bodies []string
	for _, f := range p.s.Tap().Published(reply) {
		bodies = append(bodies, fmt.Sprintf("%q", f.Data))
	}
	return strings.Join(bodies, " ")
}

func acksOnTheWire(s *stage.Stage) {
	p, sub := newOldPuller(s)
	fresh := []struct {
		name string
		ack  func(jetstream.Msg) error
	}{
		{"ack", jetstream.Msg.Ack},
		{"nak", jetstream.Msg.Nak},
		{"nak later", func(m jetstream.Msg) error { return m.NakWithDelay(1500 * time.Millisecond) }},
		{"nak later, 0", func(m jetstream.Msg) error { return m.NakWithDelay(0) }},
		{"nak later, -1", func(m jetstream.Msg) error { return m.NakWithDelay(-1) }},
		{"in progress", jetstream.Msg.InProgress},
		{"term", jetstream.Msg.Term},
		{"term, why", func(m jetstream.Msg) error { return m.TermWithReason("not wanted") }},
		{"term, no reason", func(m jetstream.Msg) error { return m.TermWithReason("") }},
	}
	for _, a := range fresh {
		s.Part("new, " + a.name)
		s.Peer().API("STREAM.PURGE.S", "")
		s.Peer().Store("s.a", "x")
		m := p.next()
		s.Error("first", a.ack(m))
		s.Error("again", a.ack(m))
		s.Error("then ack", m.Ack())
		s.Note("wire", "%s", p.ackBodies(m.Reply()))
	}
	old := []struct {
		name string
		ack  func(*nats.Msg) error
	}{
		{"ack", func(m *nats.Msg) error { return m.Ack() }},
		{"nak", func(m *nats.Msg) error { return m.Nak() }},
		{"nak later", func(m *nats.Msg) error { return m.NakWithDelay(1500 * time.Millisecond) }},
		{"nak later, 0", func(m *nats.Msg) error { return m.NakWithDelay(0) }},
		{"nak later, -1", func(m *nats.Msg) error { return m.NakWithDelay(-1) }},
		{"in progress", func(m *nats.Msg) error { return m.InProgress() }},
		{"term", func(m *nats.Msg) error { return m.Term() }},
	}
	for _, a := range old {
		s.Part("old, " + a.name)
		s.Peer().API("STREAM.PURGE.S", "")
		s.Peer().Store("s.a", "x")
		m := p.oldNext(sub)
		s.Error("first", a.ack(m))
		s.Error("again", a.ack(m))
		s.Error("then ack", m.Ack())
		s.Note("wire", "%s", p.ackBodies(m.Reply))
	}
}

func metadata(s *stage.Stage) {
	p, sub := newOldPuller(s)
	s.Peer().Store("s.a", "x")
	show := func(key string, m jetstream.Msg) {
		md, err := m.Metadata()
		s.Must(err, "metadata")
		s.Note(key, "%s/%s %d %d delivered %d pending %d domain %q, recent %v, tokens %d", md.Stream, md.Consumer, md.Sequence.Stream,
			md.Sequence.Consumer, md.NumDelivered, md.NumPending, md.Domain, time.Since(md.Timestamp).Abs() < time.Minute,
			strings.Count(m.Reply(), ".")+1)
	}
	first := p.next()
	show("first", first)
	s.Error("nak", first.Nak())
	again := p.next()
	show("again", again)
	s.Error("confirmed", again.DoubleAck(s.Context(resolved)))
	s.Peer().Store("s.a", "y", "z")
	m := p.oldNext(sub)
	md, err := m.Metadata()
	s.Must(err, "metadata")
	// Not the number of pending messages: the server counts what has just been stored a little later.
	s.Note("old", "%s/%s %d %d delivered %d domain %q", md.Stream, md.Consumer, md.Sequence.Stream, md.Sequence.Consumer,
		md.NumDelivered, md.Domain)
}

const rest = "3.5.7.1700000000123456789.11"

// notAcks are reply subjects of another form. nats.go reads numbers that are none.
var notAcks = []string{
	"$JS.ACK.S.C." + rest + ".ten",
	"$JS.ACK.S.C.3.5.7.1700000000123456789",
	"$JS.NAK.S.C." + rest,
	"$JS.ACK",
	"other",
	"$JS.ACK.S.C.x.5.7.1700000000123456789.11",
	"$JS.ACK.S.C.3.-5.7.1700000000123456789.11",
	"$JS.ACK.S.C.3.5.99999999999999999999.1700000000123456789.11",
}

func notAcksRefused() []stage.Difference {
	var all []stage.Difference
	for i, reply := range notAcks {
		all = append(all, stage.Differs("8.8", reply+": old", "nats.ErrNotJSMessage"), stage.Differs("8.8", reply+": new", "jetstream.ErrNotJSMessage"))
		if i > 4 {
			all = append(all, stage.Differs("8.8", reply+": old says", "<nil>"), stage.Differs("8.8", reply+": new says", "<nil>"))
		}
	}
	return all
}

// replySubjects reads forms that this server does not send.
func replySubjects(s *stage.Stage) {
	replies := append([]string{
		"$JS.ACK.S.C." + rest,
		"$JS.ACK._.hash.S.C." + rest,
		"$JS.ACK.hub.hash.S.C." + rest,
		"$JS.ACK.hub.hash.S.C." + rest + ".more",
		"$JS.ACK.hub.hash.S.C." + rest + ".a.b.c",
	}, notAcks...)
	p := newPuller(s)
	core, err := p.nc.SubscribeSync("core")
	s.Must(err, "subscribe")
	s.Must(p.nc.Flush(), "flush")
	sid := func(subject string) string {
		return s.Tap().Await(1, func(f stage.Frame) bool { return f.Op == "SUB" && f.Subject == subject }).SID
	}
	for i, reply := range replies {
		s.Part(reply)
		s.Tap().Inject(sid("core"), "core", reply, "x")
		m, err := core.NextMsg(5 * time.Second)
		s.Must(err, "core message")
		md, err := m.Metadata()
		s.Error("old", err)
		s.Note("old says", "%+v", md)
		s.Error("old, ack", m.Ack())

		got := make(chan jetstream.Msg, 1)
		go func() {
			defer close(got)
			if m, err := p.cons.Next(jetstream.FetchMaxWait(2 * time.Second)); err == nil {
				got <- m
			}
		}()
		inbox := s.Tap().Await(i+1, pulls).Reply
		subject := s.Tap().Frames(func(f stage.Frame) bool {
			return f.Op == "SUB" && strings.HasPrefix(inbox, strings.TrimSuffix(f.Subject, "*"))
		})[0].Subject
		s.Tap().Inject(sid(subject), inbox, reply, "x")
		n := stage.Take(s, got, "fetched message")
		if n == nil {
			s.Note("new", "no message")
			continue
		}
		nd, err := n.Metadata()
		s.Error("new", err)
		s.Note("new says", "%+v", nd)
		s.Error("new, ack", n.Ack())
	}
}

func confirmed(s *stage.Stage) {
	p, sub := newOldPuller(s)
	store := func() { s.Peer().Store("s.a", "x") }
	each := func(name string, ack func() (string, error)) {
		store()
		var reply string
		s.Timed(name, func() (err error) { reply, err = ack(); return err })
		s.Note(name+" on the wire", "%s", p.ackBodies(reply))
	}
	each("new", func() (string, error) { m := p.next(); return m.Reply(), m.DoubleAck(s.Context(resolved)) })
	each("new without deadline", func() (string, error) { m := p.next(); return m.Reply(), m.DoubleAck(context.Background()) })
	each("new twice", func() (string, error) {
		m := p.next()
		s.Error("new, first of two", m.DoubleAck(s.Context(resolved)))
		return m.Reply(), m.DoubleAck(s.Context(resolved))
	})
	each("old", func() (string, error) { m := p.oldNext(sub); return m.Reply, m.AckSync() })
	each("old, AckWait", func() (string, error) { m := p.oldNext(sub); return m.Reply, m.Ack(nats.AckWait(time.Second)) })
	each("old, context", func() (string, error) {
		m := p.oldNext(sub)
		return m.Reply, m.Nak(nats.Context(s.Context(time.Second)))
	})
	each("old twice", func() (string, error) {
		m := p.oldNext(sub)
		s.Error("old, first of two", m.AckSync())
		return m.Reply, m.AckSync()
	})
	each("old, both", func() (string, error) {
		m := p.oldNext(sub)
		return m.Reply, m.Ack(nats.AckWait(time.Second), nats.Context(s.Context(time.Second)))
	})
}

func notConfirmed(s *stage.Stage) {
	p, sub := newOldPuller(s)
	s.Peer().Store("s.a", "1", "2", "3", "4", "5", "6")
	a, b, c := p.next(), p.next(), p.next()
	d, e, f := p.oldNext(sub), p.oldNext(sub), p.oldNext(sub)
	s.Tap().Drop(dropAnswers)
	s.Timed("new, context", func() error { return a.DoubleAck(s.Context(500 * time.Millisecond)) })
	s.Timed("new, without deadline", func() error { return b.DoubleAck(context.Background()) })
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	s.Timed("new, canceled", func() error { return c.DoubleAck(gone) })
	s.Timed("old, AckWait", func() error { return d.Ack(nats.AckWait(500 * time.Millisecond)) })
	s.Timed("old, context", func() error { return e.AckSync(nats.Context(s.Context(500 * time.Millisecond))) })
	s.Timed("old, default", func() error { return f.AckSync() })
	s.Tap().Drop(nil)
	s.Error("new, again", a.DoubleAck(s.Context(resolved)))
	s.Error("old, again", d.AckSync())
}

func ackRefused(s *stage.Stage) {
	p, sub := newOldPuller(s)
	loose := &nats.Msg{Subject: "a", Reply: "$JS.ACK.S.C.1.1.1.1.1"}
	s.Error("loose", loose.Ack())
	_, err := loose.Metadata()
	s.Error("loose, metadata", err)
	s.Error("loose, sync", loose.AckSync())
	core, err := p.nc.SubscribeSync("core")
	s.Must(err, "subscribe")
	s.Must(p.nc.Publish("core", nil), "publish")
	m, err := core.NextMsg(5 * time.Second)
	s.Must(err, "core message")
	s.Error("no reply", m.Ack())
	_, err = m.Metadata()
	s.Error("no reply, metadata", err)

	s.Peer().Consumer("S", "NONE", `"ack_policy":"none"`)
	s.Peer().Store("s.a", "1", "2", "3", "4")
	none, err := p.old.PullSubscribe("", "NONE", nats.Bind("S", "NONE"))
	s.Must(err, "bind")
	s.Error("old, ack none", p.oldNext(none).Ack())
	s.Error("old, ack none, sync", p.oldNext(none).AckSync())
	own, err := p.old.PullSubscribe("s.a", "", nats.AckNone(), nats.BindStream("S"))
	s.Must(err, "pull subscription of one's own")
	s.Error("old, ack none by option", p.oldNext(own).Ack())
	n, err := p.handle("NONE").Next(jetstream.FetchMaxWait(5 * time.Second))
	s.Must(err, "next")
	s.Error("new, ack none", n.Ack())

	a, b := p.next(), p.oldNext(sub)
	p.nc.Close()
	s.Error("new, closed", a.Ack())
	s.Error("new, closed, confirmed", a.DoubleAck(s.Context(time.Second)))
	s.Error("old, closed", b.Ack())
	s.Error("old, closed, confirmed", b.AckSync())
}
