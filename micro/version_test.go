package micro

import (
	"regexp"
	"testing"
)

// semver is the expression of semver.org.
var semver = regexp.MustCompile(`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?$`)

func FuzzValidVersion(f *testing.F) {
	for _, s := range []string{"", "1.0.0", "1.0", "v1.0.0", "01.0.0", "1.0.0-01", "1.0.0-0a", "1.0.0-rc.1+b.01", "1.0.0+", "1.0.0-", "1.0.0--", "1.0.0+a+b", "1.0.0-a_b", "1.0.0\n", "-1.0.0", "+1.0.0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > maxName {
			return
		}
		if got, want := validVersion(s), semver.MatchString(s); got != want {
			t.Errorf("validVersion(%q) = %v, want %v", s, got, want)
		}
	})
}
