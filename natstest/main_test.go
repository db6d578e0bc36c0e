package natstest

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// parentEnv makes the test binary a program that starts a server process, with its store in the directory that the variable
// names, and waits to be killed.
const parentEnv = "NATSTEST_TEST_PARENT"

func TestMain(m *testing.M) {
	if dir := os.Getenv(parentEnv); dir != "" {
		parent(dir)
		return
	}
	code := m.Run()
	if code == 0 {
		if left := leaked(5 * time.Second); left != "" {
			fmt.Fprintf(os.Stderr, "goroutines left after all tests:\n\n%s\n", left)
			code = 1
		}
	}
	os.Exit(code)
}

// leaked returns the stacks of goroutines that are still there after patience, without this one and the runtime's own.
func leaked(patience time.Duration) string {
	var left string
	gone := poll(patience, func() bool { left = goroutines(); return left == "" })
	if gone {
		return ""
	}
	return left
}

func goroutines() string {
	buf := make([]byte, 1<<20)
	all := strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n")
	var left []string
	for _, g := range all[1:] { // the first is the caller
		if !strings.Contains(g, "os/signal.loop") && !strings.Contains(g, "testing.(*M).") {
			left = append(left, g)
		}
	}
	return strings.Join(left, "\n\n")
}

// parent starts a server process, tells where it is, and never ends by itself.
func parent(dir string) {
	s, err := Start(AsProcess(), WithStoreDir(dir))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(s.PID(), s.Addr())
	select {}
}
