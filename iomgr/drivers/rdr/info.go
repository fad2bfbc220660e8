package rdr

import (
	"strings"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// opQueryInfo is QUERY_INFO (MS-SMB2 3.2.4.10 and following, 3.2.5.15). The information has the same form here and there.
var opQueryInfo = operation{
	cmd:  smb2.QueryInfo,
	size: func(x *exchange) int { return 64 + len(x.in) },
	encode: func(x *exchange, b []byte) []byte {
		r := x.r
		req := smb2.QueryInfoRequest{OutputBufferLength: uint32(len(x.out)), FileID: x.fid, Input: x.in}
		switch r.Op {
		case api.OpQueryVolume:
			req.InfoType, req.FileInfoClass = smb2.InfoFilesystem, uint8(r.Code)
		case api.OpQuerySecurity:
			req.InfoType, req.AdditionalInformation = smb2.InfoSecurity, r.Code
		case api.OpQueryQuota:
			q := smb2.QueryQuotaInfo{RestartScan: r.Flags&api.FlagRestartScan != 0, ReturnSingle: r.Flags&api.FlagSingleEntry != 0, SidBuffer: x.in}
			if r.Flags&api.FlagStartSID != 0 {
				q.StartSidLength = uint32(len(x.in))
			} else {
				q.SidListLength = uint32(len(x.in))
			}
			req.InfoType, req.Input = smb2.InfoQuota, q.Append(nil)
		case api.OpQueryEA:
			req.InfoType, req.FileInfoClass, req.Flags = smb2.InfoFile, uint8(nt.FileFullEaInformation), r.Code
		default:
			req.InfoType, req.FileInfoClass = smb2.InfoFile, uint8(r.Code)
		}
		return req.Append(b)
	},
	decode: func(x *exchange, st nt.Status, body []byte) (nt.Status, int, error) {
		res, err := smb2.ParseQueryInfoResponse(body)
		if err != nil {
			return 0, 0, err
		}
		n, err := x.give(res.Output)
		return st, n, err
	},
	overflow: true,
	failed: func(x *exchange, st nt.Status, body []byte) (nt.Status, int) {
		if st != nt.StatusBufferTooSmall {
			return st, 0
		}
		e, err := smb2.ParseErrorResponse(body)
		if err != nil {
			return st, 0
		}
		data := e.ErrorData
		if e.ErrorContextCount > 0 { // 3.1.1
			if list, err := e.Contexts(); err == nil {
				data = list[0].Data
			}
		}
		if want, err := smb2.ParseBufferTooSmallError(data); err == nil && want.Required <= maxTransfer {
			return st, int(want.Required)
		}
		return st, 0
	},
}

// opSetInfo is SET_INFO (MS-SMB2 3.2.4.11 and following, 3.2.5.16).
var opSetInfo = operation{
	cmd:  smb2.SetInfo,
	size: func(x *exchange) int { return 64 + len(x.in) },
	encode: func(x *exchange, b []byte) []byte {
		r := x.r
		req := smb2.SetInfoRequest{FileID: x.fid, Buffer: x.in}
		switch r.Op {
		case api.OpSetVolume:
			req.InfoType, req.FileInfoClass = smb2.InfoFilesystem, uint8(r.Code)
		case api.OpSetSecurity:
			req.InfoType, req.AdditionalInformation = smb2.InfoSecurity, r.Code
		case api.OpSetQuota:
			req.InfoType = smb2.InfoQuota
		case api.OpSetEA:
			req.InfoType, req.FileInfoClass = smb2.InfoFile, uint8(nt.FileFullEaInformation)
		default:
			req.InfoType, req.FileInfoClass = smb2.InfoFile, uint8(r.Code)
		}
		return req.Append(b)
	},
	decode: func(_ *exchange, st nt.Status, body []byte) (nt.Status, int, error) {
		_, err := smb2.ParseSetInfoResponse(body)
		return st, 0, err
	},
}

// class refuses what the protocol has no room for: a class is a byte there.
func (f *file) class(op *operation, r *api.Request) {
	if r.Code > 0xFF {
		r.Complete(nt.StatusInvalidInfoClass, 0)
		return
	}
	f.send(op, r)
}

// The queries and settings.
func (f *file) QueryInformation(r *api.Request) { f.class(&opQueryInfo, r) }
func (f *file) QueryVolume(r *api.Request)      { f.class(&opQueryInfo, r) }
func (f *file) QuerySecurity(r *api.Request)    { f.send(&opQueryInfo, r) }
func (f *file) QueryEA(r *api.Request)          { f.send(&opQueryInfo, r) }
func (f *file) QueryQuota(r *api.Request)       { f.send(&opQueryInfo, r) }
func (f *file) SetVolume(r *api.Request)        { f.class(&opSetInfo, r) }
func (f *file) SetSecurity(r *api.Request)      { f.send(&opSetInfo, r) }
func (f *file) SetEA(r *api.Request)            { f.send(&opSetInfo, r) }
func (f *file) SetQuota(r *api.Request)         { f.send(&opSetInfo, r) }

// SetInformation sets an information class. The target of a rename or a link is a name of this namespace: it becomes one of the share.
func (f *file) SetInformation(r *api.Request) {
	if f.settles(r) {
		return
	}
	switch nt.FileInfoClass(r.Code) {
	case nt.FileRenameInformation, nt.FileRenameInformationEx, nt.FileLinkInformation, nt.FileLinkInformationEx:
		if f.share || f.pipe() {
			break
		}
		in, st := f.target(r.In)
		if st != nt.StatusSuccess {
			r.Complete(st, 0)
			return
		}
		if f.d.dirty.Load() > 0 {
			if !r.Pended() && !r.Pend(f.cancelRequest) {
				r.Complete(nt.StatusCancelled, 0)
				return
			}
			if f.d.cleanTree(f.leaseName(), func() { f.SetInformation(r) }) {
				return
			}
		}
		f.renames(in)
		x := f.exchange(&opSetInfo, r)
		x.in = in
		f.d.renamed.Store(true)
		if f.lease != nil {
			f.lease.mu.Lock()
			f.lease.behind.never = true // its name finds it no more
			f.lease.mu.Unlock()
		}
		if f.lease != nil && (r.Code == uint32(nt.FileRenameInformation) || r.Code == uint32(nt.FileRenameInformationEx)) {
			x.done = renamed
		}
		x.conn.start(x)
		return
	}
	if f.lease != nil && r.Code <= 0xFF && len(r.In) <= creditSize {
		f.sendChange(f.exchange(&opSetInfo, r))
		return
	}
	f.class(&opSetInfo, r)
}

// renames notes that the directory of a new name changes.
func (f *file) renames(in []byte) {
	d := f.d
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dirs == nil {
		return
	}
	from := f.leaseName()
	o := &opening{d: d}
	o.altersRename(from, in)
	f.changes = append(f.changes, o.changes...)
}

// target rewrites the name in FILE_RENAME_INFORMATION (MS-FSCC 2.4.43), whose form on the wire has the same layout: a name of the device has to
// be on the same share, a plain name is in the file's own directory.
func (f *file) target(b []byte) ([]byte, nt.Status) {
	const at = 20
	if len(b) < at {
		return nil, nt.StatusInfoLengthMismatch
	}
	n := le.Uint32(b[16:])
	if n == 0 || n%2 != 0 || uint64(n) > uint64(len(b)-at) || le.Uint64(b[8:]) != 0 {
		return nil, nt.StatusInvalidParameter
	}
	name := nt.DecodeUTF16(b[at : at+int(n)])
	switch {
	case name[0] == '\\':
		to, st := parsePath(name)
		if st != nt.StatusSuccess {
			return nil, nt.StatusObjectNameInvalid
		}
		if f.d != nil && !f.d.cfg.NoReferrals {
			to = f.d.resolve(to)
		}
		if to.server() != f.to.server() || !nt.EqualFold(to.share, f.to.share) {
			return nil, nt.StatusNotSameDevice
		}
		name = to.name
	case !strings.Contains(name, `\`):
		now := f.name()
		if i := strings.LastIndexByte(now, '\\'); i >= 0 {
			name = now[:i+1] + name
		}
	}
	if name == "" || nt.UTF16Len(name) > maxPath {
		return nil, nt.StatusObjectNameInvalid
	}
	out := nt.AppendUTF16(append(make([]byte, 0, at+2*len(name)+4), b[:at]...), name)
	le.PutUint32(out[16:], uint32(len(out)-at))
	for len(out) < 24 { // Windows wants the structure whole, padding and all
		out = append(out, 0)
	}
	return out, nt.StatusSuccess
}
