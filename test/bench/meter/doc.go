// Package meter is what a scenario sees of the benchmark: its job, the start and the end of the measured stretch, samples of
// latency, and the credit that a replaying server needs.
//
//	func scenario(r *meter.Run) error {
//		connect, warm up           // not measured
//		r.Begin()
//		r.Ops operations           // a plain loop: nothing of this package is called for each of them
//		r.End()
//	}
//
// The package knows no client library. It runs inside of the measured process, so its own cost is kept out of the stretch, or
// below one nanosecond an operation.
package meter
