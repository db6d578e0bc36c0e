package test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/jetstream"
)

// filled is a value with every field set that travels.
func filled[T any]() *T {
	v := new(T)
	fillServer(reflect.ValueOf(v).Elem())
	return v
}

// lost are the members of what the server says that are not in what was read of it. Those that begin with one of except do not count.
func lost(t testing.TB, said, read any, except ...string) (names []string) {
	t.Helper()
	have := members(t, read)
	for _, name := range members(t, said) {
		if !slices.Contains(have, name) && !slices.ContainsFunc(except, func(e string) bool { return strings.HasPrefix(name, e) }) {
			names = append(names, name)
		}
	}
	return names
}

// answerHead are the members that all answers have.
var answerHead = []string{"type", "error"}

// TestInfoFieldsOfTheServer: whatever the server says of an account, a stream and a consumer is in both APIs, and when it is written again the
// server would read what it had said.
func TestInfoFieldsOfTheServer(t *testing.T) {
	t.Parallel()
	stream, consumer, reset := filled[server.StreamInfo](), filled[server.ConsumerInfo](), filled[server.JSApiConsumerResetResponse]()
	for _, c := range []*server.ConsumerConfig{consumer.Config, reset.Config} {
		c.Direct, c.Sourcing = false, false // the server's own
	}
	stream.Config.Placement.Preferred = "" // for step-downs only
	for _, c := range []*server.ClusterInfo{stream.Cluster, consumer.Cluster, reset.Cluster} {
		c.Desired.Origin.Placement.Preferred = ""
		c.Desired.Status.Type = server.MigrationStatusCatchup
	}
	// A PubAck of the contract has no room for batches, which have a BatchAck, and the older one none for counters.
	newerAck := server.PubAck{Stream: "x", Sequence: 1, Domain: "x", Duplicate: true, Value: "1"}
	olderAck := newerAck
	olderAck.Value = ""
	for name, c := range map[string]struct {
		said any
		read map[string]any
	}{
		"account":  {filled[server.JetStreamAccountStats](), map[string]any{"older": new(nats.AccountInfo), "newer": new(jetstream.AccountInfo)}},
		"stream":   {stream, map[string]any{"older": new(nats.StreamInfo), "newer": new(jetstream.StreamInfo)}},
		"consumer": {consumer, map[string]any{"older": new(nats.ConsumerInfo), "newer": new(jetstream.ConsumerInfo)}},
		"ack":      {&newerAck, map[string]any{"newer": new(jetstream.PubAck)}},
		"oldack":   {&olderAck, map[string]any{"older": new(nats.PubAck)}},
		"batch":    {&server.PubAck{Stream: "x", Sequence: 1, Domain: "x", Value: "1", BatchId: "x", BatchSize: 2}, map[string]any{"newer": new(jetstream.BatchAck)}},
		"error":    {filled[server.ApiError](), map[string]any{"older": new(nats.APIError), "newer": new(jetstream.APIError)}},
		"pause":    {filled[server.JSApiConsumerPauseResponse](), map[string]any{"newer": new(jetstream.ConsumerPauseResponse)}},
		"reset":    {reset, map[string]any{"newer": new(jetstream.ConsumerResetResponse)}},
	} {
		data, err := json.Marshal(c.said)
		must(t, err)
		for api, read := range c.read {
			t.Run(name+"/"+api, func(t *testing.T) {
				if err := json.Unmarshal(data, read); err != nil {
					t.Fatalf("%s: %v", data, err)
				}
				for _, member := range lost(t, c.said, read, answerHead...) {
					t.Errorf("%s is lost", member)
				}
				if name == "pause" || name == "reset" {
					return // answers only
				}
				again := reflect.New(reflect.TypeOf(c.said).Elem())
				back, err := json.Marshal(read)
				must(t, err)
				must(t, json.Unmarshal(back, again.Interface()))
				if !reflect.DeepEqual(again.Interface(), c.said) {
					t.Errorf("got %s, want %s", back, data)
				}
			})
		}
	}
}

