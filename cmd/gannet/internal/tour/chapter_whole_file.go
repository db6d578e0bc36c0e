package tour

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
)

// wholeFile compares, and asks the server how many messages the stream has.
func wholeFile(ctx context.Context, t *tour) (f Figures, err error) {
	info, err := t.streamInfo(ctx)
	if err != nil {
		return f, err
	}
	readings := []struct {
		key, name string
		*reading
	}{
		{"black_hole", "the black hole", t.throughHole},
		{"reaped_consumer", "the deleted consumer", t.aroundReaper},
	}
	lost, twice := 0, int(info.State.Msgs)-len(t.pieces)
	var wrong error
	for _, r := range readings {
		sum := sha256.Sum256(r.text())
		verdict := "equal"
		if sum != t.source.sum {
			verdict = "different"
			wrong = errors.Join(wrong, fmt.Errorf("the text read through %s differs from the file", r.name))
		}
		t.say("read through %s: SHA-256 %x, %s", r.name, sum, verdict)
		f.words("sha256_"+r.key, "through "+r.name, verdict)
		lost = max(lost, len(t.pieces)-r.found)
		twice = max(twice, r.twice)
	}
	f.count("lines", "lines", len(t.pieces))
	f.count("bytes", "bytes", len(t.throughHole.text()))
	f.count("in_stream", "messages in the stream", int(info.State.Msgs))
	f.count("displaced", "out of the file's order there", t.throughHole.displaced())
	f.count("lost", "lost", lost)
	f.count("duplicated", "duplicated", twice)
	if lost != 0 || twice != 0 {
		wrong = errors.Join(wrong, fmt.Errorf("%d lines lost, %d duplicated", lost, twice))
	}
	return f, wrong
}
