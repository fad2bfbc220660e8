package srv_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"lwio/iomgr/drivers/srv"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// newDisk starts a server with a share "data" over a directory.
func newDisk(t *testing.T) (*client, uint32, string) {
	t.Helper()
	dir := t.TempDir()
	e := newEnv(t, func(c *srv.Config) { c.Shares = newTable(share("data", dir)) })
	c := e.logon("alice")
	return c, c.tree("data"), dir
}

func creating(access nt.AccessMask, disposition, options uint32) func(*smb2.CreateRequest) {
	return func(r *smb2.CreateRequest) {
		r.DesiredAccess, r.CreateDisposition, r.CreateOptions, r.ShareAccess = access, disposition, options, 7
	}
}

func queryBody(id smb2.FileID, infoType uint8, class uint8, max uint32) []byte {
	return (&smb2.QueryInfoRequest{InfoType: infoType, FileInfoClass: class, FileID: id, OutputBufferLength: max}).Append(nil)
}

func (c *client) query(tree uint32, id smb2.FileID, class nt.FileInfoClass, max uint32, want nt.Status) []byte {
	c.t.Helper()
	r := c.do(smb2.QueryInfo, tree, queryBody(id, smb2.InfoFile, uint8(class), max), want)
	if want.IsError() {
		return nil
	}
	res, err := smb2.ParseQueryInfoResponse(r.body)
	if err != nil {
		c.t.Fatal(err)
	}
	return res.Output
}

