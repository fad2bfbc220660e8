package srv

// A large READ that is neither signed nor sealed nor compressed may have its data go as pages of the file from the disk's cache to the socket, without passing through memory of
// this process. They are taken while the request is submitted, and wait in a pipe until the socket takes them.

// outflowMin is the shortest READ of which that is tried.
const outflowMin = 128 << 10

// outflow is where the data of such a READ go; an [lwio/iomgr/api.Outflow]. It is the command's.
type outflow struct {
	c *conn
	p *pipe // nil for none
	n int   // bytes in it
}

// HandleString shows the outflow as a handle.
func (f *outflow) HandleString() string { return "data for " + f.c.remote }

// outflows reports whether the data of a READ of n bytes may go from elsewhere than the buffer of its answer.
func (c *command) outflows(n int) bool {
	return canSplice && n >= outflowMin && c.conn.raw != nil && !c.open.share.pipe && c.compound == nil && c.sealed == nil && !c.sign && !c.pack && c.hash == nil
}

// drop throws the data away.
func (f *outflow) drop() {
	if f.p != nil {
		f.c.srv.pipes.giveBack(f.p, f.n)
		f.p, f.n = nil, 0
	}
}
