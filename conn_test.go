package nats

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/session"
)

func TestNames(t *testing.T) {
	t.Parallel()
	for s, want := range map[fmt.Stringer]string{
		DISCONNECTED: "DISCONNECTED", CONNECTED: "CONNECTED", CLOSED: "CLOSED", RECONNECTING: "RECONNECTING", CONNECTING: "CONNECTING",
		DRAINING_SUBS: "DRAINING_SUBS", DRAINING_PUBS: "DRAINING_PUBS", Status(7): "unknown status", Status(-1): "unknown status",
		SubscriptionActive: "Active", SubscriptionDraining: "Draining", SubscriptionClosed: "Closed",
		SubscriptionSlowConsumer: "SlowConsumer", SubStatus(4): "unknown status", SubStatus(-1): "unknown status",
	} {
		if got := s.String(); got != want {
			t.Errorf("%d: got %q, want %q", s, got, want)
		}
	}
}

// TestNoConnection: what Connect did not make answers with errors and zeros.
func TestNoConnection(t *testing.T) {
	t.Parallel()
	for _, nc := range []*Conn{nil, new(Conn)} {
		_, errRTT := nc.RTT()
		_, errRequest := nc.Request("a", nil, 1)
		for what, err := range map[string]error{
			"Publish": nc.Publish("a", nil), "PublishMsg": nc.PublishMsg(NewMsg("a")), "PublishRequest": nc.PublishRequest("a", "b", nil),
			"Flush": nc.Flush(), "Drain": nc.Drain(), "ForceReconnect": nc.ForceReconnect(), "Barrier": nc.Barrier(func() {}),
			"RTT": errRTT, "Request": errRequest,
		} {
			if err != ErrInvalidConnection {
				t.Errorf("%s: got %v, want ErrInvalidConnection", what, err)
			}
		}
		nc.Close()
		if nc.Status() != DISCONNECTED || nc.IsConnected() || nc.ConnectedUrl() != "" || nc.Servers() != nil || nc.MaxPayload() != 0 || nc.Stats() != (Statistics{}) {
			t.Error("it seems to be connected")
		}
		if ch := nc.StatusChanged(); cap(ch) == 0 {
			t.Error("StatusChanged returned a channel without room")
		}
		nc.RemoveStatusListener(nil)
		if nc.NewInbox() == "" || nc.NewRespInbox() == "" {
			t.Error("no inbox")
		}
	}
}

func TestStatusListeners(t *testing.T) {
	t.Parallel()
	nc := unlinked(t)
	byDefault, some := nc.StatusChanged(), nc.StatusChanged(DRAINING_SUBS, CLOSED, Status(99), Status(-1))
	for _, s := range []session.Status{session.Reconnecting, session.Connected, session.DrainingSubs, session.DrainingPubs, session.Closed} {
		nc.statusChanged(s)
	}
	collect := func(ch chan Status) (got []Status) {
		for len(ch) > 0 {
			got = append(got, <-ch)
		}
		return got
	}
	if got := fmt.Sprint(collect(byDefault)); got != "[RECONNECTING CONNECTED CLOSED]" {
		t.Errorf("got %s", got)
	}
	if got := fmt.Sprint(collect(some)); got != "[DRAINING_SUBS CLOSED]" {
		t.Errorf("got %s", got)
	}
	for range statusRoom + 5 {
		nc.statusChanged(session.Connected) // nobody reads: it must not block
	}
	nc.RemoveStatusListener(some)
	nc.RemoveStatusListener(some)
	if _, open := <-some; open {
		t.Error("the channel is still open")
	}
}

// TestCallbacksAreLive: a handler set later is the one that is called, with this package's own error types.
func TestCallbacksAreLive(t *testing.T) {
	t.Parallel()
	nc := unlinked(t, DisconnectErrHandler(func(*Conn, error) { t.Error("the old handler was called") }))
	ev := (*listener)(nc)
	var got []string
	nc.SetDisconnectErrHandler(func(_ *Conn, err error) { got = append(got, fmt.Sprint("disconnected ", err)) })
	nc.SetReconnectHandler(func(*Conn) { got = append(got, "reconnected") })
	nc.SetClosedHandler(func(*Conn) { got = append(got, "closed") })
	nc.SetDiscoveredServersHandler(func(*Conn) { got = append(got, "discovered") })
	nc.SetErrorHandler(func(_ *Conn, s *Subscription, err error) {
		var loss *LossError
		got = append(got, fmt.Sprint("error ", s != nil, " ", errors.As(err, &loss) && loss.Dropped == 2))
	})
	s := syncSub(nc, "a")
	ev.Happened(engine.Disconnected, nil)
	ev.Happened(engine.Reconnected, nil)
	ev.Happened(engine.Discovered, nil)
	ev.Report((*inlet)(s), &engine.LossError{Dropped: 2})
	nc.SetDisconnectErrHandler(nil)
	ev.Happened(engine.Disconnected, nil)
	nc.SetDisconnectHandler(func(*Conn) { got = append(got, "old style") })
	ev.Happened(engine.Disconnected, nil)
	ev.Happened(engine.Closed, nil)
	nc.quiet.Store(true)
	ev.Happened(engine.Closed, nil)
	if want := "[disconnected <nil> reconnected discovered error true true old style closed]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

func TestRefusedSubscription(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][3]string{
		`nats: permissions violation: Permissions Violation for Subscription to "no"`: {"no", "", "true"},
		`Permissions Violation for Subscription to "no.*" using queue "q" (sid "7")`:  {"no.*", "q", "true"},
		`Permissions Violation for Publish to "no"`:                                   {"", "", "false"},
		`Permissions Violation for Subscription to "no`:                               {"", "", "false"},
		`Permissions Violation for Subscription to "no" using queue "q`:               {"no", "q", "false"},
	} {
		subject, queue, ok := refusedSubject(text)
		if fmt.Sprint(ok) != want[2] || ok && (subject != want[0] || queue != want[1]) {
			t.Errorf("%s: got %q, %q, %v, want %q", text, subject, queue, ok, want)
		}
	}
	nc := unlinked(t, PermissionErrOnSubscribe(true), ErrorHandler(nil))
	yes, no := syncSub(nc, "yes"), syncSub(nc, "no")
	err := fmt.Errorf(`%w: Permissions Violation for Subscription to "no"`, ErrPermissionViolation)
	nc.asyncError(nil, err)
	if _, got := no.NextMsg(time.Minute); got != err {
		t.Errorf("got %v, want the server's words", got)
	}
	if _, got := yes.NextMsg(0); got != ErrTimeout {
		t.Errorf("another subscription: got %v, want ErrTimeout", got)
	}
}
