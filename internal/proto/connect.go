package proto

import "encoding/json"

// Connect is the client's CONNECT. Fields that are empty strings are left out, except Name, Lang and Version.
type Connect struct {
	Verbose, Pedantic, TLSRequired    bool
	User, Pass, Token, JWT, Nkey, Sig string
	Name, Lang, Version               string // Lang: "go" when empty
	Echo, Headers, NoResponders       bool
	Protocol                          int // 1: the server may send INFO at any time
}

// connectJSON has the fields of Connect with their names on the wire.
type connectJSON struct {
	Verbose      bool   `json:"verbose"`
	Pedantic     bool   `json:"pedantic"`
	TLSRequired  bool   `json:"tls_required"`
	User         string `json:"user,omitempty"`
	Pass         string `json:"pass,omitempty"`
	Token        string `json:"auth_token,omitempty"`
	JWT          string `json:"jwt,omitempty"`
	Nkey         string `json:"nkey,omitempty"`
	Sig          string `json:"sig,omitempty"`
	Name         string `json:"name"`
	Lang         string `json:"lang"`
	Version      string `json:"version"`
	Echo         bool   `json:"echo"`
	Headers      bool   `json:"headers"`
	NoResponders bool   `json:"no_responders"`
	Protocol     int    `json:"protocol"`
}

// AppendConnect writes the CONNECT line behind dst. Strings are escaped, so no value can end the line; bytes that are not
// UTF-8 become U+FFFD.
func AppendConnect(dst []byte, c *Connect) []byte {
	j := connectJSON(*c)
	if j.Lang == "" {
		j.Lang = "go"
	}
	text, err := json.Marshal(&j)
	if err != nil {
		panic("proto: CONNECT of strings, booleans and a number cannot be encoded: " + err.Error())
	}
	dst = append(dst, "CONNECT "...)
	dst = append(dst, text...)
	return append(dst, "\r\n"...)
}
