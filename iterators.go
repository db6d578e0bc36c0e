package nats

import (
	"errors"
	"iter"
	"time"
)

// Msgs iterates over the messages, and waits for each. An error of [Subscription.NextMsg] is the last value, with a nil message. It works on
// synchronous and channel subscriptions.
func (s *Subscription) Msgs() iter.Seq2[*Msg, error] {
	return func(yield func(*Msg, error) bool) {
		for {
			m, err := s.await(forever, nil)
			if !yield(m, err) || err != nil {
				return
			}
		}
	}
}

// MsgsTimeout is [Subscription.Msgs] with a bound for each wait: [ErrTimeout] is a value in between, after which the
// iteration goes on. A bound of 0 or less is [ErrInvalidArg], as the only value.
func (s *Subscription) MsgsTimeout(timeout time.Duration) iter.Seq2[*Msg, error] {
	return func(yield func(*Msg, error) bool) {
		if timeout <= 0 {
			yield(nil, ErrInvalidArg) // it would spin
			return
		}
		for {
			m, err := s.await(timeout, nil)
			if !yield(m, err) || err != nil && !errors.Is(err, ErrTimeout) {
				return
			}
		}
	}
}
