package engine

// Large payloads come in buffers of their own, 128 KiB after 128 KiB for who reads objects. A sink that has taken the bytes out of such a
// buffer gives it back, and the next large payload goes into it. Without that reading an object allocates as much as the object has.

// Recycle takes back the body of an owned frame. The caller must be the only one that has it.
func (c *Conn) Recycle(body []byte) {
	if cap(body) >= ownPayload && cap(body) <= maxSpare {
		c.spares.Put(&body)
	}
}

// maxSpare is the largest buffer that is kept for another payload.
const maxSpare = 2 << 20

// spare is a buffer for size bytes that somebody gave back; nil: there is none that fits. One that does not fit is dropped, so that
// the pool follows the sizes that come.
func (c *Conn) spare(size int) []byte {
	b, ok := c.spares.Get().(*[]byte)
	if !ok || cap(*b) < size {
		return nil
	}
	return (*b)[:0]
}
