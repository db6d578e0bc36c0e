package scenario

import (
	"context"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/test/compat/stage"
)

var publishRetries = []stage.Scenario{
	{Name: "publish without a stream", Rows: []string{"7.1", "7.2", "7.3", "7.4", "7.8"}, Run: publishWithoutStream},
	{Name: "publish with three retries", Rows: []string{"7.2", "7.5"}, Run: publishThreeRetries},
	{Name: "publish without retries", Rows: []string{"7.7", "7.10"}, Run: publishNoRetries, Differs: []stage.Difference{
		stage.Differs("7.7", oldSync+", negative wait", "is nats.ErrInvalidArg"), stage.Differs("7.7", oldAsync+", negative wait", "is nats.ErrInvalidArg"),
	}},
	{Name: "publish with endless retries", Rows: []string{"7.6"}, Run: publishEndless},
	{Name: "publish, the stream appears", Rows: []string{"7.19"}, Run: publishStreamAppears},
	{Name: "publish, what is retried", Rows: []string{"7.8", "10.9"}, Run: publishRetriedStatus},
}

func publishWithoutStream(s *stage.Stage) {
	newJetStreamClient(s).tell(allWays, "no stream", "none", how{})
}

func publishThreeRetries(s *stage.Stage) {
	c := newJetStreamClient(s)
	c.tell(allWays, "3 attempts", "three", how{
		old: []nats.PubOpt{nats.RetryAttempts(3)},
		new: []jetstream.PublishOpt{jetstream.WithRetryAttempts(3)},
	})
	c.tell(allWays, "3 attempts, 100 ms", "wait", how{
		old: []nats.PubOpt{nats.RetryAttempts(3), nats.RetryWait(100 * time.Millisecond)},
		new: []jetstream.PublishOpt{jetstream.WithRetryAttempts(3), jetstream.WithRetryWait(100 * time.Millisecond)},
	})
}

func publishNoRetries(s *stage.Stage) {
	c := newJetStreamClient(s)
	c.tell(allWays, "0 attempts", "zero", how{
		old: []nats.PubOpt{nats.RetryAttempts(0)},
		new: []jetstream.PublishOpt{jetstream.WithRetryAttempts(0)},
	})
	c.tell(allWays, "no wait", "hurry", how{
		old: []nats.PubOpt{nats.RetryAttempts(2), nats.RetryWait(0)},
		new: []jetstream.PublishOpt{jetstream.WithRetryAttempts(2), jetstream.WithRetryWait(0)},
	})
	for _, way := range allWays {
		_, err := c.publish(way, message("back"), how{
			old: []nats.PubOpt{nats.RetryAttempts(2), nats.RetryWait(-time.Second)},
			new: []jetstream.PublishOpt{jetstream.WithRetryAttempts(2), jetstream.WithRetryWait(-time.Second)},
		})
		s.Error(way+", negative wait", err)
	}
}

func publishEndless(s *stage.Stage) {
	c := newJetStreamClient(s)
	c.tell(allWays, "-1 attempts", "endless", how{
		old: []nats.PubOpt{nats.RetryAttempts(-1), nats.RetryWait(time.Second)},
		new: []jetstream.PublishOpt{jetstream.WithRetryAttempts(-1)},
	})
	c.tell([]string{oldSync}, "-1 attempts, AckWait", "bounded", how{
		old: []nats.PubOpt{nats.RetryAttempts(-1), nats.AckWait(time.Second)},
	})
	c.tell([]string{oldSync}, "-1 attempts, context", "context", how{
		old: []nats.PubOpt{nats.RetryAttempts(-1), nats.Context(s.Context(900 * time.Millisecond))},
	})
	c.tell([]string{oldSync}, "-5 attempts", "fewer", how{
		old: []nats.PubOpt{nats.RetryAttempts(-5), nats.RetryWait(300 * time.Millisecond), nats.Context(s.Context(time.Second))},
	})
	c.tell([]string{newSync, oldAsync, newAsync}, "-5 attempts", "fewer", how{
		old: []nats.PubOpt{nats.RetryAttempts(-5)}, new: []jetstream.PublishOpt{jetstream.WithRetryAttempts(-5)},
	})
}

func publishStreamAppears(s *stage.Stage) {
	c := newJetStreamClient(s)
	for _, way := range allWays {
		s.Part(way)
		name := map[string]string{oldSync: "A", newSync: "B", newAsync: "C", oldAsync: "D"}[way]
		var o how
		if way == oldAsync { // which retries only when told to
			o.old = []nats.PubOpt{nats.RetryAttempts(2), nats.RetryWait(250 * time.Millisecond)}
		}
		type result struct {
			ack  string
			err  error
			took time.Duration
		}
		got := make(chan result, 1)
		start := time.Now()
		go func() {
			ack, err := c.publish(way, message("late."+name), o)
			got <- result{ack, err, time.Since(start)}
		}()
		s.Pause(300 * time.Millisecond)
		s.Peer().Stream(name, "late."+name)
		r := stage.Take(s, got, "publish")
		s.Error("publish", r.err)
		s.Note("ack", "%s", r.ack)
		s.Time("after", r.took)
		c.noteSent("late." + name)
	}
}

// publishRetriedStatus answers a publish with a status: only 503 without a body is "nobody listens".
func publishRetriedStatus(s *stage.Stage) {
	c := newJetStreamClient(s)
	scripts := []struct{ name, header, body string }{
		{"429", "429 Too Many Requests", `{"error":{"code":429,"err_code":10167,"description":"too many requests"},"stream":"S","seq":0}`},
		{"408", "408 Request Timeout", ""},
		{"412", "412 Required Api Level", ""},
	}
	for _, script := range scripts {
		s.Peer().Subscribe("told."+script.name+".>", func(f stage.Frame) { s.Peer().Publish(f.Reply, "", script.header, script.body) })
		c.tell(allWays, "status "+script.name, "told."+script.name, how{
			old: []nats.PubOpt{}, new: []jetstream.PublishOpt{},
		})
	}
	s.Peer().Subscribe("nobody", func(f stage.Frame) { s.Peer().Publish(f.Reply, "", "503", "") })
	_, err := c.new.Publish(context.Background(), "nobody", nil)
	s.Error("a 503 of a responder", err)
	c.noteSent("nobody")
}
