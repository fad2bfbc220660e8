package srv_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"lwio/iomgr/drivers/srv"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
	"lwio/pipes"
)

// large is more than comes in any one piece.
var large = bytes.Repeat([]byte("0123456789abcdef"), 1<<16)

func (c *client) write1M(tree uint32, id smb2.FileID, offset uint64, flags uint32, want nt.Status) {
	c.t.Helper()
	r := c.charged(smb2.Write, tree, (&smb2.WriteRequest{FileID: id, Offset: offset, Flags: flags, Data: large}).Append(nil), len(large)).want(want)
	if want == nt.StatusSuccess {
		if w, err := smb2.ParseWriteResponse(r.body); err != nil || int(w.Count) != len(large) {
			c.t.Fatalf("%d bytes written, %v", w.Count, err)
		}
	}
}

// TestInflow: whatever a large plain WRITE is for, it has the effect and the status of any other, and what follows it is understood.
func TestInflow(t *testing.T) {
	c, tree, dir := newBulk(t, false, false)
	all := creating(nt.GenericAll, nt.FileOpenIf, 0)
	content := func(name string, want []byte) {
		t.Helper()
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s has %d bytes, not the %d wanted (%v)", name, len(got), len(want), err)
		}
	}
	t.Run("plain", func(t *testing.T) {
		id := c.open(tree, "plain", all)
		for i := range 3 {
			c.write1M(tree, id, uint64(i*1000), 0, nt.StatusSuccess)
		}
		content("plain", slices.Concat(large[:1000], large[:1000], large))
	})
	t.Run("write-through", func(t *testing.T) {
		id := c.open(tree, "through", all)
		c.write1M(tree, id, 5, smb2.WriteFlagWriteThrough, nt.StatusSuccess)
		content("through", append(make([]byte, 5), large...))
	})
	t.Run("append", func(t *testing.T) {
		id := c.open(tree, "append", creating(nt.FileAppendData|nt.FileReadAttributes, nt.FileOpenIf, 0))
		c.write1M(tree, id, 0, 0, nt.StatusSuccess)
		c.write1M(tree, id, 0, 0, nt.StatusSuccess)
		content("append", append(bytes.Clone(large), large...))
	})
	t.Run("stream", func(t *testing.T) {
		id := c.open(tree, "streams:more", all)
		c.write1M(tree, id, 0, 0, nt.StatusSuccess)
		r := c.charged(smb2.Read, tree, (&smb2.ReadRequest{FileID: id, Length: 1 << 20}).Append(nil), 1<<20).want(nt.StatusSuccess)
		if res, err := smb2.ParseReadResponse(r.body); err != nil || !bytes.Equal(res.Data, large) {
			t.Errorf("%d bytes, %v", len(res.Data), err)
		}
		content("streams", nil)
	})
	t.Run("read-only", func(t *testing.T) {
		c.open(tree, "refused", all)
		id := c.open(tree, "refused", creating(nt.GenericRead, nt.FileOpen, 0))
		c.write1M(tree, id, 0, 0, nt.StatusAccessDenied)
		content("refused", nil)
	})
	t.Run("no file", func(t *testing.T) {
		c.write1M(tree, smb2.FileID{Persistent: 77, Volatile: 78}, 0, 0, nt.StatusFileClosed)
	})
	t.Run("no tree", func(t *testing.T) {
		c.write1M(tree+99, smb2.FileID{Persistent: 77, Volatile: 78}, 0, 0, nt.StatusNetworkNameDeleted)
	})
	t.Run("directory", func(t *testing.T) {
		id := c.open(tree, "dir", creating(nt.GenericAll, nt.FileCreate, nt.FileDirectoryFile))
		c.write1M(tree, id, 0, 0, nt.StatusInvalidDeviceRequest)
	})
	t.Run("offset", func(t *testing.T) {
		id := c.open(tree, "offset", all)
		c.write1M(tree, id, 1<<63-1, 0, nt.StatusInvalidParameter)
		c.write1M(tree, id, 1<<62, 0, nt.StatusInvalidParameter)
		content("offset", nil)
	})
	t.Run("credits", func(t *testing.T) {
		id := c.open(tree, "credits", all)
		p, err := c.send(c.sess, call{cmd: smb2.Write, tree: tree, body: (&smb2.WriteRequest{FileID: id, Data: large}).Append(nil), charge: 15})
		if err != nil {
			t.Fatal(err)
		}
		p[0].want(nt.StatusInvalidParameter)
		content("credits", nil)
	})
	t.Run("lock", func(t *testing.T) {
		mine, other := c.open(tree, "locked", all), c.open(tree, "locked", all)
		c.do(smb2.Lock, tree, lockBytes(other, 1<<20-1, 1), nt.StatusSuccess)
		c.write1M(tree, mine, 0, 0, nt.StatusFileLockConflict)
		content("locked", nil)
		c.write1M(tree, other, 0, 0, nt.StatusSuccess)
		c.write1M(tree, mine, 1<<20, 0, nt.StatusSuccess)
	})
	c.do(smb2.Echo, 0, (&smb2.EchoRequest{}).Append(nil), nt.StatusSuccess)
}

