package run

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gannet-io/nats/internal/js/ordered"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/natserr"
	"github.com/gannet-io/nats/internal/proto"
	"github.com/gannet-io/nats/internal/session"
)

const deletes = "$JS.API.CONSUMER.DELETE.S."

func TestReaderDelivers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := startReader(t, nil)
		c := u.s.consumer(t, 0)
		if c.Policy != "all" || c.target != "$JS.API.CONSUMER.CREATE.S."+c.Name {
			t.Errorf("asked for %+v", c)
		}
		u.l.push(c.Inbox, "1/10 a", "2/12 b", "beat 2", "3/13 c")
		u.want(t, "+0 a b c", "")
		u.r.Stop()
		u.over(t, wire.Canceled)
		if got := u.l.published(deletes); got != c.Name {
			t.Errorf("deleted %q, want %q", got, c.Name)
		}
		u.l.push(c.Inbox, "4/14 d")
		u.want(t, "+0 a b c", "")
		u.l.workers.Close()
	})
}

// TestReaderHoldsBack: what comes before the server's answer is handled after Started.
func TestReaderHoldsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newReaderUser(nil)
		u.s.slow = 300 * time.Millisecond
		u.s.info = `,"delivered":{"consumer_seq":2,"stream_seq":11}`
		started := make(chan error, 1)
		go func() { started <- u.r.Start(t.Context()) }()
		c := u.s.consumer(t, 0)
		u.l.push(c.Inbox, "1/10 a", "2/11 b")
		u.want(t, "", "")
		if err := <-started; err != nil {
			t.Fatal(err)
		}
		u.want(t, "+2 a b", "")
		u.r.Stop()
		u.over(t, wire.Canceled)
		u.l.workers.Close()
	})
}

// TestReaderRenews: each fault makes a new consumer behind the last message, on another inbox, and deletes the one before.
func TestReaderRenews(t *testing.T) {
	for name, fault := range map[string]struct {
		do   func(u *readerUser, inbox string)
		told string
	}{
		"gap":               {func(u *readerUser, inbox string) { u.l.push(inbox, "4/15 x", "5/16 y") }, "Gap, OK"},
		"gap, by heartbeat": {func(u *readerUser, inbox string) { u.l.push(inbox, "beat 3") }, "Gap, OK"},
		"other consumer":    {func(u *readerUser, inbox string) { u.l.push(inbox, "beat 0") }, "Gap, OK"},
		"silence":           {func(u *readerUser, inbox string) { time.Sleep(2 * time.Second) }, "NoHeartbeat, OK"},
		"link lost": {func(u *readerUser, inbox string) {
			u.l.statusNow(session.Reconnecting)
			synctest.Wait()
			time.Sleep(time.Second)
			u.l.statusNow(session.Connected)
		}, "Disconnected, OK"},
		"link lost for a moment": {func(u *readerUser, inbox string) {
			u.l.statusNow(session.Reconnecting)
			u.l.statusNow(session.Connected)
		}, "Disconnected, OK"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := startReader(t, nil)
				c := u.s.consumer(t, 0)
				u.l.push(c.Inbox, "1/10 a", "2/12 b")
				time.Sleep(1500 * time.Millisecond) // a consumer that was good
				u.l.push(c.Inbox, "beat 2")
				synctest.Wait()
				fault.do(u, c.Inbox)
				again := u.s.consumer(t, 1)
				if again.Policy != "by_start_sequence" || again.Seq != 13 || again.Inbox == c.Inbox || again.Name == c.Name {
					t.Errorf("asked for %+v after %+v", again, c)
				}
				if got := u.l.published(deletes); got != c.Name {
					t.Errorf("deleted %q, want %q", got, c.Name)
				}
				if u.l.find(c.Inbox) != nil {
					t.Error("the inbox was kept")
				}
				u.l.push(again.Inbox, "1/12 b", "2/13 c", "3/20 d") // the first one a second time
				u.want(t, "+0 a b +0 c d", fault.told)
				if got := u.s.asked(); got != 2 {
					t.Errorf("%d consumers were asked for", got)
				}
				u.r.Stop()
				u.over(t, wire.Canceled)
				u.l.workers.Close()
			})
		})
	}
}

