package compat

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gannet-io/nats/test/compat/scenario"
)

// complete are the sections where every row must have a scenario or be a difference.
var complete = []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17"}

const differencesFile = "../../docs/differences.md"

// row is a line of rows.txt.
type row struct {
	number, title string
	later         string // the capability that does not exist yet
}

func (r row) section() string { section, _, _ := strings.Cut(r.number, "."); return section }

var rowLine = regexp.MustCompile(`^(\d+\.\d+) +(.*?)(?: +later\(([^)]+)\))?$`)

func readRows(t *testing.T) []row {
	t.Helper()
	text, err := os.ReadFile("rows.txt")
	if err != nil {
		t.Fatal(err)
	}
	var rows []row
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		m := rowLine.FindStringSubmatch(line)
		if m == nil || m[2] == "" {
			t.Fatalf("rows.txt: cannot read %q", line)
		}
		rows = append(rows, row{number: m[1], title: m[2], later: m[3]})
	}
	return rows
}

var rowNumber = regexp.MustCompile(`\d+\.\d+`)

// readDifferences returns the rows that docs/differences.md names.
func readDifferences(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(differencesFile)
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) < 3 {
			continue
		}
		for _, number := range rowNumber.FindAllString(cells[1], -1) {
			named[number] = true
		}
	}
	return named
}

func played() map[string]bool {
	rows := map[string]bool{}
	for _, sc := range scenario.Suite.Scenarios {
		for _, r := range sc.Rows {
			rows[r] = true
		}
	}
	return rows
}

// TestRows: every behaviour has a scenario, is a difference, or belongs to what does not exist yet.
func TestRows(t *testing.T) {
	rows, differences, scenarios := readRows(t), readDifferences(t), played()
	later := map[string]int{}
	var open []string
	for _, r := range rows {
		switch {
		case scenarios[r.number] || differences[r.number]:
		case r.later != "":
			later[r.later]++
		case slices.Contains(complete, r.section()):
			t.Errorf("row %s (%s) has neither a scenario nor a line in docs/differences.md", r.number, r.title)
		default:
			open = append(open, r.number+" "+r.title)
		}
	}
	t.Logf("%d rows; later: %v; %d without a scenario:\n    %s", len(rows), later, len(open), strings.Join(open, "\n    "))
}

// TestRowNumbers: whoever names a row means one that exists.
func TestRowNumbers(t *testing.T) {
	rows := readRows(t)
	known, at := map[string]bool{}, map[string]int{}
	for _, r := range rows {
		section := r.section()
		at[section]++
		if want := fmt.Sprintf("%s.%d", section, at[section]); r.number != want {
			t.Errorf("rows.txt: got %s, want %s", r.number, want)
		}
		known[r.number] = true
	}
	for number := range readDifferences(t) {
		if !known[number] {
			t.Errorf("docs/differences.md names row %s, which is none", number)
		}
	}
	for number := range played() {
		if !known[number] {
			t.Errorf("a scenario names row %s, which is none", number)
		}
	}
}

// TestDifferences: what a scenario expects to be different is written down.
func TestDifferences(t *testing.T) {
	named := readDifferences(t)
	for _, sc := range scenario.Suite.Scenarios {
		for _, d := range sc.Differs {
			if !named[d.Row] {
				t.Errorf("scenario %q: %q is different by row %s, which docs/differences.md does not name", sc.Name, d.Gannet.Key, d.Row)
			}
		}
	}
}

// TestNames: a scenario is found by its name.
func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for _, sc := range scenario.Suite.Scenarios {
		if seen[sc.Name] {
			t.Errorf("two scenarios are called %q", sc.Name)
		}
		seen[sc.Name] = true
		if len(sc.Rows) == 0 {
			t.Errorf("scenario %q names no rows", sc.Name)
		}
	}
}
