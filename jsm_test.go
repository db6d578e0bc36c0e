package nats

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/nats/internal/engine"
)

const (
	jsStreamS   = `{"type":"t","config":{"name":"S","subjects":["s.>"],"retention":"limits","discard":"old","storage":"file"},"state":{"messages":1}}`
	jsConsumerC = `{"type":"t","stream_name":"S","name":"c","config":{"name":"c","deliver_policy":"all","ack_policy":"explicit","replay_policy":"instant","max_deliver":-1,"ack_wait":30000000000}}`
	jsCfgS      = `{"name":"S","retention":"limits","max_consumers":0,"max_msgs":0,"max_bytes":0,"discard":"old","max_age":0,"max_msgs_per_subject":0,"storage":"file","num_replicas":0,"compression":"none","allow_direct":false,"mirror_direct":false,"consumer_limits":{},"allow_msg_ttl":false}`
	jsCfgC      = `{"stream_name":"S","config":{"name":"c","deliver_policy":"all","ack_policy":"explicit","replay_policy":"instant","num_replicas":0}}`
)

var (
	jsNoStream   = jsRefusal(404, 10059, "stream not found")
	jsNoConsumer = jsRefusal(404, 10014, "consumer not found")
	jsNoMessage  = jsRefusal(404, 10037, "no message found")
)

