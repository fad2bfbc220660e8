package srv_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// TestReplayedCreate: a create is done once, however often it is asked for.
func TestReplayedCreate(t *testing.T) {
	e := newDiskEnv(t, nil)
	c, tree := e.client("alice", 1)
	guid := nt.GUID{7}
	ask := contexts(dh2q(guid, 0))
	first := c.create(tree, nt.StatusSuccess, "file", nil, rw, batch, ask)
	for range 2 {
		m := c.create(tree, nt.StatusSuccess, "file", replaying, rw, batch, ask)
		if m.FileID != first.FileID || m.CreateAction != smb2.FileCreated || m.v2 == nil || m.OplockLevel != smb2.OplockLevelBatch {
			t.Errorf("%+v", m)
		}
	}
	// By what it asks for, not by what there is.
	if m := c.create(tree, nt.StatusSuccess, "file", replaying, rw, ask); m.FileID != first.FileID || m.v2 != nil || m.OplockLevel != 0 {
		t.Errorf("%+v", m)
	}
	c.create(tree, nt.StatusAccessDenied, "file", replaying, rw, leased, ask, contexts(rqls(1, smb2.LeaseReadCaching)))
	c.create(tree, nt.StatusDuplicateObjectid, "file", nil, rw, batch, ask)
	// Another client's GUIDs are its own.
	other, otherTree := e.client("alice", 2)
	if m := other.create(otherTree, nt.StatusSuccess, "other", nil, rw, batch, ask); m.FileID == first.FileID {
		t.Error("the same open")
	}
	if n := len(e.files()); n != 2 {
		t.Errorf("%d opens", n)
	}
	// The connection goes before the answer came: the replay takes the open up, and is told what the create did.
	e.lose(c)
	c, tree = e.client("alice", 1)
	if m := c.create(tree, nt.StatusSuccess, "file", replaying, rw, batch, ask); m.FileID != first.FileID || m.CreateAction != smb2.FileCreated {
		t.Errorf("%+v", m)
	}
	// Once it is used, there is nothing to replay; a failed create leaves nothing behind.
	c.query(tree, first.FileID, nt.FileStandardInformation, 24, nt.StatusSuccess)
	c.create(tree, nt.StatusObjectNameCollision, "file", replaying, creating(nt.GenericRead, nt.FileCreate, 0), ask)
	m := c.create(tree, nt.StatusSuccess, "new", replaying, creating(nt.GenericRead, nt.FileCreate, 0), batch, ask)
	if m.FileID == first.FileID || m.CreateAction != smb2.FileCreated {
		t.Errorf("%+v", m)
	}
}

// TestReplayedPendingCreate: a create that waits is not done a second time.
func TestReplayedPendingCreate(t *testing.T) {
	e := newDiskEnv(t, nil)
	a, atree := e.client("alice", 1)
	held := a.create(atree, nt.StatusSuccess, "file", nil, rw, batch)
	breaks := a.awaitBreak()
	b, btree := e.client("bob", 2)
	ask := contexts(dh2q(nt.GUID{9}, 0))
	p, err := b.send(b.sess, call{cmd: smb2.Create, tree: btree, body: createBody("file", rw, ask)})
	if err != nil {
		t.Fatal(err)
	}
	wait(t, breaks)
	b.create(btree, nt.StatusAccessDenied, "file", replaying, rw, ask)
	b.create(btree, nt.StatusDuplicateObjectid, "file", nil, rw, ask)
	a.do(smb2.Close, atree, (&smb2.CloseRequest{FileID: held.FileID}).Append(nil), nt.StatusSuccess)
	r := p[0].want(nt.StatusSuccess)
	res, err := smb2.ParseCreateResponse(r.body)
	if err != nil {
		t.Fatal(err)
	}
	if m := b.create(btree, nt.StatusSuccess, "file", replaying, rw, ask); m.FileID != res.FileID {
		t.Errorf("%+v", m)
	}
}

