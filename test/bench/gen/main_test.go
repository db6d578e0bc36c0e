package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestCopiesAreFresh(t *testing.T) {
	t.Parallel()
	want, err := render("../gannet")
	if err != nil {
		t.Fatal(err)
	}
	have, err := filepath.Glob("../natsgo/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range have {
		if _, ok := want[filepath.Base(name)]; !ok {
			t.Errorf("%s has no source: run go generate ./test/bench", name)
		}
	}
	for name, text := range want {
		got, err := os.ReadFile(filepath.Join("../natsgo", name))
		if err != nil || !bytes.Equal(got, text) {
			t.Errorf("natsgo/%s is stale (%v): run go generate ./test/bench", name, err)
		}
	}
}

func TestTranslateLeavesTheBenchmarksOwnImports(t *testing.T) {
	t.Parallel()
	const in = "package gannet\n\nimport (\n\t\"github.com/gannet-io/nats\"\n\t\"github.com/gannet-io/nats/test/bench/meter\"\n)\n"
	const want = mark + "package natsgo\n\nimport (\n\t\"github.com/gannet-io/nats/test/bench/meter\"\n\t\"github.com/nats-io/nats.go\"\n)\n"
	got, err := translate([]byte(in))
	if err != nil || string(got) != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}
