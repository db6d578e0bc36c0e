package docs

import (
	"bytes"
	_ "embed"
	"fmt"
	"io/fs"
	"path"
)

//go:generate go run ./generate

// Text is the documentation, one page after the other, each under a line with its name. It must not be changed.
//
//go:embed documentation.txt
var Text []byte

// File is the name of the copy, relative to this package.
const File = "documentation.txt"

// Source is where the original lies, relative to this package.
const Source = "../../../../docs"

// Bundle returns all Markdown pages below fsys as one text, in the order of their paths. It fails if there is none.
func Bundle(fsys fs.FS) ([]byte, error) {
	var b bytes.Buffer
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(name) != ".md" {
			return err
		}
		page, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "==> docs/%s <==\n\n%s\n", name, page)
		return nil
	})
	if err == nil && b.Len() == 0 {
		err = fmt.Errorf("no .md files: %w", fs.ErrNotExist)
	}
	return b.Bytes(), err
}