// TestReplayAfterLostChannel: a create waits on although its connection has gone, as long as the session has another, and can be asked for there.
func TestReplayAfterLostChannel(t *testing.T) {
	e := newDiskEnv(t, nil)
	a, atree := e.client("alice", 1)
	held := a.create(atree, nt.StatusSuccess, "file", nil, rw, batch)
	breaks := a.awaitBreak()
	b, btree := e.client("bob", 2)
	second := e.dial()
	second.guid = b.guid
	second.negotiate(negotiateOptions{ciphers: allCiphers, signings: allSignings, caps: smb2.GlobalCapLeasing | smb2.GlobalCapMultiChannel})
	if _, st := second.setupSession(setup{user: "bob", password: passwords["bob"], bind: b.sess}); st != nt.StatusSuccess {
		t.Fatal(st)
	}
	ask := contexts(dh2q(nt.GUID{9}, 0))
	if _, err := second.send(second.sess, call{cmd: smb2.Create, tree: btree, body: createBody("file", rw, ask)}); err != nil {
		t.Fatal(err)
	}
	wait(t, breaks)
	second.nc.Close()
	<-second.done
	b.create(btree, nt.StatusAccessDenied, "file", replaying, rw, ask)
	a.do(smb2.Close, atree, (&smb2.CloseRequest{FileID: held.FileID}).Append(nil), nt.StatusSuccess)
	var m smb2.CreateResponse
	for { // as a client does: as long as the create is under way it is told so
		p, err := b.send(b.sess, call{cmd: smb2.Create, tree: btree, body: createBody("file", rw, ask), edit: replaying})
		if err != nil {
			t.Fatal(err)
		}
		r, err := p[0].recv()
		if err != nil {
			t.Fatal(err)
		}
		if r.h.Status == nt.StatusAccessDenied {
			continue
		}
		if r.h.Status != nt.StatusSuccess {
			t.Fatal(r.h.Status)
		}
		if m, err = smb2.ParseCreateResponse(r.body); err != nil {
			t.Fatal(err)
		}
		break
	}
	if m.CreateAction != smb2.FileOpened {
		t.Errorf("%+v", m)
	}
	b.do(smb2.Close, btree, (&smb2.CloseRequest{FileID: m.FileID}).Append(nil), nt.StatusSuccess)
	e.empty()
	// With the last channel goes what waits.
	held = a.create(atree, nt.StatusSuccess, "file", nil, rw, batch)
	breaks = a.awaitBreak()
	if _, err := b.send(b.sess, call{cmd: smb2.Create, tree: btree, body: createBody("file", rw, ask)}); err != nil {
		t.Fatal(err)
	}
	wait(t, breaks)
	e.lose(b)
	a.do(smb2.Close, atree, (&smb2.CloseRequest{FileID: held.FileID}).Append(nil), nt.StatusSuccess)
	e.empty()
}

// sequenced sends a request with a ChannelSequence.
func sequenced(seq uint16, replay bool) func(*smb2.Header) {
	return func(h *smb2.Header) {
		h.Status = nt.Status(seq)
		if replay {
			h.Flags |= smb2.FlagReplayOperation
		}
	}
}

// TestChannelSequence follows the table of 3.3.5.2.10.
func TestChannelSequence(t *testing.T) {
	e := newDiskEnv(t, nil)
	for _, replay := range []bool{false, true} {
		c, tree := e.client("alice", 1)
		id := c.open(tree, "file", rw)
		for i, v := range []struct {
			seq  uint16
			want nt.Status
		}{
			{0, 0}, {0x8000, nt.StatusFileNotAvailable}, {0xffff, nt.StatusFileNotAvailable}, {0x7fff, 0}, {0x7ffe, nt.StatusFileNotAvailable},
			{0, nt.StatusFileNotAvailable}, {0x8000, 0}, {0xffff, 0}, {0, 0}, {1, 0}, {0, nt.StatusFileNotAvailable}, {0xffff, nt.StatusFileNotAvailable},
		} {
			for name, q := range map[string]call{
				"write":  {cmd: smb2.Write, body: (&smb2.WriteRequest{FileID: id, Data: []byte("x")}).Append(nil)},
				"ioctl":  {cmd: smb2.Ioctl, body: ioctlBody(id, nt.FsctlSrvRequestResumeKey, nil, 64)},
				"set":    {cmd: smb2.SetInfo, body: (&smb2.SetInfoRequest{InfoType: 1, FileInfoClass: uint8(nt.FileEndOfFileInformation), FileID: id, Buffer: make([]byte, 8)}).Append(nil)},
				"query*": {cmd: smb2.QueryInfo, body: queryBody(id, 1, uint8(nt.FileStandardInformation), 24)},
			} {
				q.tree, q.edit = tree, sequenced(v.seq, replay)
				p, err := c.send(c.sess, q)
				if err != nil {
					t.Fatal(err)
				}
				want := v.want
				if name == "query*" { // changes nothing
					want = nt.StatusSuccess
				}
				if r, err := p[0].recv(); err != nil || r.h.Status != want {
					t.Errorf("replay %v, %d, sequence %#x, %s: %v %v", replay, i, v.seq, name, r.h.Status, err)
				}
			}
		}
	}
}

