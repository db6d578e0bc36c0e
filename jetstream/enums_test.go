package jetstream

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
)

// enum checks that values 0 to len(names)-1 of an enumeration stand for names in JSON, and that nothing else is accepted.
func enum[E ~int | ~uint8, P interface {
	*E
	json.Unmarshaler
}](t *testing.T, names ...string) {
	t.Helper()
	for i, name := range names {
		want := strconv.Quote(name)
		got, err := json.Marshal(E(i))
		if err != nil || string(got) != want {
			t.Errorf("%T(%d): got %s, %v, want %s", E(i), i, got, err, want)
		}
		v := E(len(names))
		if err := json.Unmarshal([]byte(want), P(&v)); err != nil || int(v) != i {
			t.Errorf("%T from %s: got %d, %v, want %d", v, want, int(v), err, i)
		}
	}
	if got, err := json.Marshal(E(len(names))); err == nil {
		t.Errorf("%T(%d): got %s, want an error", E(0), len(names), got)
	}
	for _, in := range []string{`"nonsense"`, `7`, `null`, `{}`, `"` + strings.Repeat("x", 500) + `"`} {
		v := E(1)
		err := P(&v).UnmarshalJSON([]byte(in))
		if err == nil || int(v) != 1 {
			t.Errorf("%T from %.20s: got %d, %v, want it unchanged and an error", v, in, int(v), err)
		}
		if err != nil && len(err.Error()) > 200 {
			t.Errorf("%T: an error of %d bytes", v, len(err.Error()))
		}
	}
}

func TestEnums(t *testing.T) {
	t.Parallel()
	enum[RetentionPolicy](t, "limits", "interest", "workqueue")
	enum[DiscardPolicy](t, "old", "new")
	enum[StorageType](t, "file", "memory")
	enum[StoreCompression](t, "none", "s2")
	enum[DeliverPolicy](t, "all", "last", "new", "by_start_sequence", "by_start_time", "last_per_subject")
	enum[AckPolicy](t, "explicit", "all", "none", "flow_control")
	enum[ReplayPolicy](t, "instant", "original")
	enum[PersistModeType](t, "default", "async")
	enum[PriorityPolicy](t, "none", "pinned_client", "overflow", "prioritized")
}

func TestEnumStrings(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ got, want string }{
		{LimitsPolicy.String(), "Limits"},
		{InterestPolicy.String(), "Interest"},
		{WorkQueuePolicy.String(), "WorkQueue"},
		{RetentionPolicy(9).String(), "Unknown Retention Policy"},
		{DiscardOld.String(), "DiscardOld"},
		{DiscardNew.String(), "DiscardNew"},
		{DiscardPolicy(-1).String(), "Unknown Discard Policy"},
		{FileStorage.String(), "File"},
		{MemoryStorage.String(), "Memory"},
		{StorageType(9).String(), "Unknown Storage Type"},
		{NoCompression.String(), "None"},
		{S2Compression.String(), "S2"},
		{StoreCompression(9).String(), "Unknown StoreCompression"},
		{AckNonePolicy.String(), "AckNone"},
		{AckAllPolicy.String(), "AckAll"},
		{AckExplicitPolicy.String(), "AckExplicit"},
		{AckFlowControlPolicy.String(), "AckFlowControl"},
		{AckPolicy(9).String(), "Unknown AckPolicy"},
		{DeliverByStartTimePolicy.String(), "by_start_time"},
		{DeliverPolicy(9).String(), ""},
		{ReplayOriginalPolicy.String(), "original"},
		{ReplayPolicy(9).String(), ""},
		{DefaultPersistMode.String(), "Default"},
		{AsyncPersistMode.String(), "Async"},
		{PersistModeType(9).String(), "Unknown Persist Mode"},
	} {
		if tc.got != tc.want {
			t.Errorf("got %q, want %q", tc.got, tc.want)
		}
	}
}
