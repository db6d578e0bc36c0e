package test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// operation is a well-formed operation of a server, and where it can be spoilt. Parts that a %s stands for are the SID.
type operation struct {
	name    string
	line    string   // without its end
	numbers []int    // fields of the line that are numbers
	block   string   // header block
	payload string   // behind the block
	json    []string // fields of the JSON object in the line
}

// operations are all that a server says, and one that it does not.
var operations = []operation{
	{name: "PING", line: "PING"},
	{name: "PONG", line: "PONG"},
	{name: "+OK", line: "+OK"},
	{name: "-ERR", line: "-ERR 'Permissions Violation for Publish to \"a\"'"},
	{name: "MSG", line: "MSG a %s 5", numbers: []int{2, 3}, payload: "hello"},
	{name: "MSG with reply", line: "MSG a %s r.r 5", numbers: []int{2, 4}, payload: "hello"},
	{name: "HMSG", line: "HMSG a %s 22 27", numbers: []int{2, 3, 4}, block: "NATS/1.0\r\nKey: val\r\n\r\n", payload: "hello"},
	{name: "HMSG with reply", line: "HMSG a %s r 30 30", numbers: []int{2, 4, 5}, block: "NATS/1.0 503 No one\r\nK: v\r\n\r\n"},
	{name: "INFO", line: `INFO {"server_id":"I","port":4222,"max_payload":1048576,"headers":true,"connect_urls":["127.0.0.1:1"],"client_id":7,"ldm":false}`,
		json: []string{`"I"`, `4222`, `1048576`, `true`, `["127.0.0.1:1"]`, `"127.0.0.1:1"`, `7`, `false`, `"server_id"`, `"connect_urls"`}},
	{name: "unknown", line: "HELLO a 1 2"},
}

// text is the operation with other line ends, those of the line and of the payload.
func (o operation) text(end, last string) string {
	if o.block+o.payload == "" {
		return o.line + end
	}
	return o.line + end + o.block + o.payload + last
}

const lineEnd = "\r\n"

// oddNumbers stand in place of numbers.
var oddNumbers = []string{
	"-1", "-0", "+5", "0", "05", "0x5", "5e0", "5.0", "5_0", "", "x", "٣", "99999999999", "2147483647", "2147483648", "4294967295", "4294967296",
	"9223372036854775806", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "18446744073709551615", "18446744073709551616",
	"67108864", "67108865", "1048576", "1048577", strings.Repeat("9", 30), strings.Repeat("0", 30) + "5", strings.Repeat("9", 5000),
}

// oddEnds stand in place of a line's end.
var oddEnds = []string{"\n", "\r", "\r\r\n", "\n\r", "\r\n\r\n", " \r\n", "\t\r\n", "\x00\r\n", "\r \n", "\u2028", ""}

// oddValues stand in place of JSON values and keys.
var oddValues = []string{
	"null", "true", "-1", "1e999", "9223372036854775808", `""`, `"x"`, "[]", "{}", `[null]`, `{"a":{"a":[]}}`, `"\u0000\r\n"`, `"\ud800"`, `"` + "\xff" + `"`,
	strings.Repeat("[", 5000), strings.Repeat(`{"a":`, 5000), `"` + strings.Repeat("u", 50_000) + `"`, "", ",", "\x00", "[" + strings.Repeat(`"h:1",`, 2000) + `"h:2"]`,
}

// oddBytes are set into header blocks.
var oddBytes = []string{"", "\x00", "\r", "\n", "\r\n", ":", " ", "\xff"}

