package test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	natsgo "github.com/nats-io/nats.go"
	natsgomicro "github.com/nats-io/nats.go/micro"

	"github.com/gannet-io/nats/micro"
	"github.com/gannet-io/nats/natstest"
)

// startOther starts the service svc of the other library, and returns when the server knows it.
func startOther(t *testing.T, url string) {
	t.Helper()
	nc, err := natsgo.Connect(url)
	must(t, err)
	t.Cleanup(nc.Close)
	svc, err := natsgomicro.AddService(nc, natsgomicro.Config{Name: "svc", Version: "2.0.0", Description: "the other one", Metadata: map[string]string{"a": "b"}})
	must(t, err)
	must(t, svc.AddEndpoint("e", natsgomicro.HandlerFunc(func(r natsgomicro.Request) {
		if len(r.Data()) == 0 {
			_ = r.Error("400", "empty", []byte("body"))
			return
		}
		_ = r.Respond(r.Data(), natsgomicro.WithHeaders(natsgomicro.Headers{"From": {"nats.go"}}))
	})))
	must(t, nc.Flush())
}

// Our clients find the services of nats.go and understand their errors.
func TestMicroInteropClient(t *testing.T) {
	g := newMicroStage(t)
	startOther(t, g.srv.URL())
	ctx := patiently(t)
	m, err := g.client.Request(ctx, "e", []byte("x"))
	must(t, err)
	if string(m.Data) != "x" || m.Header.Get("From") != "nats.go" {
		t.Errorf("got %q %v", m.Data, m.Header)
	}
	_, err = g.client.Request(ctx, "e", nil)
	if failure, ok := err.(*micro.ServiceError); !ok || failure.Code != "400" || failure.Description != "empty" || string(failure.Data) != "body" {
		t.Errorf("got %v, want the other library's error", err)
	}
	one := []micro.FindOpt{micro.FindName("svc"), micro.FindMax(1), micro.FindStall(patience)}
	pings, errs := gather(g.client.Ping(ctx, one...))
	if len(errs) > 0 || len(pings) != 1 || pings[0].Version != "2.0.0" || pings[0].Metadata["a"] != "b" {
		t.Fatalf("ping: got %v, %v", pings, errs)
	}
	infos, errs := gather(g.client.Info(ctx, one...))
	if len(errs) > 0 || len(infos) != 1 || infos[0].Description != "the other one" || infos[0].Endpoints[0].QueueGroup != "q" {
		t.Fatalf("info: got %v, %v", infos, errs)
	}
	eventually(t, "the figures", func() bool {
		stats, errs := gather(g.client.Stats(ctx, one...))
		return len(errs) == 0 && len(stats) == 1 && stats[0].Endpoints[0].NumRequests == 2 && stats[0].Endpoints[0].LastError == "400:empty"
	})
}

// Their clients find ours: the same requests are answered with the same JSON, field by field, as far as it does not name the instance.
func TestMicroInteropService(t *testing.T) {
	g := newMicroStage(t)
	svc := g.service(func(c *micro.Config) {
		c.Version, c.Description, c.Metadata = "2.0.0", "the other one", map[string]string{"a": "b"}
	})
	svc.answers("e", func(r micro.Request) {
		if len(r.Data()) == 0 {
			_ = r.Error("400", "empty", []byte("body"))
			return
		}
		_ = r.Respond(r.Data(), micro.WithHeaders(micro.Headers{"From": {"nats.go"}}))
	})
	nc, err := natsgo.Connect(g.srv.URL())
	must(t, err)
	defer nc.Close()
	other := natstest.Run(t, natstest.WithoutJetStream()).URL()
	startOther(t, other)
	nc2, err := natsgo.Connect(other)
	must(t, err)
	defer nc2.Close()
	for _, data := range []string{"", "x"} {
		ours, err := nc.Request("e", []byte(data), patience)
		must(t, err)
		theirs, err := nc2.Request("e", []byte(data), patience)
		must(t, err)
		if string(ours.Data) != string(theirs.Data) || !slices.Equal(ours.Header.Values(micro.ErrorHeader), theirs.Header.Values(micro.ErrorHeader)) ||
			!slices.Equal(ours.Header.Values(micro.ErrorCodeHeader), theirs.Header.Values(micro.ErrorCodeHeader)) {
			t.Errorf("request %q: got %q %v, theirs %q %v", data, ours.Data, ours.Header, theirs.Data, theirs.Header)
		}
	}
	svc.figures(2)
	for _, verb := range []string{"PING", "INFO", "STATS"} {
		subject := "$SRV." + verb + ".svc"
		eventually(t, "the same answer to "+verb, func() bool {
			ours, err := nc.Request(subject, nil, patience)
			must(t, err)
			theirs, err := nc2.Request(subject, nil, patience)
			must(t, err)
			a, b := keysOf(t, ours.Data), keysOf(t, theirs.Data)
			if a != b && verb != "STATS" { // which is counted after the answer
				t.Fatalf("%s:\ngot    %s\ntheirs %s", subject, a, b)
			}
			return a == b
		})
	}
}

// keysOf is a JSON object with its keys in their order, without what differs from one instance to the next.
func keysOf(t *testing.T, data []byte) string {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(data)))
	var b strings.Builder
	skip := false
	for d.More() || b.Len() > 0 {
		token, err := d.Token()
		if err != nil {
			break
		}
		text, _ := token.(string)
		if skip {
			token, skip = "...", false
		}
		switch text {
		case "id", "started", "processing_time", "average_processing_time":
			skip = true
		}
		raw, _ := json.Marshal(token)
		b.Write(raw)
		b.WriteByte(' ')
	}
	return b.String()
}
