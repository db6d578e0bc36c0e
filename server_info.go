package nats

import (
	"net/url"
	"slices"

	"github.com/gannet-io/nats/internal/pool"
	"github.com/gannet-io/nats/internal/proto"
)

// ServerInfo is what a server says of itself in INFO. Fields that it does not send are zero.
type ServerInfo struct {
	ID              string   `json:"server_id"`                // of this run of the server
	Name            string   `json:"server_name"`              // its id when it was given none
	Version         string   `json:"version"`                  // of the server, as 2.15.2
	Proto           int      `json:"proto"`                    // version of the client protocol; 1: it sends INFO later, too
	Host            string   `json:"host"`                     // that it listens on, which may be 0.0.0.0
	Port            int      `json:"port"`                     // that it listens on
	Headers         bool     `json:"headers"`                  // messages may have headers
	AuthRequired    bool     `json:"auth_required,omitempty"`  // it asks for credentials
	TLSRequired     bool     `json:"tls_required,omitempty"`   // it takes no connection without TLS
	TLSAvailable    bool     `json:"tls_available,omitempty"`  // it takes both
	MaxPayload      int64    `json:"max_payload"`              // bytes of header and data in one message
	CID             uint64   `json:"client_id,omitempty"`      // number of the connection on this server
	ClientIP        string   `json:"client_ip,omitempty"`      // address that it sees the connection come from
	Nonce           string   `json:"nonce,omitempty"`          // to be signed, for nkeys and JWTs
	Cluster         string   `json:"cluster,omitempty"`        // name of its cluster; empty: none
	Domain          string   `json:"domain,omitempty"`         // JetStream domain; empty: none
	ConnectURLs     []string `json:"connect_urls,omitempty"`   // host:port of the servers of its cluster
	LameDuckMode    bool     `json:"ldm,omitempty"`            // it will shut down and takes no new connections
	JetStream       bool     `json:"jetstream,omitempty"`      // it has JetStream
	JSApiLevel      int      `json:"api_lvl,omitempty"`        // JetStream API level, ADR-44
	IsSystemAccount bool     `json:"acc_is_sys,omitempty"`     // the account of the connection is the system account
	RemoteAccount   string   `json:"remote_account,omitempty"` // account of the connection
}

func serverInfo(i proto.Info) ServerInfo {
	return ServerInfo{
		ID: i.ID, Name: i.Name, Version: i.Version, Proto: i.Proto, Host: i.Host, Port: i.Port, Headers: i.Headers,
		AuthRequired: i.AuthRequired, TLSRequired: i.TLSRequired, TLSAvailable: i.TLSAvailable, MaxPayload: i.MaxPayload,
		CID: i.CID, ClientIP: i.ClientIP, Nonce: i.Nonce, Cluster: i.Cluster, Domain: i.Domain,
		ConnectURLs: slices.Clone(i.ConnectURLs), LameDuckMode: i.LameDuck, JetStream: i.JetStream, JSApiLevel: i.APILevel,
		IsSystemAccount: i.IsSystemAccount, RemoteAccount: i.RemoteAccount,
	}
}

// Server is one entry of a connection's server pool.
type Server struct {
	URL        *url.URL // with credentials, if it was given with some
	Reconnects int      // failed attempts in a row
}

func publicServers(servers []pool.Server) (public []Server) {
	for _, s := range servers {
		u := *s.URL
		public = append(public, Server{URL: &u, Reconnects: s.Failures})
	}
	return public
}
