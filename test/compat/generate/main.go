// Command generate writes the copy of the scenarios that uses nats.go, and the table of error values. It runs in the directory
// of package compat.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/gannet-io/nats/test/compat"
)

func main() {
	if err := write("."); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// write also removes copies whose source is gone.
func write(dir string) error {
	files, err := compat.Render(dir)
	if err != nil {
		return err
	}
	old, err := filepath.Glob(filepath.Join(dir, compat.CopyDir, "*.go"))
	if err != nil {
		return err
	}
	for _, path := range old {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
