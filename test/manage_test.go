package test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
)

// manager is a server with JetStream and both APIs.
type manager struct {
	srv *natstest.Server
	nc  *nats.Conn
	js  jetstream.JetStream
	old nats.JetStreamContext
}

func newManager(t *testing.T) *manager {
	t.Helper()
	t.Parallel()
	checkLeaks(t)
	srv := natstest.Run(t)
	nc := dial(t, srv.URL())
	return &manager{srv, nc, newJS(t, nc), legacyJS(t, nc)}
}

// store publishes one message on each subject.
func (m *manager) store(t *testing.T, subjects ...string) {
	t.Helper()
	for i, s := range subjects {
		got[*jetstream.PubAck](t)(m.js.Publish(t.Context(), s, fmt.Append(nil, i+1)))
	}
}

// subjects are those of a stream, with how many messages each has.
func subjectsOf(t *testing.T, s jetstream.Stream) map[string]uint64 {
	t.Helper()
	return got[*jetstream.StreamInfo](t)(s.Info(t.Context(), jetstream.WithSubjectFilter(">"))).State.Subjects
}

func TestManageStreams(t *testing.T) {
	m := newManager(t)
	ctx := t.Context()
	cfg := jetstream.StreamConfig{Name: "A", Subjects: []string{"a.>"}, Storage: jetstream.MemoryStorage}
	got[jetstream.Stream](t)(m.js.CreateOrUpdateStream(ctx, cfg))
	cfg.Description = "changed"
	s := got[jetstream.Stream](t)(m.js.CreateOrUpdateStream(ctx, cfg))
	if d := s.CachedInfo().Config.Description; d != "changed" {
		t.Errorf("after the update: %q", d)
	}
	got[*nats.StreamInfo](t)(m.old.AddStream(&nats.StreamConfig{Name: "B", Subjects: []string{"b"}, Storage: nats.MemoryStorage}))
	list := m.js.ListStreams(ctx)
	var names []string
	for i := range list.Info() {
		names = append(names, i.Config.Name)
	}
	must(t, list.Err())
	if slices.Sort(names); !slices.Equal(names, []string{"A", "B"}) {
		t.Errorf("streams: %q", names)
	}
	for subject, want := range map[string]string{"a.x": "A", "b": "B", "a.*": "A"} {
		if name, err := m.js.StreamNameBySubject(ctx, subject); name != want || err != nil {
			t.Errorf("%s: got %q, %v, want %q", subject, name, err, want)
		}
		if name, err := m.old.StreamNameBySubject(subject); name != want || err != nil {
			t.Errorf("%s, older API: got %q, %v, want %q", subject, name, err, want)
		}
	}
	if _, err := m.js.StreamNameBySubject(ctx, "nobody"); !errors.Is(err, jetstream.ErrStreamNotFound) {
		t.Errorf("no stream: %v", err)
	}

	m.store(t, "a.1", "a.2", "a.1", "a.3", "a.1")
	if n := s.CachedInfo().State.Msgs; n != 0 {
		t.Errorf("the cached info has %d messages, nobody has asked", n)
	}
	must(t, s.DeleteMsg(ctx, 2))
	must(t, s.SecureDeleteMsg(ctx, 3))
	must(t, m.old.DeleteMsg("A", 4))
	info := got[*jetstream.StreamInfo](t)(s.Info(ctx, jetstream.WithDeletedDetails(true), jetstream.WithSubjectFilter("a.1")))
	if !slices.Equal(info.State.Deleted, []uint64{2, 3, 4}) || info.State.NumDeleted != 3 || !maps.Equal(info.State.Subjects, map[string]uint64{"a.1": 2}) {
		t.Errorf("details: %+v", info.State)
	}
	older := got[*nats.StreamInfo](t)(m.old.StreamInfo("A", &nats.StreamInfoRequest{DeletedDetails: true, SubjectsFilter: ">"}))
	if !slices.Equal(older.State.Deleted, info.State.Deleted) || !maps.Equal(older.State.Subjects, map[string]uint64{"a.1": 2}) || older.TimeStamp.IsZero() {
		t.Errorf("details, older API: %+v at %v", older.State, older.TimeStamp)
	}
	if cached := s.CachedInfo().State; cached.Msgs != 2 || cached.Subjects != nil {
		t.Errorf("the cached info: %+v", cached)
	}
	must(t, m.js.DeleteStream(ctx, "A"))
	must(t, m.old.DeleteStream("B"))
	if _, err := s.Info(ctx); !errors.Is(err, jetstream.ErrStreamNotFound) {
		t.Errorf("info of a deleted stream: %v", err)
	}
}

