package natstest

import (
	"strings"
	"testing"
	"time"
)

// createReplicated makes a stream of three replicas with a durable consumer, through any server.
func createReplicated(c *client) {
	c.t.Helper()
	c.createStream("S", "s", 3)
	c.api("CONSUMER.DURABLE.CREATE.S.C", `{"stream_name":"S","config":{"durable_name":"C","ack_policy":"explicit"}}`)
}

func TestCluster(t *testing.T) {
	t.Parallel()
	for _, where := range []struct {
		name string
		opts []Option
	}{{"embedded", nil}, {"process", []Option{AsProcess()}}} {
		t.Run(where.name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			cl := Cluster(t, 3, where.opts...)
			t.Logf("ready after %v", time.Since(began))
			if got := len(strings.Split(cl.URL(), ",")); got != 3 || len(cl.Servers()) != 3 {
				t.Fatalf("servers: got %d URLs and %d servers, want 3", got, len(cl.Servers()))
			}
			createReplicated(connect(t, cl.Servers()[0].Addr(), ""))

			old := cl.StreamLeader("S")
			cl.StepDown("S")
			if now := cl.StreamLeader("S"); now == old {
				t.Errorf("stream leader after step down: still %s", now.Name())
			}
			old = cl.ConsumerLeader("S", "C")
			cl.StepDownConsumer("S", "C")
			if now := cl.ConsumerLeader("S", "C"); now == old {
				t.Errorf("consumer leader after step down: still %s", now.Name())
			}

			meta := cl.Leader()
			meta.Stop()
			if now := cl.Leader(); now == meta {
				t.Errorf("meta leader: %s, which is stopped", now.Name())
			}
			cl.WaitReady()
			connect(t, cl.Leader().Addr(), "").store("s", "1")
			meta.Restart(false)
			cl.WaitReady()
			meta.WaitReady()
			cl.WaitCurrent("S")
			if got := connect(t, meta.Addr(), "").messages("S"); got != 1 {
				t.Errorf("messages: got %d, want 1", got)
			}
		})
	}
}

func TestKillStreamLeader(t *testing.T) {
	t.Parallel()
	cl := Cluster(t, 3, AsProcess(), WithTimeout(30*time.Second))
	createReplicated(connect(t, cl.Servers()[0].Addr(), ""))
	leader := cl.StreamLeader("S")
	connect(t, leader.Addr(), "").store("s", "1")
	cl.WaitCurrent("S")
	leader.Kill()
	now := cl.StreamLeader("S")
	if now == leader {
		t.Fatalf("stream leader: %s, which is dead", now.Name())
	}
	leader.Restart(true)
	cl.WaitReady()
	cl.WaitCurrent("S")
	if got := connect(t, leader.Addr(), "").messages("S"); got != 1 {
		t.Errorf("messages: got %d, want 1", got)
	}
}

func TestClusterWithoutJetStream(t *testing.T) {
	t.Parallel()
	cl := Cluster(t, 2, WithoutJetStream())
	a, b := connect(t, cl.Servers()[0].Addr(), ""), connect(t, cl.Servers()[1].Addr(), "")
	a.send("SUB greet 1\r\n")
	a.ping()
	// The subscription travels to the other server on its own.
	answered := poll(patience, func() bool {
		b.ask("greet", "hello")
		reply, err := b.tryMessage(100 * time.Millisecond) // 503, or nothing because the message has arrived
		return err != nil || !strings.Contains(reply, "503")
	})
	if got := a.message(); !answered || got != "hello" {
		t.Errorf("message: got %q, want hello", got)
	}
}

func TestAdvertise(t *testing.T) {
	t.Parallel()
	for _, hidden := range []bool{false, true} {
		opts := []Option{WithoutJetStream()}
		if hidden {
			opts = append(opts, WithoutAdvertise())
		}
		cl := Cluster(t, 2, opts...)
		urls, _ := connect(t, cl.Servers()[0].Addr(), "").info["connect_urls"].([]any)
		if want := map[bool]int{false: 2, true: 0}[hidden]; len(urls) != want {
			t.Errorf("hidden %v: got addresses %v, want %d", hidden, urls, want)
		}
	}
}

func TestClusterRefusals(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func() (*ClusterT, error){
		"at least two": func() (*ClusterT, error) { return StartCluster(1) },
		"WithPort":     func() (*ClusterT, error) { return StartCluster(3, WithPort(4222)) },
		"WithName":     func() (*ClusterT, error) { return StartCluster(3, WithName("x")) },
		"exclude":      func() (*ClusterT, error) { return StartCluster(3, WithUser("a", "b"), WithToken("c")) },
	} {
		if _, err := start(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want it to mention %q", err, name)
		}
	}
}

func TestWhatAClusterCannotDo(t *testing.T) {
	t.Parallel()
	cl, err := StartCluster(2, WithTimeout(3*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cl.Close() }()
	c := connect(t, cl.Servers()[0].Addr(), "")
	c.createStream("ONE", "one", 1)
	cl.StreamLeader("ONE")
	if err := cl.StepDown("ONE"); err == nil || !strings.Contains(err.Error(), "replica") {
		t.Errorf("step down of one replica: got %v", err)
	}
	cl.timeout = 100 * time.Millisecond
	if err := cl.StepDown("NONE"); err == nil || !strings.Contains(err.Error(), "no leader") {
		t.Errorf("step down of no stream: got %v", err)
	}
	if err := cl.WaitCurrent("NONE"); err == nil {
		t.Error("waiting for no stream: got no error")
	}
	if s := cl.StreamLeader("NONE"); s != nil {
		t.Errorf("leader of no stream: got %s", s.Name())
	}
	for _, s := range cl.Servers() {
		_ = s.Stop()
	}
	if err := cl.WaitReady(); err == nil || !strings.Contains(err.Error(), "no server runs") {
		t.Errorf("waiting for stopped servers: got %v", err)
	}
}