func lockBytes(id smb2.FileID, offset, n uint64) []byte {
	return (&smb2.LockRequest{FileID: id, Locks: smb2.LockElements(nil).Append(smb2.LockElement{Offset: offset, Length: n,
		Flags: smb2.LockExclusive | smb2.LockFailImmediately})}).Append(nil)
}

// TestInflowPipe: a pipe gets a large plain WRITE whole.
func TestInflowPipe(t *testing.T) {
	e := newEnv(t, func(c *srv.Config) { c.Signing = srv.SigningEnabled })
	got := make(chan []byte, 1)
	e.listen("bytes", func(c *pipes.Conn) {
		b := make([]byte, len(large))
		_, _ = io.ReadFull(c, b)
		got <- b
	})
	c := e.logon("alice")
	tree := c.tree("IPC$")
	c.wantCred = 512
	c.do(smb2.Echo, 0, (&smb2.EchoRequest{}).Append(nil), nt.StatusSuccess)
	c.sess.sign = false
	c.write1M(tree, c.open(tree, "bytes"), 0, 0, nt.StatusSuccess)
	if !bytes.Equal(wait(t, got), large) {
		t.Error("other bytes")
	}
}

// halfWritten sends half of a WRITE, and gives the rest of it once some of it is in the file.
func halfWritten(t *testing.T, c *client, tree uint32, id smb2.FileID, path string) (rest []byte, p pending) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("this system does not splice")
	}
	h := smb2.Header{Command: smb2.Write, TreeID: tree, Credits: 16, CreditCharge: 16, MessageID: c.nextID, SessionID: c.sess.id, ProcessID: 0xfeff}
	p = pending{c, c.nextID, make(chan reply, 4)}
	c.mu.Lock()
	c.waiting[c.nextID] = p.ch
	c.nextID += 16
	c.mu.Unlock()
	msg := (&smb2.WriteRequest{FileID: id, Data: large}).Append(h.Append(nil))
	frame := append(smb2.AppendFrameHeader(nil, len(msg)), msg...)
	if _, err := c.nc.Write(frame[:len(frame)/2]); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(testTimeout); time.Now().Before(end); <-tick.C {
		if info, err := os.Stat(path); err == nil && info.Size() > 0 {
			return frame[len(frame)/2:], p
		}
	}
	t.Fatal("nothing is in the file before all has come")
	return nil, p
}

// TestInflowSlow: who sends half of a WRITE is in nobody's way, and ends it when he likes.
func TestInflowSlow(t *testing.T) {
	dir := t.TempDir()
	e := newEnv(t, func(c *srv.Config) { c.Shares, c.Signing = newTable(share("data", dir)), srv.SigningEnabled })
	c, other := e.logon("alice"), e.logon("alice")
	tree, otherTree := c.tree("data"), other.tree("data")
	for _, c := range []*client{c, other} {
		c.wantCred = 512
		c.do(smb2.Echo, 0, (&smb2.EchoRequest{}).Append(nil), nt.StatusSuccess)
		c.sess.sign = false
	}
	all := creating(nt.GenericAll, nt.FileOpenIf, 0)
	id := c.open(tree, "file", all)
	rest, p := halfWritten(t, c, tree, id, filepath.Join(dir, "file"))
	his := other.open(otherTree, "file", all)
	other.do(smb2.Lock, otherTree, lockBytes(his, 5<<20, 10), nt.StatusSuccess)
	other.write1M(otherTree, his, 2<<20, 0, nt.StatusSuccess)
	other.do(smb2.Close, otherTree, (&smb2.CloseRequest{FileID: his}).Append(nil), nt.StatusSuccess)
	if _, err := c.nc.Write(rest); err != nil {
		t.Fatal(err)
	}
	p.want(nt.StatusSuccess)
	if got, err := os.ReadFile(filepath.Join(dir, "file")); err != nil || !bytes.Equal(got, slices.Concat(large, make([]byte, 1<<20), large)) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// TestInflowStops: who does not go on is cut, and has let the file go.
func TestInflowStops(t *testing.T) {
	dir := t.TempDir()
	e := newEnv(t, func(c *srv.Config) {
		c.Shares, c.Signing, c.Limits.FrameTimeout = newTable(share("data", dir)), srv.SigningEnabled, 200*time.Millisecond
	})
	c, other := e.logon("alice"), e.logon("alice")
	tree, otherTree := c.tree("data"), other.tree("data")
	c.wantCred = 512
	c.do(smb2.Echo, 0, (&smb2.EchoRequest{}).Append(nil), nt.StatusSuccess)
	c.sess.sign = false
	id := c.open(tree, "file", func(r *smb2.CreateRequest) { r.DesiredAccess, r.CreateDisposition = nt.GenericAll, nt.FileOpenIf })
	halfWritten(t, c, tree, id, filepath.Join(dir, "file"))
	wait(t, c.done)
	other.await("file", otherTree)
}
