package proto

// AppendPairs writes a header block of keys and values, in turn and in the order given, like [AppendHeader]. It is for headers that
// the library itself makes: the keys must be valid, and a key without a value is left out.
func AppendPairs(dst []byte, pairs ...string) []byte {
	dst = appendVersion(dst)
	for i := 0; i+1 < len(pairs); i += 2 {
		dst = appendField(dst, pairs[i], pairs[i+1])
	}
	return append(dst, "\r\n"...)
}
