package pool

import (
	"net/url"
	"slices"
	"strings"
)

// MaxDiscovered bounds the discovered servers of a pool, whatever INFO says.
const MaxDiscovered = 1024

// maxEntry bounds one entry of connect_urls: a DNS name has at most 253 characters.
const maxEntry = 300

// Merge takes over what INFO of the current server names in connect_urls, and returns the entries that are new, as URLs. Discovered
// servers that are no longer named leave the pool, but for the current one; what the user named stays. An empty list says
// nothing and changes nothing. Entries that are not host and port are skipped, and so are those beyond [MaxDiscovered].
//
// New servers get scheme and user info of the current server's URL and, where they are bare IP addresses, its host name for TLS. They are
// shuffled in among the others behind the current one, so that not all clients of a dying server go to the same other one.
//
// Call it when the server whose INFO it is has become the current one.
func (p *Pool) Merge(connectURLs []string) (added []string) {
	if len(connectURLs) == 0 || p.current == nil {
		return nil
	}
	named := p.named(connectURLs)
	p.servers = slices.DeleteFunc(p.servers, func(s *Server) bool {
		return s.Discovered && s != p.current && !named.has(s.URL.Host)
	})
	for _, s := range p.servers {
		named.drop(s.URL.Host)
	}
	named.drop(p.current.URL.Host)
	room := MaxDiscovered - len(p.Discovered())
	for _, host := range named.order {
		if room <= 0 {
			break
		}
		if !named.has(host) {
			continue
		}
		s := p.discovered(host)
		p.servers = append(p.servers, s)
		added = append(added, s.URL.Scheme+"://"+host)
		room--
	}
	if len(added) > 0 {
		p.mixOthers()
	}
	return added
}

// hosts is a set of host:port in the order of arrival.
type hosts struct {
	order []string
	set   map[string]bool
}

func (h *hosts) has(host string) bool { return h.set[host] }
func (h *hosts) drop(host string)     { delete(h.set, host) }

func (h *hosts) add(host string) {
	if !h.set[host] {
		h.set[host] = true
		h.order = append(h.order, host)
	}
}

// named is what of connect_urls can be believed. Of a list that is far too long only the beginning is read.
func (p *Pool) named(connectURLs []string) hosts {
	h := hosts{set: make(map[string]bool)}
	for _, e := range connectURLs[:min(len(connectURLs), 4*MaxDiscovered)] {
		if host, ok := entry(e, p.current.URL.Scheme); ok {
			h.add(host)
		}
	}
	return h
}

// entry checks one entry of connect_urls: a host name or a bracketed address, with a port or the default one of scheme.
func entry(e, scheme string) (host string, ok bool) {
	if e == "" || len(e) > maxEntry || strings.ContainsFunc(e, notInEntry) {
		return "", false
	}
	u, err := url.Parse(scheme + "://" + e)
	if err != nil || u.Hostname() == "" {
		return "", false
	}
	host, why := hostPort(u)
	return host, why == ""
}

// notInEntry: letters, digits and what else occurs in names, addresses, zones and ports.
func notInEntry(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._:[]%", r))
}

// discovered makes the server for an entry, with what it inherits from the current one.
func (p *Pool) discovered(host string) *Server {
	from := p.current
	s := &Server{URL: &url.URL{Scheme: from.URL.Scheme, User: from.URL.User, Host: host}, Discovered: true}
	if !isIP(s.URL.Hostname()) {
		return s
	}
	s.TLSName = from.TLSName
	if name := from.URL.Hostname(); s.TLSName == "" && !isIP(name) {
		s.TLSName = name
	}
	return s
}

// mixOthers shuffles all servers but the current one, which keeps its place.
func (p *Pool) mixOthers() {
	at := slices.Index(p.servers, p.current)
	if at < 0 {
		p.mix(p.servers)
		return
	}
	p.servers = slices.Delete(p.servers, at, at+1)
	p.mix(p.servers)
	p.servers = slices.Insert(p.servers, at, p.current)
}
