// Package roll hands out memory.
//
//	buf [ reply0 data0 | reply1 data1 |    left    ]
//	                                  └ used
package roll

import "unsafe"

// Roll is memory that is handed out from its beginning on, each byte once, as slices without room behind them. What it shall hand out must fit.
// The zero value has none. It is not safe for concurrent use.
type Roll struct {
	buf  []byte
	used uint32 // a number, where a shorter slice would be a pointer, whose every change the collector may want to know of
}

// Of is a roll of buf, which nobody else may use from now on.
func Of(buf []byte) Roll { return Roll{buf: buf} }

// Left is the number of bytes that nobody has yet.
func (r *Roll) Left() int { return len(r.buf) - int(r.used) }

// Bytes copies b. An empty one is an empty slice, which is nil only where the roll never had a buffer.
func (r *Roll) Bytes(b []byte) []byte {
	from := r.used
	r.used += uint32(len(b))
	own := r.buf[from:r.used:r.used]
	copy(own, b)
	return own
}

// Text copies b into a string.
func (r *Roll) Text(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	return unsafe.String(unsafe.SliceData(r.Bytes(b)), len(b)) // nobody else gets these bytes
}
