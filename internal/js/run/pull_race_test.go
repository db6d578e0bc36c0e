//go:build race

package run

func init() { pullRace = true }