// TestReaderFlowControl: an answer comes when everything before it was handled, and again when the server says that it waits.
func TestReaderFlowControl(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		u := startReader(t, func(u *readerUser, cfg *ReaderConfig[string]) {
			cfg.Handle = func(m string) { <-gate; u.handle(m) }
		})
		c := u.s.consumer(t, 0)
		u.l.push(c.Inbox, "control $JS.FC.0")
		u.l.push(c.Inbox, "1/1 a", "2/2 b", "control $JS.FC.1", "3/3 c")
		if got := u.l.published("$JS.FC."); got != "0" {
			t.Errorf("answered %q, want 0", got)
		}
		gate <- struct{}{}
		gate <- struct{}{}
		if got := u.l.published("$JS.FC."); got != "0 1" {
			t.Errorf("answered %q, want 0 1", got)
		}
		u.l.push(c.Inbox, "stall 3 $JS.FC.2")
		if got := u.l.published("$JS.FC."); got != "0 1" {
			t.Errorf("answered %q, want 0 1", got)
		}
		gate <- struct{}{}
		if got := u.l.published("$JS.FC."); got != "0 1 2" {
			t.Errorf("answered %q, want 0 1 2", got)
		}
		u.l.push(c.Inbox, "stall 3 $JS.FC.2", "stall 3 a\tb")
		if got := u.l.published("$JS.FC."); got != "0 1 2 2" {
			t.Errorf("answered %q, want 0 1 2 2", got)
		}
		u.r.Stop()
		u.over(t, wire.Canceled)
		u.l.workers.Close()
	})
}

// TestReaderAttempts: a request that is not answered is made again, for another consumer: the one may be on a server that is gone.
func TestReaderAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newReaderUser(nil)
		u.s.fault = func(n int) (string, error) {
			if n == 0 || n == 2 || n == 3 {
				return "", errSilent
			}
			return "", nil
		}
		if err := u.r.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		first, second := u.s.consumer(t, 0), u.s.consumer(t, 1)
		if first.Name == second.Name || first.Inbox == second.Inbox {
			t.Errorf("asked for %+v, then for %+v", first, second)
		}
		u.l.statusNow(session.Reconnecting)
		u.l.statusNow(session.Connected)
		synctest.Wait()
		third := u.s.consumer(t, 2)
		time.Sleep(600 * time.Millisecond)
		fourth := u.s.consumer(t, 3)
		if fourth.Name == third.Name || fourth.Inbox == third.Inbox {
			t.Errorf("asked for %+v, then for %+v", third, fourth)
		}
		u.l.push(third.Inbox, "1/1 a")  // it does exist, but is given up
		u.l.push(fourth.Inbox, "1/1 a") // this one too, and is not
		time.Sleep(600 * time.Millisecond)
		fifth := u.s.consumer(t, 4)
		if fifth.Inbox == fourth.Inbox || fifth.Seq != 2 {
			t.Errorf("asked for %+v, then for %+v", fourth, fifth)
		}
		u.l.push(fifth.Inbox, "1/2 b")
		u.want(t, "+0 a +0 b", "Disconnected, Timeout, OK")
		for _, c := range []string{first.Name, third.Name, fourth.Name} {
			if got := strings.Fields(u.l.published(deletes)); !slices.Contains(got, c) {
				t.Errorf("consumer %s is left behind, deleted were %v", c, got)
			}
		}
		if _, _, _, doubts := u.l.counts(); doubts == 0 {
			t.Error("nobody doubted the link")
		}
		u.r.Stop()
		u.over(t, wire.Canceled)
		u.l.workers.Close()
	})
}

// TestReaderStreamGone: after two seconds it is over, and the user knows.
func TestReaderStreamGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newReaderUser(nil)
		u.s.fault = func(n int) (string, error) {
			if n > 0 {
				return `{"error":{"code":404,"err_code":10059,"description":"stream not found"}}`, nil
			}
			return "", nil
		}
		if err := u.r.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3900 * time.Millisecond)
		u.want(t, "+0", "NoHeartbeat, ServerRefused stream not found")
		time.Sleep(400 * time.Millisecond)
		u.want(t, "+0", "NoHeartbeat, ServerRefused stream not found, ServerRefused stream not found")
		u.over(t, wire.ServerRefused)
		u.l.workers.Close()
	})
}

