package wire

import (
	"encoding/json"
	"strconv"
	"time"
)

// PullRequest is the payload of a pull; fields that are zero are left out. The zero value asks for one message.
type PullRequest struct {
	Expires       time.Duration
	Batch         int
	MaxBytes      int
	NoWait        bool
	Heartbeat     time.Duration
	MinPending    int64
	MinAckPending int64
	PinID         string
	Group         string
	Priority      uint8
}

// AppendJSON writes r without reflection, and without allocating unless a string needs escapes.
func (r *PullRequest) AppendJSON(dst []byte) []byte {
	o := object{dst: append(dst, '{')}
	o.number("expires", int64(r.Expires))
	o.number("batch", int64(r.Batch))
	o.number("max_bytes", int64(r.MaxBytes))
	if r.NoWait {
		o.key("no_wait")
		o.dst = append(o.dst, "true"...)
	}
	o.number("idle_heartbeat", int64(r.Heartbeat))
	o.number("min_pending", r.MinPending)
	o.number("min_ack_pending", r.MinAckPending)
	o.text("id", r.PinID)
	o.text("group", r.Group)
	o.number("priority", int64(r.Priority))
	return append(o.dst, '}')
}

// object is a JSON object in the making.
type object struct {
	dst  []byte
	some bool // a member is there
}

func (o *object) key(name string) {
	if o.some {
		o.dst = append(o.dst, ',')
	}
	o.some = true
	o.dst = append(o.dst, '"')
	o.dst = append(o.dst, name...)
	o.dst = append(o.dst, '"', ':')
}

func (o *object) number(name string, v int64) {
	if v != 0 {
		o.key(name)
		o.dst = strconv.AppendInt(o.dst, v, 10)
	}
}

func (o *object) text(name, v string) {
	if v == "" {
		return
	}
	o.key(name)
	if plain(v) {
		o.dst = append(o.dst, '"')
		o.dst = append(o.dst, v...)
		o.dst = append(o.dst, '"')
		return
	}
	quoted, _ := json.Marshal(v) // a string always can
	o.dst = append(o.dst, quoted...)
}

// plain reports whether v stands in JSON as it is, in the form that encoding/json gives it.
func plain(v string) bool {
	for i := range len(v) {
		switch c := v[i]; {
		case c < ' ', c >= 0x7f, c == '"', c == '\\', c == '<', c == '>', c == '&':
			return false
		}
	}
	return true
}
