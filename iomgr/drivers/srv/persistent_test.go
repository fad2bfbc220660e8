package srv_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lwio/gen/srvctl"
	"lwio/iomgr/drivers/srv"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// lasting is a server whose share is continuously available, and what is left of it when it ends.
type lasting struct {
	t     *testing.T
	dir   string
	table *openTable
}

func newLasting(t *testing.T) *lasting {
	t.Helper()
	dir := t.TempDir()
	return &lasting{t, dir, &openTable{table: newTable(share("data", dir, func(s *srvctl.SRVCTL_SHARE) { s.Flags = srv.ShareFlagContinuous })), opens: map[string][]byte{}}}
}

func (l *lasting) start(edit ...func(*srv.Config)) *diskEnv {
	l.t.Helper()
	return &diskEnv{newEnv(l.t, func(c *srv.Config) {
		c.Shares = l.table
		for _, f := range edit {
			f(c)
		}
	}), l.dir}
}

func (l *lasting) end(e *diskEnv) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	defer cancel()
	if err := e.m.Shutdown(ctx); err != nil {
		l.t.Fatal(err)
	}
}

// lasts connects a client that can have persistent opens.
func (e *diskEnv) lasts(user string, guid nt.GUID) (*client, uint32) {
	e.t.Helper()
	c := e.dial()
	c.guid = guid
	c.logon(negotiateOptions{ciphers: allCiphers, signings: allSignings,
		caps: smb2.GlobalCapLeasing | smb2.GlobalCapMultiChannel | smb2.GlobalCapPersistentHandles}, user)
	return c, c.tree("data")
}

func dh2qPersistent(guid nt.GUID) func(smb2.CreateContexts) smb2.CreateContexts {
	return withContext(smb2.ContextDurableHandleRequestV2, (&smb2.DurableHandleRequestV2{CreateGUID: guid, Flags: smb2.DurableHandleFlagPersistent}).Append(nil))
}

func dh2cPersistent(id smb2.FileID, guid nt.GUID) func(smb2.CreateContexts) smb2.CreateContexts {
	return withContext(smb2.ContextDurableHandleReconnectV2, (&smb2.DurableHandleReconnectV2{FileID: id, CreateGUID: guid, Flags: smb2.DurableHandleFlagPersistent}).Append(nil))
}

func lockBody(id smb2.FileID, offset, length uint64, flags uint32) []byte {
	return (&smb2.LockRequest{FileID: id, Locks: smb2.LockElements(nil).Append(smb2.LockElement{Offset: offset, Length: length, Flags: flags})}).Append(nil)
}

const lockNow = smb2.LockExclusive | smb2.LockFailImmediately

func alone(r *smb2.CreateRequest) { r.ShareAccess = nt.FileShareRead }