// TestRequestFieldsOfTheServer: what a request to the server can hold is in what is sent, except what the library has no call for.
func TestRequestFieldsOfTheServer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		server, sent any
		except       []string
	}{
		"stream info":     {filled[server.JSApiStreamInfoRequest](), filled[wire.StreamInfoRequest](), nil},
		"stream names":    {filled[server.JSApiStreamNamesRequest](), filled[wire.NamesRequest](), nil},
		"stream list":     {filled[server.JSApiStreamListRequest](), filled[wire.NamesRequest](), nil},
		"older purge":     {filled[server.JSApiStreamPurgeRequest](), filled[nats.StreamPurgeRequest](), nil},
		"newer purge":     {filled[server.JSApiStreamPurgeRequest](), filled[jetstream.StreamPurgeRequest](), nil},
		"delete message":  {filled[server.JSApiMsgDeleteRequest](), filled[wire.MsgDeleteRequest](), nil},
		"consumer":        {filled[server.CreateConsumerRequest](), filled[wire.ConsumerRequest[jetstream.ConsumerConfig]](), []string{"config."}},
		"pause":           {filled[server.JSApiConsumerPauseRequest](), filled[wire.PauseRequest](), nil},
		"unpin":           {filled[server.JSApiConsumerUnpinRequest](), filled[wire.UnpinRequest](), nil},
		"reset":           {filled[server.JSApiConsumerResetRequest](), filled[wire.ResetRequest](), nil},
		"get one message": {filled[server.JSApiMsgGetRequest](), filled[wire.MsgGetRequest](), []string{"batch", "max_bytes", "start_time", "multi_last", "up_to_", "no_hdr"}},
		// There is always one subject or several of which messages are asked, and headers are what says which message it is.
		"get many messages": {filled[server.JSApiMsgGetRequest](), filled[wire.PageRequest](), []string{"last_by_subj", "no_hdr"}},
	} {
		for _, member := range lost(t, c.server, c.sent, c.except...) {
			t.Errorf("%s: %s cannot be asked for", name, member)
		}
		if more := lost(t, c.sent, c.server, c.except...); more != nil {
			t.Errorf("%s: the server does not know %q", name, more)
		}
	}
	pull := wire.PullRequest{Expires: 1, Batch: 1, MaxBytes: 1, NoWait: true, Heartbeat: 1, MinPending: 1, MinAckPending: 1, PinID: "x", Group: "x", Priority: 1}
	data := pull.AppendJSON(nil)
	want := members(t, filled[server.JSApiConsumerGetNextRequest]())
	if got := members(t, json.RawMessage(data)); !slices.Equal(got, want) {
		t.Errorf("a pull: got %q, want %q", got, want)
	}
}

