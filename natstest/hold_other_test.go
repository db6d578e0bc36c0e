//go:build !linux

package natstest

const holdsPorts = false
