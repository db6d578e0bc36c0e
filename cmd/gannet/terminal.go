package main

import (
	"io"
	"os"

	"golang.org/x/term"

	"github.com/gannet-io/nats/cmd/gannet/internal/tour"
)

// defaultWidth is for terminals that do not tell theirs.
const defaultWidth = 80

// lifeline is a writer that ends the tour when nobody reads it any more.
type lifeline struct {
	io.Writer
	lost func()
}

func (l lifeline) Write(b []byte) (int, error) {
	n, err := l.Writer.Write(b)
	if err != nil {
		l.lost()
	}
	return n, err
}

// reporter fits what stdout is, and writes to it through w. NO_COLOR (https://no-color.org) and a dumb terminal are respected.
func (c *tourCommand) reporter(stdout, w io.Writer) tour.Reporter {
	if c.JSON {
		return tour.NewJSON(w)
	}
	f, ok := stdout.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || os.Getenv("TERM") == "dumb" {
		return tour.NewText(w)
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 {
		width = defaultWidth
	}
	return tour.NewTerminal(w, width, os.Getenv("NO_COLOR") == "")
}
