package compat

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gannet-io/nats/test/compat/scenario"
)

const differencesFile = "../../docs/differences.md"

// row is a line of rows.txt.
type row struct {
	number, title string
	players       []string
}

func (r row) section() string { section, _, _ := strings.Cut(r.number, "."); return section }

var rowLine = regexp.MustCompile(`^(\d+\.\d+) +\[([a-z -]+)\] (.+)$`)

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
		if m == nil {
			t.Fatalf("rows.txt: cannot read %q", line)
		}
		r := row{number: m[1], players: strings.Fields(m[2]), title: m[3]}
		for _, p := range r.players {
			if players[p] == nil {
				t.Fatalf("rows.txt: row %s has the API %q, which is none", r.number, p)
			}
		}
		rows = append(rows, r)
	}
	return rows
}

// pair is a row with an API that has it.
type pair struct{ row, player string }

func (p pair) String() string { return p.row + " " + p.player }

var rowNumber = regexp.MustCompile(`\d+\.\d+`)

// readDifferences returns the rows that docs/differences.md names, each with the APIs that the heading of its table names; nil means
// all.
func readDifferences(t *testing.T) map[string][]*regexp.Regexp {
	t.Helper()
	text, err := os.ReadFile(differencesFile)
	if err != nil {
		t.Fatal(err)
	}
	named := map[string][]*regexp.Regexp{}
	var of *regexp.Regexp
	for line := range strings.Lines(string(text)) {
		switch {
		case !strings.HasPrefix(line, "## "):
		case strings.Contains(line, "in package jetstream"):
			of = regexp.MustCompile(`^(core|new.*|fetch|no-wait|consume|messages)$`)
		case strings.Contains(line, "in package nats"):
			of = regexp.MustCompile(`^(core|old.*)$`)
		default:
			of = regexp.MustCompile(``)
		}
		cells := strings.Split(line, "|")
		if len(cells) < 3 {
			continue
		}
		for _, number := range rowNumber.FindAllString(cells[1], -1) {
			named[number] = append(named[number], of)
		}
	}
	return named
}

// claim is an entry of a scenario's Rows: a number, and the APIs of that row that the scenario plays. Without any it plays all of
// them that its code calls.
type claim struct {
	scenario, row string
	players       []string
}

func claims() (all []claim) {
	for _, sc := range scenario.Suite.Scenarios {
		for _, text := range sc.Rows {
			fields := strings.Fields(text)
			all = append(all, claim{scenario: sc.Name, row: fields[0], players: fields[1:]})
		}
	}
	return all
}

// played returns which pairs have a scenario. Claims that cannot be true fail the test.
func played(t *testing.T, rows []row) map[pair]bool {
	t.Helper()
	have := map[string][]string{}
	for _, r := range rows {
		have[r.number] = r.players
	}
	plays := playedBy(t)
	pairs := map[pair]bool{}
	for _, c := range claims() {
		found := 0
		for _, p := range have[c.row] {
			if len(c.players) > 0 && !slices.Contains(c.players, p) {
				continue
			}
			if plays(c.scenario, p) {
				pairs[pair{c.row, p}] = true
				found++
			}
		}
		if found == 0 || found < len(c.players) {
			t.Errorf("scenario %q claims row %s %v, but plays %d of them: the row has %v", c.scenario, c.row, c.players, found, have[c.row])
		}
	}
	return pairs
}

// TestRows: every behaviour has a scenario in each API that has it, or is a difference.
func TestRows(t *testing.T) {
	rows := readRows(t)
	differences, scenarios := readDifferences(t), played(t, rows)
	pairs := 0
	var told []string // by docs/differences.md only
	for _, r := range rows {
		for _, p := range r.players {
			pairs++
			switch {
			case scenarios[pair{r.number, p}]:
			case slices.ContainsFunc(differences[r.number], func(of *regexp.Regexp) bool { return of.MatchString(p) }):
				told = append(told, pair{r.number, p}.String())
			default:
				t.Errorf("row %s (%s) has neither a scenario of %s nor a line in docs/differences.md", r.number, r.title, p)
			}
		}
	}
	t.Logf("%d rows, %d with their APIs, %d of these played; only told by docs/differences.md: %s", len(rows), pairs, len(scenarios), strings.Join(told, ", "))
}

// TestPlayers: what tells who plays works.
func TestPlayers(t *testing.T) {
	plays := playedBy(t)
	for _, tc := range []struct {
		scenario string
		want     string
	}{
		{"consume, stop after", "consume core messages new"},
		{"old fetch, messages", "core old old-batch old-fetch"},
		{"requests while reconnecting", "core"},
		{"services, endpoints", "core micro"},
	} {
		var got []string
		for _, p := range slices.Sorted(maps.Keys(players)) {
			if plays(tc.scenario, p) {
				got = append(got, p)
			}
		}
		if strings.Join(got, " ") != tc.want {
			t.Errorf("%s: got %v, want %s", tc.scenario, got, tc.want)
		}
	}
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
	for _, c := range claims() {
		if !known[c.row] {
			t.Errorf("scenario %q names row %s, which is none", c.scenario, c.row)
		}
	}
}

// TestDifferences: what a scenario expects to be different is written down.
func TestDifferences(t *testing.T) {
	named := readDifferences(t)
	for _, sc := range scenario.Suite.Scenarios {
		for _, d := range sc.Differs {
			if named[d.Row] == nil {
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