// Each row is a call, what it sends, and the error for what the server answers: bare where callers compare with ==.
func TestJSCalls(t *testing.T) {
	t.Parallel()
	err2 := func(_ any, err error) error { return err }
	cfgC := &ConsumerConfig{Name: "c", AckPolicy: AckExplicitPolicy}
	message := `{"message":{"subject":"a","seq":7}}`
	for _, tc := range []struct {
		name    string
		call    func(*js) error
		answers []any
		asked   []string // without the prefix
		bare    error
		is      error
	}{
		{name: "account", call: func(j *js) error { return err2(j.AccountInfo()) }, answers: []any{`{"memory":1}`}, asked: []string{"INFO "}},
		{name: "account, nobody there", call: func(j *js) error { return err2(j.AccountInfo()) }, answers: []any{ErrNoResponders}, asked: []string{"INFO "}, bare: ErrJetStreamNotEnabled},
		{name: "account, not enabled", call: func(j *js) error { return err2(j.AccountInfo()) }, answers: []any{jsRefusal(503, 10076, "x")}, asked: []string{"INFO "}, bare: ErrJetStreamNotEnabled},
		{name: "account, closed", call: func(j *js) error { return err2(j.AccountInfo()) }, answers: []any{ErrConnectionClosed}, asked: []string{"INFO "}, bare: ErrConnectionClosed},
		{name: "account, time over", call: func(j *js) error { return err2(j.AccountInfo()) }, answers: []any{ErrTimeout}, asked: []string{"INFO "}, bare: context.DeadlineExceeded},

		{name: "add stream", call: func(j *js) error { return err2(j.AddStream(&StreamConfig{Name: "S"})) }, answers: []any{jsStreamS}, asked: []string{"STREAM.CREATE.S " + jsCfgS}},
		{name: "add stream, in use", call: func(j *js) error { return err2(j.AddStream(&StreamConfig{Name: "S"})) }, answers: []any{jsRefusal(400, 10058, "x")}, asked: []string{"STREAM.CREATE.S " + jsCfgS}, bare: ErrStreamNameAlreadyInUse},
		{name: "add stream, nil", call: func(j *js) error { return err2(j.AddStream(nil)) }, bare: ErrStreamConfigRequired},
		{name: "add stream, ignored transform", call: func(j *js) error {
			return err2(j.AddStream(&StreamConfig{Name: "S", SubjectTransform: &SubjectTransformConfig{Destination: "x"}}))
		}, answers: []any{jsStreamS}, asked: []string{"STREAM.CREATE.S " + strings.Replace(jsCfgS, `"allow_direct"`, `"subject_transform":{"dest":"x"},"allow_direct"`, 1)}, bare: ErrStreamSubjectTransformNotSupported},
		{name: "add stream, nil source", call: func(j *js) error { return err2(j.AddStream(&StreamConfig{Name: "S", Sources: []*StreamSource{nil}})) }, is: ErrInvalidArg},
		{name: "update stream, none", call: func(j *js) error { return err2(j.UpdateStream(&StreamConfig{Name: "S"})) }, answers: []any{jsNoStream}, asked: []string{"STREAM.UPDATE.S " + jsCfgS}, bare: ErrStreamNotFound},
		{name: "update stream, nil", call: func(j *js) error { return err2(j.UpdateStream(nil)) }, bare: ErrStreamConfigRequired},
		{name: "delete stream", call: func(j *js) error { return j.DeleteStream("S") }, answers: []any{`{"success":true}`}, asked: []string{"STREAM.DELETE.S "}},
		{name: "delete stream, none", call: func(j *js) error { return j.DeleteStream("S") }, answers: []any{jsNoStream}, asked: []string{"STREAM.DELETE.S "}, bare: ErrStreamNotFound},
		{name: "stream info", call: func(j *js) error { return err2(j.StreamInfo("S")) }, answers: []any{jsStreamS}, asked: []string{"STREAM.INFO.S "}},
		{name: "stream info with details", call: func(j *js) error { return err2(j.StreamInfo("S", &StreamInfoRequest{DeletedDetails: true}, nil)) }, answers: []any{jsStreamS}, asked: []string{`STREAM.INFO.S {"deleted_details":true}`}},
		{name: "stream info, none", call: func(j *js) error { return err2(j.StreamInfo("S")) }, answers: []any{jsNoStream}, asked: []string{"STREAM.INFO.S "}, bare: ErrStreamNotFound},
		{name: "stream info, nobody there", call: func(j *js) error { return err2(j.StreamInfo("S")) }, answers: []any{ErrNoResponders}, asked: []string{"STREAM.INFO.S "}, bare: ErrNoResponders},
		{name: "purge", call: func(j *js) error { return j.PurgeStream("S") }, answers: []any{`{"success":true}`}, asked: []string{"STREAM.PURGE.S "}},
		{name: "purge some", call: func(j *js) error { return j.PurgeStream("S", StreamPurgeRequest{Subject: "a", Keep: 1}) }, answers: []any{`{"success":true}`}, asked: []string{`STREAM.PURGE.S {"filter":"a","keep":1}`}},
		{name: "purge by both", call: func(j *js) error { return j.PurgeStream("S", &StreamPurgeRequest{Sequence: 1, Keep: 1}) }, is: ErrBadRequest},
		{name: "purge, none", call: func(j *js) error { return j.PurgeStream("S") }, answers: []any{jsNoStream}, asked: []string{"STREAM.PURGE.S "}, is: ErrStreamNotFound},
		{name: "name by subject", call: func(j *js) error { return err2(j.StreamNameBySubject("s.a")) }, answers: []any{`{"total":1,"streams":["S"]}`}, asked: []string{`STREAM.NAMES {"offset":0,"subject":"s.a"}`}},
		{name: "name by subject, none", call: func(j *js) error { return err2(j.StreamNameBySubject("s.a")) }, answers: []any{`{"total":0}`}, asked: []string{`STREAM.NAMES {"offset":0,"subject":"s.a"}`}, bare: ErrNoMatchingStream},
		{name: "name by subject, two", call: func(j *js) error { return err2(j.StreamNameBySubject(">")) }, answers: []any{`{"total":2,"streams":["S","T"]}`}, asked: []string{`STREAM.NAMES {"offset":0,"subject":"\u003e"}`}, bare: ErrNoMatchingStream},
		{name: "name by subject, nobody there", call: func(j *js) error { return err2(j.StreamNameBySubject("s.a")) }, answers: []any{ErrNoResponders}, asked: []string{`STREAM.NAMES {"offset":0,"subject":"s.a"}`}, bare: ErrJetStreamNotEnabled},

		{name: "get", call: func(j *js) error { return err2(j.GetMsg("S", 7)) }, answers: []any{message}, asked: []string{`STREAM.MSG.GET.S {"seq":7}`}},
		{name: "get, none", call: func(j *js) error { return err2(j.GetMsg("S", 7)) }, answers: []any{jsNoMessage}, asked: []string{`STREAM.MSG.GET.S {"seq":7}`}, bare: ErrMsgNotFound},
		{name: "get, no stream", call: func(j *js) error { return err2(j.GetMsg("S", 7)) }, answers: []any{jsNoStream}, asked: []string{`STREAM.MSG.GET.S {"seq":7}`}, bare: ErrStreamNotFound},
		{name: "get, unreadable header", call: func(j *js) error { return err2(j.GetMsg("S", 7)) }, answers: []any{`{"message":{"subject":"a","hdrs":"eA=="}}`}, asked: []string{`STREAM.MSG.GET.S {"seq":7}`}, bare: ErrBadHeaderMsg},
		{name: "get directly", call: func(j *js) error { return err2(j.GetMsg("S", 7, DirectGet())) }, answers: []any{engine.Reply{Header: []byte("NATS/1.0 404 Message Not Found\r\n\r\n")}}, asked: []string{`DIRECT.GET.S {"seq":7}`}, bare: ErrMsgNotFound},
		{name: "get next directly", call: func(j *js) error { return err2(j.GetMsg("S", 7, DirectGetNext("a"))) }, answers: []any{ErrNoResponders}, asked: []string{`DIRECT.GET.S {"seq":7,"next_by_subj":"a"}`}, bare: ErrNoResponders},
		{name: "get last", call: func(j *js) error { return err2(j.GetLastMsg("S", "*.a")) }, answers: []any{message}, asked: []string{`STREAM.MSG.GET.S {"last_by_subj":"*.a"}`}},
		{name: "get last directly", call: func(j *js) error { return err2(j.GetLastMsg("S", "a.b", DirectGet())) },
			answers: []any{engine.Reply{Header: []byte("NATS/1.0\r\nNats-Subject: a.b\r\nNats-Sequence: 7\r\nNats-Time-Stamp: 2026-01-02T03:04:05Z\r\n\r\n")}}, asked: []string{"DIRECT.GET.S.a.b "}},
		{name: "get last, injection", call: func(j *js) error { return err2(j.GetLastMsg("S", "a\r\nPUB x 0\r\n", DirectGet())) }, bare: ErrBadSubject},
		{name: "delete message", call: func(j *js) error { return j.DeleteMsg("S", 7) }, answers: []any{`{"success":true}`}, asked: []string{`STREAM.MSG.DELETE.S {"seq":7,"no_erase":true}`}},
		{name: "erase message, none", call: func(j *js) error { return j.SecureDeleteMsg("S", 7) }, answers: []any{jsRefusal(500, 10057, "no message found")}, asked: []string{`STREAM.MSG.DELETE.S {"seq":7}`}, is: &APIError{ErrorCode: 10057}},

		{name: "add consumer", call: func(j *js) error { return err2(j.AddConsumer("S", cfgC)) }, answers: []any{jsNoConsumer, jsConsumerC}, asked: []string{"CONSUMER.INFO.S.c ", "CONSUMER.CREATE.S.c " + jsCfgC}},
		{name: "add consumer, same", call: func(j *js) error { return err2(j.AddConsumer("S", cfgC)) }, answers: []any{jsConsumerC}, asked: []string{"CONSUMER.INFO.S.c "}},
		{name: "add consumer, another", call: func(j *js) error { return err2(j.AddConsumer("S", &ConsumerConfig{Name: "c"})) }, answers: []any{jsConsumerC}, asked: []string{"CONSUMER.INFO.S.c "}, is: ErrConsumerNameAlreadyInUse},
		{name: "add consumer, no stream", call: func(j *js) error { return err2(j.AddConsumer("S", cfgC)) }, answers: []any{jsNoStream, jsNoStream}, asked: []string{"CONSUMER.INFO.S.c ", "CONSUMER.CREATE.S.c " + jsCfgC}, bare: ErrStreamNotFound},
		{name: "add consumer, lookup fails", call: func(j *js) error { return err2(j.AddConsumer("S", cfgC)) }, answers: []any{ErrConnectionClosed}, asked: []string{"CONSUMER.INFO.S.c "}, bare: ErrConnectionClosed},
		{name: "add consumer, nil", call: func(j *js) error { return err2(j.AddConsumer("S", nil)) }, answers: []any{jsConsumerC},
			asked: []string{`CONSUMER.CREATE.S {"stream_name":"S","config":{"deliver_policy":"all","ack_policy":"none","replay_policy":"instant","num_replicas":0}}`}},
		{name: "add consumer, nobody there", call: func(j *js) error { return err2(j.AddConsumer("S", cfgC)) }, answers: []any{ErrNoResponders}, asked: []string{"CONSUMER.INFO.S.c "}, bare: ErrJetStreamNotEnabled},
		{name: "add consumer, bad filter", call: func(j *js) error { return err2(j.AddConsumer("S", &ConsumerConfig{FilterSubject: "a b"})) }, is: ErrInvalidFilterSubject},
		{name: "add consumer, empty answer", call: func(j *js) error { return err2(j.AddConsumer("S", nil)) }, answers: []any{`{}`},
			asked: []string{`CONSUMER.CREATE.S {"stream_name":"S","config":{"deliver_policy":"all","ack_policy":"none","replay_policy":"instant","num_replicas":0}}`}, bare: ErrConsumerCreationResponseEmpty},
		{name: "update consumer", call: func(j *js) error { return err2(j.UpdateConsumer("S", cfgC)) }, answers: []any{jsConsumerC}, asked: []string{"CONSUMER.CREATE.S.c " + jsCfgC}},
		{name: "update consumer, nil", call: func(j *js) error { return err2(j.UpdateConsumer("S", nil)) }, bare: ErrConsumerConfigRequired},
		{name: "update consumer, unnamed", call: func(j *js) error { return err2(j.UpdateConsumer("S", &ConsumerConfig{})) }, bare: ErrConsumerNameRequired},
		{name: "consumer info, none", call: func(j *js) error { return err2(j.ConsumerInfo("S", "c")) }, answers: []any{jsNoConsumer}, asked: []string{"CONSUMER.INFO.S.c "}, bare: ErrConsumerNotFound},
		{name: "delete consumer", call: func(j *js) error { return j.DeleteConsumer("S", "c") }, answers: []any{`{"success":true}`}, asked: []string{"CONSUMER.DELETE.S.c "}},
		{name: "delete consumer, none", call: func(j *js) error { return j.DeleteConsumer("S", "c") }, answers: []any{jsNoConsumer}, asked: []string{"CONSUMER.DELETE.S.c "}, bare: ErrConsumerNotFound},
		{name: "nil context", call: func(j *js) error { return j.DeleteStream("S", Context(nil)) }, bare: ErrInvalidContext},
		{name: "context and timeout", call: func(j *js) error { return j.DeleteStream("S", Context(t.Context()), MaxWait(1)) }, bare: ErrContextAndTimeout},
		{name: "negative timeout", call: func(j *js) error { return j.DeleteStream("S", MaxWait(-1)) }, is: ErrInvalidArg},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			j, l := jsScripted(tc.answers...)
			err := tc.call(j)
			switch {
			case tc.bare != nil && err != tc.bare:
				t.Errorf("got %v, want %v itself", err, tc.bare)
			case tc.is != nil && !errors.Is(err, tc.is):
				t.Errorf("got %v, want a match for %v", err, tc.is)
			case tc.bare == nil && tc.is == nil && err != nil:
				t.Errorf("got %v, want nil", err)
			}
			var asked []string
			for _, a := range tc.asked {
				asked = append(asked, "$JS.API."+a)
			}
			l.wantAsked(t, asked...)
		})
	}
}

func TestJSBadNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a.b", "a b", "a*", "a>", "a/b", `a\b`, "a\x00", "a\r\nPUB x 0\r\n", "\u007f", ""} {
		wantStream, wantConsumer := ErrInvalidStreamName, ErrInvalidConsumerName
		if name == "" {
			wantStream, wantConsumer = ErrStreamNameRequired, ErrConsumerNameRequired
		}
		j, l := jsScripted()
		for what, call := range map[string]func() error{
			"AddStream":       func() error { _, err := j.AddStream(&StreamConfig{Name: name}); return err },
			"UpdateStream":    func() error { _, err := j.UpdateStream(&StreamConfig{Name: name}); return err },
			"DeleteStream":    func() error { return j.DeleteStream(name) },
			"StreamInfo":      func() error { _, err := j.StreamInfo(name); return err },
			"PurgeStream":     func() error { return j.PurgeStream(name) },
			"GetMsg":          func() error { _, err := j.GetMsg(name, 1); return err },
			"GetLastMsg":      func() error { _, err := j.GetLastMsg(name, "a"); return err },
			"DeleteMsg":       func() error { return j.DeleteMsg(name, 1) },
			"SecureDeleteMsg": func() error { return j.SecureDeleteMsg(name, 1) },
			"AddConsumer":     func() error { _, err := j.AddConsumer(name, nil); return err },
			"ConsumerInfo":    func() error { _, err := j.ConsumerInfo(name, "c"); return err },
			"DeleteConsumer":  func() error { return j.DeleteConsumer(name, "c") },
		} {
			if err := call(); err != wantStream {
				t.Errorf("%s of stream %q: got %v, want %v", what, name, err, wantStream)
			}
		}
		for what, call := range map[string]func() error{
			"UpdateConsumer": func() error { _, err := j.UpdateConsumer("S", &ConsumerConfig{Durable: name}); return err },
			"ConsumerInfo":   func() error { _, err := j.ConsumerInfo("S", name); return err },
			"DeleteConsumer": func() error { return j.DeleteConsumer("S", name) },
		} {
			if err := call(); err != wantConsumer {
				t.Errorf("%s of consumer %q: got %v, want %v", what, name, err, wantConsumer)
			}
		}
		if _, more := <-j.Consumers(name); more {
			t.Errorf("Consumers(%q): got one, want a closed channel", name)
		}
		if _, more := <-j.ConsumerNames(name); more {
			t.Errorf("ConsumerNames(%q): got one, want a closed channel", name)
		}
		l.wantAsked(t)
	}
}

