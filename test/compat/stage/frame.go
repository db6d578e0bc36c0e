package stage

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Frame is one operation of the client protocol.
type Frame struct {
	At         time.Time
	FromClient bool
	Op         string // upper case
	Subject    string // of PUB, HPUB, MSG, HMSG, SUB
	Reply      string
	SID        string
	Queue      string
	Header     string // with its version line
	Data       string

	raw []byte
}

// Published tells whether the frame is a publish.
func (f Frame) Published() bool { return f.FromClient && strings.HasSuffix(f.Op, "PUB") }

// Status is the number in a header's first line, "" if it has none.
func (f Frame) Status() string {
	line, _, _ := strings.Cut(f.Header, "\r\n")
	fields := strings.Fields(line)
	if len(fields) < 2 {
		return ""
	}
	return fields[1]
}

const maxFrame = 64 << 20

// readFrame reads one operation. It blocks until the operation is complete.
func readFrame(r *bufio.Reader, fromClient bool) (Frame, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return Frame{}, err
	}
	f := Frame{FromClient: fromClient, raw: []byte(line)}
	fields := strings.Fields(line)
	if len(fields) == 0 {
		return f, nil
	}
	f.Op = strings.ToUpper(fields[0])
	args := fields[1:]
	var header, total int
	switch f.Op {
	case "PUB", "HPUB":
		err = f.addressed(args, 0, &header, &total)
	case "MSG", "HMSG":
		err = f.addressed(args, 1, &header, &total)
	case "SUB":
		switch len(args) {
		case 2:
			f.Subject, f.SID = args[0], args[1]
		case 3:
			f.Subject, f.Queue, f.SID = args[0], args[1], args[2]
		}
		return f, nil
	case "UNSUB":
		f.SID = args[0]
		f.Data = strings.Join(args[1:], " ")
		return f, nil
	default:
		_, f.Data, _ = strings.Cut(strings.TrimRight(line, "\r\n"), " ")
		return f, nil
	}
	if err != nil {
		return f, err
	}
	body := make([]byte, total+2)
	if _, err := io.ReadFull(r, body); err != nil {
		return f, err
	}
	f.raw = append(f.raw, body...)
	f.Header, f.Data = string(body[:header]), string(body[header:total])
	return f, nil
}

// addressed reads "subject [sid] [reply] [header size] size"; sids is 1 where there is a sid.
func (f *Frame) addressed(args []string, sids int, header, total *int) error {
	sizes := 1
	if strings.HasPrefix(f.Op, "H") {
		sizes = 2
	}
	if len(args) < 1+sids+sizes || len(args) > 2+sids+sizes {
		return fmt.Errorf("odd frame: %s %q", f.Op, args)
	}
	f.Subject = args[0]
	if sids == 1 {
		f.SID = args[1]
	}
	if len(args) == 2+sids+sizes {
		f.Reply = args[1+sids]
	}
	var err1, err2 error
	*total, err1 = strconv.Atoi(args[len(args)-1])
	if sizes == 2 {
		*header, err2 = strconv.Atoi(args[len(args)-2])
	}
	if *total < 0 || *total > maxFrame || *header < 0 || *header > *total {
		return fmt.Errorf("odd sizes: %s %q", f.Op, args)
	}
	return errors.Join(err1, err2)
}