func TestFiles(t *testing.T) {
	c, tree, dir := newDisk(t)
	r := c.do(smb2.Create, tree, createBody("Größe.txt", creating(nt.GenericAll, nt.FileCreate, 0)), nt.StatusSuccess)
	res, err := smb2.ParseCreateResponse(r.body)
	if err != nil || res.CreateAction != smb2.FileCreated || res.OplockLevel != 0 || res.CreationTime == 0 {
		t.Fatalf("%+v %v", res, err)
	}
	id := res.FileID
	data := bytes.Repeat([]byte("0123456789abcdef"), 5000)
	c.charge = 2
	w := c.do(smb2.Write, tree, (&smb2.WriteRequest{FileID: id, Offset: 3, Data: data}).Append(nil), nt.StatusSuccess)
	if n, err := smb2.ParseWriteResponse(w.body); err != nil || int(n.Count) != len(data) {
		t.Errorf("%+v %v", n, err)
	}
	c.do(smb2.Flush, tree, (&smb2.FlushRequest{FileID: id}).Append(nil), nt.StatusSuccess)
	read := func(off uint64, n, least uint32, want nt.Status) []byte {
		t.Helper()
		r := c.do(smb2.Read, tree, (&smb2.ReadRequest{FileID: id, Offset: off, Length: n, MinimumCount: least}).Append(nil), want)
		if want != nt.StatusSuccess {
			return nil
		}
		res, err := smb2.ParseReadResponse(r.body)
		if err != nil {
			t.Fatal(err)
		}
		return res.Data
	}
	if got := read(3, 100000, 0, nt.StatusSuccess); !bytes.Equal(got, data) {
		t.Errorf("%d bytes", len(got))
	}
	if got := read(79999, 100, 0, nt.StatusSuccess); string(got) != "cdef" {
		t.Errorf("%q", got)
	}
	read(79999, 100, 5, nt.StatusEndOfFile)
	read(90000, 1, 0, nt.StatusEndOfFile)
	read(1<<63, 1, 0, nt.StatusInvalidParameter)
	c.charge = 1

	std := c.query(tree, id, nt.FileStandardInformation, 24, nt.StatusSuccess)
	if le.Uint64(std[8:]) != 80003 {
		t.Errorf("size %d", le.Uint64(std[8:]))
	}
	c.query(tree, id, nt.FileStandardInformation, 23, nt.StatusInfoLengthMismatch)
	// Names are relative to the share, wherever its directory is.
	all := c.query(tree, id, nt.FileAllInformation, 1024, nt.StatusSuccess)
	if name := nt.DecodeUTF16(all[100:]); name != `\Größe.txt` || int(le.Uint32(all[96:])) != len(all)-100 {
		t.Errorf("name %q", name)
	}
	if part := c.query(tree, id, nt.FileAllInformation, 106, nt.StatusBufferOverflow); len(part) != 106 || nt.DecodeUTF16(part[100:]) != `\Gr` || le.Uint32(part[96:]) != 20 {
		t.Errorf("%q", part[96:])
	}
	c.query(tree, id, nt.FileAllInformation, 99, nt.StatusInfoLengthMismatch)
	if n := c.query(tree, id, nt.FileNormalizedNameInformation, 1024, nt.StatusSuccess); nt.DecodeUTF16(n[4:]) != "Größe.txt" {
		t.Errorf("%q", n)
	}
	root := c.open(tree, "", creating(nt.FileReadAttributes|nt.FileListDirectory, nt.FileOpen, 0))
	if all = c.query(tree, root, nt.FileAllInformation, 1024, nt.StatusSuccess); nt.DecodeUTF16(all[100:]) != `\` {
		t.Errorf("%q", all[96:])
	}
	// Set the size, rename, and close with the attributes.
	set := func(class nt.FileInfoClass, b []byte, want nt.Status) {
		t.Helper()
		c.do(smb2.SetInfo, tree, (&smb2.SetInfoRequest{InfoType: 1, FileInfoClass: uint8(class), FileID: id, Buffer: b}).Append(nil), want)
	}
	set(nt.FileEndOfFileInformation, le.AppendUint64(nil, 5), nt.StatusSuccess)
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o777); err != nil {
		t.Fatal(err)
	}
	rename := func(name string) []byte {
		b := make([]byte, 20)
		n := nt.AppendUTF16(nil, name)
		le.PutUint32(b[16:], uint32(len(n)))
		return append(b, n...)
	}
	set(nt.FileRenameInformation, rename(`..\out`), nt.StatusObjectNameInvalid)
	set(nt.FileRenameInformation, rename(`sub\..\..\out`), nt.StatusObjectNameInvalid)
	set(nt.FileRenameInformation, rename(``), nt.StatusInvalidParameter)
	set(nt.FileRenameInformation, rename(`sub\new`)[:25], nt.StatusInvalidParameter)
	set(nt.FileRenameInformation, rename(`sub\new`)[:7], nt.StatusInfoLengthMismatch)
	set(nt.FileRenameInformation, rename(`sub\new`), nt.StatusSuccess)
	cl := c.do(smb2.Close, tree, (&smb2.CloseRequest{FileID: id, Flags: smb2.CloseFlagPostQueryAttrib}).Append(nil), nt.StatusSuccess)
	if a, err := smb2.ParseCloseResponse(cl.body); err != nil || a.Flags != 1 || a.EndOfFile != 5 || a.LastWriteTime == 0 {
		t.Errorf("%+v %v", a, err)
	}
	if fi, err := os.Stat(filepath.Join(dir, "sub", "new")); err != nil || fi.Size() != 5 {
		t.Errorf("%v %v", fi, err)
	}
}

// TestEscape: no name leads out of the share.
func TestEscape(t *testing.T) {
	c, tree, dir := newDisk(t)
	if err := os.Symlink("/etc", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]nt.Status{
		`..`: nt.StatusObjectPathSyntaxBad, `..\etc\passwd`: nt.StatusObjectPathSyntaxBad, `sub\..\..\etc`: nt.StatusObjectPathSyntaxBad,
		`.`: nt.StatusObjectNameInvalid, `\etc`: nt.StatusInvalidParameter, `../etc`: nt.StatusObjectPathSyntaxBad, `/etc/passwd`: nt.StatusInvalidParameter,
		"a\x00b": nt.StatusObjectNameInvalid, `link\passwd`: nt.StatusObjectPathNotFound, `link`: nt.StatusObjectNameNotFound,
	} {
		if r, err := c.try(smb2.Create, tree, createBody(name, creating(nt.FileReadData, nt.FileOpen, 0))); err != nil || r.h.Status != want {
			t.Errorf("%q: %v %v, want %v", name, r.h.Status, err, want)
		}
	}
}

func TestCreateArguments(t *testing.T) {
	c, tree, _ := newDisk(t)
	for name, v := range map[string]struct {
		edit func(*smb2.CreateRequest)
		want nt.Status
	}{
		"impersonation":   {func(r *smb2.CreateRequest) { r.ImpersonationLevel = 4 }, nt.StatusBadImpersonationLevel},
		"disposition":     {func(r *smb2.CreateRequest) { r.CreateDisposition = 6 }, nt.StatusInvalidParameter},
		"share access":    {func(r *smb2.CreateRequest) { r.ShareAccess = 8 }, nt.StatusInvalidParameter},
		"no access":       {func(r *smb2.CreateRequest) { r.DesiredAccess = 0 }, nt.StatusAccessDenied},
		"by file id":      {func(r *smb2.CreateRequest) { r.CreateOptions = nt.FileOpenByFileId }, nt.StatusNotSupported},
		"broken contexts": {func(r *smb2.CreateRequest) { r.Contexts = make([]byte, 20) }, nt.StatusInvalidParameter},
		"short AlSi":      {func(r *smb2.CreateRequest) { r.Contexts = r.Contexts.Append(smb2.ContextAllocationSize, []byte{1}) }, nt.StatusInvalidParameter},
		"bad EAs":         {func(r *smb2.CreateRequest) { r.Contexts = r.Contexts.Append(smb2.ContextEABuffer, make([]byte, 7)) }, nt.StatusInvalidParameter},
		"bad descriptor": {func(r *smb2.CreateRequest) {
			r.Contexts = r.Contexts.Append(smb2.ContextSecurityDescriptor, make([]byte, 7))
		}, nt.StatusInvalidParameter},
		"reconnect": {func(r *smb2.CreateRequest) {
			r.Contexts = r.Contexts.Append(smb2.ContextDurableHandleReconnect, make([]byte, 16))
		}, nt.StatusObjectNameNotFound},
		"time warp": {func(r *smb2.CreateRequest) {
			r.Contexts = r.Contexts.Append(smb2.ContextTimewarpToken, make([]byte, 8))
		}, nt.StatusObjectNameNotFound},
	} {
		if r, err := c.try(smb2.Create, tree, createBody("", creating(nt.FileReadAttributes, nt.FileOpen, 0), v.edit)); err != nil || r.h.Status != v.want {
			t.Errorf("%s: %v %v, want %v", name, r.h.Status, err, v.want)
		}
	}
	// What is asked for politely is answered or left out.
	lease := smb2.Lease{Version: 2, LeaseState: 7}
	r := c.do(smb2.Create, tree, createBody("", creating(nt.FileReadAttributes, nt.FileOpen, 0), func(r *smb2.CreateRequest) {
		r.RequestedOplockLevel = smb2.OplockLevelLease
		r.Contexts = r.Contexts.Append(smb2.ContextQueryMaximalAccess, nil).Append(smb2.ContextQueryOnDiskID, nil).
			Append(smb2.ContextRequestLease, lease.Append(nil)).Append(smb2.ContextDurableHandleRequest, make([]byte, 16)).
			Append(smb2.ContextAppleExtensions, []byte("x"))
	}), nt.StatusSuccess)
	res, err := smb2.ParseCreateResponse(r.body)
	if err != nil || res.OplockLevel != smb2.OplockLevelLease {
		t.Fatalf("%+v %v", res, err)
	}
	if data, ok, err := res.Contexts.Find(smb2.ContextRequestLease); err != nil || !ok {
		t.Errorf("%v %v", ok, err)
	} else if l, err := smb2.ParseLease(data); err != nil || l.Version != 2 || l.LeaseState != smb2.LeaseReadCaching|smb2.LeaseHandleCaching || l.Epoch != 1 {
		t.Errorf("the lease of a directory: %+v, %v", l, err)
	}
	if data, ok, err := res.Contexts.Find(smb2.ContextQueryMaximalAccess); err != nil || !ok {
		t.Errorf("%v %v", ok, err)
	} else if m, err := smb2.ParseQueryMaximalAccessResponse(data); err != nil || m.QueryStatus != 0 || m.MaximalAccess&nt.FileReadData == 0 {
		t.Errorf("%+v %v", m, err)
	}
	if _, ok, _ := res.Contexts.Find(smb2.ContextQueryOnDiskID); !ok {
		t.Error("no disk id")
	}
	for _, name := range []string{smb2.ContextDurableHandleRequest, smb2.ContextAppleExtensions} {
		if _, ok, _ := res.Contexts.Find(name); ok {
			t.Errorf("%s was granted", name)
		}
	}
	// Nothing breaks, so there is nothing to acknowledge; and another key is no lease.
	ack := (&smb2.OplockBreakMessage{FileID: res.FileID}).Append(nil)
	c.do(smb2.OplockBreak, tree, ack, nt.StatusInvalidOplockProtocol)
	c.do(smb2.OplockBreak, tree, (&smb2.LeaseBreakAck{}).Append(nil), nt.StatusUnsuccessful)
	c.do(smb2.OplockBreak, tree, (&smb2.LeaseBreakAck{LeaseKey: smb2.LeaseKey{1}}).Append(nil), nt.StatusObjectNameNotFound)
}

func TestDirectory(t *testing.T) {
	c, tree, dir := newDisk(t)
	want := []string{".", "..", "a", "b", "c"}
	for _, name := range want[2:] {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	id := c.open(tree, "", creating(nt.FileListDirectory, nt.FileOpen, nt.FileDirectoryFile))
	list := func(pattern string, flags uint8, max uint32, want nt.Status) []string {
		t.Helper()
		req := smb2.QueryDirectoryRequest{FileInformationClass: uint8(nt.FileNamesInformation), Flags: flags, FileID: id,
			OutputBufferLength: max, Pattern: nt.AppendUTF16(nil, pattern)}
		r := c.do(smb2.QueryDirectory, tree, req.Append(nil), want)
		if want != nt.StatusSuccess {
			return nil
		}
		res, err := smb2.ParseQueryDirectoryResponse(r.body)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for b := res.Output; ; {
			names = append(names, nt.DecodeUTF16(b[12:12+le.Uint32(b[8:])]))
			next := le.Uint32(b)
			if next == 0 {
				break
			}
			b = b[next:]
		}
		slices.Sort(names)
		return names
	}
	if got := list("*", 0, 65536, nt.StatusSuccess); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	list("*", 0, 65536, nt.StatusNoMoreFiles)
	if got := list("*", smb2.QueryDirectoryRestartScans, 65536, nt.StatusSuccess); len(got) != 5 {
		t.Errorf("%q", got)
	}
	if got := list("b", smb2.QueryDirectoryReopen, 65536, nt.StatusSuccess); !slices.Equal(got, []string{"b"}) {
		t.Errorf("%q", got)
	}
	if got := list("*", smb2.QueryDirectoryReopen|smb2.QueryDirectoryReturnSingleEntry, 65536, nt.StatusSuccess); len(got) != 1 {
		t.Errorf("%q", got)
	}
	list("nothing", smb2.QueryDirectoryReopen, 65536, nt.StatusNoSuchFile)
	list("*", smb2.QueryDirectoryReopen, 5, nt.StatusInfoLengthMismatch)
	bad := smb2.QueryDirectoryRequest{FileInformationClass: 5, FileID: id, OutputBufferLength: 100}
	c.do(smb2.QueryDirectory, tree, bad.Append(nil), nt.StatusInvalidInfoClass)
	file := c.open(tree, "a", creating(nt.FileReadAttributes, nt.FileOpen, 0))
	bad.FileID, bad.FileInformationClass = file, 1
	c.do(smb2.QueryDirectory, tree, bad.Append(nil), nt.StatusAccessDenied)
}

func TestVolumeAndSecurity(t *testing.T) {
	c, tree, _ := newDisk(t)
	id := c.open(tree, "", creating(nt.FileReadAttributes|nt.ReadControl, nt.FileOpen, 0))
	c.do(smb2.QueryInfo, tree, queryBody(id, smb2.InfoFilesystem, uint8(nt.FileFsSizeInformation), 24), nt.StatusSuccess)
	c.do(smb2.QueryInfo, tree, queryBody(id, 9, 1, 24), nt.StatusInvalidParameter)
	c.do(smb2.QueryInfo, tree, queryBody(id, smb2.InfoQuota, 0, 24), nt.StatusInvalidParameter)
	c.do(smb2.QueryInfo, tree, queryBody(id, smb2.InfoFile, uint8(nt.FileFullEaInformation), 24), nt.StatusAccessDenied)
	c.do(smb2.SetInfo, tree, (&smb2.SetInfoRequest{InfoType: 9, FileID: id}).Append(nil), nt.StatusInvalidParameter)
	c.do(smb2.SetInfo, tree, (&smb2.SetInfoRequest{InfoType: smb2.InfoSecurity, AdditionalInformation: 4, FileID: id}).Append(nil), nt.StatusAccessDenied)
	c.do(smb2.SetInfo, tree, (&smb2.SetInfoRequest{InfoType: smb2.InfoQuota, FileID: id}).Append(nil), nt.StatusAccessDenied)
	c.do(smb2.SetInfo, tree, (&smb2.SetInfoRequest{InfoType: smb2.InfoFilesystem, FileInfoClass: 2, FileID: id}).Append(nil), nt.StatusAccessDenied)
}

// TestPipeSecurity: the descriptor of a pipe, and how much room it wants.
func TestPipeSecurity(t *testing.T) {
	e := newEnv(t, nil)
	e.listen("echo", echo)
	for _, o := range []negotiateOptions{{}, {dialects: allDialects[:2]}} {
		c := e.dial().logon(o, "root")
		tree := c.tree("IPC$")
		id := c.open(tree, "echo")
		sec := func(max uint32) []byte {
			return (&smb2.QueryInfoRequest{InfoType: smb2.InfoSecurity, FileID: id, OutputBufferLength: max, AdditionalInformation: 7}).Append(nil)
		}
		r := c.do(smb2.QueryInfo, tree, sec(4096), nt.StatusSuccess)
		res, err := smb2.ParseQueryInfoResponse(r.body)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := nt.ParseSecurityDescriptor(res.Output); err != nil {
			t.Error(err)
		}
		r = c.do(smb2.QueryInfo, tree, sec(3), nt.StatusBufferTooSmall)
		e, err := smb2.ParseErrorResponse(r.body)
		if err != nil {
			t.Fatal(err)
		}
		data := e.ErrorData
		if c.dialect == smb2.Dialect311 {
			list, err := e.Contexts()
			if err != nil || len(list) != 1 {
				t.Fatalf("%+v %v", list, err)
			}
			data = list[0].Data
		}
		if small, err := smb2.ParseBufferTooSmallError(data); err != nil || int(small.Required) != len(res.Output) {
			t.Errorf("%+v %v, want %d", small, err, len(res.Output))
		}
	}
}
