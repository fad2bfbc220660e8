package srv

import (
	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// naming is what a query keeps whose answer names the file: the name is answered relative to the share.
type naming struct {
	out   []byte // where the driver writes
	limit int    // what the client takes
}

// queryInfo is QUERY_INFO (3.3.5.20).
func (c *command) queryInfo() nt.Status {
	req, err := smb2.ParseQueryInfoRequest(c.body)
	if err != nil {
		return nt.StatusInvalidParameter
	}
	o, st := c.file(req.FileID)
	if st != nt.StatusSuccess {
		return st
	}
	n := int(req.OutputBufferLength)
	if req.OutputBufferLength > uint32(c.conn.maxTransact) || !c.charged(len(req.Input), n) {
		return nt.StatusInvalidParameter
	}
	r := &request{Handle: o.handle}
	step := (*command).queryDone
	switch req.InfoType {
	case smb2.InfoFile:
		class := nt.FileInfoClass(req.FileInfoClass)
		r.Op, r.Code = api.OpQueryInformation, uint32(class)
		switch class {
		case nt.FileFullEaInformation:
			r.Op, r.In, r.Code = api.OpQueryEA, req.Input, req.Flags
			if o.granted&nt.FileReadEA == 0 {
				return nt.StatusAccessDenied
			}
		case nt.FileNetworkOpenInformation: // which the server asks for itself, whatever the open may
			if !o.share.pipe && o.granted&nt.FileReadAttributes == 0 {
				return nt.StatusAccessDenied
			}
		case nt.FileAllInformation, nt.FileNameInformation, nt.FileNormalizedNameInformation:
			if class == nt.FileNormalizedNameInformation && c.conn.dialect < smb2.Dialect311 {
				return nt.StatusNotSupported // MS-SMB2 3.3.5.20.1
			}
			if !o.share.pipe {
				k := &naming{limit: n, out: make([]byte, min(n, 1<<16)+2*nt.UTF16Len(c.tree.device))}
				c.extra, r.Out = k, k.out
				step = (*command).queryNamed
			}
		}
		c.code = uint32(class)
	case smb2.InfoFilesystem:
		r.Op, r.Code = api.OpQueryVolume, uint32(req.FileInfoClass)
	case smb2.InfoSecurity:
		r.Op, r.Code = api.OpQuerySecurity, req.AdditionalInformation
		step = (*command).querySecurityDone
	case smb2.InfoQuota:
		if st := c.queryQuota(&req, r); st != nt.StatusSuccess {
			return st
		}
		step = (*command).queryQuotaDone
	default:
		return nt.StatusInvalidParameter
	}
	if r.Out == nil {
		if r.Out, st = c.prepare(smb2.OutputResponseSize, n); st != nt.StatusSuccess {
			return st
		}
	}
	return c.submit(r, step)
}

// queryDone answers what a driver wrote. A warning goes with its data (3.3.4.4).
func (c *command) queryDone(r *request) nt.Status {
	st := c.cancelled(gone(r.Status))
	if !st.IsSuccess() && st != nt.StatusBufferOverflow {
		return st
	}
	if st == nt.StatusBufferOverflow && r.N == 0 {
		return nt.StatusInfoLengthMismatch
	}
	smb2.PutOutputResponse(c.fixed(smb2.OutputResponseSize, r.N), uint32(r.N))
	c.keep = true
	return st
}

// querySecurityDone tells how much is wanted if the buffer was too small (2.2.2.2).
func (c *command) querySecurityDone(r *request) nt.Status {
	if st := c.cancelled(gone(r.Status)); st == nt.StatusBufferTooSmall {
		return c.fail(st, (&smb2.BufferTooSmallError{Required: uint32(r.N)}).Append(nil))
	}
	return c.queryDone(r)
}

// nameAt is the offset of the name's length in the classes that have a name.
func nameAt(class nt.FileInfoClass) int {
	if class == nt.FileAllInformation {
		return 96
	}
	return 0
}

// queryNamed takes the share's directory off the name.
func (c *command) queryNamed(r *request) nt.Status {
	st := c.cancelled(gone(r.Status))
	if !st.IsSuccess() && st != nt.StatusBufferOverflow {
		return st
	}
	k := c.extra.(*naming)
	class := nt.FileInfoClass(c.code)
	at := nameAt(class)
	b := k.out[:r.N]
	if len(b) < at+4 || k.limit < at+8 { // the structure with a first character, and aligned
		return nt.StatusInfoLengthMismatch
	}
	size := int(le.Uint32(b[at:])) // of the whole name, of which some may be missing
	name := nt.DecodeUTF16(b[at+4 : at+4+min(size, len(b)-at-4)&^1])
	if prefix := c.tree.directory(); prefix != "" && len(name) >= len(prefix) && nt.EqualFold(name[:len(prefix)], prefix) {
		name = name[len(prefix):]
		size -= 2 * nt.UTF16Len(prefix)
	}
	if name == "" {
		name, size = `\`, 2
	}
	if class == nt.FileNormalizedNameInformation && name[0] == '\\' {
		name = name[1:]
		size -= 2
	}
	out := append([]byte(nil), b[:at]...)
	out = nt.AppendUTF16(le.AppendUint32(out, uint32(size)), name)
	if st = nt.StatusSuccess; len(out) > k.limit {
		out, st = out[:k.limit], nt.StatusBufferOverflow
	}
	body := smb2.QueryInfoResponse{Output: out}
	c.reply(body.Append(c.begin(len(out) + smb2.OutputResponseSize)))
	c.keep = true
	return st
}

// queryDirectory is QUERY_DIRECTORY (3.3.5.18).
func (c *command) queryDirectory() nt.Status {
	req, err := smb2.ParseQueryDirectoryRequest(c.body)
	if err != nil {
		return nt.StatusInvalidParameter
	}
	o, st := c.file(req.FileID)
	if st != nt.StatusSuccess {
		return st
	}
	n := int(req.OutputBufferLength)
	if req.OutputBufferLength > uint32(c.conn.maxTransact) || !c.charged(len(req.Pattern), n) {
		return nt.StatusInvalidParameter
	}
	if o.granted&nt.FileListDirectory == 0 {
		return nt.StatusAccessDenied
	}
	switch nt.FileInfoClass(req.FileInformationClass) {
	case nt.FileDirectoryInformation, nt.FileFullDirectoryInformation, nt.FileIdFullDirectoryInformation, nt.FileBothDirectoryInformation,
		nt.FileIdBothDirectoryInformation, nt.FileNamesInformation, nt.FileIdExtdDirectoryInformation,
		nt.FileId64ExtdDirectoryInformation, nt.FileId64ExtdBothDirectoryInformation,
		nt.FileIdAllExtdDirectoryInformation, nt.FileIdAllExtdBothDirectoryInformation:
	case api.FilePosixInformation:
		if !o.posix {
			return nt.StatusInvalidLevel
		}
	default:
		return nt.StatusInvalidInfoClass
	}
	args := &api.DirArgs{
		Pattern: req.SearchPattern(),
		Restart: req.Flags&(smb2.QueryDirectoryRestartScans|smb2.QueryDirectoryReopen) != 0,
		Single:  req.Flags&smb2.QueryDirectoryReturnSingleEntry != 0,
		ByIndex: req.Flags&smb2.QueryDirectoryIndexSpecified != 0,
		Index:   req.FileIndex,
	}
	out, st := c.prepare(smb2.OutputResponseSize, n)
	if st != nt.StatusSuccess {
		return st
	}
	return c.submit(&request{Op: api.OpQueryDirectory, Handle: o.handle, Code: uint32(req.FileInformationClass), Dir: args, Out: out},
		(*command).queryDirectoryDone)
}

func (c *command) queryDirectoryDone(r *request) nt.Status {
	st := c.cancelled(gone(r.Status))
	if st == nt.StatusBufferOverflow && r.N == 0 {
		return nt.StatusInfoLengthMismatch
	}
	if !st.IsSuccess() {
		return st
	}
	return c.queryDone(r)
}

// changeNotify is CHANGE_NOTIFY (3.3.5.19).
func (c *command) changeNotify() nt.Status {
	req, err := smb2.ParseChangeNotifyRequest(c.body)
	if err != nil {
		return nt.StatusInvalidParameter
	}
	o, st := c.file(req.FileID)
	if st != nt.StatusSuccess {
		return st
	}
	if req.OutputBufferLength > uint32(c.conn.maxTransact) || !c.charged(0, int(req.OutputBufferLength)) {
		return nt.StatusInvalidParameter
	}
	if o.granted&nt.FileListDirectory == 0 {
		return nt.StatusAccessDenied
	}
	// A watch may wait for ever: it holds no buffer.
	r := &request{Op: api.OpNotifyChange, Handle: o.handle, Code: req.CompletionFilter, Room: int(req.OutputBufferLength)}
	if req.Flags&smb2.ChangeNotifyWatchTree != 0 {
		r.Flags = api.FlagWatchTree
	}
	if c.compound == nil {
		c.forget()
	}
	return c.submit(r, (*command).notifyDone)
}

// notifyDone answers what the watch saw.
func (c *command) notifyDone(r *request) nt.Status {
	st := c.cancelled(gone(r.Status))
	if !st.IsSuccess() && st != nt.StatusBufferOverflow {
		return st
	}
	out, short := c.prepare(smb2.OutputResponseSize, r.N)
	if short != nt.StatusSuccess {
		return short
	}
	copy(out, r.Out[:r.N])
	smb2.PutOutputResponse(c.fixed(smb2.OutputResponseSize, r.N), uint32(r.N))
	c.keep = true
	return st
}