// spoilt are all the ways in which the operation is not well-formed, by name.
func (o operation) spoilt() map[string]string {
	all := map[string]string{}
	whole := o.text(lineEnd, lineEnd)
	for i, end := range oddEnds {
		all[fmt.Sprintf("%s, line end %d", o.name, i)] = o.text(end, lineEnd)
		if o.block+o.payload != "" {
			all[fmt.Sprintf("%s, last end %d", o.name, i)] = o.text(lineEnd, end)
		}
	}
	fields := strings.Split(o.line, " ")
	with := func(i int, replacement ...string) string {
		changed := o
		changed.line = strings.Join(slices.Concat(fields[:i], replacement, fields[i+1:]), " ")
		return changed.text(lineEnd, lineEnd)
	}
	for i, field := range fields {
		all[fmt.Sprintf("%s, without field %d", o.name, i)] = with(i)
		all[fmt.Sprintf("%s, field %d twice", o.name, i)] = with(i, field, field)
		all[fmt.Sprintf("%s, field %d empty", o.name, i)] = with(i, "")
		all[fmt.Sprintf("%s, field %d with NUL", o.name, i)] = with(i, field+"\x00")
		all[fmt.Sprintf("%s, field %d long", o.name, i)] = with(i, field+strings.Repeat("x", 5000))
		if slices.Contains(o.numbers, i) {
			for _, n := range oddNumbers {
				all[fmt.Sprintf("%s, field %d is %.20q", o.name, i, n)] = with(i, n)
			}
		}
	}
	all[o.name+", lower case"] = strings.ToLower(whole)
	all[o.name+", tabs"] = strings.ReplaceAll(whole, " ", "\t")
	all[o.name+", two spaces"] = strings.ReplaceAll(whole, " ", "  ")
	all[o.name+", a space in front"] = " " + whole
	all[o.name+", no space behind the verb"] = strings.Replace(whole, " ", "", 1)
	for i, value := range o.json {
		for j, odd := range oddValues {
			all[fmt.Sprintf("%s, value %d is odd %d", o.name, i, j)] = strings.Replace(whole, value, odd, 1)
		}
	}
	o.spoilBlock(all)
	return all
}

// spoilBlock cuts the header block behind every byte, and exchanges every byte, in frames whose sizes are right.
func (o operation) spoilBlock(all map[string]string) {
	for i := range o.block {
		for j, odd := range oddBytes {
			changed := o
			changed.block = o.block[:i] + odd + o.block[i+1:]
			all[fmt.Sprintf("%s, byte %d of the block is odd %d", o.name, i, j)] = changed.resized()
		}
		changed := o
		changed.block = o.block[:i]
		all[fmt.Sprintf("%s, block cut at %d", o.name, i)] = changed.resized()
	}
}

// resized has sizes that are right.
func (o operation) resized() string {
	fields := strings.Split(o.line, " ")
	fields[len(fields)-2], fields[len(fields)-1] = fmt.Sprint(len(o.block)), fmt.Sprint(len(o.block)+len(o.payload))
	o.line = strings.Join(fields, " ")
	return o.text(lineEnd, lineEnd)
}

// hostileTable is every operation, spoilt in every way.
func hostileTable() map[string]string {
	all := map[string]string{}
	for _, o := range operations {
		for name, text := range o.spoilt() {
			all[name] = text
		}
		if len(o.numbers) > 0 { // a subscription that is not there
			unknown := o
			unknown.line = strings.Replace(o.line, "%s", "4242", 1)
			all[o.name+", unknown SID"] = unknown.text(lineEnd, lineEnd)
		}
	}
	return all
}

// truncations are all beginnings of the operations.
func truncations(sid string) (all []string) {
	for _, o := range operations {
		text := withSID(o.text(lineEnd, lineEnd), sid)
		for n := 1; n < len(text); n++ {
			all = append(all, text[:n])
		}
	}
	return all
}

