package engine

import "fmt"

// ConsumerLeft counts and tells that a consumer which nobody reads may still be there: the deletion that request asks for was not granted, for the reason err.
// The server deletes it after its threshold of inactivity.
func (c *Conn) ConsumerLeft(request string, err error) {
	c.health.left.Add(1)
	c.tell(LeftConsumer, fmt.Errorf("%s: %w", request, err))
}
