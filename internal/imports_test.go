package internal

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/gannet-io/nats"

// allowed says which of our own packages each package may import; a package that is missing here is an error.
var allowed = map[string][]string{
	"":                    {"internal/bridge", "internal/engine", "internal/js/...", "internal/kv", "internal/obj", "internal/mono", "internal/natserr", "internal/pool", "internal/proto", "internal/roll", "internal/session", "internal/subject", "internal/transport"},
	"jetstream":           {"", "internal/bridge", "internal/engine", "internal/js/...", "internal/kv", "internal/obj", "internal/mono", "internal/natserr", "internal/proto", "internal/roll", "internal/subject"},
	"micro":               {"", "internal/bridge", "internal/engine", "internal/mono", "internal/natserr", "internal/proto", "internal/subject"},
	"internal/bridge":     {"internal/engine"},
	"internal/engine":     {"internal/mono", "internal/natserr", "internal/outbox", "internal/pool", "internal/proto", "internal/session", "internal/subject", "internal/transport"},
	"internal/js/api":     {"internal/engine", "internal/js/wire", "internal/mono", "internal/natserr"},
	"internal/js/ingest":  {"internal/js/wire", "internal/mono"},
	"internal/js/ordered": {"internal/js/wire", "internal/mono"},
	"internal/js/pubwin":  {"internal/js/wire", "internal/mono"},
	"internal/js/pull":    {"internal/js/wire", "internal/mono"},
	"internal/js/push":    {"internal/js/ordered", "internal/js/wire", "internal/mono"},
	"internal/js/run":     {"internal/engine", "internal/js/...", "internal/mono", "internal/natserr", "internal/proto", "internal/session"},
	"internal/js/wire":    {"internal/proto", "internal/subject"},
	"internal/kv":         {"internal/engine", "internal/js/...", "internal/mono", "internal/natserr", "internal/proto", "internal/roll", "internal/session", "internal/subject"},
	"internal/mono":       nil,
	"internal/natserr":    nil,
	"internal/obj":        {"internal/engine", "internal/js/...", "internal/mono", "internal/natserr", "internal/proto", "internal/session", "internal/subject"},
	"internal/outbox":     {"internal/mono", "internal/natserr", "internal/proto"},
	"internal/pool":       {"internal/natserr"},
	"internal/proto":      {"internal/natserr"},
	"internal/roll":       nil,
	"internal/session":    {"internal/mono", "internal/natserr", "internal/pool"},
	"internal/subject":    nil,
	"internal/transport":  {"internal/natserr"},
}

// pure packages decide: no clock, goroutine, channel, lock or I/O. They may import each other and pureStd only.
var (
	pure    = []string{"internal/js/ingest", "internal/js/ordered", "internal/js/pubwin", "internal/js/push", "internal/js/pull", "internal/js/wire", "internal/mono", "internal/natserr", "internal/pool", "internal/proto", "internal/roll", "internal/session", "internal/subject"}
	pureStd = []string{"bytes", "cmp", "encoding/base64", "encoding/binary", "encoding/json", "errors", "fmt", "maps", "math", "math/bits", "net/netip", "net/url", "slices", "sort", "strconv", "strings", "time", "unicode/utf8", "unsafe"}
	// readsClock are functions of package time that a pure package may not call; internal/mono alone may call Now.
	readsClock = []string{"Now", "Since", "Until", "After", "AfterFunc", "NewTimer", "NewTicker", "Sleep", "Tick"}
)

func TestRules(t *testing.T) {
	for _, v := range check(readTree(t)) {
		t.Error(v)
	}
}