// TestReaderStarts: where a consumer starts that replaces the first one before any message came.
func TestReaderStarts(t *testing.T) {
	created := time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, tt := range map[string]struct {
		start  ReaderStart
		info   string
		policy string
		seq    uint64
		time   time.Time
	}{
		"all":                 {ReaderStart{}, `,"delivered":{"stream_seq":4}`, "all", 0, time.Time{}},
		"new":                 {ReaderStart{Policy: ReadNew}, `,"delivered":{"stream_seq":9}`, "by_start_sequence", 10, time.Time{}},
		"new, and delivered":  {ReaderStart{Policy: ReadNew}, `,"created":"2024-01-02T03:04:05Z","delivered":{"consumer_seq":1,"stream_seq":9}`, "by_start_time", 0, created},
		"last":                {ReaderStart{Policy: ReadLast}, `,"delivered":{"stream_seq":8}`, "by_start_sequence", 9, time.Time{}},
		"last per subject":    {ReaderStart{Policy: ReadLastPerSubject}, `,"delivered":{"stream_seq":3},"num_pending":2`, "last_per_subject", 0, time.Time{}},
		"last of no subject":  {ReaderStart{Policy: ReadLastPerSubject}, `,"delivered":{"stream_seq":3}`, "by_start_sequence", 4, time.Time{}},
		"from a sequence":     {ReaderStart{Policy: ReadFromSeq, Seq: 7}, `,"delivered":{"stream_seq":9}`, "by_start_sequence", 7, time.Time{}},
		"from a time":         {ReaderStart{Policy: ReadFromTime, Time: created}, `,"delivered":{"stream_seq":9}`, "by_start_time", 0, created},
		"a broken sequence":   {ReaderStart{Policy: ReadNew}, `,"delivered":{"stream_seq":18446744073709551615}`, "new", 0, time.Time{}},
		"from the highest":    {ReaderStart{Policy: ReadFromSeq, Seq: 1<<64 - 1}, ``, "by_start_sequence", 1<<64 - 1, time.Time{}},
		"all, with no answer": {ReaderStart{}, ``, "all", 0, time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := newReaderUser(func(_ *readerUser, cfg *ReaderConfig[string]) { cfg.Start = tt.start })
				u.s.info = tt.info
				if err := u.r.Start(t.Context()); err != nil {
					t.Fatal(err)
				}
				u.l.statusNow(session.Reconnecting)
				u.l.statusNow(session.Connected)
				if c := u.s.consumer(t, 1); c.Policy != tt.policy || c.Seq != tt.seq || !c.Time.Equal(tt.time) {
					t.Errorf("asked for %+v, want %v %d %v", c, tt.policy, tt.seq, tt.time)
				}
				u.r.Stop()
				u.over(t, wire.Canceled)
				u.l.workers.Close()
			})
		})
	}
}

