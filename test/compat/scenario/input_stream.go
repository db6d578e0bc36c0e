package scenario

import (
	"strconv"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/test/compat/stage"
)

var inputStreams = []stage.Scenario{
	{Name: "input, names", Rows: []string{"6.12", "16.18"}, Run: inputNames, Differs: oldNamesRefused()},
	{Name: "input, things that are not there", Rows: []string{"16.19", "16.20", "16.21", "16.22"}, Run: notThere,
		Differs: []stage.Difference{stage.Differs("16.22", "delete message", "jetstream 400/10043, is jetstream.ErrMsgDeleteUnsuccessful")}},
	{Name: "input, the wrong kind of consumer", Rows: []string{"16.23"}, Run: wrongKind},
}

// oldNamesRefused: the older API of nats.go sends them, or calls them a bad subject.
func oldNamesRefused() []stage.Difference {
	var all []stage.Difference
	for _, name := range []string{"a*", "a>", "a/b", `a\b`, "a\tb", "a\r\nb"} {
		all = append(all,
			stage.Differs("6.12", strconv.Quote(name)+": old stream", "nats.ErrInvalidStreamName"),
			stage.Differs("6.12", strconv.Quote(name)+": old consumer", "nats.ErrInvalidConsumerName"))
	}
	return all
}

func inputNames(s *stage.Stage) {
	p := newPuller(s)
	ctx := s.Context(resolved)
	for _, name := range []string{"", "a.b", "a b", "a*", "a>", "a/b", `a\b`, "a\tb", "a\r\nb", "missing"} {
		s.Part(strconv.Quote(name))
		_, err := p.new.Stream(ctx, name)
		s.Error("stream", err)
		s.Error("delete stream", p.new.DeleteStream(ctx, name))
		_, err = p.new.CreateOrUpdateStream(ctx, jetstream.StreamConfig{Name: name, Subjects: []string{"none"}})
		if name != "missing" {
			s.Error("create stream", err)
		}
		_, err = p.new.Consumer(ctx, "S", name)
		s.Error("consumer", err)
		_, err = p.new.Consumer(ctx, name, "C")
		s.Error("consumer of a stream", err)
		s.Error("delete consumer", p.new.DeleteConsumer(ctx, "S", name))
		if name != "missing" {
			_, err = p.old.StreamInfo(name)
			s.Error("old stream", err)
		}
		_, err = p.old.ConsumerInfo("S", name)
		s.Error("old consumer", err)
	}
}

func notThere(s *stage.Stage) {
	p := newPuller(s)
	ctx := s.Context(resolved)
	_, err := p.new.Stream(ctx, "X")
	s.ErrorText("stream", err)
	_, err = p.new.Consumer(ctx, "S", "X")
	s.ErrorText("consumer", err)
	s.ErrorText("delete consumer", p.new.DeleteConsumer(ctx, "S", "X"))
	st, err := p.new.Stream(ctx, "S")
	s.Must(err, "stream")
	_, err = st.GetMsg(ctx, 7)
	s.ErrorText("message", err)
	_, err = st.GetLastMsgForSubject(ctx, "s.x")
	s.ErrorText("last message", err)
	s.Error("delete message", st.DeleteMsg(ctx, 7))
	_, err = p.new.CreateStream(ctx, jetstream.StreamConfig{Name: "S", Subjects: []string{"other"}})
	s.ErrorText("create an existing stream", err)
	_, err = st.CreateConsumer(ctx, jetstream.ConsumerConfig{Durable: "C", AckPolicy: jetstream.AckNonePolicy})
	s.ErrorText("create an existing consumer", err)
	_, err = st.UpdateConsumer(ctx, jetstream.ConsumerConfig{Durable: "X"})
	s.ErrorText("update a missing consumer", err)
	_, err = p.new.UpdateStream(ctx, jetstream.StreamConfig{Name: "X", Subjects: []string{"x"}})
	s.ErrorText("update a missing stream", err)
	_, err = p.old.StreamInfo("X")
	s.ErrorText("old stream", err)
	_, err = p.old.ConsumerInfo("S", "X")
	s.ErrorText("old consumer", err)
	_, err = p.old.GetMsg("S", 7)
	s.ErrorText("old message", err)
	_, err = p.old.AddStream(&nats.StreamConfig{Name: "S", Subjects: []string{"other"}})
	s.ErrorText("old, add an existing stream", err)
	_, err = p.old.AddConsumer("S", &nats.ConsumerConfig{Durable: "C", AckPolicy: nats.AckNonePolicy})
	s.ErrorText("old, add an existing consumer", err)
	_, err = p.old.UpdateConsumer("S", &nats.ConsumerConfig{})
	s.ErrorText("old, update a consumer without a name", err)
	_, err = p.old.UpdateConsumer("S", &nats.ConsumerConfig{Durable: "X", AckPolicy: nats.AckExplicitPolicy})
	s.ErrorText("old, update a missing consumer", err) // makes it
	_, err = p.old.UpdateStream(&nats.StreamConfig{Name: "X", Subjects: []string{"x"}})
	s.ErrorText("old, update a missing stream", err)
	s.ErrorText("old, delete a missing consumer", p.old.DeleteConsumer("S", "Y"))
	s.ErrorText("old, delete a missing stream", p.old.DeleteStream("X"))
	err = p.old.DeleteMsg("S", 7)
	s.Note("old, delete a missing message", "%q", err)
	s.Error("new, delete a missing stream", p.new.DeleteStream(ctx, "X"))
}

func wrongKind(s *stage.Stage) {
	p := newPuller(s)
	s.Peer().Consumer("S", "PUSH", `"deliver_subject":"here"`)
	_, err := p.new.Consumer(s.Context(resolved), "S", "PUSH")
	s.Error("pull of a push consumer", err)
	_, err = p.new.PushConsumer(s.Context(resolved), "S", "C")
	s.Error("push of a pull consumer", err)
	_, err = p.new.PushConsumer(s.Context(resolved), "S", "PUSH")
	s.Error("push of a push consumer", err)
	_, err = p.new.CreateConsumer(s.Context(resolved), "S", jetstream.ConsumerConfig{Durable: "P", DeliverSubject: "x"})
	s.Error("create a pull consumer with a subject", err)
	_, err = p.new.CreatePushConsumer(s.Context(resolved), "S", jetstream.ConsumerConfig{Durable: "P"})
	s.Error("create a push consumer without one", err)
	_, err = p.old.PullSubscribe("", "PUSH", nats.Bind("S", "PUSH"))
	s.ErrorText("old pull of a push consumer", err)
}
