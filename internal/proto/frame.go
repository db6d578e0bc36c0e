package proto

// Frame is one message as it came. Its slices are borrowed from the parser's input and die with the next call; none has
// room behind it, so appending to one copies. The zero Frame is a message without anything.
type Frame struct {
	SID     uint64
	Subject []byte
	Reply   []byte // empty: none
	Header  []byte // the raw block with its version line; empty: none
	Data    []byte

	// Owned says that Data is a buffer of its own that whoever takes the frame may keep instead of copying. Header and
	// Data may share it. Only Finish sets it.
	Owned bool
	// Body is, of an Owned frame, that buffer as a whole, for who wants to use it again. Else it means nothing.
	Body []byte

	names *names // of the parser that filled the frame; nil in a frame made by hand
	line  uint32 // Parser.lines when SID and Subject were set
}

// Line is a number that two messages of one parser, with others of the same SID or none between them, share only if they have the subject in
// common; 0 in a frame made by hand.
func (f *Frame) Line() uint32 { return f.line }

// SubjectString returns Subject as a string. Frames of one subscription with the same subject get the same string without
// an allocation, as long as no other subject or subscription took its place in the parser's small table. Call it
// before the next call of the parser, from the parser's goroutine.
func (f *Frame) SubjectString() string {
	if f.names == nil || len(f.Subject) > maxName {
		return string(f.Subject)
	}
	known := &f.names[f.SID%uint64(len(f.names))]
	if *known != string(f.Subject) { // compares without an allocation
		*known = string(f.Subject)
	}
	return *known
}

// names remembers the last subject of each SID, modulo its length. It is a cache only: an entry is compared before use.
// One entry, for the last subject only, costs an allocation per message as soon as two subscriptions take turns.
type names [32]string

// maxName bounds the subjects that names keeps.
const maxName = 512

// fill sets f from the message at hand, its line and its body. Each slice is a pointer that the collector wants to hear of while it marks, and
// where messages come that is often; so what f has already is not set again.
func (p *Parser) fill(f *Frame, line, body []byte) {
	m := &p.msg
	if f.line != p.lines || f.names != &p.names {
		f.line, f.names = p.lines, &p.names
		start := line
		if len(p.prefix) > 0 {
			start = p.prefix // which lives as long as lines begin like this
		}
		f.SID, f.Subject = m.sid, start[m.subject:m.subjectEnd:m.subjectEnd]
	}
	if m.reply != m.replyEnd {
		f.Reply = line[m.reply:m.replyEnd:m.replyEnd]
	} else if f.Reply != nil {
		f.Reply = nil
	}
	if m.header > 0 {
		f.Header = body[:m.header:m.header]
	} else if f.Header != nil {
		f.Header = nil
	}
	f.Data = body[m.header:m.size:m.size]
}
