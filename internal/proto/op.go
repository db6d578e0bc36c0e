package proto

// Op is a protocol operation of the server.
type Op uint8

const (
	OpNone Op = iota // not complete yet: more bytes are needed
	OpMsg            // MSG or HMSG; the Frame is filled
	OpInfo           // Arg is the JSON text
	OpPing
	OpPong
	OpOK
	OpErr // Arg is the text between the quotes
)

// Bounds of what a server may send, whatever INFO says. A message of MaxPayload may have a header block of MaxHeader besides.
const (
	MaxPayload     = 64 << 20 // bytes of payload in one message
	MaxHeader      = 1 << 20  // bytes of a header block
	MaxControlLine = 64 << 10 // a line other than INFO, with its end
	MaxInfo        = 1 << 20  // an INFO line with its end
)

// verbs are the operations as they are spelt, in upper case. No one begins with another.
var verbs = [...]struct {
	name string
	op   Op
	hdr  bool
}{
	{"MSG", OpMsg, false},
	{"HMSG", OpMsg, true},
	{"PING", OpPing, false},
	{"PONG", OpPong, false},
	{"+OK", OpOK, false},
	{"-ERR", OpErr, false},
	{"INFO", OpInfo, false},
}

// verb finds the operation that b begins with. Partial says that b is too short to tell: it is the beginning of one.
// Otherwise OpNone means that b begins with none.
func verb(b []byte) (op Op, hdr bool, length int, partial bool) {
	for i := range verbs {
		v := &verbs[i]
		n := min(len(b), len(v.name))
		if !hasFold(b, v.name[:n]) {
			continue
		}
		if n < len(v.name) {
			partial = true
			continue
		}
		if n < len(b) && b[n] != ' ' && b[n] != '\r' && b[n] != '\n' && b[n] != '\t' {
			return OpNone, false, 0, false
		}
		return v.op, v.hdr, n, false
	}
	return OpNone, false, 0, partial
}

// hasFold reports whether b, which is long enough, begins with upper in any case.
func hasFold(b []byte, upper string) bool {
	for i := range len(upper) {
		c := b[i]
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		if c != upper[i] {
			return false
		}
	}
	return true
}
