// Command generate writes the copy of the documentation that package docs embeds. It runs in that package's directory, by
// "go generate ./...".
package main

import (
	"log"
	"os"

	"github.com/gannet-io/nats/cmd/gannet/internal/docs"
)

func main() {
	text, err := docs.Bundle(os.DirFS(docs.Source))
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(docs.File, text, 0o644); err != nil {
		log.Fatal(err)
	}
}
