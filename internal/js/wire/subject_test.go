package wire

import (
	"testing"
	"time"
)

func TestPrefix(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, domain, prefix, want string }{
		{"default", "", "", "$JS.API."},
		{"domain", "hub", "", "$JS.hub.API."},
		{"prefix", "", "$JS.other.API", "$JS.other.API."},
		{"prefix with its dot", "", "x.", "x."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := Prefix(tc.domain, tc.prefix); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestSubjects(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		StreamCreate("S"):               "STREAM.CREATE.S",
		StreamUpdate("S"):               "STREAM.UPDATE.S",
		StreamDelete("S"):               "STREAM.DELETE.S",
		StreamInfo("S"):                 "STREAM.INFO.S",
		StreamPurge("S"):                "STREAM.PURGE.S",
		StreamMsgGet("S"):               "STREAM.MSG.GET.S",
		StreamMsgDelete("S"):            "STREAM.MSG.DELETE.S",
		DirectGet("S"):                  "DIRECT.GET.S",
		DirectGetLast("S", "a.b"):       "DIRECT.GET.S.a.b",
		ConsumerCreate("S", "c", ""):    "CONSUMER.CREATE.S.c",
		ConsumerCreate("S", "c", "a.>"): "CONSUMER.CREATE.S.c.a.>",
		ConsumerCreateEphemeral("S"):    "CONSUMER.CREATE.S",
		ConsumerCreateDurable("S", "c"): "CONSUMER.DURABLE.CREATE.S.c",
		ConsumerInfo("S", "c"):          "CONSUMER.INFO.S.c",
		ConsumerDelete("S", "c"):        "CONSUMER.DELETE.S.c",
		ConsumerNames("S"):              "CONSUMER.NAMES.S",
		ConsumerList("S"):               "CONSUMER.LIST.S",
		ConsumerPause("S", "c"):         "CONSUMER.PAUSE.S.c",
		ConsumerUnpin("S", "c"):         "CONSUMER.UNPIN.S.c",
		ConsumerReset("S", "c"):         "CONSUMER.RESET.S.c",
		PullSubject("S", "c"):           "CONSUMER.MSG.NEXT.S.c",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestAckBodies(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		got  []byte
		want string
	}{
		"delay":     {AppendNakDelay(nil, 10*time.Second), `-NAK {"delay": 10000000000}`},
		"no delay":  {AppendNakDelay(nil, 0), "-NAK"},
		"negative":  {AppendNakDelay(nil, -1), "-NAK"},
		"reason":    {AppendTermReason(nil, "bad data"), "+TERM bad data"},
		"no reason": {AppendTermReason(nil, ""), "+TERM"},
	} {
		if string(tc.got) != tc.want {
			t.Errorf("%s: got %q, want %q", name, tc.got, tc.want)
		}
	}
}
