package test

import (
	"context"
	"io"
	"reflect"
	"time"
)

// finish uses up what a call has returned: it reads what iterators yield, up to a few values, and stops and closes what runs.
func finish(results []reflect.Value) {
	for _, r := range results {
		switch typ := r.Type(); {
		case typ.Kind() == reflect.Func && typ.CanSeq2() && !r.IsNil():
			n := 0
			for range r.Seq2() {
				if n++; n == 3 {
					break
				}
			}
		case typ.Kind() == reflect.Interface && r.IsNil(), typ.Kind() == reflect.Pointer && r.IsNil():
		default:
			stop(r.Interface())
		}
	}
}

func stop(v any) {
	switch v := v.(type) {
	case interface{ Stop() }:
		v.Stop()
	case interface{ Stop() error }:
		_ = v.Stop() // of a watch whose connection may be over
	case interface{ Unsubscribe() error }:
		_ = v.Unsubscribe() // its connection may be over
	case interface{ Discard() }:
		v.Discard()
	case interface{ Abandon() }:
		v.Abandon()
	case interface{ Release(context.Context) error }:
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		_ = v.Release(ctx) // nobody answers perhaps
	case io.Closer:
		_ = v.Close() // it may have failed before
	}
}
