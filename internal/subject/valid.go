package subject

// ValidPublish reports whether s may stand in PUB and HPUB as it is: it is not empty and has no space, tab, CR or LF.
// Empty tokens and wildcards are the server's business.
func ValidPublish(s string) bool { return s != "" && oneWord(s) }

// ValidReply is ValidPublish, except that an empty reply is fine: it means no reply subject.
func ValidReply(s string) bool { return oneWord(s) }

// ValidSubscribe reports whether s is valid for publishing and has no empty token, so that no dot leads, trails, or
// follows another.
func ValidSubscribe(s string) bool { return !hasEmptyToken(s) && oneWord(s) }

// ValidQueue reports whether s has no space, tab, CR or LF. Empty is fine: it means no queue group.
func ValidQueue(s string) bool { return oneWord(s) }

// ValidName reports whether s can name a stream or a consumer. Such a name becomes one token of an API subject, so it
// must not be empty, a wildcard character, a dot, a slash or a backslash must not be in it, nor white space, nor any other
// control character (NUL, DEL and so on). Bytes of 0x80 and more are fine.
func ValidName(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c <= ' ', c == 0x7f, c == '>', c == '*', c == '.', c == '/', c == '\\':
			return false
		}
	}
	return s != ""
}

// Every publish pays for oneWord, so it looks at eight bytes at a time; a loop over bytes takes about three times as long.
const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// low tells, with a high bit, which of the eight bytes of x are below 0x21. Bits above the lowest one that is set may be wrong.
func low(x uint64) uint64 { return (x - 0x21*ones) &^ x & highs }

func load(s string, i int) uint64 {
	s = s[i : i+8]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// oneWord reports whether s is free of the bytes that separate or end protocol fields.
func oneWord(s string) bool {
	if len(s) < 8 {
		return noSpace(s)
	}
	for i := 0; i+8 < len(s); i += 8 {
		if low(load(s, i)) != 0 {
			return noSpace(s[i:])
		}
	}
	last := len(s) - 8 // overlaps what was seen already unless the length is a multiple of eight
	return low(load(s, last)) == 0 || noSpace(s[last:])
}

// noSpace is oneWord byte by byte. Control characters other than these four are allowed, as the server does.
func noSpace(s string) bool {
	for i := range len(s) {
		switch s[i] {
		case ' ', '\t', '\r', '\n':
			return false
		}
	}
	return true
}

// hasEmptyToken reports whether s is empty or a dot leads, trails, or follows another.
func hasEmptyToken(s string) bool {
	before := byte('.')
	for i := range len(s) {
		c := s[i]
		if c == '.' && before == '.' {
			return true
		}
		before = c
	}
	return before == '.'
}
