package tour

import (
	"encoding/json"
	"testing"
	"time"
)

func TestFigures(t *testing.T) {
	t.Parallel()
	var f Figures
	f.count("lines", "lines", 1234567)
	f.seconds("silence", "silence", 1121999*time.Microsecond)
	f.number("at", "carried on at", -1000)
	f.words("sha", "sum", `a"b`)

	got, err := json.Marshal(f)
	if want := `{"lines":1234567,"silence_seconds":1.122,"at":-1000,"sha":"a\"b"}`; err != nil || string(got) != want {
		t.Errorf("JSON: got %s, %v, want %s", got, err, want)
	}
	if got, want := f.String(), `1,234,567 lines · silence 1.12 s · carried on at -1,000 · sum a"b`; got != want {
		t.Errorf("text: got %s, want %s", got, want)
	}
	if got := f.Get("silence_seconds"); got != 1.122 {
		t.Errorf("Get: got %v, want 1.122", got)
	}
	if got := f.Get("absent"); got != nil {
		t.Errorf("Get of what is absent: got %v, want nil", got)
	}
	if got, err := json.Marshal(Figures{}); err != nil || string(got) != "{}" {
		t.Errorf("zero value: got %s, %v, want {}", got, err)
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ got, want string }{
		{thousands(0), "0"}, {thousands(999), "999"}, {thousands(1000), "1,000"}, {thousands(-999), "-999"}, {thousands(-123456), "-123,456"},
		{inSeconds(340 * time.Microsecond), "0.3 ms"}, {inSeconds(99 * time.Millisecond), "99.0 ms"}, {inSeconds(1500 * time.Millisecond), "1.50 s"},
		{some(1, "line"), "1 line"}, {some(0, "line"), "0 lines"}, {some(1000, "line"), "1,000 lines"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}
