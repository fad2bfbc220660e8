package ipc

import (
	"net"
	"os"

	"lwio/iomgr/nt"
)

// region is the server's side of one.
type region struct {
	f      *os.File
	mem    []byte
	filled bool // the reader's: there is memory behind it
}

// shareRegion gives the client a region, or says that there is none for it.
func (c *client) shareRegion(conn *net.UnixConn) error {
	if int(c.s.regions.Add(1)) > c.s.cfg.MaxRegions {
		c.s.regions.Add(-1)
		return sendRegion(conn, nil)
	}
	f, mem, err := newRegion()
	if err != nil { // no descriptors left, most likely
		c.s.regions.Add(-1)
		c.s.cfg.Log.Debug("no region for an ipc client", "pid", c.process.ID, "err", err)
		return sendRegion(conn, nil)
	}
	c.region = &region{f: f, mem: mem}
	return sendRegion(conn, f)
}

// fill has memory given to the region when it is used for the first time: most clients never do.
func (g *region) fill() nt.Status {
	if g.filled {
		return nt.StatusSuccess
	}
	if err := fillRegion(g.f); err != nil {
		return nt.StatusInsufficientResources
	}
	g.filled = true
	return nt.StatusSuccess
}

// abandon lets the region go once nobody is left who uses it; mu is held.
func (c *client) abandon() {
	if g := c.region; g != nil && c.dead && len(c.requests) == 0 {
		c.region = nil
		unmapRegion(g.mem)
		_ = g.f.Close()
		c.s.regions.Add(-1)
	}
}
