//go:build race

package compat

// slower is by how much the race detector slows the scenarios down.
const slower = 3
