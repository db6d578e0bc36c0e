//go:build !race

package compat

const slower = 1
