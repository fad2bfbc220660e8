package hostile

import (
	"fmt"
	"testing"

	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// fixture is a session with everything open that requests are about.
type fixture struct {
	*client
	mutator
	ipc, data       uint32 // trees
	pipe, file, dir smb2.FileID
}

// newFixture logs on and opens.
func newFixture(h *host, m mutator, name string, d smb2.Dialect, seal bool) (*fixture, error) {
	c, err := logon(h.addr, name, d, seal)
	if err != nil {
		return nil, err
	}
	f := &fixture{client: c, mutator: m}
	if err := f.prepare(); err != nil {
		c.nc.Close()
		return nil, err
	}
	return f, nil
}

func (f *fixture) prepare() (err error) {
	if err = f.connectTree("IPC$"); err != nil {
		return err
	}
	f.ipc = f.tree
	if f.pipe, err = f.client.open(pipeRequest("rpcecho")); err != nil {
		return fmt.Errorf("pipe: %w", err)
	}
	if err = f.connectTree("data"); err != nil {
		return err
	}
	f.data = f.tree
	own := fmt.Sprintf("own%d.bin", f.IntN(64))
	open := func(name string, access nt.AccessMask, disposition, options uint32) (smb2.FileID, error) {
		return f.client.open(&smb2.CreateRequest{ImpersonationLevel: 2, DesiredAccess: access, ShareAccess: 7, CreateDisposition: disposition, CreateOptions: options,
			Name: nt.AppendUTF16(nil, name)})
	}
	const write = nt.FileReadData | nt.FileWriteData | nt.FileAppendData | nt.FileReadAttributes | nt.FileWriteAttributes | nt.FileReadEA | nt.FileWriteEA |
		nt.ReadControl | nt.Synchronize
	if f.file, err = open(own, write, nt.FileOpenIf, nt.FileNonDirectoryFile); err != nil {
		// A file that mutated messages made read-only, or turned into a folder.
		own = fmt.Sprintf("new%d.bin", f.Uint64())
		if f.file, err = open(own, write, nt.FileOpenIf, nt.FileNonDirectoryFile); err != nil {
			return fmt.Errorf("file: %w", err)
		}
	}
	if f.dir, err = open("", nt.FileListDirectory|nt.FileReadAttributes|nt.Synchronize, nt.FileOpen, nt.FileDirectoryFile); err != nil {
		return fmt.Errorf("folder: %w", err)
	}
	return nil
}

// request is a valid request, for one of the trees.
type request struct {
	cmd  smb2.Command
	tree uint32
	body []byte
}

var names = []string{"file.txt", "folder", `folder\sub`, `folder\new.txt`, "new.txt", `no\such\path.txt`, "Größe 共有.txt", "FILE.TXT", "file.txt::$DATA", "a:b", ""}

// pick is one of a list.
func pick[T any](m mutator, list []T) T { return list[m.IntN(len(list))] }

// contexts are create contexts of every kind, as many as come.
func (f *fixture) contexts() smb2.CreateContexts {
	sd, err := nt.ParseSDDL("O:BAG:SYD:(A;;FA;;;WD)(A;OICI;FR;;;BU)S:(AU;SA;FA;;;WD)", nt.SID{})
	if err != nil {
		panic(err)
	}
	var c smb2.CreateContexts
	for range f.IntN(4) {
		switch f.IntN(10) {
		case 0:
			c = c.Append(smb2.ContextQueryMaximalAccess, nil)
		case 1:
			c = c.Append(smb2.ContextQueryOnDiskID, nil)
		case 2:
			c = c.Append(smb2.ContextEABuffer, smb2.AppendEAList(nil, []smb2.EA{{Name: []byte("USER.ONE"), Value: []byte("1")}, {Name: []byte("USER.TWO"), Value: make([]byte, 40)}}))
		case 3:
			c = c.Append(smb2.ContextSecurityDescriptor, sd.Append(nil))
		case 4:
			c = c.Append(smb2.ContextAllocationSize, (&smb2.AllocationSizeContext{AllocationSize: 1 << 16}).Append(nil))
		case 5:
			c = c.Append(smb2.ContextRequestLease, (&smb2.Lease{Version: 1 + f.IntN(2), LeaseKey: smb2.LeaseKey{1}, LeaseState: 7}).Append(nil))
		case 6:
			c = c.Append(smb2.ContextDurableHandleRequest, (&smb2.DurableHandleRequest{}).Append(nil))
		case 7:
			c = c.Append(smb2.ContextDurableHandleRequestV2, (&smb2.DurableHandleRequestV2{Timeout: 1000, CreateGUID: nt.GUID{4}}).Append(nil))
		case 8:
			c = c.Append(smb2.ContextDurableHandleReconnect, (&smb2.DurableHandleReconnect{FileID: f.file}).Append(nil))
		case 9:
			c = c.Append(smb2.ContextTimewarpToken, (&smb2.TimewarpToken{Timestamp: 1}).Append(nil))
		}
	}
	return c
}

// fileIDs are those of the fixture, with the tree that each is of.
func (f *fixture) any() (smb2.FileID, uint32) {
	switch f.IntN(3) {
	case 0:
		return f.pipe, f.ipc
	case 1:
		return f.file, f.data
	}
	return f.dir, f.data
}

var queryClasses = []nt.FileInfoClass{nt.FileBasicInformation, nt.FileStandardInformation, nt.FileInternalInformation, nt.FileEaInformation, nt.FileAccessInformation,
	nt.FileNameInformation, nt.FileAllInformation, nt.FileStreamInformation, nt.FilePipeInformation, nt.FilePipeLocalInformation, nt.FileCompressionInformation,
	nt.FileNetworkOpenInformation, nt.FileAttributeTagInformation, nt.FileFullEaInformation, nt.FileNormalizedNameInformation, nt.FileIdInformation}

var directoryClasses = []nt.FileInfoClass{nt.FileDirectoryInformation, nt.FileFullDirectoryInformation, nt.FileBothDirectoryInformation, nt.FileNamesInformation,
	nt.FileIdBothDirectoryInformation, nt.FileIdFullDirectoryInformation}

var controls = []uint32{nt.FsctlPipeTransceive, nt.FsctlPipePeek, nt.FsctlPipeListen, nt.FsctlPipeDisconnect, nt.FsctlPipeImpersonate, nt.FsctlPipeGetConnectionAttribute,
	nt.FsctlDfsGetReferrals, nt.FsctlSrvEnumerateSnapshots, nt.FsctlSrvRequestResumeKey, nt.FsctlSrvCopychunk, nt.FsctlLmrRequestResiliency,
	nt.FsctlQueryNetworkInterfaceInfo, nt.FsctlSetReparsePoint, nt.FsctlGetReparsePoint, nt.FsctlSetZeroData, nt.FsctlQueryAllocatedRanges, nt.FsctlSetSparse,
	nt.FsctlCreateOrGetObjectId, nt.FsctlFileLevelTrim, nt.FsctlOffloadRead}

// request gives a valid request of any command that is made within a session. Those that end it come seldom.
func (f *fixture) request() request {
	id, tree := f.any()
	of := func(cmd smb2.Command, b []byte) request { return request{cmd, tree, b} }
	switch f.IntN(24) {
	case 0, 1, 2:
		req := &smb2.CreateRequest{ImpersonationLevel: uint32(f.IntN(4)), DesiredAccess: pick(f.mutator, []nt.AccessMask{0x12019f, nt.MaximumAllowed, nt.GenericRead, 0x120089, nt.Delete | 0x80}),
			ShareAccess: uint32(f.IntN(8)), CreateDisposition: uint32(f.IntN(6)), CreateOptions: pick(f.mutator, []uint32{0, nt.FileDirectoryFile, nt.FileNonDirectoryFile, nt.FileDeleteOnClose}),
			RequestedOplockLevel: pick(f.mutator, []uint8{0, 1, 8, 9, 0xFF}), Name: nt.AppendUTF16(nil, pick(f.mutator, names)), Contexts: f.contexts()}
		if f.chance(3) {
			req.Name, tree = nt.AppendUTF16(nil, pick(f.mutator, []string{"rpcecho", "mgmt", "nosuchpipe", `\rpcecho`})), f.ipc
		} else {
			tree = f.data
		}
		return of(smb2.Create, req.Append(nil))
	case 3:
		return of(smb2.Flush, (&smb2.FlushRequest{FileID: id}).Append(nil))
	case 4:
		return of(smb2.Read, (&smb2.ReadRequest{FileID: id, Length: uint32(f.IntN(4096)), Offset: uint64(f.IntN(8192)), MinimumCount: uint32(f.IntN(2))}).Append(nil))
	case 5, 6:
		return of(smb2.Write, (&smb2.WriteRequest{FileID: id, Offset: uint64(f.IntN(8192)), Data: f.noise(1 + f.IntN(200))}).Append(nil))
	case 7:
		var l smb2.LockElements
		for range 1 + f.IntN(3) {
			l = l.Append(smb2.LockElement{Offset: uint64(f.IntN(100)), Length: uint64(f.IntN(100)), Flags: pick(f.mutator, []uint32{1, 2, 4, 0x11, 0x12})})
		}
		return of(smb2.Lock, (&smb2.LockRequest{FileID: id, Locks: l, LockSequence: uint32(f.IntN(64))}).Append(nil))
	case 8:
		return of(smb2.Ioctl, ioctl(id, pick(f.mutator, controls), f.noise(f.IntN(64)), uint32(f.IntN(4280))))
	case 9:
		return request{smb2.Ioctl, f.ipc, ioctl(f.pipe, nt.FsctlPipeTransceive, bindPDU(&services[0], 1).Append(nil), fragment)}
	case 10:
		wait := smb2.PipeWaitRequest{Timeout: 1<<64 - 1000, TimeoutSpecified: true, Name: nt.AppendUTF16(nil, "rpcecho")}
		return request{smb2.Ioctl, f.ipc, ioctl(smb2.RelatedFileID, nt.FsctlPipeWait, wait.Append(nil), 0)}
	case 11:
		return of(smb2.Ioctl, ioctl(smb2.RelatedFileID, pick(f.mutator, []uint32{nt.FsctlQueryNetworkInterfaceInfo, nt.FsctlDfsGetReferrals}), f.noise(f.IntN(32)), 4096))
	case 12:
		return of(smb2.Echo, (&smb2.EchoRequest{}).Append(nil))
	case 13, 14:
		return request{smb2.QueryDirectory, f.data, (&smb2.QueryDirectoryRequest{FileID: f.dir, FileInformationClass: uint8(pick(f.mutator, directoryClasses)), Flags: uint8(f.IntN(8)),
			OutputBufferLength: uint32(f.IntN(4096)), Pattern: nt.AppendUTF16(nil, pick(f.mutator, []string{"*", "*.txt", "f?le<.*", "", `a>"`, "folder"}))}).Append(nil)}
	case 15:
		return request{smb2.ChangeNotify, f.data, (&smb2.ChangeNotifyRequest{FileID: f.dir, OutputBufferLength: 1024, CompletionFilter: 0xFFF, Flags: uint16(f.IntN(2))}).Append(nil)}
	case 16, 17:
		q := smb2.QueryInfoRequest{FileID: id, InfoType: uint8(1 + f.IntN(4)), OutputBufferLength: uint32(f.IntN(4096)), AdditionalInformation: uint32(f.IntN(16))}
		if q.FileInfoClass = uint8(pick(f.mutator, queryClasses)); q.InfoType == smb2.InfoFilesystem {
			q.FileInfoClass = uint8(1 + f.IntN(12))
		}
		if f.chance(4) {
			q.Input = f.noise(f.IntN(64))
		}
		return of(smb2.QueryInfo, q.Append(nil))
	case 18, 19:
		return of(smb2.SetInfo, f.setInfo(id))
	case 20:
		if f.chance(2) {
			return of(smb2.OplockBreak, (&smb2.OplockBreakMessage{FileID: id, OplockLevel: 1}).Append(nil))
		}
		return of(smb2.OplockBreak, (&smb2.LeaseBreakAck{LeaseKey: smb2.LeaseKey{1}, LeaseState: 1}).Append(nil))
	case 21:
		return of(smb2.Cancel, (&smb2.CancelRequest{}).Append(nil))
	case 22:
		return of(smb2.TreeConnect, (&smb2.TreeConnectRequest{Path: nt.AppendUTF16(nil, `\\server\`+pick(f.mutator, []string{"IPC$", "data", "none", "DATA"}))}).Append(nil))
	}
	switch f.IntN(6) {
	case 0:
		return of(smb2.Close, (&smb2.CloseRequest{FileID: id, Flags: 1}).Append(nil))
	case 1:
		return of(smb2.TreeDisconnect, (&smb2.TreeDisconnectRequest{}).Append(nil))
	case 2:
		return of(smb2.Logoff, (&smb2.LogoffRequest{}).Append(nil))
	case 3:
		return of(smb2.SessionSetup, (&smb2.SessionSetupRequest{SecurityBuffer: f.noise(f.IntN(40))}).Append(nil))
	case 4:
		o := offer(f.dialect)
		v := smb2.ValidateNegotiateInfoRequest{Capabilities: o.Capabilities, GUID: o.ClientGUID, SecurityMode: o.SecurityMode, Dialects: o.Dialects}
		return of(smb2.Ioctl, ioctl(smb2.RelatedFileID, nt.FsctlValidateNegotiateInfo, v.Append(nil), 64))
	}
	return of(smb2.Close, (&smb2.CloseRequest{FileID: smb2.FileID{Persistent: f.Uint64(), Volatile: f.Uint64()}}).Append(nil))
}

func (f *fixture) setInfo(id smb2.FileID) []byte {
	rename := append(make([]byte, 16), le.AppendUint32(nil, 0)...)
	name := nt.AppendUTF16(nil, pick(f.mutator, []string{"renamed.txt", `folder\renamed.txt`, `\renamed.txt`, `..\..\outside.txt`, `\..\outside.txt`}))
	le.PutUint32(rename[16:], uint32(len(name)))
	rename = append(rename, name...)
	r := smb2.SetInfoRequest{FileID: id, InfoType: smb2.InfoFile}
	switch f.IntN(9) {
	case 0:
		r.FileInfoClass, r.Buffer = uint8(nt.FileBasicInformation), make([]byte, 40)
	case 1:
		r.FileInfoClass, r.Buffer = uint8(nt.FileEndOfFileInformation), le.AppendUint64(nil, uint64(f.IntN(1<<16)))
	case 2:
		r.FileInfoClass, r.Buffer = uint8(nt.FileAllocationInformation), le.AppendUint64(nil, uint64(f.IntN(1<<16)))
	case 3:
		r.FileInfoClass, r.Buffer = uint8(nt.FileDispositionInformation), []byte{byte(f.IntN(2))}
	case 4:
		r.FileInfoClass, r.Buffer = uint8(nt.FileRenameInformation), rename
	case 5:
		r.FileInfoClass, r.Buffer = uint8(nt.FileLinkInformation), rename
	case 6:
		r.FileInfoClass, r.Buffer = uint8(nt.FilePipeInformation), make([]byte, 8)
	case 7:
		r.FileInfoClass, r.Buffer = uint8(nt.FileFullEaInformation), smb2.AppendEAList(nil, []smb2.EA{{Name: []byte("A"), Value: []byte("v")}})
	case 8:
		sd, err := nt.ParseSDDL("O:BAG:SYD:(A;;FA;;;WD)", nt.SID{})
		if err != nil {
			panic(err)
		}
		r.InfoType, r.AdditionalInformation, r.Buffer = smb2.InfoSecurity, 4, sd.Append(nil)
	}
	return r.Append(nil)
}

// TestRequestsAreValid: what is mutated is well formed to begin with, so that mutations reach what is behind the parsers.
func TestRequestsAreValid(t *testing.T) {
	h := start(t, nil)
	m := newMutator(1, 0)
	f, err := newFixture(h, m, user, smb2.Dialect311, false)
	if err != nil {
		t.Fatal(err)
	}
	defer f.nc.Close()
	f.statuses = map[nt.Status]int{}
	sent := 0
	for range 2000 {
		r := f.request()
		switch r.cmd {
		case smb2.Close, smb2.TreeDisconnect, smb2.Logoff, smb2.SessionSetup, smb2.TreeConnect, smb2.Create, smb2.Ioctl:
			continue // end what the next needs, or hold more and more
		case smb2.Read:
			r.tree, r.body = f.data, (&smb2.ReadRequest{FileID: f.file, Length: 10}).Append(nil) // of a pipe it would wait
		case smb2.Lock, smb2.SetInfo, smb2.Write, smb2.Flush, smb2.ChangeNotify:
			if f.tree = f.data; r.tree == f.ipc {
				continue
			}
		}
		f.tree = r.tree
		msg := f.message(r.cmd, r.body)
		f.queue(msg)
		if sent++; sent%8 == 0 {
			if err := f.barrier(); err != nil {
				t.Fatalf("%v: %v", r.cmd, err)
			}
		}
	}
	if bad := f.statuses[nt.StatusInvalidParameter]; sent < 500 || f.statuses[nt.StatusSuccess] < sent/5 || bad > sent/3 {
		t.Errorf("%d requests: %v", sent, f.statuses)
	}
}
