package proto

import (
	"encoding/json"
	"strconv"
)

// Connect is the client's CONNECT. Fields that are empty strings are left out, except Name, Lang and Version.
type Connect struct {
	Verbose, Pedantic, TLSRequired    bool
	User, Pass, Token, JWT, Nkey, Sig string
	Name, Lang, Version               string // Lang: "go" when empty
	Echo, Headers, NoResponders       bool
	Protocol                          int // 1: the server may send INFO at any time
}

// AppendConnect writes the CONNECT line behind dst. Strings are escaped, so no value can end the line; bytes that are not
// UTF-8 become U+FFFD.
func AppendConnect(dst []byte, c *Connect) []byte {
	lang := c.Lang
	if lang == "" {
		lang = "go"
	}
	dst = append(dst, "CONNECT {"...)
	dst = appendBool(dst, "verbose", c.Verbose)
	dst = appendBool(dst, "pedantic", c.Pedantic)
	dst = appendBool(dst, "tls_required", c.TLSRequired)
	for _, f := range [...]struct{ key, value string }{
		{"user", c.User}, {"pass", c.Pass}, {"auth_token", c.Token}, {"jwt", c.JWT}, {"nkey", c.Nkey}, {"sig", c.Sig},
	} {
		if f.value != "" {
			dst = appendString(dst, f.key, f.value)
		}
	}
	dst = appendString(dst, "name", c.Name)
	dst = appendString(dst, "lang", lang)
	dst = appendString(dst, "version", c.Version)
	dst = appendBool(dst, "echo", c.Echo)
	dst = appendBool(dst, "headers", c.Headers)
	dst = appendBool(dst, "no_responders", c.NoResponders)
	dst = append(dst, `"protocol":`...)
	dst = strconv.AppendInt(dst, int64(c.Protocol), 10)
	return append(dst, "}\r\n"...)
}

func appendBool(dst []byte, key string, v bool) []byte {
	dst = append(append(append(dst, '"'), key...), `":`...)
	return append(strconv.AppendBool(dst, v), ',')
}

// appendString leaves what needs escapes to the JSON package.
func appendString(dst []byte, key, v string) []byte {
	dst = append(append(append(dst, '"'), key...), `":`...)
	for i := range len(v) {
		if c := v[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			text, err := json.Marshal(v)
			if err != nil {
				panic("proto: a string cannot be encoded: " + err.Error())
			}
			return append(append(dst, text...), ',')
		}
	}
	return append(append(append(append(dst, '"'), v...), '"'), ',')
}
