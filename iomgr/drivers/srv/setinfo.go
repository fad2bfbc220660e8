package srv

import (
	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// setAccess is what the open must have been granted to set a class (MS-FSA 2.1.5.15). The share may grant less than the file does.
func setAccess(class nt.FileInfoClass) nt.AccessMask {
	switch class {
	case nt.FileEndOfFileInformation, nt.FileAllocationInformation, nt.FileValidDataLengthInformation:
		return nt.FileWriteData
	case nt.FileRenameInformation, nt.FileRenameInformationEx, nt.FileDispositionInformation, nt.FileDispositionInformationEx,
		nt.FileShortNameInformation:
		return nt.Delete
	case nt.FileBasicInformation:
		return nt.FileWriteAttributes
	case nt.FileFullEaInformation:
		return nt.FileWriteEA
	}
	return 0
}

// setInfo is SET_INFO (3.3.5.21).
func (c *command) setInfo() nt.Status {
	req, err := smb2.ParseSetInfoRequest(c.body)
	if err != nil {
		return nt.StatusInvalidParameter
	}
	o, st := c.file(req.FileID)
	if st != nt.StatusSuccess {
		return st
	}
	if len(req.Buffer) > c.conn.maxTransact || !c.charged(len(req.Buffer), 0) {
		return nt.StatusInvalidParameter
	}
	r := &request{Handle: o.handle, In: req.Buffer}
	switch req.InfoType {
	case smb2.InfoFile:
		class := nt.FileInfoClass(req.FileInfoClass)
		r.Op, r.Code = api.OpSetInformation, uint32(class)
		if need := setAccess(class); !o.share.pipe && o.granted&need != need {
			return nt.StatusAccessDenied
		}
		switch class {
		case nt.FileFullEaInformation:
			r.Op = api.OpSetEA
		case nt.FileRenameInformation, nt.FileRenameInformationEx, nt.FileLinkInformation, nt.FileLinkInformationEx:
			if o.share.pipe {
				return nt.StatusNotSupported
			}
			if class == nt.FileLinkInformation || class == nt.FileLinkInformationEx {
				if c.tree.access&nt.FileAddFile == 0 {
					return nt.StatusAccessDenied
				}
			}
			var name string
			if name, r.In, st = c.tree.target(o, req.Buffer); st != nt.StatusSuccess {
				return st
			}
			if class == nt.FileRenameInformation || class == nt.FileRenameInformationEx {
				c.extra = &name
			}
		}
	case smb2.InfoFilesystem:
		r.Op, r.Code = api.OpSetVolume, uint32(req.FileInfoClass)
		if o.granted&nt.FileWriteData == 0 {
			return nt.StatusAccessDenied
		}
	case smb2.InfoSecurity:
		r.Op, r.Code = api.OpSetSecurity, req.AdditionalInformation
		if need := nt.SecurityInformation(req.AdditionalInformation).SetAccess(); o.granted&need != need {
			return nt.StatusAccessDenied
		}
	case smb2.InfoQuota:
		r.Op = api.OpSetQuota
		if o.granted&nt.FileWriteData == 0 {
			return nt.StatusAccessDenied
		}
	default:
		return nt.StatusInvalidParameter
	}
	return c.submit(r, (*command).setDone)
}

func (c *command) setDone(r *request) nt.Status {
	if st := c.cancelled(gone(r.Status)); !st.IsSuccess() {
		return st
	}
	if name, ok := c.extra.(*string); ok { // 3.3.5.21.1
		c.open.name.Store(name)
		c.conn.srv.leases.renamed(c.open, nt.Upcase(c.tree.device+`\`+*name))
	}
	if p := c.open.persistence.Load(); p != nil && p.changedBy(c, r) {
		return c.answerSaved(c.open, (*command).setAnswer)
	}
	return c.setAnswer(nil)
}

func (c *command) setAnswer(*request) nt.Status {
	return c.reply((&smb2.SetInfoResponse{}).Append(c.begin(8)))
}

// target makes the name in a rename or link, which is relative to the share (MS-FSCC 2.4.43.2, FILE_RENAME_INFORMATION_TYPE_2), one of
// the volume, which begins with a backslash.
func (t *tree) target(o *open, b []byte) (string, []byte, nt.Status) {
	const at = 20
	if len(b) < at {
		return "", nil, nt.StatusInfoLengthMismatch
	}
	n := le.Uint32(b[16:])
	if n == 0 || n%2 != 0 || uint64(n) > uint64(len(b)-at) || le.Uint64(b[8:]) != 0 {
		return "", nil, nt.StatusInvalidParameter
	}
	name := nt.DecodeUTF16(b[at : at+int(n)])
	name, st := o.cleanTarget(name)
	if st != nt.StatusSuccess || name == "" {
		return "", nil, nt.StatusObjectNameInvalid
	}
	out := append(make([]byte, 0, len(b)+2*len(t.device)+2), b[:at]...)
	out = nt.AppendUTF16(out, t.directory()+`\`+name)
	le.PutUint32(out[16:], uint32(len(out)-at))
	return name, out, nt.StatusSuccess
}