func TestManagePurge(t *testing.T) {
	m := newManager(t)
	ctx := t.Context()
	s := got[jetstream.Stream](t)(m.js.CreateStream(ctx, jetstream.StreamConfig{Name: "A", Subjects: []string{"a.>"}, Storage: jetstream.MemoryStorage}))
	newer := func(opts ...jetstream.StreamPurgeOpt) func() error {
		return func() error { return s.Purge(ctx, opts...) }
	}
	older := func(r nats.StreamPurgeRequest) func() error {
		return func() error { return m.old.PurgeStream("A", &r) }
	}
	first := uint64(1)
	for _, c := range []struct {
		name  string
		purge func() error
		want  map[string]uint64
	}{
		{"one subject", newer(jetstream.WithPurgeSubject("a.1")), map[string]uint64{"a.2": 2}},
		{"all but the newest", newer(jetstream.WithPurgeKeep(2)), map[string]uint64{"a.1": 1, "a.2": 1}},
		{"all but the newest of a subject", newer(jetstream.WithPurgeSubject("a.1"), jetstream.WithPurgeKeep(1)), map[string]uint64{"a.1": 1, "a.2": 2}},
		{"older: one subject", older(nats.StreamPurgeRequest{Subject: "a.1"}), map[string]uint64{"a.2": 2}},
		{"older: all but the newest", older(nats.StreamPurgeRequest{Keep: 2}), map[string]uint64{"a.1": 1, "a.2": 1}},
		{"older: all", func() error { return m.old.PurgeStream("A") }, nil},
		{"all", newer(), nil},
		{"below a sequence", func() error { return s.Purge(ctx, jetstream.WithPurgeSequence(first+4)) }, map[string]uint64{"a.2": 1}},
		{"older: below a sequence", func() error { return m.old.PurgeStream("A", &nats.StreamPurgeRequest{Sequence: first + 3}) }, map[string]uint64{"a.1": 1, "a.2": 1}},
	} {
		must(t, s.Purge(ctx))
		first = got[*jetstream.StreamInfo](t)(s.Info(ctx)).State.FirstSeq
		m.store(t, "a.1", "a.2", "a.1", "a.1", "a.2")
		must(t, c.purge())
		if have := subjectsOf(t, s); !maps.Equal(have, c.want) {
			t.Errorf("%s: left are %v, want %v", c.name, have, c.want)
		}
	}
}

