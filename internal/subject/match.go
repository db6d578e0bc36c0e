package subject

// Wildcard reports whether s has a token that is * or >, wherever it stands.
func Wildcard(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c == '*' || c == '>') && (i == 0 || s[i-1] == '.') && (i+1 == len(s) || s[i+1] == '.') {
			return true
		}
	}
	return false
}

// Match reports whether pattern covers the subject literal, in which * and > have no meaning. As in the server, * and >
// are wildcards only as tokens of their own, > only as the last one, and a subject or pattern with an empty token
// matches nothing.
func Match(pattern, literal string) bool {
	if hasEmptyToken(pattern) || hasEmptyToken(literal) {
		return false
	}
	for {
		p, prest, pmore := cut(pattern)
		l, lrest, lmore := cut(literal)
		switch {
		case p == ">" && !pmore:
			return true
		case p != "*" && p != l, pmore != lmore:
			return false
		case !pmore:
			return true
		}
		pattern, literal = prest, lrest
	}
}

// Overlap reports whether some subject is covered by both patterns, in the sense of [Match].
func Overlap(a, b string) bool {
	if hasEmptyToken(a) || hasEmptyToken(b) {
		return false
	}
	for {
		s, arest, amore := cut(a)
		t, brest, bmore := cut(b)
		switch {
		case s == ">" && !amore, t == ">" && !bmore:
			return true
		case s != t && s != "*" && t != "*", amore != bmore:
			return false
		case !amore:
			return true
		}
		a, b = arest, brest
	}
}

// cut takes the first token off s; more tells whether a dot, and so another token, followed.
func cut(s string) (token, rest string, more bool) {
	for i := range len(s) {
		if s[i] == '.' {
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}