// TestLockSequence: a lock that was taken is not taken again by the same request.
func TestLockSequence(t *testing.T) {
	e := newDiskEnv(t, nil)
	c, tree := e.client("alice", 1)
	id := c.open(tree, "file", rw)
	lock := func(sequence uint32, offset uint64, flags uint32, want nt.Status) {
		t.Helper()
		q := smb2.LockRequest{LockSequence: sequence, FileID: id, Locks: smb2.LockElements(nil).Append(smb2.LockElement{Offset: offset, Length: 1, Flags: flags})}
		c.do(smb2.Lock, tree, q.Append(nil), want)
	}
	const take, release = smb2.LockExclusive | smb2.LockFailImmediately, smb2.LockUnlock
	lock(1<<4|1, 0, take, nt.StatusSuccess)
	lock(1<<4|1, 0, take, nt.StatusSuccess)
	lock(1<<4|2, 0, take, nt.StatusLockNotGranted)
	lock(1<<4|1, 0, take, nt.StatusLockNotGranted) // forgotten
	lock(64<<4|1, 0, release, nt.StatusSuccess)
	lock(64<<4|1, 0, release, nt.StatusSuccess)
	lock(64<<4|2, 0, release, nt.StatusRangeNotLocked)
	for _, none := range []uint32{0, 1, 65 << 4, 1<<32 - 1} {
		lock(none, 5, take, nt.StatusSuccess)
		lock(none, 5, take, nt.StatusLockNotGranted)
		lock(0, 5, release, nt.StatusSuccess)
	}
}

// TestAppInstance: an application takes its files over from where it was before.
func TestAppInstance(t *testing.T) {
	e := newDiskEnv(t, nil)
	instance := func(id byte, version ...uint64) func(*smb2.CreateRequest) {
		return func(r *smb2.CreateRequest) {
			contexts(withContext(smb2.ContextAppInstanceID, (&smb2.AppInstanceID{AppInstanceID: nt.GUID{id}}).Append(nil)))(r)
			if len(version) == 2 {
				contexts(withContext(smb2.ContextAppInstanceVersion, (&smb2.AppInstanceVersion{VersionHigh: version[0], VersionLow: version[1]}).Append(nil)))(r)
			}
		}
	}
	alone := func(r *smb2.CreateRequest) { r.ShareAccess = 0 }
	n := byte(1)
	open := func(want nt.Status, edit ...func(*smb2.CreateRequest)) {
		t.Helper()
		c, tree := e.client("alice", n)
		c.create(tree, want, "file", nil, append([]func(*smb2.CreateRequest){rw, alone, contexts(dh2q(nt.GUID{n}, 0))}, edit...)...)
		n++
	}
	open(nt.StatusSuccess, instance(1))
	open(nt.StatusSharingViolation, instance(2))
	open(nt.StatusSuccess, instance(1))
	open(nt.StatusSuccess, instance(1, 5, 7))
	open(nt.StatusFileForcedClosed, instance(1, 5, 7))
	open(nt.StatusFileForcedClosed, instance(1, 4, 9))
	open(nt.StatusFileForcedClosed, instance(1, 5, 6))
	open(nt.StatusSuccess, instance(1, 5, 8))
	open(nt.StatusSuccess, instance(1, 6, 0))
	open(nt.StatusSuccess, instance(1))
	if f := e.files(); len(f) != 1 {
		t.Errorf("%d opens", len(f))
	}
}

