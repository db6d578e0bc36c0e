//go:build race

package test

// slower is by how much tests with a lot of work do less, since the race detector slows them down.
const slower = 10
