package pool

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gannet-io/nats/internal/natserr"
)

func mustNew(t testing.TB, urls ...string) *Pool {
	t.Helper()
	p, err := New(urls, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func hostsOf(servers []Server) string {
	var l []string
	for _, s := range servers {
		l = append(l, strings.TrimSuffix(s.URL.Host, ":4222"))
	}
	return strings.Join(l, " ")
}

func check(t *testing.T, p *Pool, want string) {
	t.Helper()
	if got := hostsOf(p.Servers()); got != want {
		t.Errorf("servers: got %q, want %q", got, want)
	}
}

func reverse(n int, swap func(i, j int)) {
	for i := range n / 2 {
		swap(i, n-1-i)
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		urls    []string
		first   string
		shuffle func(int, func(i, j int))
		want    string
		err     error
	}{
		"in order":             {urls: []string{"a", "b", "c"}, want: "a b c"},
		"shuffled":             {urls: []string{"a", "b", "c"}, shuffle: reverse, want: "c b a"},
		"first in front":       {urls: []string{"a", "b", "c"}, first: "z", shuffle: reverse, want: "z c b a"},
		"first alone":          {first: "z", want: "z"},
		"doubles stay":         {urls: []string{"a", "b", "a"}, first: "a", want: "a a b a"},
		"blank entries":        {urls: []string{"", "a", "  "}, first: " ", want: "a"},
		"nothing":              {want: "127.0.0.1"},
		"websocket":            {urls: []string{"ws://a", "wss://b"}, want: "a:80 b:443"},
		"mixed":                {urls: []string{"ws://a", "nats://b"}, err: natserr.MixingWebSocketSchemes},
		"mixed with the first": {urls: []string{"nats://b"}, first: "wss://a", err: natserr.MixingWebSocketSchemes},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := New(tt.urls, tt.first, tt.shuffle)
			if !errors.Is(err, tt.err) {
				t.Fatalf("New: got error %v, want %v", err, tt.err)
			}
			if err == nil {
				check(t, p, tt.want)
			}
		})
	}
	for _, junk := range [][]string{{"a", "h:x"}, {"a", "b c"}} {
		if _, err := New(junk, "", nil); err == nil || errors.Is(err, natserr.MixingWebSocketSchemes) {
			t.Errorf("New(%q): got error %v, want one about the URL", junk, err)
		}
	}
	if _, err := New([]string{"a"}, "h:x", nil); err == nil {
		t.Error("New with a junk first URL: got no error")
	}
}

func TestNext(t *testing.T) {
	t.Parallel()
	p := mustNew(t, "a", "b", "c")
	if p.Current() != nil {
		t.Errorf("Current of a new pool: got %v, want nil", p.Current())
	}
	var got []string
	for range 7 {
		got = append(got, p.Next(nil).URL.Hostname())
	}
	if want := "a b c a b c a"; strings.Join(got, " ") != want {
		t.Errorf("round robin: got %q, want %q", got, want)
	}
	check(t, p, "a b c") // the current one stays where it is until the next choice
	a := p.Current()
	if s := p.Next(func(s *Server) bool { return s == a || s.URL.Hostname() == "b" }); s.URL.Hostname() != "c" || p.Current() != s {
		t.Errorf("Next with a and b busy: got %v", s.URL)
	}
	if s := p.Next(func(*Server) bool { return true }); s != nil {
		t.Errorf("Next with all busy: got %v, want nil", s.URL)
	}
}

