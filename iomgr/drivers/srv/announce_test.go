package srv_test

import (
	"bytes"
	"runtime"
	"testing"
	"time"

	"lwio/iomgr/drivers/srv"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// TestAnnouncedFrames: messages that are announced and do not come hold little memory, however long they say they are.
func TestAnnouncedFrames(t *testing.T) {
	e := newEnv(t, nil)
	const many = 20
	var before, after runtime.MemStats
	var list []*client
	for range many {
		list = append(list, e.logon("alice"))
	}
	runtime.ReadMemStats(&before)
	for _, c := range list {
		if _, err := c.nc.Write([]byte{0, 0x80, 0, 0, 0xfe, 'S', 'M', 'B'}); err != nil {
			t.Fatal(err)
		}
	}
	e.logon("bob").tree("IPC$") // by now they are being read
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > many*(256<<10) {
		t.Errorf("%d messages that were announced took %d bytes", many, took)
	}
}

// TestLongMessages: a message is put together of pieces as it was sent, whatever its length.
func TestLongMessages(t *testing.T) {
	e := newEnv(t, nil)
	e.listen("echo", echo)
	c := e.logon("alice")
	tree := c.tree("IPC$")
	for _, n := range []int{4000, 65000, 65536, 66000, 600 << 10, 1 << 20, 5 << 20} {
		c.charge = uint16((n-1)/65536 + 1)
		for c.credits < int(c.charge) {
			c.charge = 1
			c.do(smb2.Echo, 0, (&smb2.EchoRequest{}).Append(nil), nt.StatusSuccess)
			c.charge = uint16((n-1)/65536 + 1)
		}
		id := c.open(tree, "echo")
		in := bytes.Repeat([]byte("0123456789abcde"), n/15+1)[:n]
		if c.charge = uint16((n-1)/65536 + 1); n > 1<<16 {
			// More than the pipe takes at once: what comes back is read from it.
			p, err := c.send(c.sess, call{cmd: smb2.Write, tree: tree, body: (&smb2.WriteRequest{FileID: id, Data: in}).Append(nil)})
			if err != nil {
				t.Fatal(err)
			}
			c.charge = 1
			var out []byte
			for len(out) < n {
				r := c.do(smb2.Read, tree, (&smb2.ReadRequest{FileID: id, Length: 65536}).Append(nil), nt.StatusSuccess)
				res, err := smb2.ParseReadResponse(r.body)
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, res.Data...)
			}
			if r, err := p[0].recv(); err != nil || r.h.Status != nt.StatusSuccess || !bytes.Equal(out, in) {
				t.Errorf("%d bytes: %v, %v, equal %v", n, r.h.Status, err, bytes.Equal(out, in))
			}
		} else {
			c.charge = 1
			if r := c.do(smb2.Write, tree, (&smb2.WriteRequest{FileID: id, Data: in}).Append(nil), nt.StatusSuccess); len(r.body) < 16 {
				t.Errorf("%d bytes: %x", n, r.body)
			}
		}
		c.charge = 1
		c.do(smb2.Close, tree, (&smb2.CloseRequest{FileID: id}).Append(nil), nt.StatusSuccess)
	}
}

// TestAuthTimeout: beginning a message, or sending others, does not put off the time by which there must be a session. After a logoff it begins anew.
func TestAuthTimeout(t *testing.T) {
	e := newEnv(t, func(c *srv.Config) { c.Limits.AuthTimeout, c.Limits.FrameTimeout = 300*time.Millisecond, time.Hour })
	began := time.Now()
	c := e.dial()
	if _, err := c.nc.Write([]byte{0, 1, 0, 0, 0xfe, 'S', 'M', 'B'}); err != nil {
		t.Fatal(err)
	}
	c.ended()
	if took := time.Since(began); took > testTimeout/2 {
		t.Errorf("cut after %v", took)
	}
	// A session that is older than the time, and then none: what comes next may be long again.
	c = e.logon("alice")
	tick := time.NewTimer(400 * time.Millisecond)
	<-tick.C
	c.do(smb2.Logoff, 0, (&smb2.LogoffRequest{}).Append(nil), nt.StatusSuccess)
	c.sess = nil
	if r, err := c.try(smb2.Echo, 0, append((&smb2.EchoRequest{}).Append(nil), make([]byte, 8000)...)); err != nil || r.h.Status != nt.StatusSuccess {
		t.Errorf("after the logoff: %v, %v", r.h.Status, err)
	}
	c.ended()
}
