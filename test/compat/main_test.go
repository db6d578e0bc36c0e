package compat

import (
	"flag"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/gannet-io/nats/test/compat/stage"
	"go.uber.org/goleak"
)

// parallel is as good as no limit: scenarios mostly wait, and seats limit how many play at once.
const parallel = "1000"

var record = flag.Bool("record", false, "write testdata/natsgo.txt")

func TestMain(m *testing.M) {
	flag.Parse()
	if !given("test.parallel") {
		if err := flag.Set("test.parallel", parallel); err != nil {
			panic(err)
		}
	}
	net.DefaultResolver = stage.Names()
	code := m.Run()
	if err := leaked(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

func given(name string) bool {
	found := false
	flag.Visit(func(f *flag.Flag) { found = found || f.Name == name })
	return found
}

// leaked looks for goroutines that gannet has left behind. Those of nats.go are none of its business.
func leaked() error {
	err := goleak.Find()
	if err == nil {
		return nil
	}
	var ours []string
	for _, stack := range strings.Split(err.Error(), "Goroutine ") {
		if strings.Contains(stack, "github.com/gannet-io/nats") && !strings.Contains(stack, "github.com/nats-io/nats.go") {
			ours = append(ours, stack)
		}
	}
	if len(ours) == 0 {
		return nil
	}
	return fmt.Errorf("%d goroutines left behind:\n%s", len(ours), strings.Join(ours, "\n\n"))
}
