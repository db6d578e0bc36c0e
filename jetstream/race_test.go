//go:build race

package jetstream

func init() { raceEnabled = true }
