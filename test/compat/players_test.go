package compat

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// players are the APIs that rows.txt names, and what code must call, or name, to play them.
var players = map[string]*regexp.Regexp{
	"core": regexp.MustCompile(`^\(\*nats\.(Conn|Subscription)\)|^nats\.(Connect|Err\w+)$`),

	"old": regexp.MustCompile(`^\(nats\.\w+\)|^nats\.APIError$` +
		`|^\(\*nats\.Subscription\)\.(Fetch|FetchBatch|ConsumerInfo|InitialConsumerPending)$` +
		`|^\(\*nats\.Msg\)\.(Ack|AckSync|Nak|NakWithDelay|InProgress|Term|Metadata)$`),
	"old-sync":    regexp.MustCompile(`^\(nats\.JetStream\)\.Publish(Msg)?$`),
	"old-async":   regexp.MustCompile(`^\(nats\.JetStream\)\.Publish(Msg)?Async$`),
	"old-fetch":   regexp.MustCompile(`^\(\*nats\.Subscription\)\.Fetch$`),
	"old-batch":   regexp.MustCompile(`^\(\*nats\.Subscription\)\.FetchBatch$`),
	"old-push":    regexp.MustCompile(`^\(nats\.JetStream\)\.(Chan)?(Queue)?Subscribe(Sync)?$`),
	"old-ordered": regexp.MustCompile(`^nats\.OrderedConsumer$`),

	"new":         regexp.MustCompile(`^\(\*?jetstream\.\w+\)|^jetstream\.(APIError|Err\w+)$`),
	"new-sync":    regexp.MustCompile(`^\(jetstream\.\w+\)\.Publish(Msg)?$`),
	"new-async":   regexp.MustCompile(`^\(jetstream\.\w+\)\.Publish(Msg)?Async$`),
	"fetch":       regexp.MustCompile(`^\(jetstream\.Consumer\)\.(Fetch|FetchBytes|Next)$`),
	"no-wait":     regexp.MustCompile(`^\(jetstream\.Consumer\)\.FetchNoWait$`),
	"consume":     regexp.MustCompile(`^\(jetstream\.Consumer\)\.Consume$`),
	"messages":    regexp.MustCompile(`^\(jetstream\.Consumer\)\.Messages$`),
	"new-push":    regexp.MustCompile(`^\(jetstream\.PushConsumer\)\.Consume$`),
	"new-ordered": regexp.MustCompile(`^\(jetstream\.\w+\)\.OrderedConsumer$`),

	"micro": regexp.MustCompile(`^\(?\*?micro\.`),
	"none":  regexp.MustCompile(`^$`),
}

// lookUps play nothing: scenarios of either API look up streams and consumers in this way.
var lookUps = regexp.MustCompile(`^\(jetstream\.\w+\)\.(Stream|Consumer)$`)

// stageCode is the code of the scenarios: for each function and variable of the package what it names, of this package and of
// the library.
type stageCode struct {
	pkg   *types.Package
	info  *types.Info
	names map[types.Object]map[types.Object]bool
	runs  map[string]ast.Expr // Run, by the name of the scenario
	// interfaces are those of the package.
	interfaces []*types.Interface
}

// readCode type-checks the scenarios against the packages that were compiled for this test.
func readCode(t *testing.T) *stageCode {
	t.Helper()
	fset := token.NewFileSet()
	parsed, err := filepath.Glob(filepath.Join(SourceDir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, path := range parsed {
		f, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	conf := types.Config{Importer: importer.ForCompiler(fset, "gc", compiled(t))}
	c := &stageCode{
		info:  &types.Info{Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}},
		names: map[types.Object]map[types.Object]bool{}, runs: map[string]ast.Expr{},
	}
	if c.pkg, err = conf.Check("scenario", fset, files, c.info); err != nil {
		t.Fatal(err)
	}
	for _, name := range c.pkg.Scope().Names() {
		o, isType := c.pkg.Scope().Lookup(name).(*types.TypeName)
		if !isType {
			continue
		}
		if i, ok := o.Type().Underlying().(*types.Interface); ok {
			c.interfaces = append(c.interfaces, i)
		}
	}
	for _, f := range files {
		for _, d := range f.Decls {
			c.readDecl(d)
		}
	}
	return c
}

// compiled finds the export data of the packages that the scenarios import.
func compiled(t *testing.T) func(path string) (io.ReadCloser, error) {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command("go", "list", "-export", "-deps", "-f", "{{.ImportPath}}={{.Export}}", "./"+SourceDir)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.Bytes())
	}
	at := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "=")
		at[path] = file
	}
	return func(path string) (io.ReadCloser, error) {
		if at[path] == "" {
			return nil, fmt.Errorf("no export data of %s", path)
		}
		return os.Open(at[path])
	}
}

