package proto

import "encoding/json"

// Info is the server's INFO, as the server sent it unless a field says otherwise. Unknown fields are ignored.
type Info struct {
	ID, Name, Version, Host, GoVersion                          string
	Proto, Port                                                 int // Port: 0 when absent or no port
	Headers, AuthRequired, TLSRequired, TLSAvailable, TLSVerify bool
	MaxPayload                                                  int64 // bytes of header block and payload in a publish; 0: the server names no limit
	CID                                                         uint64
	ClientIP, Nonce, Cluster, Domain                            string
	ConnectURLs                                                 []string // at most 4096, not checked: junk stays in
	LameDuck, JetStream                                         bool
	APILevel                                                    int
	IsSystemAccount                                             bool
	RemoteAccount                                               string
}

// maxConnectURLs bounds Info.ConnectURLs. The rest of a longer list is dropped.
const maxConnectURLs = 4096

// infoJSON is Info with the names that nats-server 2.15 gives the fields.
type infoJSON struct {
	ID              string   `json:"server_id"`
	Name            string   `json:"server_name"`
	Version         string   `json:"version"`
	Host            string   `json:"host"`
	GoVersion       string   `json:"go"`
	Proto           int      `json:"proto"`
	Port            int      `json:"port"`
	Headers         bool     `json:"headers"`
	AuthRequired    bool     `json:"auth_required"`
	TLSRequired     bool     `json:"tls_required"`
	TLSAvailable    bool     `json:"tls_available"`
	TLSVerify       bool     `json:"tls_verify"`
	MaxPayload      int64    `json:"max_payload"`
	CID             uint64   `json:"client_id"`
	ClientIP        string   `json:"client_ip"`
	Nonce           string   `json:"nonce"`
	Cluster         string   `json:"cluster"`
	Domain          string   `json:"domain"`
	ConnectURLs     []string `json:"connect_urls"`
	LameDuck        bool     `json:"ldm"`
	JetStream       bool     `json:"jetstream"`
	APILevel        int      `json:"api_lvl"`
	IsSystemAccount bool     `json:"acc_is_sys"`
	RemoteAccount   string   `json:"remote_account"`
}

// ParseInfo reads the JSON of an INFO, as [Parser.Arg] gives it. Anything but an object, and a field of a wrong type,
// is an *[Error].
//
// A negative max_payload becomes 0: nats-server sends -1 for an account without a limit. A port outside 0 to 65535 becomes
// 0 as well, since nothing connects to it.
func ParseInfo(b []byte) (Info, error) {
	if b = trim(b); len(b) == 0 || b[0] != '{' || len(b) > MaxInfo {
		return Info{}, violation(b, "INFO without a JSON object")
	}
	var j infoJSON
	if !scanInfo(b, &j) {
		var err error
		if j, err = decodeInfo(b); err != nil {
			return Info{}, err
		}
	}
	info := Info(j)
	info.MaxPayload = max(info.MaxPayload, 0)
	if info.Port < 0 || info.Port > 65535 {
		info.Port = 0
	}
	if len(info.ConnectURLs) > maxConnectURLs {
		info.ConnectURLs = append([]string(nil), info.ConnectURLs[:maxConnectURLs]...)
	}
	return info, nil
}

// decodeInfo has a variable of its own: that one must be an object.
func decodeInfo(b []byte) (j infoJSON, err error) {
	if err := json.Unmarshal(b, &j); err != nil {
		text := err.Error() // may quote a number of any length
		return infoJSON{}, violation(b, "INFO cannot be read ("+text[:min(len(text), 128)]+")")
	}
	return j, nil
}
