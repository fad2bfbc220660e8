package srv_test

import (
	"bytes"
	"context"
	"testing"

	"lwio/gen/srvctl"
	"lwio/iomgr/api"
	"lwio/iomgr/drivers/memfs"
	"lwio/iomgr/drivers/srv"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// newMemory starts a server that shares a volume in memory.
func newMemory(t *testing.T) *env {
	t.Helper()
	e := newEnv(t, func(c *srv.Config) {
		c.Devices = []string{"memfs"}
		c.Shares = newTable(share("mem", `\memfs`))
	})
	if err := e.m.Load(context.Background(), memfs.DriverEntry(memfs.Config{Capacity: 1 << 20})); err != nil {
		t.Fatal(err)
	}
	return e
}

const quotaStream = `$Extend\$Quota:$Q:$INDEX_ALLOCATION`

func quotaBody(id smb2.FileID, q smb2.QueryQuotaInfo, room uint32) []byte {
	return (&smb2.QueryInfoRequest{InfoType: smb2.InfoQuota, FileID: id, OutputBufferLength: room, Input: q.Append(nil)}).Append(nil)
}

func sidList(sids ...nt.SID) smb2.QueryQuotaInfo {
	b := api.AppendQuotaSIDs(nil, sids)
	return smb2.QueryQuotaInfo{SidListLength: uint32(len(b)), SidBuffer: b}
}

// TestQuota: an administrator sets quotas, reads them one by one and all, and a user meets the limit.
func TestQuota(t *testing.T) {
	e := newMemory(t)
	alice, root := e.logon("alice"), e.logon("root")
	tree, rootTree := alice.tree("mem"), root.tree("mem")
	const asSmbcquotas = nt.FileWriteData | nt.FileAppendData | nt.FileWriteEA
	alice.do(smb2.Create, tree, createBody(quotaStream, creating(asSmbcquotas, nt.FileOpen, 0)), nt.StatusAccessDenied)
	id := root.open(rootTree, quotaStream, creating(asSmbcquotas, nt.FileOpen, 0))
	set := func(list []api.Quota, want nt.Status) {
		t.Helper()
		root.do(smb2.SetInfo, rootTree, (&smb2.SetInfoRequest{InfoType: smb2.InfoQuota, FileID: id, Buffer: api.AppendQuotas(nil, list)}).Append(nil), want)
	}
	query := func(q smb2.QueryQuotaInfo, room uint32, want nt.Status) []api.Quota {
		t.Helper()
		r := root.do(smb2.QueryInfo, rootTree, quotaBody(id, q, room), want)
		if want.IsError() || want == nt.StatusNoMoreEntries {
			return nil
		}
		res, err := smb2.ParseQueryInfoResponse(r.body)
		if err != nil {
			t.Fatal(err)
		}
		list, status := api.ParseQuotas(res.Output)
		if status != 0 {
			t.Fatalf("%x: %v", res.Output, status)
		}
		return list
	}
	user, other := token("alice").User, token("bob").User
	query(smb2.QueryQuotaInfo{RestartScan: true}, 1000, nt.StatusNoMoreEntries)
	set([]api.Quota{{SID: user, Threshold: 4096, Limit: 8192}, {SID: other, Threshold: 1, Limit: nt.QuotaUnlimited}}, nt.StatusSuccess)
	set([]api.Quota{{SID: nt.SIDBuiltinAdministrators, Limit: 1}}, nt.StatusAccessDenied)
	set(nil, nt.StatusInvalidParameter)
	if l := query(smb2.QueryQuotaInfo{RestartScan: true}, 1000, nt.StatusSuccess); len(l) != 2 || l[0].SID != user || l[0].Limit != 8192 || l[1].Limit != nt.QuotaUnlimited {
		t.Errorf("%+v", l)
	}
	query(smb2.QueryQuotaInfo{}, 1000, nt.StatusNoMoreEntries)
	if l := query(smb2.QueryQuotaInfo{RestartScan: true, ReturnSingle: true}, 1000, nt.StatusSuccess); len(l) != 1 || l[0].SID != user {
		t.Errorf("%+v", l)
	}
	start := other.Append(nil)
	if l := query(smb2.QueryQuotaInfo{StartSidLength: uint32(len(start)), StartSidOffset: 4, SidBuffer: append(make([]byte, 4), start...)}, 1000, nt.StatusSuccess); len(l) != 1 || l[0].SID != other {
		t.Errorf("%+v", l)
	}
	if l := query(sidList(other, user, nt.SIDWorld), 1000, nt.StatusSuccess); len(l) != 3 || l[0].SID != other || l[2].Used != 0 {
		t.Errorf("%+v", l)
	}
	query(sidList(user), 67, nt.StatusBufferTooSmall)
	if l := query(sidList(user, other), 100, nt.StatusBufferOverflow); len(l) != 1 {
		t.Errorf("%+v", l)
	}
	both := sidList(user)
	both.StartSidLength = 12
	query(both, 1000, nt.StatusInvalidParameter)
	// Enforced, and met.
	control := api.VolumeControl{DefaultThreshold: nt.QuotaUnlimited, DefaultLimit: nt.QuotaUnlimited, Flags: nt.FileVcQuotaEnforce}
	setControl := func(c *client, tree uint32, id smb2.FileID, want nt.Status) {
		t.Helper()
		c.do(smb2.SetInfo, tree, (&smb2.SetInfoRequest{InfoType: smb2.InfoFilesystem, FileInfoClass: uint8(nt.FileFsControlInformation), FileID: id, Buffer: control.Append(nil)}).Append(nil), want)
	}
	setControl(root, rootTree, id, nt.StatusSuccess)
	r := root.do(smb2.QueryInfo, rootTree, queryBody(id, smb2.InfoFilesystem, uint8(nt.FileFsControlInformation), 48), nt.StatusSuccess)
	if res, err := smb2.ParseQueryInfoResponse(r.body); err != nil || !bytes.Equal(res.Output, control.Append(nil)) {
		t.Errorf("%x %v", res.Output, err)
	}
	f := alice.open(tree, "f", creating(nt.GenericAll, nt.FileCreate, 0))
	setControl(alice, tree, f, nt.StatusAccessDenied)
	alice.do(smb2.Write, tree, (&smb2.WriteRequest{FileID: f, Data: make([]byte, 8192)}).Append(nil), nt.StatusSuccess)
	alice.do(smb2.Write, tree, (&smb2.WriteRequest{FileID: f, Offset: 8192, Data: []byte{1}}).Append(nil), nt.StatusDiskFull)
	if l := query(sidList(user), 1000, nt.StatusSuccess); len(l) != 1 || l[0].Used != 8192 {
		t.Errorf("%+v", l)
	}
}

// TestDuplicateExtents: the source is named by its id, which has to be one of the session's.
func TestDuplicateExtents(t *testing.T) {
	e := newMemory(t)
	c := e.logon("alice")
	tree := c.tree("mem")
	from, to := c.open(tree, "from", creating(nt.GenericAll, nt.FileCreate, 0)), c.open(tree, "to", creating(nt.GenericAll, nt.FileCreate, 0))
	data := bytes.Repeat([]byte("0123456789abcdef"), 512)
	c.do(smb2.Write, tree, (&smb2.WriteRequest{FileID: from, Data: data}).Append(nil), nt.StatusSuccess)
	c.do(smb2.Write, tree, (&smb2.WriteRequest{FileID: to, Data: make([]byte, 8192)}).Append(nil), nt.StatusSuccess)
	duplicate := func(c *client, tree uint32, source, target smb2.FileID, at, toAt, n uint64, ex bool, want nt.Status) {
		t.Helper()
		code, in := uint32(nt.FsctlDuplicateExtentsToFile), []byte(nil)
		if ex {
			code, in = nt.FsctlDuplicateExtentsToFileEx, le.AppendUint64(nil, 0x30)
		}
		for _, v := range []uint64{source.Persistent, source.Volatile, at, toAt, n} {
			in = le.AppendUint64(in, v)
		}
		if ex {
			in = le.AppendUint64(in, 0)
		}
		c.do(smb2.Ioctl, tree, ioctlBody(target, code, in, 0), want)
		c.do(smb2.Ioctl, tree, ioctlBody(target, code, in[:len(in)-9], 0), nt.StatusInvalidParameter)
	}
	duplicate(c, tree, from, to, 0, 4096, 4096, false, nt.StatusSuccess)
	duplicate(c, tree, from, to, 4096, 0, 4096, true, nt.StatusSuccess)
	if got := c.content(tree, to); got != string(data[4096:4196]) {
		t.Errorf("%q", got)
	}
	duplicate(c, tree, from, to, 0, 0, 16384, false, nt.StatusNotSupported)
	duplicate(c, tree, to, to, 0, 0, 4096, false, nt.StatusNotSupported)
	reader := c.open(tree, "to", creating(nt.FileReadData, nt.FileOpen, 0))
	duplicate(c, tree, from, reader, 0, 0, 4096, false, nt.StatusAccessDenied)
	blind := c.open(tree, "from", creating(nt.FileReadAttributes, nt.FileOpen, 0))
	duplicate(c, tree, blind, to, 0, 0, 4096, false, nt.StatusAccessDenied)
	bogus := from
	bogus.Volatile++
	duplicate(c, tree, bogus, to, 0, 0, 4096, false, nt.StatusInvalidHandle)
	// Another session's is none of ours.
	other := e.logon("bob")
	otherTree := other.tree("mem")
	theirs := other.open(otherTree, "to", creating(nt.GenericAll, nt.FileOpen, 0))
	duplicate(other, otherTree, from, theirs, 0, 0, 4096, false, nt.StatusInvalidHandle)
	c.do(smb2.Close, tree, (&smb2.CloseRequest{FileID: from}).Append(nil), nt.StatusSuccess)
	duplicate(c, tree, from, to, 0, 0, 4096, false, nt.StatusInvalidHandle)
}

// TestSharedDevices: of devices only those are shared that the configuration names.
func TestSharedDevices(t *testing.T) {
	e := newMemory(t)
	add := func(path string, want nt.WinError) {
		t.Helper()
		res, err := e.ctl().SrvShareAdd(t.Context(), &srvctl.SrvShareAddRequest{Share: share("x", path)})
		if err != nil || nt.WinError(res.Return) != want {
			t.Errorf("%s: %v %v", path, res, err)
		}
	}
	for path, want := range map[string]nt.WinError{`\memfs\nothing`: nt.NErrUnknownDevDir, `\memfs\..\npfs`: nt.NErrUnknownDevDir, `\npfs`: nt.NErrUnknownDevDir,
		`\srv`: nt.NErrUnknownDevDir, `\pvfs\tmp`: nt.NErrUnknownDevDir, `\\memfs\`: nt.NErrUnknownDevDir, `\`: nt.NErrUnknownDevDir} {
		add(path, want)
	}
	add(`\MEMFS\`, nt.WErrSuccess)
	c := e.logon("alice")
	tree := c.tree("x")
	c.open(tree, "f", creating(nt.GenericAll, nt.FileCreate, 0))
	all := c.query(tree, c.open(tree, "f", creating(nt.GenericRead, nt.FileOpen, 0)), nt.FileNameInformation, 100, nt.StatusSuccess)
	if name := nt.DecodeUTF16(all[4:]); name != `\f` {
		t.Errorf("%q", name)
	}
}