func TestManageMessages(t *testing.T) {
	m := newManager(t)
	ctx := t.Context()
	for name, direct := range map[string]bool{"D": true, "L": false} {
		s := got[jetstream.Stream](t)(m.js.CreateStream(ctx, jetstream.StreamConfig{
			Name: name, Subjects: []string{name + ".>"}, Storage: jetstream.MemoryStorage, AllowDirect: direct,
		}))
		msg := &nats.Msg{Subject: name + ".a", Data: []byte("1"), Header: nats.Header{"K": {"v", "w"}}}
		got[*jetstream.PubAck](t)(m.js.PublishMsg(ctx, msg))
		m.store(t, name+".b", name+".a", name+".b")
		wants := func(what, subject string, seq uint64, r *jetstream.RawStreamMsg, err error) {
			t.Helper()
			if err != nil || r.Subject != subject || r.Sequence != seq || r.Time.IsZero() {
				t.Errorf("%s, %s: got %+v, %v, want %d on %s", name, what, r, err, seq, subject)
			}
		}
		r, err := s.GetMsg(ctx, 1)
		if wants("by sequence", name+".a", 1, r, err); !slices.Equal(r.Header["K"], []string{"v", "w"}) || string(r.Data) != "1" {
			t.Errorf("%s: %v %q", name, r.Header, r.Data)
		}
		r, err = s.GetMsg(ctx, 2, jetstream.WithGetMsgSubject(name+".a"))
		wants("the next of a subject", name+".a", 3, r, err)
		r, err = s.GetLastMsgForSubject(ctx, name+".b")
		wants("the last of a subject", name+".b", 4, r, err)
		r, err = s.GetLastMsgForSubject(ctx, name+".*")
		wants("the last of several", name+".b", 4, r, err)
		opts := []nats.JSOpt{}
		if direct {
			opts = append(opts, nats.DirectGet())
			o, err := m.old.GetMsg(name, 2, nats.DirectGetNext(name+".a"))
			wants("older: the next of a subject", name+".a", 3, (*jetstream.RawStreamMsg)(o), err)
		}
		o, err := m.old.GetMsg(name, 1, opts...)
		if wants("older: by sequence", name+".a", 1, (*jetstream.RawStreamMsg)(o), err); !slices.Equal(o.Header["K"], []string{"v", "w"}) {
			t.Errorf("%s: %v", name, o.Header)
		}
		o, err = m.old.GetLastMsg(name, name+".*", opts...)
		wants("older: the last of several", name+".b", 4, (*jetstream.RawStreamMsg)(o), err)
		if _, err := s.GetMsg(ctx, 9); !errors.Is(err, jetstream.ErrMsgNotFound) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := m.old.GetLastMsg(name, name+".none", opts...); !errors.Is(err, nats.ErrMsgNotFound) {
			t.Errorf("%s, older: %v", name, err)
		}
	}
}

