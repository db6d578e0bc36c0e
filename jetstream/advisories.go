package jetstream

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/gannet-io/nats"
)

// Advisories subscribes to advisories and metrics and returns an iterator over them. subject is one of the constants above, or more
// precise: "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.ORDERS.billing". Whoever wants to do something about messages that could not be
// handled:
//
//	for a, err := range jetstream.Advisories(ctx, nc, jetstream.AdvisoryMaxDeliveries) {
//		if err != nil { ... }
//		if m, ok := a.(*jetstream.MaxDeliveries); ok {
//			msg, err := stream.GetMsg(ctx, m.StreamSeq)
//			...
//		}
//	}
//
// The subscription is made when the loop begins and ends with it. Servers publish advisories once and do not store them: those of the time
// before, and of the time of a lost link, do not come. A stream with these subjects keeps them.
//
// The loop goes on after an error that wraps [ErrBadAdvisory], and after nats.ErrSlowConsumer, which says that some were dropped. Other errors end
// it: that of the context, nats.ErrConnectionClosed, nats.ErrInvalidArg when nc is nil or subject is not one of advisories,
// nats.ErrInvalidContext, and those of a subscription.
func Advisories(ctx context.Context, nc *nats.Conn, subject string) iter.Seq2[Advisory, error] {
	return func(yield func(Advisory, error) bool) {
		sub, err := subscribeAdvisories(ctx, nc, subject)
		if err != nil {
			yield(nil, err)
			return
		}
		defer func() { _ = sub.Unsubscribe() }() // the connection may be over
		for {
			m, err := sub.NextMsgWithContext(ctx)
			var a Advisory
			if err == nil {
				a, err = ParseAdvisory(m.Data)
			} else if !errors.Is(err, nats.ErrSlowConsumer) {
				yield(nil, err)
				return
			}
			if !yield(a, err) {
				return
			}
		}
	}
}

// advisorySubjects begin the subjects of all advisories.
const advisorySubjects = "$JS.EVENT."

func subscribeAdvisories(ctx context.Context, nc *nats.Conn, subject string) (*nats.Subscription, error) {
	switch {
	case ctx == nil:
		return nil, errNilContext
	case nc == nil:
		return nil, fmt.Errorf("%w: nc is nil", nats.ErrInvalidArg)
	case !strings.HasPrefix(subject, advisorySubjects):
		return nil, fmt.Errorf("%w: subject %q does not begin with %s", nats.ErrInvalidArg, subject, advisorySubjects)
	}
	return nc.SubscribeSync(subject)
}