// TestReaderOtherStream: a stream that was made anew is read from its beginning, one that has lost its end from there.
func TestReaderOtherStream(t *testing.T) {
	for name, tt := range map[string]struct {
		known, stream string
		gone          bool // not found meanwhile
		policy        string
		seq           uint64
	}{
		"the same":              {"2024-01-01T00:00:00Z", `{"created":"2024-01-01T00:00:00Z","state":{"last_seq":12}}`, false, "", 0},
		"made anew":             {"2024-01-01T00:00:00Z", `{"created":"2024-01-05T00:00:00Z","state":{"last_seq":99}}`, false, "by_start_sequence", 1},
		"lost its end":          {"2024-01-01T00:00:00Z", `{"created":"2024-01-01T00:00:00Z","state":{"last_seq":7}}`, false, "by_start_sequence", 8},
		"not known":             {"", `{"created":"2034-01-05T00:00:00Z","state":{"last_seq":12}}`, false, "", 0},
		"not known, and absent": {"", `{"created":"2034-01-05T00:00:00Z","state":{"last_seq":12}}`, true, "by_start_sequence", 1},
		"not permitted":         {"2024-01-01T00:00:00Z", ``, true, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := newReaderUser(func(_ *readerUser, cfg *ReaderConfig[string]) {
					cfg.StreamCreated, _ = time.Parse(time.RFC3339, tt.known)
				})
				u.s.info, u.s.stream = `,"created":"2024-06-01T00:00:00Z"`, tt.stream
				if err := u.r.Start(t.Context()); err != nil {
					t.Fatal(err)
				}
				u.l.push(u.s.consumer(t, 0).Inbox, "1/12 a")
				asked := 2
				if tt.gone {
					if tt.policy == "" {
						asked = 3
					} // else the look comes before another consumer
					u.s.fault = func(n int) (string, error) {
						if n == 1 {
							return `{"error":{"code":404,"err_code":10059,"description":"stream not found"}}`, nil
						}
						return "", nil
					}
				}
				time.Sleep(1500 * time.Millisecond)
				u.l.statusNow(session.Reconnecting)
				u.l.statusNow(session.Connected)
				synctest.Wait()
				time.Sleep(time.Second) // for three looks
				if tt.policy == "" {
					if got := u.s.asked(); got != asked {
						t.Errorf("%d consumers were asked for, want %d", got, asked)
					}
				} else if c := u.s.consumer(t, asked); c.Policy != tt.policy || c.Seq != tt.seq {
					t.Errorf("asked for %+v, want %v %d", c, tt.policy, tt.seq)
				} else {
					u.l.push(c.Inbox, "1/8 x")
					synctest.Wait()
					u.mu.Lock()
					if !strings.HasSuffix(strings.Join(u.handled, " "), "x") {
						t.Errorf("handled %q", u.handled)
					}
					u.mu.Unlock()
				}
				u.r.Stop()
				u.over(t, wire.Canceled)
				u.l.workers.Close()
			})
		})
	}
}

// TestReaderOtherStreamInTheMiddle: it turns out that the stream is another one while the reader has a message of it in hand, or the consumer is lost.
func TestReaderOtherStreamInTheMiddle(t *testing.T) {
	for name, meanwhile := range map[string]func(u *readerUser, inbox string, hold chan struct{}){
		"a message in hand": func(u *readerUser, inbox string, hold chan struct{}) {
			go u.l.push(inbox, "1/13 x")
			synctest.Wait()
			time.Sleep(2 * time.Second) // the news come, but no consumer is made before the reader is through with the inbox
			hold <- struct{}{}
		},
		"lost": func(u *readerUser, inbox string, _ chan struct{}) { u.l.push(inbox, "beat 7") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				hold := make(chan struct{})
				u := newReaderUser(func(_ *readerUser, cfg *ReaderConfig[string]) {
					cfg.StreamCreated = time.Unix(1, 0)
					build := cfg.Build
					cfg.Build = func(f *proto.Frame, at wire.Place) string {
						if at.StreamSeq == 13 && cfg.Heartbeat > 0 {
							<-hold
						}
						return build(f, at)
					}
				})
				u.s.stream, u.s.slowLook = `{"created":"2034-01-05T00:00:00Z","state":{"last_seq":99}}`, time.Second
				if err := u.r.Start(t.Context()); err != nil {
					t.Fatal(err)
				}
				u.l.push(u.s.consumer(t, 0).Inbox, "1/12 a")
				u.l.statusNow(session.Reconnecting)
				u.l.statusNow(session.Connected)
				meanwhile(u, u.s.consumer(t, 1).Inbox, hold)
				time.Sleep(5 * time.Second)
				c := u.s.consumer(t, -1)
				if c.Seq != 1 {
					t.Fatalf("asked for %+v, want it from 1 on", c)
				}
				u.l.push(c.Inbox, "1/1 one", "2/2 two")
				synctest.Wait()
				u.mu.Lock()
				if got := strings.Join(u.handled, " "); !strings.HasSuffix(got, "one two") {
					t.Errorf("handled %q", got)
				}
				u.mu.Unlock()
				u.r.Stop()
				u.over(t, wire.Canceled)
				u.l.workers.Close()
			})
		})
	}
}