func TestJSLists(t *testing.T) {
	t.Parallel()
	j, l := jsScripted(`{"total":2,"streams":["A","B"]}`, `{"total":1,"streams":[`+jsStreamS+`,null]}`, `{"total":1,"consumers":["c"]}`, `{"total":1,"consumers":[`+jsConsumerC+`]}`, jsNoStream)
	names := j.StreamNames(StreamListFilter("s.*"))
	if a, b := <-names, <-names; a != "A" || b != "B" || <-names != "" {
		t.Errorf("got %q, %q", a, b)
	}
	infos := j.StreamsInfo()
	if i := <-infos; i == nil || i.Config.Name != "S" || <-infos != nil {
		t.Errorf("got %v", i)
	}
	consumers := j.ConsumerNames("S")
	if c := <-consumers; c != "c" || <-consumers != "" {
		t.Errorf("got %q", c)
	}
	consumerInfos := j.ConsumersInfo("S")
	if i := <-consumerInfos; i == nil || i.Name != "c" || <-consumerInfos != nil {
		t.Errorf("got %v", i)
	}
	if _, more := <-j.ConsumerNames("S"); more {
		t.Error("refused: got a name, want a closed channel")
	}
	if _, more := <-j.StreamNames(Context(nil)); more {
		t.Error("nil context: got a name, want a closed channel")
	}
	if _, more := <-j.Streams(MaxWait(-1)); more {
		t.Error("negative timeout: got a stream, want a closed channel")
	}
	l.wantAsked(t, `$JS.API.STREAM.NAMES {"offset":0,"subject":"s.*"}`, `$JS.API.STREAM.LIST {"offset":0}`, `$JS.API.CONSUMER.NAMES.S {"offset":0}`, `$JS.API.CONSUMER.LIST.S {"offset":0}`, `$JS.API.CONSUMER.NAMES.S {"offset":0}`)
}

