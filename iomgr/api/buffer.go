package api

// Buffers is an API with memory of its own for bulk data: what a request reads into it or writes from it is not copied on the way. The API of another
// process has some, which both processes share.
type Buffers interface {
	// Buffer gives n bytes until free is called; b is nil where there is no room for them.
	Buffer(n int) (b []byte, free func())
}

// Buffer gives n bytes for reads and writes through a, of the memory that it has for that, or any where it has none or no room. What stands in them at
// first is not defined. free gives them back; it is called once, when no request uses them any more and nobody looks at them.
//
//	b, free := api.Buffer(c, 1<<20)
//	defer free()
//	n, err := c.ReadFile(ctx, h, b, 0)
func Buffer(a API, n int) (b []byte, free func()) {
	if p, ok := a.(Buffers); ok {
		if b, free = p.Buffer(n); b != nil {
			return b, free
		}
	}
	return make([]byte, n), func() {}
}
