package engine

// OnClose has fn called when Close begins, while publishes are still accepted and written: the last chance to have the server clean up. fn runs on
// the goroutine that closes, and must neither block nor call Close. It is not called when the connection ends in another way. After stop returned
// fn may still be running once.
func (c *Conn) OnClose(fn func()) (stop func()) { return c.last.add(fn) }

func (c *Conn) sayFarewell() {
	for _, fn := range c.last.take() {
		fn()
	}
}
