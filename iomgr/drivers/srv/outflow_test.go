package srv_test

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"lwio/iomgr/drivers/srv"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

func (c *client) readAt(tree uint32, id smb2.FileID, offset uint64, n int) pending {
	c.t.Helper()
	return c.charged(smb2.Read, tree, (&smb2.ReadRequest{FileID: id, Offset: offset, Length: uint32(n)}).Append(nil), n)
}

func (p pending) data() []byte {
	p.c.t.Helper()
	res, err := smb2.ParseReadResponse(p.want(nt.StatusSuccess).body)
	if err != nil {
		p.c.t.Fatal(err)
	}
	return res.Data
}

// onDisks runs a test with a share in the usual place, and with one in memory where there is such a file system: pages are had from either in their own way.
func onDisks(t *testing.T, f func(t *testing.T, c *client, tree uint32, dir string)) {
	t.Run("disk", func(t *testing.T) {
		c, tree, dir := newBulk(t, false, false)
		f(t, c, tree, dir)
	})
	t.Run("memory", func(t *testing.T) {
		dir, err := os.MkdirTemp("/dev/shm", "lwio")
		if err != nil {
			t.Skip("there is no /dev/shm")
		}
		t.Cleanup(func() { os.RemoveAll(dir) })
		c, tree, _ := newBulk(t, false, false, func(cfg *srv.Config) { cfg.Shares = newTable(share("data", dir)) })
		f(t, c, tree, dir)
	})
}

// TestOutflow: a large plain READ gives what any other would, while local programs make the file longer and shorter.
func TestOutflow(t *testing.T) {
	onDisks(t, func(t *testing.T, c *client, tree uint32, dir string) {
		path := filepath.Join(dir, "file")
		data := slices.Concat(large, bytes.Repeat([]byte("another 13 b."), 1<<17))[:2<<20+77]
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		id := c.open(tree, "file", creating(nt.GenericRead, nt.FileOpen, 0))
		for _, at := range []int{0, 1, 4095, 4096, 1<<20 - 7, 1<<20 + 77} {
			for _, n := range []int{128 << 10, 300_001, 1 << 20} {
				if got := c.readAt(tree, id, uint64(at), n).data(); !bytes.Equal(got, data[at:at+n]) {
					t.Errorf("%d bytes at %d: %d bytes that are not the file's", n, at, len(got))
				}
			}
		}
		if got := c.readAt(tree, id, 2<<20, 1<<20).data(); !bytes.Equal(got, data[2<<20:]) {
			t.Errorf("at the end: %d bytes", len(got))
		}
		c.readAt(tree, id, 3<<20, 1<<20).want(nt.StatusEndOfFile)
		if err := os.Truncate(path, 1<<20); err != nil {
			t.Fatal(err)
		}
		if got := c.readAt(tree, id, 512<<10, 1<<20).data(); !bytes.Equal(got, data[512<<10:1<<20]) {
			t.Errorf("of a shorter file: %d bytes", len(got))
		}
		c.readAt(tree, id, 1<<20, 1<<20).want(nt.StatusEndOfFile)
		more := append(bytes.Clone(large), data...)
		if err := os.WriteFile(path, more, 0o644); err != nil {
			t.Fatal(err)
		}
		if got := c.readAt(tree, id, 2<<20, 1<<20).data(); !bytes.Equal(got, more[2<<20:3<<20]) {
			t.Errorf("of a longer file: %d bytes", len(got))
		}
		// MinimumCount refuses what has been taken already.
		c.charged(smb2.Read, tree, (&smb2.ReadRequest{FileID: id, Offset: 2 << 20, Length: 1 << 20, MinimumCount: 1<<20 + 1}).Append(nil), 1<<20).want(nt.StatusEndOfFile)
		if got := c.readAt(tree, id, 0, 1<<20).data(); !bytes.Equal(got, large) {
			t.Errorf("after that: %d bytes", len(got))
		}
		// A range that somebody else has locked is nobody's to read.
		other := c.open(tree, "file", creating(nt.GenericAll, nt.FileOpen, 0))
		c.do(smb2.Lock, tree, (&smb2.LockRequest{FileID: other, Locks: smb2.LockElements(nil).Append(smb2.LockElement{Offset: 100, Length: 1, Flags: smb2.LockExclusive | smb2.LockFailImmediately})}).Append(nil), nt.StatusSuccess)
		c.readAt(tree, id, 0, 1<<20).want(nt.StatusFileLockConflict)
		c.do(smb2.Close, tree, (&smb2.CloseRequest{FileID: id}).Append(nil), nt.StatusSuccess)
	})
}

// TestOutflowSlow: a client that asks for much and takes it late gets it whole and in order.
func TestOutflowSlow(t *testing.T) {
	onDisks(t, func(t *testing.T, c *client, tree uint32, dir string) {
		data := slices.Concat(large, bytes.Repeat([]byte("x"), 1<<20), large, bytes.Repeat([]byte("another 13 b."), 1<<17)[:1<<20])
		if err := os.WriteFile(filepath.Join(dir, "file"), data, 0o644); err != nil {
			t.Fatal(err)
		}
		id := c.open(tree, "file", creating(nt.GenericAll, nt.FileOpen, 0))
		if tc, ok := c.nc.(*net.TCPConn); !ok || tc.SetReadBuffer(32<<10) != nil {
			t.Fatal("the client has no socket whose buffer can be small")
		}
		for range 5 {
			var list []pending
			for i := range 24 {
				list = append(list, c.readAt(tree, id, uint64(i%4)<<20+uint64(i%3), 1<<20-5))
			}
			for i, p := range list {
				if at := i%4<<20 + i%3; !bytes.Equal(p.data(), data[at:][:1<<20-5]) {
					t.Fatalf("read %d: %d bytes that are not the file's", i, len(p.data()))
				}
			}
		}
	})
}

// TestOutflowLost: clients that go with answers under way leave nothing behind: as many of them as there are pipes, and as often again, do not keep the next one from
// being answered with what the file has.
func TestOutflowLost(t *testing.T) {
	dir := t.TempDir()
	data := bytes.Repeat(large, 4)
	if err := os.WriteFile(filepath.Join(dir, "file"), data, 0o644); err != nil {
		t.Fatal(err)
	}
	e := newEnv(t, func(c *srv.Config) {
		c.Shares, c.Signing = newTable(share("data", dir)), srv.SigningEnabled
	})
	before := descriptors(t)
	for i := range 80 {
		c := e.logon("alice")
		tree := c.tree("data")
		c.wantCred = 512
		for range 4 {
			c.do(smb2.Echo, 0, (&smb2.EchoRequest{}).Append(nil), nt.StatusSuccess)
		}
		c.sess.sign = false
		id := c.open(tree, "file", creating(nt.GenericRead, nt.FileOpen, 0))
		if tc, ok := c.nc.(*net.TCPConn); !ok || tc.SetReadBuffer(32<<10) != nil {
			t.Fatal("the client has no socket whose buffer can be small")
		}
		var list []pending
		for k := range 16 {
			list = append(list, c.readAt(tree, id, uint64(k%4)<<20, 1<<20))
		}
		if got := list[0].data(); !bytes.Equal(got, data[:1<<20]) {
			t.Fatalf("client %d: %d bytes that are not the file's", i, len(got))
		}
		c.nc.Close()
	}
	if after := descriptors(t); after > before+100 { // two a connection that the server has not taken down yet, and what idle pipes have
		t.Errorf("%d descriptors are open, of which %d were before", after, before)
	}
}

func descriptors(t *testing.T) int {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("there is no /proc")
	}
	return len(list)
}