// TestReaderLooksAgain: a question about the stream that gets lost is asked again, a few times.
func TestReaderLooksAgain(t *testing.T) {
	for lost, asked := range map[int]int{1: 3, ordered.MuteLooks - 1: 3, ordered.MuteLooks: 2} {
		t.Run(fmt.Sprint(lost), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := newReaderUser(func(_ *readerUser, cfg *ReaderConfig[string]) {
					cfg.StreamCreated, cfg.Heartbeat = time.Unix(1, 0), time.Hour
				})
				u.s.stream, u.s.lostLooks = `{"created":"2034-01-05T00:00:00Z","state":{"last_seq":99}}`, lost
				if err := u.r.Start(t.Context()); err != nil {
					t.Fatal(err)
				}
				u.l.push(u.s.consumer(t, 0).Inbox, "1/12 a")
				u.l.statusNow(session.Reconnecting)
				u.l.statusNow(session.Connected)
				time.Sleep(time.Minute)
				if got := u.s.asked(); got != asked {
					t.Errorf("%d consumers were asked for, want %d", got, asked)
				}
				u.r.Stop()
				u.over(t, wire.Canceled)
				u.l.workers.Close()
			})
		})
	}
}

// TestReaderIsBounded: a server that does not keep to flow control fills no more than queueBytes, and nothing is lost.
func TestReaderIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		u := startReader(t, func(u *readerUser, cfg *ReaderConfig[string]) {
			cfg.Handle = func(m string) { <-gate; u.handle(m) }
			cfg.Build = func(f *proto.Frame, at wire.Place) string { return "x" }
		})
		c := u.s.consumer(t, 0)
		f := u.l.find(c.Inbox)
		data := make([]byte, 1<<20)
		for i := range 200 {
			f.sink.Deliver(&proto.Frame{Subject: []byte("s.a"), Data: data, Reply: appendAck(nil, uint64(i+1), uint64(i+1))})
			f.sink.Settle()
		}
		synctest.Wait()
		if n := len(u.l.asked); n != 1 {
			t.Errorf("asked %d times before there is room", n)
		}
		close(gate)
		synctest.Wait()
		again := u.s.consumer(t, 1)
		if again.Seq < 96 || again.Seq > 98 {
			t.Errorf("held %d MiB", again.Seq-1)
		}
		if got := u.r.queue.bytes.Load(); got != 0 {
			t.Errorf("counts %d bytes in an empty queue", got)
		}
		u.r.Stop()
		u.over(t, wire.Canceled)
		u.l.workers.Close()
	})
}

// TestReaderStops: in every place, nothing is left.
func TestReaderStops(t *testing.T) {
	type stage struct {
		*readerUser
		c pushConsumer
	}
	for name, tt := range map[string]struct {
		do   func(s stage)
		code wire.Code
	}{
		"twice":       {func(s stage) { s.r.Stop(); s.r.Stop() }, wire.Canceled},
		"drain":       {func(s stage) { s.r.Drain() }, wire.Canceled},
		"drain, stop": {func(s stage) { s.r.Drain(); s.r.Stop() }, wire.Canceled},
		"stop, drain": {func(s stage) { s.r.Stop(); s.r.Drain() }, wire.Canceled},
		"offline": {func(s stage) {
			s.l.statusNow(session.Reconnecting)
			synctest.Wait()
			s.r.Stop()
			s.l.statusNow(session.Connected)
			time.Sleep(time.Millisecond)
			if got := s.l.published(deletes); got != s.c.Name {
				t.Errorf("deleted %q, want %q", got, s.c.Name)
			}
		}, wire.Canceled},
		"link closed":     {func(s stage) { s.l.closeNow() }, wire.ConnectionClosed},
		"closed, offline": {func(s stage) { s.l.statusNow(session.Reconnecting); synctest.Wait(); s.l.closeNow() }, wire.ConnectionClosed},
		"link drains":     {func(s stage) { s.l.statusNow(session.DrainingSubs) }, wire.Canceled},
		"while it is made": {func(s stage) {
			s.s.fault = func(int) (string, error) { return "", errSilent }
			s.l.statusNow(session.Reconnecting)
			s.l.statusNow(session.Connected)
			synctest.Wait()
			s.r.Stop()
		}, wire.Canceled},
		"closed while it is made": {func(s stage) {
			s.s.fault = func(int) (string, error) { return "", errSilent }
			s.l.statusNow(session.Reconnecting)
			s.l.statusNow(session.Connected)
			synctest.Wait()
			s.l.closeNow()
		}, wire.ConnectionClosed},
		"in a pause": {func(s stage) {
			s.s.fault = func(int) (string, error) { return "", natserr.NoResponders }
			s.l.statusNow(session.Reconnecting)
			s.l.statusNow(session.Connected)
			synctest.Wait()
			time.Sleep(100 * time.Millisecond)
			s.r.Stop()
		}, wire.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := stage{readerUser: startReader(t, nil)}
				s.c = s.s.consumer(t, 0)
				s.l.push(s.c.Inbox, "1/1 a")
				synctest.Wait()
				tt.do(s)
				s.over(t, tt.code)
				s.l.workers.Close()
			})
		})
	}
}

