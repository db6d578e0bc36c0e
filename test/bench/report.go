package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

var heads = []string{"scenario", theirs, ours, "CPU ratio", "must", "aim", "allocs", "also", "ok"}

// row is the cells of one result.
func row(r Result) []string {
	them, us := r.Sides[theirs], r.Sides[ours]
	cells := []string{r.Scenario, cpuCell(them), cpuCell(us), number(r.CPURatio), number(r.Must), number(r.Aim), "", "", verdict(r)}
	cells[6] = fmt.Sprintf("%.4g → %.4g", round(them.Allocs), round(us.Allocs))
	var also []string
	for _, c := range r.Checks {
		if c.Name == "allocs" {
			cells[6] += fmt.Sprintf(" ≤ %.4g", c.Limit)
		}
		if c.text != "" {
			also = append(also, c.text)
		}
	}
	if bare := r.Sides[floor]; bare.CPU > 0 {
		also = append(also, bareCell(bare, them))
	}
	for _, name := range []string{theirs, ours, floor} {
		if err := r.Sides[name].Err; err != "" {
			also = append(also, name+": "+err)
		}
	}
	cells[7] = strings.ReplaceAll(strings.Join(also, "; "), "\n", " ")
	return cells
}

// bareCell is what a client without a library needs, its ratio to nats.go's CPU time, and its p99 where latency was taken.
func bareCell(bare, them Side) string {
	text := "without a library " + duration(bare.CPU)
	if them.CPU > 0 {
		text += " = " + number(bare.CPU/them.CPU)
	}
	if bare.P99 > 0 {
		text += ", p99 " + duration(bare.P99)
	}
	return text
}

func cpuCell(s Side) string {
	if s.Err != "" {
		return "failed"
	}
	if s.CPU == 0 {
		return "-"
	}
	return duration(s.CPU)
}

func number(v float64) string {
	if v == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", v)
}

// round drops what warm-up and scheduling allocate.
func round(v float64) float64 { return float64(int(v*100+0.5)) / 100 }

// verdict is "aim" or "must", whichever is reached, or what is missed.
func verdict(r Result) string {
	if !r.OK {
		missed := []string{}
		for _, c := range r.Checks {
			if !c.OK {
				missed = append(missed, c.Name)
			}
		}
		if len(missed) == 0 {
			return "failed"
		}
		return "NO: " + strings.Join(missed, ", ")
	}
	switch {
	case r.Aim > 0 && r.CPURatio > 0 && r.CPURatio <= r.Aim:
		return "aim"
	case r.CPURatio > 0:
		return "must"
	}
	return ""
}

// table prints for a terminal.
func table(w io.Writer, about string, results []Result) error {
	rows := [][]string{heads}
	for _, r := range results {
		rows = append(rows, row(r))
	}
	width := make([]int, len(heads))
	for _, cells := range rows {
		for i, c := range cells {
			width[i] = max(width[i], utf8.RuneCountInString(c))
		}
	}
	b := &strings.Builder{}
	fmt.Fprintf(b, "%s\n\n", about)
	for _, cells := range rows {
		// The verdict comes before the column of remarks, which may be long.
		for _, i := range []int{0, 1, 2, 3, 4, 5, 6, 8, 7} {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cells[i]))
			if i >= 1 && i <= 5 {
				b.WriteString(pad + cells[i] + "  ")
			} else {
				b.WriteString(cells[i] + pad + "  ")
			}
		}
		b.WriteString("\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// markdown prints a table for a document.
func markdown(w io.Writer, about string, results []Result) error {
	b := &strings.Builder{}
	fmt.Fprintf(b, "%s\n\n| %s |\n|---|--:|--:|--:|--:|--:|---|---|---|\n", about, strings.Join(heads, " | "))
	for _, r := range results {
		cells := row(r)
		for i := range cells {
			cells[i] = strings.ReplaceAll(cells[i], "|", `\|`)
		}
		fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// asJSON prints everything, single runs included.
func asJSON(w io.Writer, about string, results []Result) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(struct {
		About   string   `json:"about"`
		Results []Result `json:"results"`
	}{about, results})
}
