package proto

// scanInfo reads an INFO of the form that servers send: one flat object of strings without escapes, integers, booleans and lists of
// such strings. false: it is another form, or none at all; then only the JSON package knows. All strings share one object. The JSON
// package takes 18 objects and 6 us.
func scanInfo(b []byte, info *infoJSON) bool {
	s := scanner{text: string(b)}
	if !s.take('{') {
		return false
	}
	if s.take('}') {
		return s.atEnd()
	}
	for {
		key, ok := s.str()
		if !ok || !s.take(':') || !s.field(key, info) {
			return false
		}
		switch {
		case s.take(','):
		case s.take('}'):
			return s.atEnd()
		default:
			return false
		}
	}
}

// field reads the value of key.
func (s *scanner) field(key string, info *infoJSON) bool {
	switch key {
	case "server_id":
		return s.strTo(&info.ID)
	case "server_name":
		return s.strTo(&info.Name)
	case "version":
		return s.strTo(&info.Version)
	case "host":
		return s.strTo(&info.Host)
	case "go":
		return s.strTo(&info.GoVersion)
	case "client_ip":
		return s.strTo(&info.ClientIP)
	case "nonce":
		return s.strTo(&info.Nonce)
	case "cluster":
		return s.strTo(&info.Cluster)
	case "domain":
		return s.strTo(&info.Domain)
	case "remote_account":
		return s.strTo(&info.RemoteAccount)
	case "headers":
		return s.boolTo(&info.Headers)
	case "auth_required":
		return s.boolTo(&info.AuthRequired)
	case "tls_required":
		return s.boolTo(&info.TLSRequired)
	case "tls_available":
		return s.boolTo(&info.TLSAvailable)
	case "tls_verify":
		return s.boolTo(&info.TLSVerify)
	case "ldm":
		return s.boolTo(&info.LameDuck)
	case "jetstream":
		return s.boolTo(&info.JetStream)
	case "acc_is_sys":
		return s.boolTo(&info.IsSystemAccount)
	}
	return s.numberField(key, info)
}

func (s *scanner) numberField(key string, info *infoJSON) bool {
	var n int64
	switch key {
	case "proto":
		return s.intTo(&n) && set(&info.Proto, n)
	case "port":
		return s.intTo(&n) && set(&info.Port, n)
	case "api_lvl":
		return s.intTo(&n) && set(&info.APILevel, n)
	case "max_payload":
		return s.intTo(&info.MaxPayload)
	case "client_id":
		return s.intTo(&n) && n >= 0 && set(&info.CID, n)
	case "connect_urls":
		return s.listTo(&info.ConnectURLs)
	}
	return plainKey(key) && s.skip()
}

func set[T int | uint64](to *T, n int64) bool {
	*to = T(n)
	return int64(*to) == n
}

// plainKey reports whether key cannot stand for a known one: the JSON package ignores case.
func plainKey(key string) bool {
	for i := range len(key) {
		if c := key[i]; c >= 'A' && c <= 'Z' {
			return false
		}
	}
	return true
}

// scanner walks a text. Its methods skip white space and return false where something else stands.
type scanner struct {
	text string
	at   int
}

// peek is the next byte that is no white space; 0 at the end.
func (s *scanner) peek() byte {
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

func (s *scanner) atEnd() bool { s.peek(); return s.at == len(s.text) }

func (s *scanner) take(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.at++
	return true
}

// str reads a string of printable ASCII without escapes.
func (s *scanner) str() (string, bool) {
	if !s.take('"') {
		return "", false
	}
	for from := s.at; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == '"':
			s.at++
			return s.text[from : s.at-1], true
		case c < ' ' || c > '~' || c == '\\':
			return "", false
		}
	}
	return "", false
}

func (s *scanner) strTo(to *string) (ok bool) {
	*to, ok = s.str()
	return ok
}

func (s *scanner) boolTo(to *bool) bool {
	*to = s.word("true")
	return *to || s.word("false")
}

func (s *scanner) word(w string) bool {
	s.peek()
	if len(s.text)-s.at < len(w) || s.text[s.at:s.at+len(w)] != w {
		return false
	}
	s.at += len(w)
	return true
}

// intTo reads an integer of 18 digits at most.
func (s *scanner) intTo(to *int64) bool {
	negative := s.take('-')
	from := s.at
	n := int64(0)
	for ; s.at < len(s.text) && s.text[s.at] >= '0' && s.text[s.at] <= '9'; s.at++ {
		if s.at-from == 18 {
			return false
		}
		n = 10*n + int64(s.text[s.at]-'0')
	}
	if s.at == from || s.text[from] == '0' && s.at > from+1 {
		return false
	}
	if negative {
		n = -n
	}
	*to = n
	return true
}

func (s *scanner) listTo(to *[]string) bool {
	if !s.take('[') {
		return false
	}
	list := []string{}
	if s.take(']') {
		*to = list
		return true
	}
	for {
		item, ok := s.str()
		if !ok {
			return false
		}
		list = append(list, item)
		if s.take(']') {
			*to = list
			return true
		}
		if !s.take(',') {
			return false
		}
	}
}

// skip passes over a string, an integer or a boolean.
func (s *scanner) skip() bool {
	var text string
	var flag bool
	var n int64
	switch s.peek() {
	case '"':
		return s.strTo(&text)
	case 't', 'f':
		return s.boolTo(&flag)
	}
	return s.intTo(&n)
}
