package test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/nats"
)

// oddAnswers are what a broken JetStream might answer to a request.
var oddAnswers = []string{
	"", "null", "[]", "7", `"x"`, "{", "{}", `{"type":7}`, `{"error":null}`, `{"error":{}}`, `{"error":{"code":"x"}}`, `{"error":{"code":-1,"err_code":-1}}`,
	`{"error":{"code":404,"err_code":10014}}`, `{"error":{"code":404,"err_code":99999}}`, `{"success":"no"}`, `{"success":false}`,
	`{"config":null,"state":null}`, `{"config":{"name":7}}`, `{"config":{"retention":"odd","storage":"","discard":null}}`, `{"config":{"ack_policy":"odd","deliver_policy":7}}`,
	`{"created":"yesterday"}`, `{"state":{"messages":-1,"subjects":[]}}`, `{"state":{"deleted":null,"num_deleted":-1}}`, `{"stream":"","seq":-1}`,
	`{"stream":"S","seq":18446744073709551616}`, `{"stream":"S","seq":0}`, `{"seq":1}`, `{"message":null}`, `{"message":{}}`,
	`{"message":{"seq":-1,"data":"%%%","hdrs":"%%%","time":"?"}}`, `{"message":{"subject":"a","seq":1,"hdrs":"Tk9UUw==","data":""}}`,
	`{"tiers":null,"limits":null,"api":null}`, `{"total":-1,"offset":-5,"limit":0}`, `{"total":9223372036854775807,"offset":0,"limit":1,"streams":null,"consumers":null}`,
	`{"total":1000000,"limit":1,"streams":["a"],"consumers":["a"]}`, `{"total":1000000,"limit":1,"streams":[null],"consumers":[null]}`,
	`{"total":1000000,"limit":1,"streams":[{}],"consumers":[{}]}`, `{"total":2,"offset":1,"limit":1,"streams":[{"config":{}}],"consumers":[{"name":"c"}]}`,
	strings.Repeat("[", 100_000), `{"config":` + strings.Repeat(`{"x":`, 20_000) + "1" + strings.Repeat("}", 20_001), "{\"a\":\"\xff\xfe\"}", strings.Repeat("x", 1<<20),
}

// answering makes the peer of an arena answer every request with text, as a message with a header block when that is given.
func (a *arena) answering(header, text string) {
	a.p.setGreet(func(c *peerConn) bool {
		c.answer = func(c *peerConn, subject, reply string, _ []byte) {
			if sid := c.sidOf(reply); sid != "" {
				if header == "" {
					c.send(fmt.Sprintf("MSG %s %s %d\r\n%s\r\n", reply, sid, len(text), text))
				} else {
					c.send(fmt.Sprintf("HMSG %s %s %d %d\r\n%s%s\r\n", reply, sid, len(header), len(header)+len(text), header, text))
				}
			}
		}
		return c.shake()
	})
	a.fresh()
}

// plausible makes an argument with which a method of JetStream gets as far as asking the server.
func plausible(typ reflect.Type) reflect.Value {
	switch typ {
	case reflect.TypeFor[string]():
		return reflect.ValueOf("S")
	case reflect.TypeFor[*nats.StreamConfig]():
		return reflect.ValueOf(&nats.StreamConfig{Name: "S", Subjects: []string{"s"}})
	case reflect.TypeFor[*nats.ConsumerConfig]():
		return reflect.ValueOf(&nats.ConsumerConfig{Durable: "C", AckPolicy: nats.AckExplicitPolicy})
	case reflect.TypeFor[uint64]():
		return reflect.ValueOf(uint64(1))
	}
	return harmless(typ)
}

// Odd answers lead to errors: no panic, and nothing waits for ever or asks for ever.
func TestHostileAnswersJetStream(t *testing.T) {
	headers := []string{"", "NATS/1.0 503\r\n\r\n", "NATS/1.0 409 odd\r\n\r\n", "NATS/1.0\r\nNats-Stream: S\r\nNats-Sequence: x\r\nNats-Time-Stamp: y\r\nNats-Subject: s\r\n\r\n"}
	for i, answer := range oddAnswers {
		header := ""
		if len(answer) < 10 {
			header = headers[i%len(headers)]
		}
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			checkLeaks(t)
			a := newArena(t)
			a.answering(header, answer)
			a.askEverything(fmt.Sprintf(", answered %.60q %.100q", header, answer))
			a.nc.Close()
		})
	}
}

// askEverything calls every method of a JetStream context, and uses what it returns.
func (a *arena) askEverything(what string) {
	a.t.Helper()
	context := func() nats.JetStreamContext {
		return got[nats.JetStreamContext](a.t)(a.nc.JetStream(nats.MaxWait(30 * time.Millisecond)))
	}
	js, of := context(), a.nc
	typ := reflect.TypeOf(js)
	for m := range typ.NumMethod() {
		if of != a.nc { // the last call has ended it
			js, of = context(), a.nc
		}
		method := reflect.ValueOf(js).Method(m)
		var args []reflect.Value
		for i := range method.Type().NumIn() {
			if method.Type().IsVariadic() && i == method.Type().NumIn()-1 {
				break
			}
			args = append(args, plausible(method.Type().In(i)))
		}
		for _, result := range a.call(typ.Method(m).Name+what, method, args) {
			a.use(typ.Method(m).Name+what, result)
		}
	}
}

// use reads a channel to its end, and fetches from a subscription.
func (a *arena) use(what string, result reflect.Value) {
	a.t.Helper()
	if result.Kind() == reflect.Chan && !result.IsNil() {
		for end := time.Now().Add(time.Second); ; {
			i, _, open := reflect.Select([]reflect.SelectCase{
				{Dir: reflect.SelectRecv, Chan: result}, {Dir: reflect.SelectRecv, Chan: reflect.ValueOf(time.After(patience))},
			})
			switch {
			case i == 1:
				a.t.Fatalf("%s: the channel does not end", what)
			case !open:
				return
			case time.Now().After(end):
				a.nc.Close() // so many pages: it must end now
			}
		}
	}
	if sub, ok := result.Interface().(*nats.Subscription); ok && sub != nil {
		if sub.Type() == nats.PullSubscription {
			_, _ = sub.Fetch(1, nats.MaxWait(10*time.Millisecond))
		}
		_, _ = sub.ConsumerInfo()
		_ = sub.Unsubscribe()
	}
}
