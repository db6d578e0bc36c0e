package compat

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestFresh: what is generated is what the generator writes.
func TestFresh(t *testing.T) {
	files, err := Render(".")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(name)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not fresh (%v): run go generate ./compat", name, err)
		}
	}
	copies, err := filepath.Glob(filepath.Join(CopyDir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range copies {
		if files[path] == nil {
			t.Errorf("%s has no source any more: run go generate ./compat", path)
		}
	}
}
