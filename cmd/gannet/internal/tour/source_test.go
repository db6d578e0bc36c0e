package tour

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gannet-io/nats/cmd/gannet/internal/docs"
)

func TestLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	huge := file("huge", nil)
	if err := os.Truncate(huge, maxBytes+1); err != nil { // takes no space
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, file, want string }{
		{"absent", filepath.Join(dir, "absent"), "no such file"},
		{"a directory", dir, "is a directory"},
		{"empty", file("empty", nil), "empty has 0 bytes; the tour needs at least 16"},
		{"tiny", file("tiny", []byte("hello\n")), "tiny has 6 bytes"},
		{"huge", huge, "more than 64 MiB"},
		{"too many lines", file("ends", bytes.Repeat([]byte("\n"), maxPieces+1)), "ends has 300001 lines"},
	} {
		if _, err := load(tt.file); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want an error with %q", tt.name, err, tt.want)
		}
	}
	got, err := load(file("good", []byte("sixteen bytes...")))
	if err != nil || got.name != "good" || string(got.data) != "sixteen bytes..." {
		t.Errorf("got %q, %q, %v", got.name, got.data, err)
	}
	if got, err := load(""); err != nil || !bytes.Equal(got.data, docs.Text) {
		t.Errorf("no file: got %d bytes, %v, want the documentation, %d bytes", len(got.data), err, len(docs.Text))
	}
}