func TestJSCreateSubject(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		cfg    ConsumerConfig
		legacy bool
		want   string
	}{
		{"ephemeral", ConsumerConfig{FilterSubject: "a"}, false, "CONSUMER.CREATE.S"},
		{"named", ConsumerConfig{Name: "c"}, false, "CONSUMER.CREATE.S.c"},
		{"durable", ConsumerConfig{Durable: "c"}, false, "CONSUMER.CREATE.S.c"},
		{"filter", ConsumerConfig{Name: "c", FilterSubject: "a.*"}, false, "CONSUMER.CREATE.S.c.a.*"},
		{"filter for all", ConsumerConfig{Name: "c", FilterSubject: ">"}, false, "CONSUMER.CREATE.S.c"},
		{"filters", ConsumerConfig{Name: "c", FilterSubjects: []string{"a"}}, false, "CONSUMER.CREATE.S.c"},
		{"legacy durable", ConsumerConfig{Durable: "c", FilterSubject: "a"}, true, "CONSUMER.DURABLE.CREATE.S.c"},
		{"legacy named", ConsumerConfig{Name: "c", FilterSubject: "a"}, true, "CONSUMER.CREATE.S.c.a"},
	} {
		j, _ := jsScripted()
		j.opts.legacyDurable = tc.legacy
		c, err := j.call(nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := j.createSubject(c, "S", tc.cfg.name(), &tc.cfg); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.name, got, tc.want)
		}
	}
	for version, want := range map[string]bool{"2.8.4": true, "1.4.1": true, "2.9.0": false, "2.15.2": false, "v2.8.0": true, "3.0": false, "": false, "x.y": false, "2": false} {
		if got := before29(version); got != want {
			t.Errorf("before29(%q): got %v, want %v", version, got, want)
		}
	}
}