// TestPersistent: an open, its share mode, locks and lease are there when the server is back, before anybody else can have the file; and its client
// goes on with it.
func TestPersistent(t *testing.T) {
	l := newLasting(t)
	e := l.start()
	c, tree := e.lasts("alice", nt.GUID{1})
	id := nt.GUID{9}
	const rwh = smb2.LeaseReadCaching | smb2.LeaseHandleCaching | smb2.LeaseWriteCaching
	m := c.create(tree, nt.StatusSuccess, "file", nil, rw, alone, leased, contexts(dh2qPersistent(id), rqls(7, rwh)))
	if m.v2 == nil || m.v2.Flags != smb2.DurableHandleFlagPersistent || m.lease == nil || m.lease.LeaseState != rwh {
		t.Fatalf("not persistent: %+v %+v", m.v2, m.lease)
	}
	c.create(tree, nt.StatusSuccess, "held", nil, rw, alone, contexts(dh2qPersistent(nt.GUID{7})))
	if l.table.kept() != 2 {
		t.Fatalf("%d records when the client is told", l.table.kept())
	}
	for i := range uint64(3) {
		c.do(smb2.Lock, tree, lockBody(m.FileID, 100*i, 10, lockNow), nt.StatusSuccess)
	}
	c.do(smb2.Lock, tree, lockBody(m.FileID, 100, 10, smb2.LockUnlock), nt.StatusSuccess)
	plain := c.create(tree, nt.StatusSuccess, "plain", nil, rw, batch, contexts(dh2q(nt.GUID{8}, 0)))
	if plain.v2 == nil || plain.v2.Flags != 0 {
		t.Fatalf("%+v", plain.v2)
	}
	l.end(e)
	if l.table.kept() != 2 {
		t.Fatalf("%d records are left", l.table.kept())
	}

	e = l.start()
	b, btree := e.lasts("bob", nt.GUID{2})
	b.create(btree, nt.StatusSharingViolation, "held", nil, rw)
	c, tree = e.lasts("alice", nt.GUID{1})
	c.create(tree, nt.StatusObjectNameNotFound, "", nil, contexts(dh2c(plain.FileID, nt.GUID{8})))
	c.create(tree, nt.StatusObjectNameNotFound, "", nil, contexts(dh2c(m.FileID, id)))                // it does not know that it is persistent
	b.create(btree, nt.StatusObjectNameNotFound, "file", nil, contexts(dh2cPersistent(m.FileID, id))) // nor is it another client's, who has no such lease
	back := c.create(tree, nt.StatusSuccess, "file", nil, leased, contexts(dh2cPersistent(m.FileID, id), rqls(7, rwh)))
	if back.FileID != m.FileID || back.lease == nil || back.lease.LeaseState != rwh || back.lease.Epoch != m.lease.Epoch {
		t.Fatalf("%+v %+v, was %+v %+v", back.FileID, back.lease, m.FileID, m.lease)
	}
	// The locks are those that were: one of them can be let go, the one that was before cannot.
	c.do(smb2.Lock, tree, lockBody(m.FileID, 0, 10, smb2.LockUnlock), nt.StatusSuccess)
	c.do(smb2.Lock, tree, lockBody(m.FileID, 100, 10, smb2.LockUnlock), nt.StatusRangeNotLocked)
	c.do(smb2.Lock, tree, lockBody(m.FileID, 200, 10, smb2.LockUnlock), nt.StatusSuccess)
	c.do(smb2.Close, tree, (&smb2.CloseRequest{FileID: m.FileID}).Append(nil), nt.StatusSuccess)
	if l.table.kept() != 1 {
		t.Errorf("%d records after the close of one of two", l.table.kept())
	}
}

// TestPersistentRename: what a restart brings back has the name that the file was given, and is deleted if that was wanted.
func TestPersistentRename(t *testing.T) {
	l := newLasting(t)
	e := l.start()
	c, tree := e.lasts("alice", nt.GUID{1})
	m := c.create(tree, nt.StatusSuccess, "before", nil, rw, contexts(dh2qPersistent(nt.GUID{9})))
	rename := append(make([]byte, 16), 10, 0, 0, 0)
	rename = nt.AppendUTF16(rename, "after")
	set := func(c *client, tree uint32, class nt.FileInfoClass, b []byte) {
		t.Helper()
		c.do(smb2.SetInfo, tree, (&smb2.SetInfoRequest{InfoType: smb2.InfoFile, FileInfoClass: uint8(class), FileID: m.FileID, Buffer: b}).Append(nil), nt.StatusSuccess)
	}
	set(c, tree, nt.FileRenameInformation, rename)
	set(c, tree, nt.FileDispositionInformation, []byte{1})
	// A server that ends in order closes the file, and it goes; one that is killed leaves it, as another name of it does here.
	keep, after := filepath.Join(l.dir, "keep"), filepath.Join(l.dir, "after")
	if err := os.Link(after, keep); err != nil {
		t.Fatal(err)
	}
	l.end(e)
	if err := os.Rename(keep, after); err != nil {
		t.Fatal(err)
	}
	e = l.start()
	if f := e.files(); len(f) != 1 || filepath.Base(*f[0].Path) != "after" {
		t.Fatalf("%+v", f)
	}
	c, tree = e.lasts("alice", nt.GUID{1})
	c.create(tree, nt.StatusSuccess, "", nil, contexts(dh2cPersistent(m.FileID, nt.GUID{9})))
	c.do(smb2.Close, tree, (&smb2.CloseRequest{FileID: m.FileID}).Append(nil), nt.StatusSuccess)
	if _, err := os.Stat(after); err == nil {
		t.Error("the file is still there")
	}
}

// TestPersistentReplay: the answer to a create that the restart swallowed is given to its replay.
func TestPersistentReplay(t *testing.T) {
	l := newLasting(t)
	e := l.start()
	c, tree := e.lasts("alice", nt.GUID{1})
	ask := contexts(dh2qPersistent(nt.GUID{9}))
	m := c.create(tree, nt.StatusSuccess, "file", nil, rw, batch, ask)
	l.end(e)
	e = l.start()
	c, tree = e.lasts("alice", nt.GUID{1})
	c.create(tree, nt.StatusDuplicateObjectid, "file", nil, rw, batch, ask)
	again := c.create(tree, nt.StatusSuccess, "file", replaying, rw, batch, ask)
	if again.FileID != m.FileID || again.v2 == nil || again.v2.Flags != smb2.DurableHandleFlagPersistent || again.OplockLevel != smb2.OplockLevelBatch {
		t.Errorf("%+v %+v", again.CreateResponse, again.v2)
	}
}

