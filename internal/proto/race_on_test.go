//go:build race

package proto

const race = true