func TestManageConsumers(t *testing.T) {
	m := newManager(t)
	ctx := t.Context()
	s := got[jetstream.Stream](t)(m.js.CreateStream(ctx, jetstream.StreamConfig{Name: "A", Subjects: []string{"a.>"}, Storage: jetstream.MemoryStorage}))
	m.store(t, "a.1", "a.2", "a.3")
	cfg := jetstream.ConsumerConfig{Durable: "c", MaxAckPending: 10}
	c := got[jetstream.Consumer](t)(s.CreateOrUpdateConsumer(ctx, cfg))
	cfg.MaxAckPending = 20
	got[jetstream.Consumer](t)(s.CreateOrUpdateConsumer(ctx, cfg))
	if n := c.CachedInfo().Config.MaxAckPending; n != 10 {
		t.Errorf("the cached info says %d, nobody has asked", n)
	}
	if n := got[*jetstream.ConsumerInfo](t)(c.Info(ctx)).Config.MaxAckPending; n != 20 || c.CachedInfo().Config.MaxAckPending != 20 {
		t.Errorf("after the update: %d", n)
	}
	older := got[*nats.ConsumerInfo](t)(m.old.UpdateConsumer("A", &nats.ConsumerConfig{Durable: "c", AckPolicy: nats.AckExplicitPolicy, MaxAckPending: 30}))
	if older.Config.MaxAckPending != 30 || older.NumPending != 3 || older.TimeStamp.IsZero() {
		t.Errorf("after the older API's update: %+v", older)
	}
	push := got[jetstream.PushConsumer](t)(s.CreateOrUpdatePushConsumer(ctx, jetstream.ConsumerConfig{Durable: "p", DeliverSubject: "there"}))
	pushed := got[jetstream.PushConsumer](t)(s.UpdatePushConsumer(ctx, jetstream.ConsumerConfig{Durable: "p", DeliverSubject: "elsewhere"}))
	if d := got[*jetstream.ConsumerInfo](t)(push.Info(ctx)).Config.DeliverSubject; d != "elsewhere" || pushed.CachedInfo().Config.DeliverSubject != d {
		t.Errorf("the push consumer delivers to %q", d)
	}
	list := s.ListConsumers(ctx)
	var names []string
	for i := range list.Info() {
		names = append(names, i.Name)
	}
	must(t, list.Err())
	if slices.Sort(names); !slices.Equal(names, []string{"c", "p"}) {
		t.Errorf("consumers: %q", names)
	}

	// A paused consumer delivers nothing, one that is resumed all.
	until := time.Now().Add(time.Hour)
	paused := got[*jetstream.ConsumerPauseResponse](t)(s.PauseConsumer(ctx, "c", until))
	if !paused.Paused || !paused.PauseUntil.Equal(until) || paused.PauseRemaining <= 59*time.Minute {
		t.Errorf("paused: %+v", paused)
	}
	if n := len(fetchNow(t, c)); n != 0 {
		t.Errorf("%d messages of a paused consumer", n)
	}
	if i := got[*nats.ConsumerInfo](t)(m.old.ConsumerInfo("A", "c")); !i.Paused || i.PauseRemaining <= 59*time.Minute || i.Config.PauseUntil == nil {
		t.Errorf("the older API says %+v", i)
	}
	if i := got[*jetstream.ConsumerInfo](t)(c.Info(ctx)); !i.Paused || i.PauseRemaining <= 59*time.Minute {
		t.Errorf("the newer API says %+v", i)
	}
	if r := got[*jetstream.ConsumerPauseResponse](t)(s.ResumeConsumer(ctx, "c")); r.Paused || r.PauseRemaining != 0 {
		t.Errorf("resumed: %+v", r)
	}
	for _, msg := range fetchNow(t, c) {
		must(t, msg.DoubleAck(ctx))
	}
	if i := got[*jetstream.ConsumerInfo](t)(c.Info(ctx)); i.AckFloor.Stream != 3 || i.NumPending != 0 {
		t.Errorf("after the resume: %+v", i)
	}

	// A reset goes back.
	reset := got[*jetstream.ConsumerResetResponse](t)(s.ResetConsumerToSequence(ctx, "c", 2))
	if reset.ResetSeq != 2 || reset.Name != "c" {
		t.Errorf("reset: %+v", reset)
	}
	if again := fetchNow(t, c); len(again) != 2 || sequence(t, again[0]) != 2 {
		t.Errorf("after the reset %d messages", len(again))
	}
	if reset := got[*jetstream.ConsumerResetResponse](t)(s.ResetConsumer(ctx, "c")); reset.ResetSeq != 2 {
		t.Errorf("reset to the ack floor: %+v", reset)
	}
	if again := fetchNow(t, c); len(again) != 2 {
		t.Errorf("after the second reset %d messages", len(again))
	}
	must(t, s.DeleteConsumer(ctx, "c"))
	must(t, m.old.DeleteConsumer("A", "p"))
	if _, err := c.Info(ctx); !errors.Is(err, jetstream.ErrConsumerNotFound) {
		t.Errorf("info of a deleted consumer: %v", err)
	}
}

// fetchNow returns what a consumer has now.
func fetchNow(t *testing.T, c jetstream.Consumer) (all []jetstream.Msg) {
	t.Helper()
	b := got[jetstream.MessageBatch](t)(c.FetchNoWait(10))
	for msg := range b.Messages() {
		all = append(all, msg)
	}
	must(t, b.Error())
	return all
}

func sequence(t *testing.T, m jetstream.Msg) uint64 {
	t.Helper()
	return got[*jetstream.MsgMetadata](t)(m.Metadata()).Sequence.Stream
}

