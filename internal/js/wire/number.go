package wire

// maxDigits is the length of the largest uint64, and maxTenth that number without its last digit, which is 5.
const (
	maxDigits = 20
	maxTenth  = (1<<64 - 1) / 10
)

// cutNumber reads the number that is the first token of s, 1 to 20 digits that fit, and returns what follows its dot.
func cutNumber(s string) (n uint64, rest string, ok bool) {
	for i := range len(s) {
		d := uint64(s[i] - '0')
		switch {
		case s[i] == '.':
			return n, s[i+1:], i > 0
		case d > 9, i == maxDigits, i == maxDigits-1 && (n > maxTenth || n == maxTenth && d > 5):
			return 0, "", false
		}
		n = n*10 + d
	}
	return n, "", s != ""
}

// leadingNumber cuts a number as JSON writes integers off the front of b: no sign, no leading zero, at most 19 digits,
// which always fit.
func leadingNumber(b []byte) (n uint64, rest []byte, ok bool) {
	if len(b) == 0 || b[0] < '1' || b[0] > '9' {
		return 0, nil, false
	}
	for i, c := range b {
		d := uint64(c - '0')
		if d > 9 {
			return n, b[i:], true
		}
		if i == maxDigits-1 {
			return 0, nil, false
		}
		n = n*10 + d
	}
	return n, nil, true
}