func TestConsumerConfigConflict(t *testing.T) {
	t.Parallel()
	now := time.Unix(1, 0)
	later := now.Add(1)
	have := ConsumerConfig{
		Name: "c", AckPolicy: AckExplicitPolicy, DeliverPolicy: DeliverByStartTimePolicy, OptStartTime: &now, ReplayPolicy: ReplayOriginalPolicy,
		AckWait: time.Second, MaxDeliver: 3, MaxWaiting: 512, MaxAckPending: 1000, BackOff: []time.Duration{1}, Metadata: map[string]string{"_nats.ver": "2.15.2"},
	}
	base := ConsumerConfig{Name: "c", AckPolicy: AckExplicitPolicy, DeliverPolicy: DeliverByStartTimePolicy, ReplayPolicy: ReplayOriginalPolicy}
	for _, tc := range []struct {
		name   string
		change func(*ConsumerConfig)
		want   string
	}{
		{"nothing set", func(*ConsumerConfig) {}, ""},
		{"the same", func(c *ConsumerConfig) { *c = have }, ""},
		{"ack policy", func(c *ConsumerConfig) { c.AckPolicy = AckNonePolicy }, "ack policy"},
		{"deliver policy", func(c *ConsumerConfig) { c.DeliverPolicy = DeliverAllPolicy }, "deliver policy"},
		{"replay policy", func(c *ConsumerConfig) { c.ReplayPolicy = ReplayInstantPolicy }, "replay policy"},
		{"description", func(c *ConsumerConfig) { c.Description = "x" }, "description"},
		{"start sequence", func(c *ConsumerConfig) { c.OptStartSeq = 1 }, "optional start sequence"},
		{"same start time elsewhere", func(c *ConsumerConfig) { n := now.In(time.FixedZone("", 3600)); c.OptStartTime = &n }, ""},
		{"start time", func(c *ConsumerConfig) { c.OptStartTime = &later }, "optional start time"},
		{"ack wait", func(c *ConsumerConfig) { c.AckWait = time.Minute }, "ack wait"},
		{"max deliver", func(c *ConsumerConfig) { c.MaxDeliver = 4 }, "max deliver"},
		{"backoff", func(c *ConsumerConfig) { c.BackOff = []time.Duration{2} }, ""},
		{"rate limit", func(c *ConsumerConfig) { c.RateLimit = 1 }, "rate limit"},
		{"sample frequency", func(c *ConsumerConfig) { c.SampleFrequency = "1" }, "sample frequency"},
		{"max waiting", func(c *ConsumerConfig) { c.MaxWaiting = 1 }, "max waiting"},
		{"max ack pending", func(c *ConsumerConfig) { c.MaxAckPending = 1 }, "max ack pending"},
		{"flow control", func(c *ConsumerConfig) { c.FlowControl = true }, "flow control"},
		{"heartbeat", func(c *ConsumerConfig) { c.Heartbeat = 1 }, "heartbeat"},
		{"replicas", func(c *ConsumerConfig) { c.Replicas = 1 }, "replicas"},
		{"memory storage", func(c *ConsumerConfig) { c.MemoryStorage = true }, "memory storage"},
		{"filter", func(c *ConsumerConfig) { c.FilterSubject = "x" }, ""},
	} {
		cfg := base
		tc.change(&cfg)
		if got := cfg.conflict(&have); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.name, got, tc.want)
		}
	}
}

