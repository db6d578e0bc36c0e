package nats

import (
	"net/url"
	"slices"

	"github.com/gannet-io/nats/internal/pool"
	"github.com/gannet-io/nats/internal/proto"
)

// ServerInfo is what a server says of itself in INFO.
type ServerInfo struct {
	ID              string   `json:"server_id"`
	Name            string   `json:"server_name"`
	Version         string   `json:"version"`
	Proto           int      `json:"proto"`
	Host            string   `json:"host"`
	Port            int      `json:"port"`
	Headers         bool     `json:"headers"`
	AuthRequired    bool     `json:"auth_required,omitempty"`
	TLSRequired     bool     `json:"tls_required,omitempty"`
	TLSAvailable    bool     `json:"tls_available,omitempty"`
	MaxPayload      int64    `json:"max_payload"` // bytes of header and data in one message
	CID             uint64   `json:"client_id,omitempty"`
	ClientIP        string   `json:"client_ip,omitempty"`
	Nonce           string   `json:"nonce,omitempty"`
	Cluster         string   `json:"cluster,omitempty"`
	Domain          string   `json:"domain,omitempty"`
	ConnectURLs     []string `json:"connect_urls,omitempty"`
	LameDuckMode    bool     `json:"ldm,omitempty"`
	JetStream       bool     `json:"jetstream,omitempty"`
	JSApiLevel      int      `json:"api_lvl,omitempty"`
	IsSystemAccount bool     `json:"acc_is_sys,omitempty"`
	RemoteAccount   string   `json:"remote_account,omitempty"`
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
	URL        *url.URL
	Reconnects int // failed attempts in a row
}

func publicServers(servers []pool.Server) (public []Server) {
	for _, s := range servers {
		u := *s.URL
		public = append(public, Server{URL: &u, Reconnects: s.Failures})
	}
	return public
}
