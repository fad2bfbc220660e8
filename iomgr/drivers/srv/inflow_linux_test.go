package srv_test

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"lwio/iomgr/drivers/srv"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// TestInflowFull: where the disk is full in the middle of a large plain WRITE the client hears of it, and goes on.
func TestInflowFull(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=2500k"); err != nil {
		t.Skip("no file system can be mounted:", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	e := newEnv(t, func(c *srv.Config) { c.Shares, c.Signing = newTable(share("data", dir)), srv.SigningEnabled })
	c := e.logon("alice")
	tree := c.tree("data")
	c.wantCred = 512
	c.do(smb2.Echo, 0, (&smb2.EchoRequest{}).Append(nil), nt.StatusSuccess)
	c.sess.sign = false
	id := c.open(tree, "file", creating(nt.GenericAll, nt.FileOpenIf, 0))
	for i, want := range []nt.Status{nt.StatusSuccess, nt.StatusSuccess, nt.StatusDiskFull, nt.StatusDiskFull} {
		c.write1M(tree, id, uint64(i)<<20, 0, want)
	}
	c.write1M(tree, id, 1<<20, 0, nt.StatusSuccess)
	c.do(smb2.Close, tree, (&smb2.CloseRequest{FileID: id}).Append(nil), nt.StatusSuccess)
	if got, err := os.ReadFile(filepath.Join(dir, "file")); err != nil || len(got) < 2<<20 || string(got[1<<20:2<<20]) != string(large) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}
