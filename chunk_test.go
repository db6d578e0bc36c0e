package nats

import (
	"runtime"
	"testing"
	"unsafe"
)

// TestChunksFillTheirClasses: what the allocator gives is what a chunk uses. One byte more would be another class.
func TestChunksFillTheirClasses(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) != 8 {
		t.Skip("the sizes of chunks are chosen for pointers of 64 bits: elsewhere some tens of bytes stay unused")
	}
	const word = 8 // the allocator's own, in objects of more than 512 bytes
	var before, after runtime.MemStats
	seen := map[uint64]bool{}
	check := func(make func(need int) *chunk, upTo int) {
		for need := 0; need <= upTo; need += 8 {
			c := make(need)
			if !c.fits(need) {
				t.Errorf("%d messages and %d bytes: room for %d", len(c.msgs), c.room.Left(), need)
			}
			size := uint64(unsafe.Sizeof(chunk{})) + uint64(len(c.msgs))*uint64(unsafe.Sizeof(Msg{})) + uint64(c.room.Left())
			if seen[size] {
				continue
			}
			seen[size] = true
			got := leastAllocated(&before, &after, func() { c = make(need) })
			if size > 512 {
				size += word
			}
			if got != size {
				t.Errorf("%d messages and %d bytes use %d, the allocator gives %d", len(c.msgs), c.room.Left(), size, got)
			}
		}
	}
	check(newSingle, aloneFrom)
	check(func(need int) *chunk { return newChunk(need / chunkMsgs) }, chunkMsgs*aloneFrom)
}

// leastAllocated is what f allocates: others may allocate meanwhile.
func leastAllocated(before, after *runtime.MemStats, f func()) uint64 {
	least := ^uint64(0)
	for range 10 {
		runtime.ReadMemStats(before)
		f()
		runtime.ReadMemStats(after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	return least
}
