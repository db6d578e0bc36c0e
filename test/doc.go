// Package test holds what needs more than the library itself: behaviour against real servers, faults, comparisons with nats.go,
// properties and benchmarks. It is never released.
package test
