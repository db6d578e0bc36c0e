package wire

import (
	"encoding/json"
	"fmt"
	"slices"
)

// EnumJSON writes the value v of an enumeration as a JSON string: names[v]. what names the enumeration in the error for a
// value that has no name.
func EnumJSON[E ~int | ~uint8](what string, names []string, v E) ([]byte, error) {
	if int(v) < 0 || int(v) >= len(names) {
		return nil, fmt.Errorf("nats: unknown %s %d", what, int(v))
	}
	return json.Marshal(names[v])
}

// EnumFromJSON is the way back. It leaves v alone when data is not one of the names.
func EnumFromJSON[E ~int | ~uint8](what string, names []string, data []byte, v *E) error {
	text := string(data)
	var name *string
	if err := json.Unmarshal(data, &name); err == nil && name != nil {
		if i := slices.Index(names, *name); i >= 0 {
			*v = E(i)
			return nil
		}
		text = *name
	}
	return fmt.Errorf("nats: unknown %s %q", what, text[:min(len(text), maxQuoted)])
}

// maxQuoted bounds what an error quotes of the input.
const maxQuoted = 64

// EnumName is the name of v in names, and unknown for a value that has none.
func EnumName[E ~int | ~uint8](names []string, v E, unknown string) string {
	if int(v) < 0 || int(v) >= len(names) {
		return unknown
	}
	return names[v]
}
