package ndr

// A pipe is sent as chunks, the last of which is empty (C706 14.3.9). A chunk is a count and so many elements; in NDR64 the
// count negated follows them (MS-RPCE 2.2.5.3.5).

// Chunk appends the count of a chunk of n elements.
func (e *Encoder) Chunk(n int) { e.Conformance(n) }

// EndChunk ends a chunk of n elements.
func (e *Encoder) EndChunk(n int) {
	if e.wide {
		e.Int64(-int64(n))
	}
}

// Chunk reads the count of a chunk, zero for the last. MakeSlice or one of its like checks it.
func (d *Decoder) Chunk() uint32 { return d.Conformance() }

// EndChunk ends a chunk of n elements.
func (d *Decoder) EndChunk(n uint32) {
	if d.wide && d.Int64() != -int64(n) {
		d.Fail(ErrBounds, "")
	}
}
