//go:build !race

package test

// slower is by how much tests with a lot of work do less: see its other value.
const slower = 1
