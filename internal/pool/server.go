package pool

import "net/url"

// Server is one entry of the pool. Its fields are written by the pool and the session machine only; everybody
// else reads copies ([Pool.Servers]). The zero Server is in no pool.
type Server struct {
	URL        *url.URL // with scheme and port; shared by all copies and never changed
	TLSName    string   // host name for TLS when a discovered server is a bare IP address; else empty
	Discovered bool     // came with INFO connect_urls
	DidConnect bool     // was the connection once
	Failures   int      // in a row, counted against MaxReconnects
	LastErr    error    // of the last attempt; nil after a success

	authErr error // the refusal of credentials by the last attempt, if it was one
}

// Succeeded forgets all failures: the server is the connection now.
func (s *Server) Succeeded() {
	s.DidConnect = true
	s.Failures = 0
	s.LastErr, s.authErr = nil, nil
}

// Failed notes why an attempt failed, but does not count it: whether it counts is the caller's decision ([Server.Failures]).
func (s *Server) Failed(err error) {
	s.LastErr, s.authErr = err, nil
}

// Refused notes that the server refused the credentials, for the reason kind, and reports whether it did so for the same reason the
// time before. A success or a failure of another kind in between breaks the row.
func (s *Server) Refused(kind error) (again bool) {
	again = s.authErr != nil && s.authErr == kind
	s.LastErr, s.authErr = kind, kind
	return again
}