func TestCopyChunk(t *testing.T) {
	e := newDiskEnv(t, nil)
	c, tree := e.client("alice", 1)
	data := make([]byte, 3<<20)
	for i := range data {
		data[i] = byte(i * 7 / 3)
	}
	if err := os.WriteFile(filepath.Join(e.dir, "source"), data, 0o666); err != nil {
		t.Fatal(err)
	}
	from := c.open(tree, "source", creating(nt.GenericRead, nt.FileOpen, 0))
	to := c.open(tree, "target", creating(nt.GenericRead|nt.GenericWrite, nt.FileCreate, 0))
	blind := c.open(tree, "source", creating(nt.FileReadAttributes, nt.FileOpen, 0))
	appended := c.open(tree, "target", creating(nt.GenericWrite, nt.FileOpen, 0))
	key := func(id smb2.FileID) smb2.ResumeKey {
		t.Helper()
		c.do(smb2.Ioctl, tree, ioctlBody(id, nt.FsctlSrvRequestResumeKey, nil, 31), nt.StatusInvalidParameter)
		r := c.do(smb2.Ioctl, tree, ioctlBody(id, nt.FsctlSrvRequestResumeKey, nil, 32), nt.StatusSuccess)
		res, err := smb2.ParseIoctlResponse(r.body)
		if err != nil {
			t.Fatal(err)
		}
		k, err := smb2.ParseResumeKeyResponse(res.Output)
		if err != nil {
			t.Fatal(err)
		}
		return k.ResumeKey
	}
	copyTo := func(id smb2.FileID, code uint32, k smb2.ResumeKey, want nt.Status, chunks ...smb2.CopyChunk) smb2.CopyChunkResponse {
		t.Helper()
		r := c.do(smb2.Ioctl, tree, ioctlBody(id, code, (&smb2.CopyChunkRequest{SourceKey: k, Chunks: chunks}).Append(nil), 12), want)
		res, err := smb2.ParseIoctlResponse(r.body)
		if err != nil {
			return smb2.CopyChunkResponse{}
		}
		out, err := smb2.ParseCopyChunkResponse(res.Output)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	k := key(from)
	all := []smb2.CopyChunk{{Length: 1 << 20}, {SourceOffset: 1 << 20, TargetOffset: 1 << 20, Length: 1 << 20}, {SourceOffset: 2 << 20, TargetOffset: 2 << 20, Length: 1 << 20}}
	if r := copyTo(to, nt.FsctlSrvCopychunk, k, nt.StatusSuccess, all...); r != (smb2.CopyChunkResponse{ChunksWritten: 3, TotalBytesWritten: 3 << 20}) {
		t.Errorf("%+v", r)
	}
	if got, err := os.ReadFile(filepath.Join(e.dir, "target")); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	limits := smb2.CopyChunkResponse{ChunksWritten: 256, ChunkBytesWritten: 1 << 20, TotalBytesWritten: 16 << 20}
	for name, chunks := range map[string][]smb2.CopyChunk{
		"empty chunk": {{}}, "long chunk": {{Length: 1<<20 + 1}}, "many chunks": make([]smb2.CopyChunk, 257), "much": make([]smb2.CopyChunk, 17),
	} {
		for i := range chunks {
			if len(chunks) > 1 {
				chunks[i].Length = map[bool]uint32{true: 1 << 20, false: 1}[name == "much"]
			}
		}
		if r := copyTo(to, nt.FsctlSrvCopychunk, k, nt.StatusInvalidParameter, chunks...); r != limits {
			t.Errorf("%s: %+v", name, r)
		}
	}
	// Beyond the end of the source: what is before it was copied.
	if r := copyTo(to, nt.FsctlSrvCopychunk, k, nt.StatusInvalidViewSize, smb2.CopyChunk{Length: 10}, smb2.CopyChunk{SourceOffset: 3<<20 - 5, Length: 10}); r != (smb2.CopyChunkResponse{ChunksWritten: 1, TotalBytesWritten: 10}) {
		t.Errorf("%+v", r)
	}
	one := smb2.CopyChunk{Length: 1}
	copyTo(to, nt.FsctlSrvCopychunk, key(blind), nt.StatusAccessDenied, one)
	copyTo(from, nt.FsctlSrvCopychunk, k, nt.StatusAccessDenied, one)
	copyTo(appended, nt.FsctlSrvCopychunk, k, nt.StatusAccessDenied, one) // may not be read
	copyTo(appended, nt.FsctlSrvCopychunkWrite, k, nt.StatusSuccess, one)
	copyTo(to, nt.FsctlSrvCopychunk, smb2.ResumeKey{1}, nt.StatusObjectNameNotFound, one)
	other, otherTree := e.client("bob", 2)
	theirs := other.open(otherTree, "theirs", creating(nt.GenericRead|nt.GenericWrite, nt.FileCreate, 0))
	other.do(smb2.Ioctl, otherTree, ioctlBody(theirs, nt.FsctlSrvCopychunk, (&smb2.CopyChunkRequest{SourceKey: k, Chunks: []smb2.CopyChunk{one}}).Append(nil), 12), nt.StatusObjectNameNotFound)
	// Within a file, to a range that overlaps.
	self := key(to)
	copyTo(to, nt.FsctlSrvCopychunk, self, nt.StatusSuccess, smb2.CopyChunk{SourceOffset: 0, TargetOffset: 100, Length: 1000})
	want := bytes.Clone(data)
	copy(want[100:], data[:1000])
	if got, err := os.ReadFile(filepath.Join(e.dir, "target")); err != nil || !bytes.Equal(got, want) {
		t.Errorf("overlap: %d bytes, %v", len(got), err)
	}
	c.do(smb2.Close, tree, (&smb2.CloseRequest{FileID: from}).Append(nil), nt.StatusSuccess)
	copyTo(to, nt.FsctlSrvCopychunk, k, nt.StatusObjectNameNotFound, one)
}

// TestSnapshotsNone: a client that looks for previous versions is told that there are none.
func TestSnapshotsNone(t *testing.T) {
	e := newDiskEnv(t, nil)
	c, tree := e.client("alice", 1)
	id := c.open(tree, "", creating(nt.FileReadData, nt.FileOpen, 0))
	c.do(smb2.Ioctl, tree, ioctlBody(id, nt.FsctlSrvEnumerateSnapshots, nil, 15), nt.StatusInvalidParameter)
	r := c.do(smb2.Ioctl, tree, ioctlBody(id, nt.FsctlSrvEnumerateSnapshots, nil, 16), nt.StatusSuccess)
	if res, err := smb2.ParseIoctlResponse(r.body); err != nil || len(res.Output) != 16 || le.Uint32(res.Output) != 0 {
		t.Errorf("%x %v", res.Output, err)
	}
	old := contexts(withContext(smb2.ContextTimewarpToken, (&smb2.TimewarpToken{Timestamp: nt.NowTime()}).Append(nil)))
	c.create(tree, nt.StatusObjectNameNotFound, "", nil, creating(nt.FileReadData, nt.FileOpen, 0), old)
	c.do(smb2.Ioctl, tree, ioctlBody(id, nt.FsctlOplockBreakNotify, nil, 16), nt.StatusInvalidDeviceRequest)
}

// TestApple: a macOS client hears what kind of server it is.
func TestApple(t *testing.T) {
	e := newDiskEnv(t, nil)
	c, tree := e.client("alice", 1)
	q := smb2.AppleQuery{Command: smb2.AppleServerQuery, Wanted: smb2.AppleServerCapabilities | smb2.AppleVolumeCapabilities | smb2.AppleModelInfo | 1<<20}
	m := c.create(tree, nt.StatusSuccess, "", nil, creating(nt.FileReadAttributes, nt.FileOpen, 0), contexts(withContext(smb2.ContextAppleExtensions, q.Append(nil))))
	data, ok, err := m.Contexts.Find(smb2.ContextAppleExtensions)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	r, err := smb2.ParseAppleReply(data)
	if err != nil || r.Given != 7 || r.ServerCapabilities != smb2.AppleUnixBased || r.VolumeCapabilities != smb2.AppleFullSync || r.Model == "" {
		t.Errorf("%+v %v", r, err)
	}
	// What is no query is no reason to refuse the open.
	c.create(tree, nt.StatusSuccess, "", nil, creating(nt.FileReadAttributes, nt.FileOpen, 0), contexts(withContext(smb2.ContextAppleExtensions, []byte("x"))))
}

// awaitBreak gives the channel to which the next notification of a break comes.
func (c *client) awaitBreak() <-chan reply {
	ch := make(chan reply, 1)
	c.mu.Lock()
	c.waiting[^uint64(0)] = ch
	c.mu.Unlock()
	return ch
}

// TestBreakOverAnotherChannel: a break about which a connection went without an answer is told over the next.
func TestBreakOverAnotherChannel(t *testing.T) {
	t.Parallel()
	e := newDiskEnv(t, nil)
	a, atree := e.client("alice", 1)
	held := a.create(atree, nt.StatusSuccess, "file", nil, rw, batch)
	second := e.dial()
	second.guid = a.guid
	second.negotiate(negotiateOptions{ciphers: allCiphers, signings: allSignings, caps: smb2.GlobalCapLeasing | smb2.GlobalCapMultiChannel})
	if _, st := second.setupSession(setup{user: "alice", password: passwords["alice"], bind: a.sess}); st != nt.StatusSuccess {
		t.Fatal(st)
	}
	first, then := a.awaitBreak(), second.awaitBreak()
	b, btree := e.client("bob", 2)
	p, err := b.send(b.sess, call{cmd: smb2.Create, tree: btree, body: createBody("file", rw)})
	if err != nil {
		t.Fatal(err)
	}
	wait(t, first)
	a.nc.Close()
	r := wait(t, then)
	if n, err := smb2.ParseOplockBreak(r.body); err != nil || n.FileID != held.FileID || n.OplockLevel != smb2.OplockLevelII {
		t.Errorf("%+v %v", n, err)
	}
	second.do(smb2.OplockBreak, atree, (&smb2.OplockBreakMessage{OplockLevel: smb2.OplockLevelII, FileID: held.FileID}).Append(nil), nt.StatusSuccess)
	p[0].want(nt.StatusSuccess)
}
