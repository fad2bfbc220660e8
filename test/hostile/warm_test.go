package hostile

import (
	"testing"

	"lwio/iomgr/smb2"
)

// TestServes: the assembly works, with every dialect, signed and sealed.
func TestServes(t *testing.T) {
	h := start(t, nil)
	h.serves()
	for _, d := range dialects {
		for _, seal := range []bool{false, true} {
			c, err := logon(h.addr, user, d, seal)
			if err != nil {
				t.Fatalf("%v: %v", d, err)
			}
			if c.seal != (seal && d >= smb2.Dialect300) {
				t.Errorf("%v: sealing %v", d, c.seal)
			}
			if err := c.connectTree("data"); err != nil {
				t.Fatalf("%v: %v", d, err)
			}
			if err := c.barrier(); err != nil {
				t.Fatalf("%v: %v", d, err)
			}
			c.nc.Close()
		}
	}
	h.untouched()
}
