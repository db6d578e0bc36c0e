package scenario

import (
	"errors"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/test/compat/stage"
)

var identity = []stage.Scenario{
	{Name: "errors among themselves", Rows: []string{"17.2", "17.4", "17.5", "17.7"}, Run: errorsAmongThemselves},
	{Name: "errors of the server match by code", Rows: []string{"17.1", "17.2", "17.5"}, Run: errorsByCode},
	{Name: "core errors inside jetstream", Rows: []string{"17.3"}, Run: coreErrorsInside},
}

func errorsAmongThemselves(s *stage.Stage) {
	for _, a := range errorNames {
		s.Note(a.Name, "%s", a.Err)
		var old nats.JetStreamError
		if errors.As(a.Err, &old) {
			s.Note(a.Name+" of the older API", "server's %v", old.APIError() != nil)
		}
		var fresh jetstream.JetStreamError
		if errors.As(a.Err, &fresh) {
			s.Note(a.Name+" of the newer API", "server's %v", fresh.APIError() != nil)
		}
		for _, b := range errorNames {
			if a.Name != b.Name && errors.Is(a.Err, b.Err) {
				s.Note(a.Name, "is %s", b.Name)
			}
		}
	}
}

func errorsByCode(s *stage.Stage) {
	for _, code := range []int{10003, 10014, 10039, 10058, 10059, 10071, 10076, 10105, 10148, 10164, 1, 0} {
		old := &nats.APIError{Code: 1, ErrorCode: nats.ErrorCode(code), Description: "other words"}
		fresh := &jetstream.APIError{Code: 1, ErrorCode: jetstream.ErrorCode(code), Description: "other words"}
		s.ErrorText("old", old)
		s.ErrorText("new", fresh)
		s.Note("each other", "%v %v", errors.Is(old, fresh), errors.Is(fresh, old))
		s.Note("itself", "%v %v", errors.Is(old, &nats.APIError{ErrorCode: nats.ErrorCode(code)}),
			errors.Is(fresh, &jetstream.APIError{ErrorCode: jetstream.ErrorCode(code)}))
	}
}

func coreErrorsInside(s *stage.Stage) {
	p := newPuller(s)
	_, err := p.new.Publish(s.Context(resolved), "a b", nil)
	s.Error("publish, bad subject", err)
	_, err = p.new.Publish(s.Context(resolved), "s.a", make([]byte, 2<<20))
	s.Error("publish, too large", err)
	s.Tap().Drop(dropAnswers)
	_, err = p.new.Stream(s.Context(resolved/40), "S")
	s.Error("stream, no answer", err)
	s.Tap().Drop(nil)
	p.nc.Close()
	_, err = p.new.Publish(s.Context(resolved), "s.a", nil)
	s.Error("publish, closed", err)
	_, err = p.new.Stream(s.Context(resolved), "S")
	s.Error("stream, closed", err)
	_, err = p.old.StreamInfo("S")
	s.Error("old stream, closed", err)
	_, err = p.old.Publish("s.a", nil)
	s.Error("old publish, closed", err)
}
