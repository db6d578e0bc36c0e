package compat

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/gannet-io/nats/test/compat/natsgo"
	"github.com/gannet-io/nats/test/compat/stage"
)

// transcriptsFile holds what nats.go does, to be read, and to notice when another version does something else.
const transcriptsFile = "testdata/natsgo.txt"

const heading = "## "

type transcripts struct {
	mu sync.Mutex
	by map[string][]stage.Entry
}

func newTranscripts() *transcripts { return &transcripts{by: map[string][]stage.Entry{}} }

func (ts *transcripts) put(name string, entries []stage.Entry) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	ts.by[name] = entries
}

// write keeps the recorded transcripts of scenarios that have not been played.
func (ts *transcripts) write(t *testing.T) {
	t.Helper()
	old := readTranscripts(t)
	var b strings.Builder
	for _, sc := range natsgo.Suite.Scenarios {
		entries, played := ts.by[sc.Name]
		if !played {
			entries = old[sc.Name]
		}
		fmt.Fprintf(&b, "%s%s\n", heading, sc.Name)
		for _, e := range entries {
			fmt.Fprintln(&b, e)
		}
		b.WriteString("\n")
	}
	if err := os.WriteFile(transcriptsFile, []byte(strings.TrimSuffix(b.String(), "\n")), 0o644); err != nil {
		t.Error(err)
	}
}

func readTranscripts(t *testing.T) map[string][]stage.Entry {
	t.Helper()
	f, err := os.Open(transcriptsFile)
	if os.IsNotExist(err) && *record {
		return nil
	}
	if err != nil {
		t.Fatalf("%v; write it with -record", err)
	}
	defer f.Close()
	all := map[string][]stage.Entry{}
	name := ""
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		if title, found := strings.CutPrefix(line, heading); found {
			name = title
			continue
		}
		if line == "" {
			continue
		}
		e, err := stage.ParseEntry(line)
		if err != nil {
			t.Fatalf("%s: %v", transcriptsFile, err)
		}
		all[name] = append(all[name], e)
	}
	return all
}