// TestAdvisoryFieldsOfTheServer: every advisory of the server has a type of its own, which holds all that the server says.
func TestAdvisoryFieldsOfTheServer(t *testing.T) {
	t.Parallel()
	for kind, said := range map[string]any{
		server.JSAPIAuditType:                           filled[server.JSAPIAudit](),
		server.JSStreamActionAdvisoryType:               filled[server.JSStreamActionAdvisory](),
		server.JSConsumerActionAdvisoryType:             filled[server.JSConsumerActionAdvisory](),
		server.JSConsumerPauseAdvisoryType:              filled[server.JSConsumerPauseAdvisory](),
		server.JSConsumerAckMetricType:                  filled[server.JSConsumerAckMetric](),
		server.JSConsumerDeliveryExceededAdvisoryType:   filled[server.JSConsumerDeliveryExceededAdvisory](),
		server.JSConsumerDeliveryNakAdvisoryType:        filled[server.JSConsumerDeliveryNakAdvisory](),
		server.JSConsumerDeliveryTerminatedAdvisoryType: filled[server.JSConsumerDeliveryTerminatedAdvisory](),
		server.JSSnapshotCreatedAdvisoryType:            filled[server.JSSnapshotCreateAdvisory](),
		server.JSSnapshotCompleteAdvisoryType:           filled[server.JSSnapshotCompleteAdvisory](),
		server.JSRestoreCreateAdvisoryType:              filled[server.JSRestoreCreateAdvisory](),
		server.JSRestoreCompleteAdvisoryType:            filled[server.JSRestoreCompleteAdvisory](),
		server.JSDomainLeaderElectedAdvisoryType:        filled[server.JSDomainLeaderElectedAdvisory](),
		server.JSStreamLeaderElectedAdvisoryType:        filled[server.JSStreamLeaderElectedAdvisory](),
		server.JSStreamQuorumLostAdvisoryType:           filled[server.JSStreamQuorumLostAdvisory](),
		server.JSStreamBatchAbandonedAdvisoryType:       filled[server.JSStreamBatchAbandonedAdvisory](),
		server.JSConsumerLeaderElectedAdvisoryType:      filled[server.JSConsumerLeaderElectedAdvisory](),
		server.JSConsumerQuorumLostAdvisoryType:         filled[server.JSConsumerQuorumLostAdvisory](),
		server.JSConsumerGroupPinnedAdvisoryType:        filled[server.JSConsumerGroupPinnedAdvisory](),
		server.JSConsumerGroupUnpinnedAdvisoryType:      filled[server.JSConsumerGroupUnpinnedAdvisory](),
		server.JSServerOutOfStorageAdvisoryType:         filled[server.JSServerOutOfSpaceAdvisory](),
		server.JSServerRemovedAdvisoryType:              filled[server.JSServerRemovedAdvisory](),
		server.JSMetaRescueAdvisoryType:                 filled[server.JSMetaRescueAdvisory](),
		server.JSAPILimitReachedAdvisoryType:            filled[server.JSAPILimitReachedAdvisory](),
	} {
		reflect.ValueOf(said).Elem().FieldByName("Type").SetString(kind)
		data, err := json.Marshal(said)
		must(t, err)
		a, err := jetstream.ParseAdvisory(data)
		must(t, err)
		if u, ok := a.(*jetstream.UnknownAdvisory); ok {
			t.Errorf("%s has no type: %s", kind, u.Data)
			continue
		}
		// These of a client are not in an advisory.
		for _, member := range lost(t, said, a, "client.jwt", "client.alts", "client.stop", "client.nonce", "client.reply") {
			t.Errorf("%s: %s is lost", kind, member)
		}
	}
}

// TestTraceFieldsOfTheServer: whatever a server says of a step of a traced message is in the step.
func TestTraceFieldsOfTheServer(t *testing.T) {
	t.Parallel()
	for kind, said := range map[nats.TraceStepKind]any{
		nats.TraceIngress:        filled[server.MsgTraceIngress](),
		nats.TraceSubjectMapping: filled[server.MsgTraceSubjectMapping](),
		nats.TraceStreamExport:   filled[server.MsgTraceStreamExport](),
		nats.TraceServiceImport:  filled[server.MsgTraceServiceImport](),
		nats.TraceJetStream:      filled[server.MsgTraceJetStream](),
		nats.TraceEgress:         filled[server.MsgTraceEgress](),
	} {
		data, err := json.Marshal(said)
		must(t, err)
		var step nats.TraceStep
		must(t, json.Unmarshal(data, &step))
		var set []string
		for i, v := 0, reflect.ValueOf(step); i < v.NumField(); i++ {
			if !v.Field(i).IsZero() {
				set = append(set, v.Type().Field(i).Name)
			}
		}
		if want := members(t, said); len(set) != len(want) {
			t.Errorf("%s: %q became %q", kind, want, set)
		}
	}
	event := filled[server.MsgTraceEvent]()
	data, err := json.Marshal(event)
	must(t, err)
	var read nats.TraceEvent
	must(t, json.Unmarshal(data, &read))
	for _, member := range lost(t, event, read, "server.", "events") {
		t.Errorf("%s is lost", member)
	}
}
