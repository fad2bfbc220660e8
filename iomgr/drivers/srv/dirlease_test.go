package srv_test

import (
	"testing"

	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// TestDirectoryLeaseAgain: a lease on a directory that broke and was taken again breaks again, also when the open that took it again has gone.
func TestDirectoryLeaseAgain(t *testing.T) {
	e := newDiskEnv(t, nil)
	c := e.dial()
	c.logon(negotiateOptions{ciphers: allCiphers, signings: allSignings, caps: smb2.GlobalCapLeasing | smb2.GlobalCapDirectoryLeasing}, "alice")
	tree := c.tree("data")
	const rh = smb2.LeaseReadCaching | smb2.LeaseHandleCaching
	const rwh = rh | smb2.LeaseWriteCaching
	dir := creating(nt.GenericRead, nt.FileOpenIf, nt.FileDirectoryFile)
	d := c.create(tree, nt.StatusSuccess, "dir", nil, dir, leased, contexts(rqls(2, rwh)))
	if d.lease == nil || d.lease.LeaseState != rh {
		t.Fatalf("%+v", d.lease)
	}
	breaks := c.awaitBreak()
	f := c.create(tree, nt.StatusSuccess, `dir\file`, nil, rw, leased, contexts(rqls(4, rwh)))
	wait(t, breaks)
	c.do(smb2.OplockBreak, tree, (&smb2.LeaseBreakAck{LeaseKey: smb2.LeaseKey{2}}).Append(nil), nt.StatusSuccess)
	again := c.create(tree, nt.StatusSuccess, "dir", nil, dir, leased, contexts(rqls(2, rwh)))
	if again.lease == nil || again.lease.LeaseState != rh || again.lease.Epoch != d.lease.Epoch+2 {
		t.Fatalf("taken again: %+v", again.lease)
	}
	c.do(smb2.Close, tree, (&smb2.CloseRequest{FileID: again.FileID}).Append(nil), nt.StatusSuccess)
	c.do(smb2.Write, tree, (&smb2.WriteRequest{FileID: f.FileID, Data: []byte("data")}).Append(nil), nt.StatusSuccess)
	breaks = c.awaitBreak()
	c.do(smb2.Close, tree, (&smb2.CloseRequest{FileID: f.FileID}).Append(nil), nt.StatusSuccess)
	wait(t, breaks)
}
