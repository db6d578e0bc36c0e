package pool

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Default is the server of a pool for which no server was named.
const Default = "nats://127.0.0.1:4222"

// Schemes of WebSocket URLs. Any other scheme means the plain protocol, with TLS from the start or later as the engine decides.
const (
	schemeWS  = "ws"
	schemeWSS = "wss"
)

// maxURL bounds what a user may hand in as one URL: beyond it, something else than a URL was passed.
const maxURL = 4096

// Parse reads one server URL as users write it: "host", "host:4222", "nats://user:pass@host", "tls://", "ws://", "wss://",
// "[::1]:4222", with white space around it. A missing scheme is nats, a missing port 4222 (ws 80, wss 443), a missing host with
// a port the local one; user info, path and unknown schemes are kept. An IPv6 address needs its brackets.
//
// An error matches no particular value. It names the URL, without its user info.
func Parse(s string) (*url.URL, error) {
	t := strings.TrimSpace(s)
	switch {
	case t == "":
		return nil, invalid(s, "empty")
	case len(t) > maxURL:
		return nil, invalid(s, "too long")
	case strings.ContainsFunc(t, isControl):
		return nil, invalid(s, "white space or a control character in it")
	}
	if !strings.Contains(t, "://") {
		t = "nats://" + t
	}
	u, err := url.Parse(t)
	if err != nil {
		return nil, invalid(s, reason(err))
	}
	if u.Scheme == "" {
		return nil, invalid(s, "no scheme before \"://\"")
	}
	host, why := hostPort(u)
	if why != "" {
		return nil, invalid(s, why)
	}
	u.Host = host
	return u, nil
}

// hostPort is u's host in lower case with its port, or why there is none.
func hostPort(u *url.URL) (hostPort, why string) {
	host, port := u.Hostname(), u.Port()
	bracketed := strings.HasPrefix(u.Host, "[")
	switch {
	case strings.Contains(host, ":") && !bracketed && looksIPv6(u.Host):
		return "", "an IPv6 address needs brackets, as in [::1]:4222"
	case strings.Contains(host, ":") && !bracketed:
		return "", "more than one colon in host and port"
	case bracketed && !isIPv6(host):
		return "", "no IPv6 address in the brackets"
	case host == "" && u.Host == "" && strings.Trim(u.Path, "/") != "":
		return "", "no host"
	case strings.ContainsFunc(host, notInHost), bracketed && strings.ContainsFunc(host, notInEntry), !bracketed && strings.Contains(host, "%"):
		return "", "a character that no host name has"
	}
	if port == "" {
		port = defaultPort(u.Scheme)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", "the port is not between 1 and 65535"
	}
	if u.Host == host+":"+port && host == strings.ToLower(host) {
		return u.Host, "" // as it mostly is: nothing to make
	}
	return join(host, port), ""
}

// join puts brackets around an IPv6 address, whose zone keeps its case.
func join(host, port string) string {
	addr, zone, found := strings.Cut(host, "%")
	host = strings.ToLower(addr)
	if found {
		host += "%" + zone
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return host + ":" + port
}

func defaultPort(scheme string) string {
	switch scheme {
	case schemeWS:
		return "80"
	case schemeWSS:
		return "443"
	}
	return "4222"
}

func isWebSocket(u *url.URL) bool { return u.Scheme == schemeWS || u.Scheme == schemeWSS }

func isControl(r rune) bool {
	return r <= ' ' || r == 0x7f || r == '\u0085' || r == '\u2028' || r == '\u2029'
}

// notInHost leaves the letters of all languages: a name may be an internationalized one.
func notInHost(r rune) bool {
	return isControl(r) || r == utf8.RuneError || strings.ContainsRune(`/\?#@<>"'`+"`", r)
}

func looksIPv6(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

func isIPv6(host string) bool {
	a, err := netip.ParseAddr(host)
	return err == nil && a.Is6()
}

// isIP reports whether host is a bare address, which no certificate is made out to by name.
func isIP(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

// reason says what url.Parse did not like, in words that cannot hold a piece of a password, as its own can: in
// "nats://u:p/w@host" it takes the password for a port.
func reason(err error) string {
	var escape url.EscapeError
	var host url.InvalidHostError
	switch {
	case errors.As(err, &escape):
		return "an invalid % escape"
	case errors.As(err, &host):
		return "a character that no host name has"
	case strings.Contains(err.Error(), "port"):
		return "the port is no number, or the password has a character that must be escaped"
	}
	return "not in the form scheme://user:password@host:port"
}

func invalid(s, why string) error {
	return fmt.Errorf("nats: invalid server URL %s: %s", printable(s), why)
}

// printable is s, quoted and shortened, without anything that may be user info, wherever s is broken.
func printable(s string) string {
	const most = 200
	if at := strings.LastIndexByte(s, '@'); at >= 0 {
		scheme, _, found := strings.Cut(s[:at], "://")
		if !found {
			scheme = ""
		} else {
			scheme += "://"
		}
		s = scheme + "xxxxx" + s[at:]
	}
	if len(s) > most {
		s = s[:most] + "..."
	}
	return strconv.Quote(s)
}
