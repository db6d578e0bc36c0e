//go:build !race

package nats

// raceDetector reports that allocations cannot be counted.
const raceDetector = false