// TestRulesCatch feeds each kind of violation to the rules: a guard that cannot fail guards nothing.
func TestRulesCatch(t *testing.T) {
	for name, src := range map[string]struct{ pkg, text string }{
		"unknown package":  {"internal/extra", `package extra`},
		"forbidden import": {"internal/proto", `package proto; import _ "` + module + `/internal/engine"`},
		"upward import":    {"internal/kv", `package kv; import _ "` + module + `"`},
		"network":          {"internal/js/pull", `package pull; import _ "net/http"`},
		"lock":             {"internal/js/pull", `package pull; import _ "sync"`},
		"atomic":           {"internal/session", `package session; import _ "sync/atomic"`},
		"randomness":       {"internal/pool", `package pool; import _ "math/rand/v2"`},
		"clock":            {"internal/js/pull", `package pull; import "time"; var _ = time.Now()`},
		"timer":            {"internal/js/pull", `package pull; import clock "time"; var _ = clock.After(1)`},
		"goroutine":        {"internal/js/pull", `package pull; func f() { go f() }`},
		"channel":          {"internal/js/pull", `package pull; type t struct{ c chan int }`},
	} {
		t.Run(name, func(t *testing.T) {
			if v := check(map[string]map[string]string{src.pkg: {"x.go": src.text}}); len(v) == 0 {
				t.Errorf("not caught: %s in %s", src.text, src.pkg)
			}
		})
	}
}

// check returns one line for each violation in tree: package path in the module -> file name -> source.
func check(tree map[string]map[string]string) (violations []string) {
	report := func(format string, args ...any) { violations = append(violations, fmt.Sprintf(format, args...)) }
	for _, pkg := range slices.Sorted(maps.Keys(tree)) {
		rule, known := allowed[pkg]
		if !known {
			report("package %q has no line in allowed", pkg)
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(tree[pkg])) {
			file, err := parser.ParseFile(token.NewFileSet(), name, tree[pkg][name], 0)
			if err != nil {
				report("%s/%s: %v", pkg, name, err)
				continue
			}
			clock := ""
			for _, spec := range file.Imports {
				path, _ := strconv.Unquote(spec.Path.Value)
				own, isOwn := strings.CutPrefix(path, module)
				own = strings.TrimPrefix(own, "/")
				switch {
				case isOwn && !permits(rule, own):
					report("%s/%s imports %s: not on its list", pkg, name, path)
				case slices.Contains(pure, pkg) && !(isOwn && slices.Contains(pure, own)) && !slices.Contains(pureStd, path):
					report("%s/%s is pure, but imports %s", pkg, name, path)
				}
				if path == "time" {
					if clock = "time"; spec.Name != nil {
						clock = spec.Name.Name
					}
				}
			}
			if slices.Contains(pure, pkg) {
				for _, what := range impurities(file, clock, pkg == "internal/mono") {
					report("%s/%s is pure, but has %s", pkg, name, what)
				}
			}
		}
	}
	return violations
}

// impurities names goroutines, channels and clock readings in file; clock is the name that package time has there.
func impurities(file *ast.File, clock string, mayReadNow bool) (found []string) {
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			found = append(found, "a go statement")
		case *ast.ChanType:
			found = append(found, "a channel")
		case *ast.SelectStmt:
			found = append(found, "a select")
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && clock != "" && x.Name == clock && slices.Contains(readsClock, n.Sel.Name) &&
				!(mayReadNow && (n.Sel.Name == "Now" || n.Sel.Name == "Since")) {
				found = append(found, "time."+n.Sel.Name)
			}
		}
		return true
	})
	return found
}

func permits(rule []string, own string) bool {
	return slices.ContainsFunc(rule, func(r string) bool {
		prefix, tree := strings.CutSuffix(r, "...")
		return r == own || tree && strings.HasPrefix(own, prefix)
	})
}

// readTree reads the root module's non-test files. It opens them itself, so that go test's cache knows of them.
func readTree(t *testing.T) map[string]map[string]string {
	t.Helper()
	tree := make(map[string]map[string]string)
	root := ".."
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil && path != root || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && path != root {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		pkg := strings.TrimPrefix(filepath.ToSlash(rel), ".")
		if tree[pkg] == nil {
			tree[pkg] = make(map[string]string)
		}
		tree[pkg][filepath.Base(path)] = string(src)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}