func (c *stageCode) readDecl(d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		c.names[c.info.Defs[d.Name]] = c.named(d)
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			v, ok := spec.(*ast.ValueSpec)
			if !ok {
				continue
			}
			for _, name := range v.Names {
				c.names[c.info.Defs[name]] = c.named(v)
			}
			c.readScenarios(v)
		}
	}
}

// readScenarios finds composite literals with a Name and a Run.
func (c *stageCode) readScenarios(v *ast.ValueSpec) {
	ast.Inspect(v, func(n ast.Node) bool {
		lit, ok := n.(*ast.CompositeLit)
		if !ok {
			return true
		}
		name, run := "", ast.Expr(nil)
		for _, e := range lit.Elts {
			kv, ok := e.(*ast.KeyValueExpr)
			if !ok {
				return true
			}
			switch key := kv.Key.(*ast.Ident); key.Name {
			case "Name":
				if text, ok := kv.Value.(*ast.BasicLit); ok {
					name = strings.Trim(text.Value, `"`)
				}
			case "Run":
				run = kv.Value
			}
		}
		if run != nil {
			c.runs[name] = run
		}
		return true
	})
}

// named is what a piece of code names. Whoever names a type that stands behind an interface of this package may call its methods.
func (c *stageCode) named(n ast.Node) map[types.Object]bool {
	found := map[types.Object]bool{}
	ast.Inspect(n, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		if !ok || c.info.Uses[id] == nil {
			return true
		}
		o := c.info.Uses[id]
		found[o] = true
		if name, ok := o.(*types.TypeName); ok && o.Pkg() == c.pkg && c.behindInterface(name.Type()) {
			for m := range name.Type().(*types.Named).Methods() {
				found[m] = true
			}
		}
		return true
	})
	return found
}

func (c *stageCode) behindInterface(t types.Type) bool {
	return !types.IsInterface(t) && slices.ContainsFunc(c.interfaces, func(i *types.Interface) bool { return types.Implements(types.NewPointer(t), i) })
}

// calls are the names in the library that a scenario's code reaches.
func (c *stageCode) calls(scenario string) map[string]bool {
	found, seen := map[string]bool{}, map[types.Object]bool{}
	var visit func(map[types.Object]bool)
	visit = func(names map[types.Object]bool) {
		for o := range names {
			if !seen[o] {
				seen[o] = true
				if name := libraryName(o); name != "" && !lookUps.MatchString(name) {
					found[name] = true
				}
				visit(c.names[o])
			}
		}
	}
	if run := c.runs[scenario]; run != nil {
		visit(c.named(run))
	}
	return found
}

// libraryName is "nats.Connect", "(*nats.Conn).Flush", "(jetstream.Msg).Ack", or "" of anything else.
func libraryName(o types.Object) string {
	const module = "github.com/gannet-io/nats"
	if o.Pkg() == nil || !strings.HasPrefix(o.Pkg().Path(), module) || strings.HasPrefix(o.Pkg().Path(), module+"/test/") {
		return ""
	}
	name := o.Pkg().Path() + "." + o.Name()
	if f, ok := o.(*types.Func); ok {
		name = f.FullName()
	}
	return strings.ReplaceAll(strings.ReplaceAll(name, module+"/", ""), module+".", "nats.")
}

// playedBy returns which players each scenario can be.
func playedBy(t *testing.T) func(scenario, player string) bool {
	t.Helper()
	c := readCode(t)
	cache := map[string]map[string]bool{}
	return func(scenario, player string) bool {
		if cache[scenario] == nil {
			cache[scenario] = c.calls(scenario)
		}
		for name := range cache[scenario] {
			if players[player].MatchString(name) {
				return true
			}
		}
		return false
	}
}
