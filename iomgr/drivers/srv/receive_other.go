//go:build !unix

package srv

// receive reads what has come, and waits if nothing has.
func (c *conn) receive(b []byte) (int, error) { return c.nc.Read(b) }

type receiving struct{}

func (*receiving) init() {}