// TestReaderStopsInHandle: nothing is handled afterwards, and over comes after the handler has returned, also when it ends its goroutine.
func TestReaderStopsInHandle(t *testing.T) {
	for name, end := range map[string]func(u *readerUser){
		"stop":           func(u *readerUser) { u.r.Stop() },
		"stop and leave": func(u *readerUser) { u.r.Stop(); runtime.Goexit() },
		"close":          func(u *readerUser) { u.l.closeNow() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := startReader(t, func(u *readerUser, cfg *ReaderConfig[string]) {
					cfg.Handle = func(m string) {
						u.handle(m)
						end(u)
						select {
						case <-u.r.Over():
							t.Error("over before the handler has returned")
						default:
						}
					}
				})
				u.l.push(u.s.consumer(t, 0).Inbox, "1/1 a", "2/2 b")
				synctest.Wait()
				u.mu.Lock()
				if got := strings.Join(u.handled, " "); got != "+0 a" {
					t.Errorf("handled %q", got)
				}
				u.mu.Unlock()
				code := wire.Canceled
				if name == "close" {
					code = wire.ConnectionClosed
				}
				u.over(t, code)
				u.l.workers.Close()
			})
		})
	}
}

// TestReaderDrains: what has come is handled before the end, in its order.
func TestReaderDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		u := startReader(t, func(u *readerUser, cfg *ReaderConfig[string]) {
			cfg.Handle = func(m string) { <-gate; u.handle(m) }
		})
		u.l.holdPongs = true
		c := u.s.consumer(t, 0)
		u.l.push(c.Inbox, "1/1 a", "2/2 b")
		u.r.Drain()
		u.l.push(c.Inbox, "3/3 c")
		u.l.pongNow()
		synctest.Wait()
		select {
		case <-u.r.Over():
			t.Error("over with messages left")
		default:
		}
		close(gate)
		u.want(t, "+0 a b c", "")
		u.over(t, wire.Canceled)
		u.l.workers.Close()
	})
}

// TestReaderStartFails: the caller gets the reason, and nothing is left.
func TestReaderStartFails(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, tt := range map[string]struct {
		ctx    context.Context
		answer string
		err    error
		refuse error
		want   func(err error) bool
	}{
		"refused": {t.Context(), `{"error":{"code":404,"err_code":10059,"description":"stream not found"}}`, nil, nil, func(err error) bool {
			var refused *wire.APIError
			return errors.As(err, &refused) && refused.ErrCode == wire.ErrCodeStreamNotFound
		}},
		"no JetStream": {t.Context(), "", natserr.NoResponders, nil, func(err error) bool { return err == natserr.NoResponders }},
		"silent":       {nil, "", errSilent, nil, func(err error) bool { return err == context.DeadlineExceeded }},
		"context":      {ended, "", nil, nil, func(err error) bool { return err == context.Canceled }},
		"odd answer":   {t.Context(), `{}`, nil, nil, func(err error) bool { return errors.Is(err, errNoName) }},
		"no JSON":      {t.Context(), `x`, nil, nil, func(err error) bool { return err != nil }},
		"closed":       {t.Context(), ``, nil, natserr.ConnectionClosed, func(err error) bool { return err == natserr.ConnectionClosed }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := newReaderUser(nil)
				u.s.fault = func(int) (string, error) { return tt.answer, tt.err }
				u.l.refuse = tt.refuse
				if err := u.r.Start(tt.ctx); !tt.want(err) {
					t.Errorf("Start: %v", err)
				}
				u.over(t, wire.Canceled)
				u.l.workers.Close()
			})
		})
	}
}
