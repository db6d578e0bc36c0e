package stage

import "time"

// Suite is what one client library plays.
type Suite struct {
	Scenarios []Scenario
	Errors    []NamedError       // the exported error values
	Code      func(error) string // the code of an error of the server, "" if it is none
}

// NamedError is an exported error value, such as "nats.ErrTimeout".
type NamedError struct {
	Name string
	Err  error
}

// Scenario is a small program that uses a client library. It runs on a server of its own, at the same time as others.
type Scenario struct {
	Name string
	// Rows of rows.txt that it covers.
	Rows []string
	// Long says that it takes more than ten seconds: such scenarios begin first.
	Long bool
	// Run plays. What it notes may depend on the client only, not on chance.
	Run func(*Stage)
	// Differs lists entries that are another one with gannet, on purpose.
	Differs []Difference
}

// Difference is an entry that is not the same with both libraries.
type Difference struct {
	Row    string // of docs/differences.md
	Gannet Entry  // what gannet does
}

// Differs is a Difference in a text.
func Differs(row, key, text string) Difference {
	return Difference{Row: row, Gannet: Entry{Key: key, Text: text}}
}

// Apply returns what gannet is expected to note where nats.go has noted want. The second result lists keys that do not occur
// in want, or where nats.go does the same as gannet.
func Apply(differs []Difference, want []Entry) (expected []Entry, stale []string) {
	expected = append(expected, want...)
	for _, d := range differs {
		found := false
		for i := range expected {
			if expected[i].Key != d.Gannet.Key {
				continue
			}
			found = !expected[i].Matches(d.Gannet)
			expected[i] = d.Gannet
		}
		if !found {
			stale = append(stale, d.Gannet.Key)
		}
	}
	return expected, stale
}

// Lasts is a Difference in a time.
func Lasts(row, key string, took time.Duration) Difference {
	return Difference{Row: row, Gannet: Entry{Key: key, Took: took, Timed: true}}
}
