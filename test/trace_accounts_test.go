package test

import (
	"testing"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/natstest"
)

// A message that changes its subject or its account tells so.
func TestTraceThroughAccounts(t *testing.T) {
	srv := start(t, natstest.WithConfigText(`accounts: {
		A: {users: [{user: a, password: x}], mappings: {old: new}, exports: [{service: "svc", allow_trace: true}, {stream: "out.>"}]}
		B: {users: [{user: b, password: x}], imports: [{service: {account: A, subject: "svc"}, to: "theirs"}, {stream: {account: A, subject: "out.>"}, prefix: "in", allow_trace: true}]}
	}`))
	a := dial(t, srv.URL(), nats.UserInfo("a", "x"))
	b := dial(t, srv.URL(), nats.UserInfo("b", "x"))
	for nc, subjects := range map[*nats.Conn][]string{a: {"new", "svc"}, b: {"in.out.>"}} {
		for _, s := range subjects {
			subscribeSync(t, nc, s)
		}
	}
	for name, c := range map[string]struct {
		nc      *nats.Conn
		subject string
		kind    nats.TraceStepKind
		want    nats.TraceStep
	}{
		"mapping":        {a, "old", nats.TraceSubjectMapping, nats.TraceStep{To: "new"}},
		"stream export":  {a, "out.x", nats.TraceStreamExport, nats.TraceStep{Account: "B", To: "in.out.x"}},
		"service import": {b, "theirs", nats.TraceServiceImport, nats.TraceStep{Account: "A", From: "theirs", To: "svc"}},
	} {
		_, steps := traceSteps(t, c.nc, nats.NewMsg(c.subject), false)
		if len(steps[c.kind]) != 1 {
			t.Errorf("%s: %+v", name, steps)
			continue
		}
		step := steps[c.kind][0]
		if step.Account != c.want.Account || step.From != c.want.From || step.To != c.want.To {
			t.Errorf("%s: got %+v, want %+v", name, step, c.want)
		}
		if out := steps[nats.TraceEgress]; len(out) != 1 || out[0].Name == "" && out[0].CID == 0 {
			t.Errorf("%s: egress %+v in %+v", name, out, steps)
		}
	}
}
