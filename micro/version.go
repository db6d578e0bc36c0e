package micro

import "strings"

// validVersion reports whether s is a version of semver.org 2.0.0: three numbers, then perhaps a pre-release behind a dash and a build behind a plus sign.
func validVersion(s string) bool {
	s, build, hasBuild := strings.Cut(s, "+")
	core, pre, hasPre := strings.Cut(s, "-")
	numbers := strings.Split(core, ".")
	if len(numbers) != 3 || hasBuild && !validIdentifiers(build, false) || hasPre && !validIdentifiers(pre, true) {
		return false
	}
	for _, n := range numbers {
		if !isNumber(n) || leadsWithZero(n) {
			return false
		}
	}
	return true
}

// validIdentifiers checks what stands between dots. In a pre-release numbers have no leading zeros.
func validIdentifiers(s string, pre bool) bool {
	for id := range strings.SplitSeq(s, ".") {
		if !validName(id) || strings.Contains(id, "_") || pre && isNumber(id) && leadsWithZero(id) {
			return false
		}
	}
	return true
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

func leadsWithZero(s string) bool { return len(s) > 1 && s[0] == '0' }
