package test

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
)

// TestErrorCodesOfTheServer: every code that has a name is one of the server's, and every error with a code has the status that goes with it.
func TestErrorCodesOfTheServer(t *testing.T) {
	t.Parallel()
	named := regexp.MustCompile(`(?m)^\s*(JSErr\w+)\s+ErrorCode\s+= (\d+)`)
	valued := regexp.MustCompile(`(Err\w+)\s+JetStreamError\s+= &jsError\{.*APIError\{Code: (\d+), ErrorCode: (JSErr\w+)`)
	for _, dir := range []string{"..", "../jetstream"} {
		sources, err := filepath.Glob(filepath.Join(dir, "*.go"))
		must(t, err)
		var text strings.Builder
		for _, file := range sources {
			data, err := os.ReadFile(file)
			must(t, err)
			text.Write(data)
		}
		codes := map[string]server.ErrorIdentifier{}
		for _, m := range named.FindAllStringSubmatch(text.String(), -1) {
			code, err := strconv.Atoi(m[2])
			must(t, err)
			codes[m[1]] = server.ErrorIdentifier(code)
			if server.ApiErrors[server.ErrorIdentifier(code)] == nil && code != 0 {
				t.Errorf("%s: %s: the server has no code %d", dir, m[1], code)
			}
		}
		errs := valued.FindAllStringSubmatch(text.String(), -1)
		if len(codes) < 10 || len(errs) < 10 {
			t.Fatalf("%s: found %d codes and %d errors", dir, len(codes), len(errs))
		}
		for _, m := range errs {
			theirs := server.ApiErrors[codes[m[3]]]
			switch {
			case theirs == nil:
				t.Errorf("%s: %s has a code that the server does not have", dir, m[1])
			case strconv.Itoa(theirs.Code) != m[2] && !(strings.Contains(m[1], "Filter") && m[2] == "500"): // as in nats.go
				t.Errorf("%s: %s is %s, the server's is %d", dir, m[1], m[2], theirs.Code)
			}
		}
	}
}
