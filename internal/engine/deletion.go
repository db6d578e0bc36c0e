package engine

// OnDeleted has fn called whenever somebody has had something deleted through this connection, with the subject of the request that the server has
// granted: who lives on a stream or a consumer may have no other way to learn of it at once. fn runs on the goroutine that asked for the deletion, before that hears of it, and must
// not block. After stop returned fn may still be running once.
func (c *Conn) OnDeleted(fn func(request string)) (stop func()) { return c.deleted.add(fn) }

// Deleted says that the server has granted a request to delete something.
func (c *Conn) Deleted(request string) {
	for _, fn := range c.deleted.all() {
		fn(request)
	}
}
