//go:build !linux

package srv

// lowWater is that of systems that have one.
const lowWater = 256 << 10

func (c *conn) expect(int) {}
func (c *conn) calm()      {}