func TestRetire(t *testing.T) {
	t.Parallel()
	p := mustNew(t, "a", "b")
	a, b := p.Next(nil), p.Next(nil)
	a.Failures = 2
	for _, tt := range []struct {
		s    *Server
		max  int
		want bool
	}{{a, -1, false}, {a, 3, false}, {b, 1, false}, {nil, 0, false}, {a, 2, true}, {a, 2, false}, {b, 0, true}} {
		if got := p.Retire(tt.s, tt.max); got != tt.want {
			t.Errorf("Retire(%v, %d) = %v, want %v", tt.s, tt.max, got, tt.want)
		}
	}
	if p.Len() != 0 || p.Next(nil) != nil || p.Current() != b {
		t.Errorf("empty pool: Len %d, Next %v, Current %v", p.Len(), p.Next(nil), p.Current())
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	p := mustNew(t, "a")
	s := p.Next(nil)
	steps := []struct {
		do   func() bool
		want bool
		what string
	}{
		{func() bool { return s.Refused(natserr.Authorization) }, false, "first"},
		{func() bool { return p.Refusing() }, true, "pool knows"},
		{func() bool { return s.Refused(natserr.Authorization) }, true, "the same again"},
		{func() bool { return s.Refused(natserr.AuthExpired) }, false, "another one"},
		{func() bool { s.Failed(natserr.Timeout); return s.Refused(natserr.AuthExpired) }, false, "after another failure"},
		{func() bool { s.Succeeded(); return s.Refused(natserr.AuthExpired) }, false, "after a success"},
		{func() bool {
			s.Succeeded()
			return p.Refusing() || s.LastErr != nil || s.Failures != 0 || !s.DidConnect
		}, false, "forgotten"},
	}
	for _, st := range steps {
		if got := st.do(); got != st.want {
			t.Errorf("%s: got %v, want %v", st.what, got, st.want)
		}
	}
}

func TestMerge(t *testing.T) {
	t.Parallel()
	p, err := New([]string{"tls://u:p@name", "tls://other:5"}, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Merge([]string{"x:1"}); got != nil {
		t.Errorf("Merge without a current server: got %q, want none", got)
	}
	p.Next(nil)
	merge := func(want, servers string, urls ...string) {
		t.Helper()
		if got := strings.Join(p.Merge(urls), " "); got != want {
			t.Errorf("Merge(%q): got %q, want %q", urls, got, want)
		}
		check(t, p, servers)
	}
	merge("tls://10.0.0.1:1 tls://b.example:2", "name other:5 10.0.0.1:1 b.example:2", "10.0.0.1:1", "b.example:2", "10.0.0.1:1")
	merge("", "name other:5 b.example:2", "b.example:2", "name:4222", "other:5")
	merge("", "name other:5 b.example:2")
	merge("tls://[::1]:3", "name other:5 [::1]:3", "[::1]:3")

	list := p.Servers()
	v6 := list[2]
	if !v6.Discovered || v6.TLSName != "name" || v6.URL.User.String() != "u:p" || list[0].Discovered {
		t.Errorf("inherited: got %+v with user %q", v6, v6.URL.User)
	}
	if got := hostsOf(p.Discovered()); got != "[::1]:3" {
		t.Errorf("Discovered: got %q", got)
	}
	// A discovered server that is the current one stays, and passes on what it inherited.
	p.Select(p.Find(v6.URL))
	merge("tls://10.0.0.9:9", "name other:5 [::1]:3 10.0.0.9:9", "10.0.0.9:9")
	if got := p.Servers()[3]; got.TLSName != "name" || got.URL.User.String() != "u:p" {
		t.Errorf("inherited from a discovered server: got %+v", got)
	}
	merge("tls://b:1", "name other:5 [::1]:3 b:1", "b:1")
	if got := p.Servers()[3].TLSName; got != "" {
		t.Errorf("TLS name of a server with a name: got %q, want none", got)
	}
}

func TestMergeShuffles(t *testing.T) {
	t.Parallel()
	p, err := New([]string{"a", "b", "c"}, "", reverse)
	if err != nil {
		t.Fatal(err)
	}
	p.Next(nil)
	p.Merge([]string{"d:1", "e:1"})
	check(t, p, "c e:1 d:1 a b") // all but the current one, which is in front
}

func TestMergeRefusesJunk(t *testing.T) {
	t.Parallel()
	for _, e := range []string{
		"", " ", "a b:1", ":4222", "h:0", "h:70000", "h:x", "a:1:2", "::1", "[::1", "[zz]:1", "u:p@h:1", "nats://h:1", "h:1/x", "h:1?x", "h:1#x", "h\r\n:1", "h%00:1", "ä:1",
		strings.Repeat("a", 400) + ":1", "h,i:1", "\x00", "'h':1",
	} {
		p := mustNew(t, "a")
		p.Next(nil)
		if got := p.Merge([]string{e}); len(got) != 0 || p.Len() != 1 {
			t.Errorf("Merge(%q): added %q, want nothing", e, got)
		}
	}
}

func TestMergeIsBounded(t *testing.T) {
	t.Parallel()
	p := mustNew(t, "a")
	p.Next(nil)
	var flood []string
	for i := range 20 * MaxDiscovered {
		flood = append(flood, fmt.Sprintf("h%d:1", i))
	}
	for i := 0; i < len(flood); i += 3 * MaxDiscovered / 2 {
		p.Merge(flood[i:])
		if got := len(p.Discovered()); got > MaxDiscovered {
			t.Fatalf("discovered: got %d, want at most %d", got, MaxDiscovered)
		}
	}
	p.Merge(flood)
	if got := len(p.Discovered()); got != MaxDiscovered {
		t.Errorf("discovered: got %d, want %d", got, MaxDiscovered)
	}
}

func TestReplace(t *testing.T) {
	t.Parallel()
	p := mustNew(t, "a", "b")
	a := p.Next(nil)
	a.Succeeded()
	a.Failures = 3
	p.Merge([]string{"d:1"})
	for _, bad := range [][]string{nil, {" "}, {"x", "h:x"}, {"ws://a"}, {"nats://a", "ws://b"}} {
		if err := p.Replace(bad); err == nil {
			t.Errorf("Replace(%q): got no error", bad)
		}
		check(t, p, "a b d:1")
	}
	if err := p.Replace([]string{"ws://a"}); !errors.Is(err, natserr.MixingWebSocketSchemes) {
		t.Errorf("Replace with WebSocket: got %v, want %v", err, natserr.MixingWebSocketSchemes)
	}
	if err := p.Replace([]string{"z", "d:1", "a"}); err != nil {
		t.Fatal(err)
	}
	check(t, p, "z d:1 a")
	if len(p.Discovered()) != 0 || !p.Contains(a) || p.Current() != a || a.Failures != 0 || !a.DidConnect {
		t.Errorf("after Replace: %d discovered, a kept %v, current %v, failures %d", len(p.Discovered()), p.Contains(a), p.Current(), a.Failures)
	}
	if err := p.Replace([]string{"y", "x"}); err != nil {
		t.Fatal(err)
	}
	if p.Current() != a || p.Contains(a) {
		t.Errorf("a replaced current server: current %v, still in the pool %v", p.Current(), p.Contains(a))
	}
	if got := p.Next(nil).URL.Hostname(); got != "y" {
		t.Errorf("Next after Replace: got %q, want y", got)
	}
	// Back to a list in which an entry is there twice: two servers, not one twice.
	if err := p.Replace([]string{"y", "y"}); err != nil {
		t.Fatal(err)
	}
	if p.servers[0] == p.servers[1] {
		t.Error("the same server is in the pool twice")
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	p := mustNew(t, "nats://u:p@a", "b")
	copies := p.Servers()
	if got := p.Find(copies[1].URL); got == nil || got.URL.Hostname() != "b" {
		t.Errorf("Find(copy of b): got %v", got)
	}
	u, _ := Parse("nats://u:p@a:4222")
	if got := p.Find(u); got == nil || got.URL.Hostname() != "a" {
		t.Errorf("Find(%v): got %v", u, got)
	}
	u, _ = Parse("a")
	if got := p.Find(u); got != nil {
		t.Errorf("Find(%v): got %v, want nil", u, got.URL)
	}
	if got := p.Find(nil); got != nil {
		t.Errorf("Find(nil): got %v", got.URL)
	}
}

// TestEveryServerHasItsTurn: whatever is retired, merged and busy, as many choices as there are servers visit each free server once.
func TestEveryServerHasItsTurn(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 1))
	for range 2000 {
		var urls []string
		for i := range 1 + rnd.IntN(6) {
			urls = append(urls, fmt.Sprintf("h%d", i))
		}
		p, err := New(urls, "", rnd.Shuffle)
		if err != nil {
			t.Fatal(err)
		}
		for range rnd.IntN(20) {
			switch s := p.Next(nil); rnd.IntN(4) {
			case 0:
				p.Merge([]string{fmt.Sprintf("d%d:1", rnd.IntN(3)), "d9:1"})
			case 1:
				if p.Len() > 1 {
					p.Remove(s)
				}
			}
		}
		var seen []*Server
		for range p.Len() {
			seen = append(seen, p.Next(nil))
		}
		for _, s := range p.servers {
			if !slices.Contains(seen, s) {
				t.Fatalf("seed %d: %s had no turn in %s", seed, s.URL.Host, hostsOf(p.Servers()))
			}
		}
	}
}

func FuzzMerge(f *testing.F) {
	f.Add("10.0.0.1:1,[::1]:2,name:3", "b:1")
	f.Add("u:p@h:1,ws://h:1, ,", "a:4222")
	f.Fuzz(func(t *testing.T, one, two string) {
		p := mustNew(t, "nats://u:p@a", "b")
		p.Next(nil)
		for _, list := range []string{one, two} {
			for _, u := range p.Merge(strings.Split(list, ",")) {
				if _, err := Parse(u); err != nil {
					t.Errorf("Merge(%q) added %q: %v", list, u, err)
				}
			}
		}
		seen := make(map[string]bool)
		for _, s := range p.Servers() {
			if seen[s.URL.Host] {
				t.Errorf("%s is there twice", s.URL.Host)
			}
			seen[s.URL.Host] = true
			if s.Discovered && (s.URL.User.String() != "u:p" || s.URL.Port() == "" || s.URL.Hostname() == "") {
				t.Errorf("discovered %+v", s.URL)
			}
		}
		if !seen["a:4222"] || !seen["b:4222"] {
			t.Errorf("the user's servers are gone: %s", hostsOf(p.Servers()))
		}
	})
}