func TestJSOptions(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for _, tc := range []struct {
		name     string
		defaults []JSOpt
		own      []JSOpt
		prefix   string
		timeout  time.Duration
		ctx      context.Context
		err      error
	}{
		{name: "none", prefix: "$JS.API.", ctx: context.Background()},
		{name: "nil", defaults: []JSOpt{nil}, own: []JSOpt{nil}, prefix: "$JS.API.", ctx: context.Background()},
		{name: "domain", defaults: []JSOpt{Domain("hub")}, prefix: "$JS.hub.API.", ctx: context.Background()},
		{name: "no domain", defaults: []JSOpt{Domain("")}, prefix: "$JS.API.", ctx: context.Background()},
		{name: "prefix", defaults: []JSOpt{APIPrefix("x")}, prefix: "x.", ctx: context.Background()},
		{name: "prefix of one call", defaults: []JSOpt{APIPrefix("x")}, own: []JSOpt{APIPrefix("y.")}, prefix: "y.", ctx: context.Background()},
		{name: "timeout", defaults: []JSOpt{MaxWait(time.Second)}, prefix: "$JS.API.", timeout: time.Second, ctx: context.Background()},
		{name: "timeout of one call", defaults: []JSOpt{MaxWait(time.Second)}, own: []JSOpt{MaxWait(2)}, prefix: "$JS.API.", timeout: 2, ctx: context.Background()},
		{name: "context", defaults: []JSOpt{Context(ctx)}, prefix: "$JS.API.", ctx: ctx},
		{name: "context beside another option", defaults: []JSOpt{Context(ctx)}, own: []JSOpt{DirectGet()}, prefix: "$JS.API.", ctx: ctx},
		{name: "context of one call keeps the timeout", defaults: []JSOpt{MaxWait(time.Second)}, own: []JSOpt{Context(ctx)}, prefix: "$JS.API.", timeout: time.Second, ctx: ctx},
		{name: "timeout instead of the context", defaults: []JSOpt{Context(ctx)}, own: []JSOpt{MaxWait(2)}, prefix: "$JS.API.", timeout: 2, ctx: context.Background()},
		{name: "wildcard", defaults: []JSOpt{APIPrefix("a.>")}, err: ErrInvalidArg},
		{name: "injection", defaults: []JSOpt{Domain("a\r\nPUB x 0\r\n")}, err: ErrInvalidArg},
		{name: "dot", defaults: []JSOpt{APIPrefix(".")}, err: ErrInvalidArg},
		{name: "nil context", defaults: []JSOpt{Context(nil)}, err: ErrInvalidContext},
	} {
		j, l := jsScripted()
		if err := j.opts.apply(tc.defaults); !errors.Is(err, tc.err) || (err == nil) != (tc.err == nil) {
			t.Errorf("%s: got %v, want %v", tc.name, err, tc.err)
		}
		if tc.err != nil {
			continue
		}
		j.api = j.opts.client(l)
		c, err := j.call(tc.own)
		if err != nil {
			t.Errorf("%s: got %v", tc.name, err)
			continue
		}
		if c.api.Prefix != tc.prefix || c.api.Timeout != tc.timeout || c.ctx != tc.ctx {
			t.Errorf("%s: got %q, %v, %v, want %q, %v, %v", tc.name, c.api.Prefix, c.api.Timeout, c.ctx, tc.prefix, tc.timeout, tc.ctx)
		}
	}
}

func TestJSClientTrace(t *testing.T) {
	t.Parallel()
	var got []string
	trace := ClientTrace{
		RequestSent: func(subject string, payload []byte) { got = append(got, subject+" "+string(payload)) },
		ResponseReceived: func(subject string, payload []byte, hdr Header) {
			got = append(got, subject+" "+string(payload)+" "+strings.Join(hdr["K"], ","))
		},
	}
	j, _ := jsScripted(engine.Reply{Header: []byte("NATS/1.0\r\nK: v\r\n\r\n"), Data: []byte(`{"success":true}`)})
	if err := j.DeleteStream("S", trace); err != nil {
		t.Fatal(err)
	}
	want := []string{"$JS.API.STREAM.DELETE.S ", `$JS.API.STREAM.DELETE.S {"success":true} v`}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("got %q, want %q", got, want)
	}
}
