//go:build race

package run

func init() { publishRace = true }
