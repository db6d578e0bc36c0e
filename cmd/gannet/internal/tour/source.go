package tour

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/gannet-io/nats/cmd/gannet/internal/docs"
)

const (
	maxBytes  = 64 << 20
	maxPieces = 300_000
)

// source is the text that travels.
type source struct {
	name string
	data []byte
	sum  [sha256.Size]byte
}

// load reads the file, or takes the project's documentation if file is empty. A file is refused if it is too small to be told from
// nothing, or too large to be held in memory three times without a thought.
func load(file string) (source, error) {
	name, data := "the project's documentation", docs.Text
	if file != "" {
		name = filepath.Base(file)
		var err error
		if data, err = read(file); err != nil {
			return source{}, err
		}
	}
	if len(data) < minPieces {
		return source{}, fmt.Errorf("%s has %d bytes; the tour needs at least %d", name, len(data), minPieces)
	}
	if n := len(cut(data, maxPiece)); n > maxPieces {
		return source{}, fmt.Errorf("%s has %d lines; the tour takes at most %d", name, n, maxPieces)
	}
	return source{name, data, sha256.Sum256(data)}, nil
}

func read(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // nothing was written
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, fmt.Errorf("%s is a directory; the tour takes a file", file)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxBytes {
		return nil, fmt.Errorf("%s has more than %d MiB, which is the most that the tour takes", file, maxBytes>>20)
	}
	return data, nil
}
