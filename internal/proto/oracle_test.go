package proto

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// result is what one call of Next says, in values that can be compared.
type result struct {
	n, need                      int
	op                           Op
	sid                          uint64
	subject, reply, header, data string
	arg                          string
	failed                       bool
}

func (r result) String() string {
	return fmt.Sprintf("n %d need %d op %d sid %d subject %.40q reply %.40q header %.40q data %.40q arg %.40q failed %v",
		r.n, r.need, r.op, r.sid, r.subject, r.reply, r.header, r.data, r.arg, r.failed)
}

// reading is a parser with one frame for all that it reads, as readers have it.
type reading struct {
	Parser
	frame Frame
}

// step calls Next and writes down what it says.
func (p *reading) step(b []byte) result {
	n, op, err := p.Next(b, &p.frame)
	r := result{n: n, op: op, need: p.Need(), failed: err != nil}
	switch op {
	case OpMsg:
		r.message(&p.frame)
	case OpInfo, OpErr:
		r.arg = string(p.Arg())
	}
	return r
}

func (r *result) message(f *Frame) {
	r.sid, r.subject, r.reply = f.SID, f.SubjectString(), string(f.Reply)
	r.header, r.data = string(f.Header), string(f.Data)
	if r.subject != string(f.Subject) {
		r.subject = "SubjectString differs: " + r.subject
	}
}

// oracle is Next written for clarity: it splits lines with the standard library and remembers nothing.
func oracle(b string) result {
	bad := result{failed: true}
	end := strings.IndexAny(b, " \t\r\n")
	word, whole := b, end >= 0
	if whole {
		word = b[:end]
	}
	word = strings.ToUpper(word)
	all := []string{"INFO", "MSG", "HMSG", "PING", "PONG", "+OK", "-ERR"}
	switch {
	case !whole && slices.ContainsFunc(all, func(v string) bool { return strings.HasPrefix(v, word) }):
		return result{}
	case !whole || !slices.Contains(all, word):
		return bad
	}
	bound := MaxControlLine
	if word == "INFO" {
		bound = MaxInfo
	}
	lf := strings.Index(b, "\n")
	if lf < 0 && len(b) < bound {
		return result{}
	}
	if lf < 0 || lf >= bound {
		return bad
	}
	args := strings.TrimSuffix(b[:lf], "\r")[len(word):]
	text := strings.Trim(args, " \t")
	switch word {
	case "PING", "PONG", "+OK":
		if text != "" {
			return bad
		}
		return result{n: lf + 1, op: map[string]Op{"PING": OpPing, "PONG": OpPong, "+OK": OpOK}[word]}
	case "INFO":
		return result{n: lf + 1, op: OpInfo, arg: text}
	case "-ERR":
		if len(text) >= 2 && strings.HasPrefix(text, "'") && strings.HasSuffix(text, "'") {
			text = text[1 : len(text)-1]
		}
		return result{n: lf + 1, op: OpErr, arg: text}
	}
	return oracleMessage(b, args, lf+1, word == "HMSG")
}

func oracleMessage(b, args string, line int, hdr bool) result {
	bad := result{failed: true}
	fields := strings.FieldsFunc(args, func(r rune) bool { return r == ' ' || r == '\t' })
	if strings.Contains(args, "\r") {
		return bad
	}
	if !hdr && len(fields) > 0 { // as an HMSG without a header block
		fields = slices.Insert(fields, len(fields)-1, "0")
	}
	if len(fields) == 4 {
		fields = slices.Insert(fields, 2, "")
	}
	if len(fields) != 5 {
		return bad
	}
	sid, err1 := strconv.ParseUint(fields[1], 10, 64)
	block, err2 := strconv.ParseUint(fields[3], 10, 64)
	size, err3 := strconv.ParseUint(fields[4], 10, 64)
	if err1 != nil || err2 != nil || err3 != nil || block > size || block > MaxHeader || size-block > MaxPayload {
		return bad
	}
	total := line + int(size) + 2
	if len(b) < total {
		return result{need: total}
	}
	if b[total-2:total] != "\r\n" {
		return bad
	}
	body := b[line : total-2]
	return result{n: total, op: OpMsg, sid: sid, subject: fields[0], reply: fields[2], header: body[:block], data: body[block:]}
}