// A pin is told in both APIs' infos.
func TestManagePins(t *testing.T) {
	m := newManager(t)
	ctx := t.Context()
	s := got[jetstream.Stream](t)(m.js.CreateStream(ctx, jetstream.StreamConfig{Name: "A", Subjects: []string{"a"}, Storage: jetstream.MemoryStorage}))
	c := got[jetstream.Consumer](t)(s.CreateConsumer(ctx, jetstream.ConsumerConfig{
		Durable: "c", PriorityPolicy: jetstream.PriorityPolicyPinned, PriorityGroups: []string{"g"}, PinnedTTL: time.Minute,
	}))
	m.store(t, "a", "a")
	got[jetstream.Msg](t)(c.Next(jetstream.FetchPriorityGroup("g")))
	newer := got[*jetstream.ConsumerInfo](t)(c.Info(ctx)).PriorityGroups
	older := got[*nats.ConsumerInfo](t)(m.old.ConsumerInfo("A", "c")).PriorityGroups
	if len(newer) != 1 || newer[0].Group != "g" || newer[0].PinnedClientID == "" || newer[0].PinnedTS.IsZero() {
		t.Errorf("pinned: %+v", newer)
	}
	if len(older) != 1 || older[0] != nats.PriorityGroupState(newer[0]) {
		t.Errorf("the older API says %+v", older)
	}
	must(t, s.UnpinConsumer(ctx, "c", "g"))
	if g := got[*jetstream.ConsumerInfo](t)(c.Info(ctx)).PriorityGroups; len(g) != 1 || g[0].PinnedClientID != "" {
		t.Errorf("unpinned: %+v", g)
	}
}

func TestManageAccount(t *testing.T) {
	m := newManager(t)
	ctx := t.Context()
	got[jetstream.Stream](t)(m.js.CreateStream(ctx, jetstream.StreamConfig{Name: "M", Subjects: []string{"m"}, Storage: jetstream.MemoryStorage, MaxBytes: 1 << 20}))
	got[jetstream.Stream](t)(m.js.CreateStream(ctx, jetstream.StreamConfig{Name: "F", Subjects: []string{"f"}, MaxBytes: 2 << 20}))
	got[jetstream.Consumer](t)(m.js.CreateConsumer(ctx, "M", jetstream.ConsumerConfig{Durable: "c"}))
	m.store(t, "m", "f")
	info := got[*jetstream.AccountInfo](t)(m.js.AccountInfo(ctx))
	if info.Streams != 2 || info.Consumers != 1 || info.Memory == 0 || info.Store == 0 || info.ReservedMemory != 1<<20 || info.ReservedStore != 2<<20 {
		t.Errorf("use: %+v", info.Tier)
	}
	if info.API.Level < 1 || info.API.Total < 3 || info.Limits.MaxStreams != -1 {
		t.Errorf("API %+v, limits %+v", info.API, info.Limits)
	}
	older := got[*nats.AccountInfo](t)(m.old.AccountInfo())
	if older.Streams != 2 || older.ReservedStore != info.ReservedStore || older.API.Level != info.API.Level || older.Limits != nats.AccountLimits(info.Limits) {
		t.Errorf("the older API says %+v", older)
	}
}

// What a client trace is shown is what the server got, and what it answered.
func TestManageTrace(t *testing.T) {
	m := newManager(t)
	ctx := t.Context()
	var sent, answered []string
	requests := subscribeSync(t, dial(t, m.srv.URL()), "$JS.API.>")
	js := newJS(t, m.nc, jetstream.WithClientTrace(&jetstream.ClientTrace{
		RequestSent:      func(s string, p []byte) { sent = append(sent, s+" "+string(p)) },
		ResponseReceived: func(s string, p []byte, _ nats.Header) { answered = append(answered, s) },
	}))
	old := legacyJS(t, m.nc)
	older := nats.ClientTrace{
		RequestSent:      func(s string, p []byte) { sent = append(sent, s+" "+string(p)) },
		ResponseReceived: func(s string, p []byte, _ nats.Header) { answered = append(answered, s) },
	}
	got[jetstream.Stream](t)(js.CreateStream(ctx, jetstream.StreamConfig{Name: "A", Subjects: []string{"a"}}))
	got[*nats.StreamInfo](t)(old.StreamInfo("A", older))
	if _, err := js.Consumer(ctx, "A", "none"); !errors.Is(err, jetstream.ErrConsumerNotFound) {
		t.Error(err)
	}
	if len(sent) != 3 || len(answered) != 3 {
		t.Fatalf("sent %q, answered %q", sent, answered)
	}
	for i, s := range sent {
		msg := got[*nats.Msg](t)(requests.NextMsg(patience))
		if s != msg.Subject+" "+string(msg.Data) || answered[i] != msg.Subject {
			t.Errorf("traced %q and %q, sent was %q %q", s, answered[i], msg.Subject, msg.Data)
		}
	}
}

