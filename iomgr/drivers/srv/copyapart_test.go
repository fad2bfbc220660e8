package srv_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"lwio/iomgr/drivers/memfs"
	"lwio/iomgr/drivers/srv"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// TestCopyApart: chunks are copied by the file system where it can, and read and written where it cannot: within one that does not know how, and from one to
// another. To the client it is the same.
func TestCopyApart(t *testing.T) {
	dir := t.TempDir()
	e := newEnv(t, func(c *srv.Config) {
		c.Devices = []string{"memfs"}
		c.Shares = newTable(share("mem", `\memfs`), share("disk", dir))
	})
	if err := e.m.Load(context.Background(), memfs.DriverEntry(memfs.Config{})); err != nil {
		t.Fatal(err)
	}
	c := e.logon("alice")
	trees := map[string]uint32{"mem": c.tree("mem"), "disk": c.tree("disk")}
	data := make([]byte, 40000)
	for i := range data {
		data[i] = byte(rand.Uint32())
	}
	for _, way := range []struct{ from, to string }{{"disk", "disk"}, {"mem", "mem"}, {"mem", "disk"}, {"disk", "mem"}} {
		from := c.open(trees[way.from], "from", creating(nt.GenericAll, nt.FileOverwriteIf, 0))
		to := c.open(trees[way.to], "to", creating(nt.GenericAll, nt.FileOverwriteIf, 0))
		c.do(smb2.Write, trees[way.from], (&smb2.WriteRequest{FileID: from, Data: data}).Append(nil), nt.StatusSuccess)
		r := c.do(smb2.Ioctl, trees[way.from], ioctlBody(from, nt.FsctlSrvRequestResumeKey, nil, 32), nt.StatusSuccess)
		io, err := smb2.ParseIoctlResponse(r.body)
		if err != nil {
			t.Fatal(err)
		}
		key, err := smb2.ParseResumeKeyResponse(io.Output)
		if err != nil {
			t.Fatal(err)
		}
		copyChunks := func(want nt.Status, chunks ...smb2.CopyChunk) smb2.CopyChunkResponse {
			t.Helper()
			in := (&smb2.CopyChunkRequest{SourceKey: key.ResumeKey, Chunks: chunks}).Append(nil)
			r := c.do(smb2.Ioctl, trees[way.to], ioctlBody(to, nt.FsctlSrvCopychunk, in, 12), want)
			io, err := smb2.ParseIoctlResponse(r.body)
			if err != nil {
				t.Fatal(err)
			}
			res, err := smb2.ParseCopyChunkResponse(io.Output)
			if err != nil {
				t.Fatal(err)
			}
			return res
		}
		if res := copyChunks(nt.StatusSuccess, smb2.CopyChunk{SourceOffset: 5, TargetOffset: 100, Length: 30000}, smb2.CopyChunk{SourceOffset: 39999, TargetOffset: 40000, Length: 1}); res.ChunksWritten != 2 || res.TotalBytesWritten != 30001 {
			t.Errorf("%v: %+v", way, res)
		}
		// What goes beyond the source's end is refused, and what was before it stays.
		if res := copyChunks(nt.StatusInvalidViewSize, smb2.CopyChunk{Length: 10}, smb2.CopyChunk{SourceOffset: 39990, Length: 11}); res.ChunksWritten != 1 || res.TotalBytesWritten != 10 {
			t.Errorf("%v: %+v", way, res)
		}
		want := make([]byte, 40001)
		copy(want[100:], data[5:30005])
		copy(want, data[:10])
		want[40000] = data[39999]
		r = c.do(smb2.Read, trees[way.to], (&smb2.ReadRequest{FileID: to, Length: 65536}).Append(nil), nt.StatusSuccess)
		if res, err := smb2.ParseReadResponse(r.body); err != nil || !bytes.Equal(res.Data, want) {
			t.Errorf("%v: %d bytes, %v", way, len(res.Data), err)
		}
		// A lock on either side is in the way.
		for _, held := range []struct {
			share, name string
		}{{way.from, "from"}, {way.to, "to"}} {
			other := c.open(trees[held.share], held.name, creating(nt.GenericAll, nt.FileOpen, 0))
			lock := smb2.LockRequest{FileID: other, Locks: smb2.LockElements(nil).Append(smb2.LockElement{Length: 10, Flags: smb2.LockExclusive | smb2.LockFailImmediately})}
			c.do(smb2.Lock, trees[held.share], lock.Append(nil), nt.StatusSuccess)
			copyChunks(nt.StatusFileLockConflict, smb2.CopyChunk{SourceOffset: 5, TargetOffset: 5, Length: 10})
			c.do(smb2.Close, trees[held.share], (&smb2.CloseRequest{FileID: other}).Append(nil), nt.StatusSuccess)
		}
		c.do(smb2.Close, trees[way.from], (&smb2.CloseRequest{FileID: from}).Append(nil), nt.StatusSuccess)
		c.do(smb2.Close, trees[way.to], (&smb2.CloseRequest{FileID: to}).Append(nil), nt.StatusSuccess)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "to")); err != nil || len(b) != 40001 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
}
