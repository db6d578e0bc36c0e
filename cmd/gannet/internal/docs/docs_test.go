package docs

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

func TestTheCopyIsFresh(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(Source); err != nil {
		t.Skipf("the documentation is not here, so the copy cannot be compared with it: %v", err)
	}
	want, err := Bundle(os.DirFS(Source))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(Text, want) {
		t.Errorf("%s (%d bytes) is not what docs/ holds (%d bytes): run go generate ./... in cmd/gannet", File, len(Text), len(want))
	}
}

func TestBundle(t *testing.T) {
	t.Parallel()
	got, err := Bundle(fstest.MapFS{
		"b.md":         {Data: []byte("second\n")},
		"a/deep.md":    {Data: []byte("first, no end of line")},
		"picture.png":  {Data: []byte("no text")},
		"a/notes.txt":  {Data: []byte("no page")},
		"c/d/empty.md": {},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := "==> docs/a/deep.md <==\n\nfirst, no end of line\n==> docs/b.md <==\n\nsecond\n\n==> docs/c/d/empty.md <==\n\n\n"
	if string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestBundleOfNothing(t *testing.T) {
	t.Parallel()
	if got, err := Bundle(fstest.MapFS{"picture.png": {}}); err == nil || !strings.Contains(err.Error(), "no .md files") {
		t.Errorf("got %q, %v, want an error that says so", got, err)
	}
}
