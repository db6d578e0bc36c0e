package pool

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/gannet-io/nats/internal/natserr"
)

// Pool is an ordered list of servers. The one that is in use or was chosen last is the current one.
type Pool struct {
	servers []*Server
	current *Server // may have left servers
	shuffle func(n int, swap func(i, j int))
	ws      bool // all servers are WebSocket ones, or none is

	one   [1]*Server // memory of servers, as long as there is one
	first Server     // the memory of that one
}

// New builds a pool of the servers that the user named; blank entries are skipped, and without any the pool is [Default]. shuffle
// puts the list in random order (as math/rand/v2.Shuffle does), nil keeps it. first, when not empty, is put in
// front after the shuffle.
//
// The error is that of [Parse] for the first entry it refuses, or [natserr.MixingWebSocketSchemes].
func New(urls []string, first string, shuffle func(n int, swap func(i, j int))) (*Pool, error) {
	p := new(Pool)
	if err := p.Init(urls, first, shuffle); err != nil {
		return nil, err
	}
	return p, nil
}

// Init makes p, which is new, what [New] returns: for those who have it as a part of something larger.
func (p *Pool) Init(urls []string, first string, shuffle func(n int, swap func(i, j int))) error {
	p.shuffle, p.servers = shuffle, p.one[:0]
	for _, s := range urls {
		if err := p.add(s); err != nil {
			return err
		}
	}
	p.mix(p.servers)
	if strings.TrimSpace(first) != "" {
		if err := p.add(first); err != nil {
			return err
		}
		last := len(p.servers) - 1
		p.servers = slices.Insert(p.servers[:last], 0, p.servers[last])
	}
	if len(p.servers) == 0 {
		if err := p.add(Default); err != nil {
			return err
		}
	}
	p.ws = isWebSocket(p.servers[0].URL)
	return p.checkSchemes()
}

func (p *Pool) add(s string) error {
	if strings.TrimSpace(s) == "" {
		return nil
	}
	u, err := Parse(s)
	if err != nil {
		return err
	}
	srv := &p.first
	if len(p.servers) > 0 {
		srv = new(Server)
	}
	srv.URL = u
	p.servers = append(p.servers, srv)
	return nil
}

func (p *Pool) checkSchemes() error {
	for _, s := range p.servers {
		if isWebSocket(s.URL) != p.ws {
			return natserr.MixingWebSocketSchemes
		}
	}
	return nil
}

// mix shuffles list, a part of p.servers, in place.
func (p *Pool) mix(list []*Server) {
	if p.shuffle != nil && len(list) > 1 {
		p.shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	}
}

// Len is the number of servers.
func (p *Pool) Len() int { return len(p.servers) }

// Current is the server that Next or Select named last, nil before the first. It may have left the pool since.
func (p *Pool) Current() *Server { return p.current }

// Next moves the current server to the back and makes the first one for which busy is false the current one. It returns nil,
// and leaves the current one as it is, when there is none. A nil busy means that no server is.
func (p *Pool) Next(busy func(*Server) bool) *Server {
	if i := slices.Index(p.servers, p.current); i >= 0 {
		p.servers = append(slices.Delete(p.servers, i, i+1), p.current)
	}
	for _, s := range p.servers {
		if busy == nil || !busy(s) {
			p.current = s
			return s
		}
	}
	return nil
}

// Select makes s the current server, also when it is not in the pool any more.
func (p *Pool) Select(s *Server) { p.current = s }

// Contains reports whether s is in the pool.
func (p *Pool) Contains(s *Server) bool { return s != nil && slices.Contains(p.servers, s) }

// Refusing reports whether a server refused the credentials when it was heard last.
func (p *Pool) Refusing() bool {
	return slices.ContainsFunc(p.servers, func(s *Server) bool { return s.authErr != nil })
}

// Find returns the server with the URL u (a copy from [Pool.Servers], say), nil when there is none.
func (p *Pool) Find(u *url.URL) *Server {
	if u == nil {
		return nil
	}
	want := u.String()
	for _, s := range p.servers {
		if s.URL == u || s.URL.String() == want {
			return s
		}
	}
	return nil
}

// Retire removes s when it has failed max times or more, and reports whether it did; a negative max keeps every server.
func (p *Pool) Retire(s *Server, max int) bool {
	if s == nil || max < 0 || s.Failures < max {
		return false
	}
	return p.Remove(s)
}

// Remove takes s out of the pool and reports whether it was there.
func (p *Pool) Remove(s *Server) bool {
	i := slices.Index(p.servers, s)
	if i >= 0 {
		p.servers = slices.Delete(p.servers, i, i+1)
	}
	return i >= 0
}

// Replace puts a new list of the user in the place of all servers, discovered ones included, in the order given. A server
// whose URL was there already keeps its history but for the count of failures, which a new list begins anew. The current one stays
// current either way: the list rules from the next attempt on.
//
// On an error the pool is as before: that of [Parse], [natserr.MixingWebSocketSchemes] (also when the pool's
// connection is of the other sort), or another one for an empty list, with which the connection could only end.
func (p *Pool) Replace(urls []string) error {
	next := Pool{ws: p.ws}
	for _, s := range urls {
		if err := next.add(s); err != nil {
			return err
		}
	}
	if len(next.servers) == 0 {
		return errors.New("nats: empty server pool")
	}
	if err := next.checkSchemes(); err != nil {
		return err
	}
	known := make(map[string]*Server, len(p.servers)+1)
	if p.current != nil {
		known[p.current.URL.String()] = p.current
	}
	for _, s := range p.servers {
		known[s.URL.String()] = s
	}
	for i, s := range next.servers {
		if old := known[s.URL.String()]; old != nil {
			delete(known, s.URL.String()) // an entry that is there twice gets two servers
			old.Discovered, old.Failures = false, 0
			next.servers[i] = old
		}
	}
	p.servers = next.servers
	return nil
}

// Servers is a copy of the pool, in its order.
func (p *Pool) Servers() []Server { return p.AppendServers(make([]Server, 0, len(p.servers))) }

// AppendServers appends a copy of the pool to list.
func (p *Pool) AppendServers(list []Server) []Server {
	for _, s := range p.servers {
		list = append(list, *s)
	}
	return list
}

// Discovered is a copy of the discovered servers, in the pool's order.
func (p *Pool) Discovered() []Server {
	var list []Server
	for _, s := range p.servers {
		if s.Discovered {
			list = append(list, *s)
		}
	}
	return list
}