// hostileInputs is what a broken or malicious server might send, by name. %s is the SID of a subscription of the client.
func hostileInputs() map[string]string {
	in := hostileTable()
	maps.Copy(in, map[string]string{
		"empty line":       "\r\n",
		"unknown verb":     "HELLO\r\n",
		"NUL bytes":        strings.Repeat("\x00", 100),
		"TLS record":       "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
		"HTTP":             "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n\r\nno",
		"only a CR":        "\r",
		"only a LF":        "\n",
		"verb without end": "MSG",
		"arguments":        "PONG PONG\r\nPING x\r\n",
		"client's verbs":   "SUB a 1\r\nPUB a 1\r\nx\r\nUNSUB 1\r\nCONNECT {}\r\n",
		"endless line":     "MSG " + strings.Repeat("a", 70_000),
		"endless error":    "-ERR '" + strings.Repeat("e", 70_000),
		"endless INFO":     "INFO {\"server_id\":\"" + strings.Repeat("i", 2<<20),
		"unknown SID":      "MSG a 4242 1\r\nx\r\n",
		"SID 0":            "MSG a 0 1\r\nx\r\n",
		"PONG unasked":     "PONG\r\nPONG\r\nPONG\r\n",
		"unknown error":    "-ERR 'Something New'\r\n",
		"empty error":      "-ERR\r\n",
		"error no quotes":  "-ERR stale\r\n",
		"+OK":              "+OK\r\n+OK\r\n",
		"no subject":       "MSG  %s 1\r\nx\r\n",
		"too few fields":   "MSG a %s\r\n",
		"too many fields":  "MSG a %s b c d 1\r\nx\r\n",
		"payload too long": "MSG a %s 1\r\nxyz\r\n",
		"payload no CRLF":  "MSG a %s 1\r\nx\n\n",
		"payload LF only":  "MSG a %s 1\r\nx\nMSG",
		"line LF only":     "MSG a %s 1\nx\r\n",
		"line CR only":     "MSG a %s 1\rx\r\n",
		"CR in the line":   "MSG a\rb %s 1\r\nx\r\n",
		"header > total":   "HMSG a %s 20 10\r\n0123456789\r\n",
	})
	for _, n := range []string{
		"-1", "-0", "+1", "0x10", "1e3", "1.5", "1_0", "", "x", "99999999999", "2147483648", "4294967296", "9223372036854775806",
		"9223372036854775807", "9223372036854775808", "18446744073709551615", "18446744073709551616", strings.Repeat("9", 40), "67108864", "67108865", "00000000000000000000000000000001",
	} {
		in["MSG size "+n] = "MSG a %s " + n + "\r\nx\r\n"
		in["HMSG header size "+n] = "HMSG a %s " + n + " 12\r\nNATS/1.0\r\n\r\n\r\n"
		in["HMSG total size "+n] = "HMSG a %s 12 " + n + "\r\nNATS/1.0\r\n\r\n\r\n"
		in["HMSG both sizes "+n] = "HMSG a %s " + n + " " + n + "\r\nNATS/1.0\r\n\r\n\r\n"
		in["SID "+n] = "MSG a " + n + " 1\r\nx\r\n"
	}
	for name, block := range map[string]string{
		"no version":     "NOTS/1.0\r\n\r\n",
		"no end":         "NATS/1.0\r\na: b",
		"no colon":       "NATS/1.0\r\nab\r\n\r\n",
		"empty key":      "NATS/1.0\r\n: b\r\n\r\n",
		"short status":   "NATS/1.0 5\r\n\r\n",
		"long status":    "NATS/1.0 50300000000000000\r\n\r\n",
		"odd status":     "NATS/1.0 -03 x\r\n\r\n",
		"no responders":  "NATS/1.0 503\r\n\r\n",
		"NULs":           strings.Repeat("\x00", 24),
		"LF only":        "NATS/1.0\na: b\n\n",
		"continuation":   "NATS/1.0\r\n a\r\n b\r\n\r\n",
		"nothing":        "",
		"only a version": "NATS/1.0",
		"one CRLF":       "NATS/1.0\r\n",
		"long key":       "NATS/1.0\r\n" + strings.Repeat("k", 100_000) + ": v\r\n\r\n",
		"many keys":      "NATS/1.0\r\n" + strings.Repeat("k: v\r\n", 10_000) + "\r\n",
	} {
		in["block "+name] = fmt.Sprintf("HMSG a %%s %d %d\r\n%s\r\n", len(block), len(block), block)
	}
	for name, info := range map[string]string{
		"nothing": "", "not an object": "[]", "null": "null", "number": "7", "unclosed": `{"server_id":"x"`, "trailing": `{} {}`,
		"wrong types":  `{"server_id":1,"port":"x","max_payload":"big","headers":3}`,
		"negative":     `{"max_payload":-1,"port":-1,"proto":-1,"client_id":-1}`,
		"huge":         `{"max_payload":9223372036854775807,"client_id":18446744073709551615}`,
		"overflow":     `{"max_payload":9223372036854775808}`,
		"deep":         `{"connect_urls":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `}`,
		"junk urls":    `{"connect_urls":["","%%%%","::::","a b","nats://","[::1","\u0000","127.0.0.1:-1","127.0.0.1:99999999","x\r\nPING"]}`,
		"many urls":    `{"connect_urls":[` + strings.Repeat(`"127.0.0.1:1",`, 20_000) + `"127.0.0.1:2"]}`,
		"control text": `{"server_name":"\u0000\r\n\u001b[31m","nonce":"` + strings.Repeat("n", 10_000) + `"}`,
		"odd UTF-8":    "{\"server_name\":\"\xff\xfe\"}",
	} {
		in["INFO "+name] = "INFO " + info + "\r\n"
	}
	return in
}
