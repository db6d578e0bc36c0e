package api

import "github.com/gannet-io/nats/internal/js/wire"

// tellingLink is a Link that tells those who live on a stream or a consumer that it was deleted; *[engine.Conn] is one.
type tellingLink interface {
	Deleted(request string)
}

// granted has those told who must know what the server has done. nats-server 2.15 says nothing to the subscriber of a push consumer that it
// deletes, and nothing to a pull request that it has not read yet.
func (c *Client) granted(operation string) {
	if !wire.IsDeletion(operation) {
		return
	}
	if link, ok := c.Conn.(tellingLink); ok {
		link.Deleted(c.Prefix + operation)
	}
}
