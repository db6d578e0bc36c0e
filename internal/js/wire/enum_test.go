package wire

import (
	"strings"
	"testing"
)

func TestEnum(t *testing.T) {
	t.Parallel()
	type color int
	names := []string{"red", "green"}
	for v, want := range map[color]string{0: `"red"`, 1: `"green"`, 2: "", -1: ""} {
		if got, err := EnumJSON("color", names, v); string(got) != want || (err != nil) != (want == "") {
			t.Errorf("EnumJSON of %d: got %s, %v, want %s", int(v), got, err, want)
		}
		if got, want := EnumName(names, v, "none"), strings.Trim(want, `"`); got != want && (got != "none" || want != "") {
			t.Errorf("EnumName of %d: got %q, want %q", int(v), got, want)
		}
	}
	for in, want := range map[string]string{
		`"blue"`:                            `nats: unknown color "blue"`,
		`7`:                                 `nats: unknown color "7"`,
		`null`:                              `nats: unknown color "null"`,
		`"` + strings.Repeat("x", 99) + `"`: `nats: unknown color "` + strings.Repeat("x", maxQuoted) + `"`,
		strings.Repeat("y", 99):             `nats: unknown color "` + strings.Repeat("y", maxQuoted) + `"`,
	} {
		v := color(1)
		if err := EnumFromJSON("color", names, []byte(in), &v); err == nil || err.Error() != want || v != 1 {
			t.Errorf("from %s: got %d, %v, want it unchanged and %s", in, int(v), err, want)
		}
	}
	v := color(0)
	if err := EnumFromJSON("color", names, []byte(`"green"`), &v); err != nil || v != 1 {
		t.Errorf("got %d, %v, want 1", int(v), err)
	}
}