// Every call of both APIs goes to the domain, or below the prefix.
func TestManageInADomain(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	hub := natstest.Run(t, natstest.WithConfigText(`jetstream: {domain: hub}
		accounts: {
			OWNER: {jetstream: enabled, users: [{user: owner, password: x}], exports: [{service: "$JS.hub.API.>", response_type: stream}, {stream: "their.>"}]}
			GUEST: {users: [{user: guest, password: x}], imports: [{service: {account: OWNER, subject: "$JS.hub.API.>"}, to: "theirs.>"}]}
		}`))
	owner := dial(t, hub.URL(), nats.UserInfo("owner", "x"))
	guest := dial(t, hub.URL(), nats.UserInfo("guest", "x"))
	ctx := t.Context()
	for name, c := range map[string]struct {
		js  func() (jetstream.JetStream, error)
		old func() (nats.JetStreamContext, error)
	}{
		"domain": {func() (jetstream.JetStream, error) { return jetstream.NewWithDomain(owner, "hub") }, func() (nats.JetStreamContext, error) { return owner.JetStream(nats.Domain("hub")) }},
		"prefix": {func() (jetstream.JetStream, error) { return jetstream.NewWithAPIPrefix(guest, "theirs") }, func() (nats.JetStreamContext, error) { return guest.JetStream(nats.APIPrefix("theirs")) }},
	} {
		js, old := got[jetstream.JetStream](t)(c.js()), got[nats.JetStreamContext](t)(c.old())
		info := got[*jetstream.AccountInfo](t)(js.AccountInfo(ctx))
		if info.Domain != "hub" {
			t.Errorf("%s: the domain is %q", name, info.Domain)
		}
		s := got[jetstream.Stream](t)(js.CreateStream(ctx, jetstream.StreamConfig{Name: name, Subjects: []string{name}, Storage: jetstream.MemoryStorage, AllowDirect: true}))
		if d := got[*jetstream.StreamInfo](t)(s.Info(ctx)).Domain; d != "hub" { // the answer to its creation does not say
			t.Errorf("%s: the stream is in %q", name, d)
		}
		if i := got[*nats.StreamInfo](t)(old.StreamInfo(name)); i.Domain != "hub" {
			t.Errorf("%s, older API: the stream is in %q", name, i.Domain)
		}
		must(t, owner.Publish(name, []byte("1")))
		eventually(t, "the message", func() bool { return got[*jetstream.StreamInfo](t)(s.Info(ctx)).State.Msgs == 1 })
		if m := got[*jetstream.RawStreamMsg](t)(s.GetMsg(ctx, 1)); string(m.Data) != "1" {
			t.Errorf("%s: got %q", name, m.Data)
		}
		for i, get := range []func() (*nats.RawStreamMsg, error){
			func() (*nats.RawStreamMsg, error) { return old.GetMsg(name, 1) },
			func() (*nats.RawStreamMsg, error) { return old.GetLastMsg(name, name, nats.DirectGet()) },
		} {
			if m := got[*nats.RawStreamMsg](t)(get()); string(m.Data) != "1" {
				t.Errorf("%s, older API, %d: got %q", name, i, m.Data)
			}
		}
		cons := got[jetstream.Consumer](t)(s.CreateConsumer(ctx, jetstream.ConsumerConfig{Durable: "c"}))
		if n := len(fetchNow(t, cons)); n != 1 {
			t.Errorf("%s: %d messages", name, n)
		}
		b := got[jetstream.Consumer](t)(js.Consumer(ctx, name, "c"))
		got[*jetstream.ConsumerInfo](t)(b.Info(ctx))
		must(t, old.DeleteConsumer(name, "c"))
		must(t, js.DeleteStream(ctx, name))
	}
	if _, err := newJS(t, guest).AccountInfo(context.WithoutCancel(ctx)); !errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount) && !errors.Is(err, jetstream.ErrJetStreamNotEnabled) {
		t.Errorf("a guest without the prefix: %v", err)
	}
}