// TestPersistentTogether: opens that come while one is written are written together.
func TestPersistentTogether(t *testing.T) {
	l := newLasting(t)
	l.table.gate = make(chan struct{})
	e := l.start()
	c, tree := e.lasts("alice", nt.GUID{1})
	const many = 20
	var waiting []pending
	for i := range byte(many) {
		p, err := c.send(c.sess, call{cmd: smb2.Create, tree: tree, body: createBody(string(rune('a'+i)), rw, contexts(dh2qPersistent(nt.GUID{9, i})))})
		if err != nil {
			t.Fatal(err)
		}
		waiting = append(waiting, p...)
	}
	for deadline := time.Now().Add(testTimeout); len(e.files()) < many; { // all are open, and one is written
		if time.Now().After(deadline) {
			t.Fatalf("%d are open", len(e.files()))
		}
	}
	close(l.table.gate)
	for _, p := range waiting {
		p.want(nt.StatusSuccess)
	}
	l.table.mu.Lock()
	writes := l.table.writes
	l.table.mu.Unlock()
	if l.table.kept() != many || writes >= many { // how many go together hangs on how soon they come
		t.Errorf("%d records by %d writes", l.table.kept(), writes)
	}
}

// TestPersistentRefused: no promise where it cannot be kept.
func TestPersistentRefused(t *testing.T) {
	l := newLasting(t)
	e := l.start()
	old := e.dial()
	old.guid = nt.GUID{3}
	old.logon(negotiateOptions{ciphers: allCiphers, signings: allSignings, caps: smb2.GlobalCapLeasing}, "alice") // a client that knows nothing of it
	tree := old.tree("data")
	if m := old.create(tree, nt.StatusSuccess, "old", nil, rw, batch, contexts(dh2qPersistent(nt.GUID{1}))); m.v2 == nil || m.v2.Flags != 0 {
		t.Errorf("for a client without the capability: %+v", m.v2)
	}
	c, tree := e.lasts("alice", nt.GUID{1})
	l.table.mu.Lock()
	l.table.failOpens = true
	l.table.mu.Unlock()
	if m := c.create(tree, nt.StatusSuccess, "unkept", nil, rw, batch, contexts(dh2qPersistent(nt.GUID{2}))); m.v2 == nil || m.v2.Flags != 0 {
		t.Errorf("where the table fails: %+v", m.v2)
	}
	l.table.mu.Lock()
	l.table.failOpens = false
	l.table.mu.Unlock()
	m := c.create(tree, nt.StatusSuccess, "lost", nil, rw, batch, contexts(dh2qPersistent(nt.GUID{4})))
	l.table.mu.Lock()
	l.table.opens["nonsense"] = []byte("{")
	l.table.mu.Unlock()
	l.end(e)
	// Another file has the name.
	if err := os.Remove(filepath.Join(l.dir, "lost")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(l.dir, "else"), nil, 0o666); err != nil { // which takes the number of the one that went, perhaps
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(l.dir, "lost"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	e = l.start()
	if l.table.kept() != 0 {
		t.Errorf("%d records are left of what cannot be restored", l.table.kept())
	}
	c, tree = e.lasts("alice", nt.GUID{1})
	c.create(tree, nt.StatusObjectNameNotFound, "", nil, contexts(dh2cPersistent(m.FileID, nt.GUID{4})))
}

// TestPersistentExpires: what nobody comes back for is closed, for good.
func TestPersistentExpires(t *testing.T) {
	l := newLasting(t)
	brief := func(c *srv.Config) { c.Limits.DurableTimeout = 50 * time.Millisecond }
	e := l.start(brief)
	c, tree := e.lasts("alice", nt.GUID{1})
	c.create(tree, nt.StatusSuccess, "file", nil, rw, contexts(dh2qPersistent(nt.GUID{9})))
	l.end(e)
	e = l.start(brief)
	e.empty()
	deadline := time.Now().Add(testTimeout)
	for l.table.kept() > 0 {
		if time.Now().After(deadline) {
			t.Fatal("the record is kept")
		}
	}
}
