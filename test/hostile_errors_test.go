package test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/micro"
)

// The errors of packages jetstream and micro name the argument that is wrong, for those that programs get wrong most. Nothing is sent.
func TestErrorsOfBadArgumentsOfJetStream(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	g := newJSArena(t)
	ctx := context.Background()
	c, values, objects := g.consumer(), g.values(), g.objects()
	must(t, g.nc.Flush())
	before := g.asked()
	second := func(_ any, err error) error { return err }
	for name, tc := range map[string]struct {
		got, want error
		words     string // in the text
	}{
		"Publish, no subject":           {second(g.js.Publish(ctx, "", nil)), nats.ErrBadSubject, ""},
		"PublishMsg, nil":               {second(g.js.PublishMsg(ctx, nil)), nats.ErrInvalidMsg, ""},
		"PublishMsgAsync, nil":          {second(g.js.PublishMsgAsync(nil)), nats.ErrInvalidMsg, ""},
		"Publish, negative retries":     {second(g.js.Publish(ctx, "b", nil, jetstream.WithRetryAttempts(-1))), jetstream.ErrInvalidOption, "retry attempts"},
		"Publish, line break in the id": {second(g.js.Publish(ctx, "b", nil, jetstream.WithMsgID("a\nb"))), jetstream.ErrInvalidOption, "message id"},
		"Stream, a space":               {second(g.js.Stream(ctx, "a b")), jetstream.ErrInvalidStreamName, "a b"},
		"Consumer, a wildcard":          {second(g.js.Consumer(ctx, "b", "*")), jetstream.ErrInvalidConsumerName, "*"},
		"CreateStream, no name":         {second(g.js.CreateStream(ctx, jetstream.StreamConfig{})), jetstream.ErrStreamNameRequired, ""},
		"Fetch(-1)":                     {second(c.Fetch(-1)), nats.ErrInvalidArg, "batch"},
		"Fetch, no wait":                {second(c.Fetch(1, jetstream.FetchMaxWait(0))), jetstream.ErrInvalidOption, "timeout"},
		"Fetch, heartbeat too long":     {second(c.Fetch(1, jetstream.FetchMaxWait(time.Second), jetstream.FetchHeartbeat(time.Second))), jetstream.ErrInvalidOption, "heartbeat"},
		"Consume(nil)":                  {second(c.Consume(nil)), jetstream.ErrHandlerRequired, ""},
		"Messages, expiry":              {second(c.Messages(jetstream.PullExpiry(1))), jetstream.ErrInvalidOption, "expiry"},
		"KeyValue, a dot":               {second(g.js.KeyValue(ctx, "a.b")), jetstream.ErrInvalidBucketName, ""},
		"Put, a wildcard":               {second(values.Put(ctx, "a.*", nil)), jetstream.ErrInvalidKey, ""},
		"Watch, > in the middle":        {second(values.Watch(ctx, ">.a")), jetstream.ErrInvalidKey, ">.a"},
		"Create, a negative TTL":        {second(values.Create(ctx, "a", nil, jetstream.KeyTTL(-1))), jetstream.ErrInvalidOption, "TTL"},
		"AcquireLock, TTL":              {second(jetstream.AcquireLock(ctx, values, "a", jetstream.LockConfig{TTL: 1})), jetstream.ErrInvalidOption, "TTL"},
		"PutString, no name":            {second(objects.PutString(ctx, "", "")), jetstream.ErrBadObjectMeta, ""},
		"Get, no name":                  {second(objects.Get(ctx, "")), jetstream.ErrNameRequired, ""},
		"NewBatch(nil)":                 {second(jetstream.NewBatch(nil)), nats.ErrInvalidArg, "js"},
		"PublishBatch, no message":      {second(jetstream.PublishBatch(ctx, g.js)), nats.ErrInvalidArg, "message"},
		"IngestAckEvery(0)":             {second(jetstream.NewIngest(g.js, jetstream.IngestAckEvery(0))), jetstream.ErrInvalidOption, "messages for an ack"},
		"New(nil)":                      {second(jetstream.New(nil)), nats.ErrInvalidConnection, ""},
		"AddService(nil)":               {second(micro.AddService(nil, micro.Config{})), nats.ErrInvalidConnection, ""},
		"AddService, no name":           {second(micro.AddService(g.nc, micro.Config{Version: "1.0.0"})), micro.ErrConfigValidation, "name"},
		"AddService, version":           {second(micro.AddService(g.nc, micro.Config{Name: "a", Version: "1"})), micro.ErrConfigValidation, "version"},
		"Shutdown(nil)":                 {micro.Shutdown(ctx, nil), nats.ErrInvalidArg, ""},
	} {
		if !errors.Is(tc.got, tc.want) || tc.got != nil && !strings.Contains(tc.got.Error(), tc.words) {
			t.Errorf("%s: got %v, want %v with %q", name, tc.got, tc.want, tc.words)
		}
	}
	must(t, g.nc.Flush())
	if n := g.asked() - before; n != 0 {
		t.Errorf("%d messages were sent", n)
	}
	g.nc.Close()
}
