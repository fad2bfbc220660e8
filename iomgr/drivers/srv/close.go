package srv

import (
	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// closing is what a CLOSE that is to answer attributes keeps.
type closing struct {
	open *open
	info [networkOpenSize]byte
}

// close is CLOSE (3.3.5.10).
func (c *command) close() nt.Status {
	req, err := smb2.ParseCloseRequest(c.body)
	if err != nil {
		return nt.StatusInvalidParameter
	}
	o, st := c.file(req.FileID)
	if st != nt.StatusSuccess {
		return st
	}
	if req.Flags&smb2.CloseFlagPostQueryAttrib == 0 || o.share.pipe {
		return c.closeNow(o, &smb2.CloseResponse{})
	}
	k := &closing{open: o}
	c.extra = k
	return c.submit(&request{Op: api.OpQueryInformation, Handle: o.handle, Code: uint32(nt.FileNetworkOpenInformation), Out: k.info[:]},
		(*command).closeQueried)
}

func (c *command) closeQueried(r *request) nt.Status {
	k := c.extra.(*closing)
	var res smb2.CloseResponse
	if r.Status.IsSuccess() {
		b := k.info[:]
		res = smb2.CloseResponse{
			Flags:        smb2.CloseFlagPostQueryAttrib,
			CreationTime: nt.Time(le.Uint64(b)), LastAccessTime: nt.Time(le.Uint64(b[8:])),
			LastWriteTime: nt.Time(le.Uint64(b[16:])), ChangeTime: nt.Time(le.Uint64(b[24:])),
			AllocationSize: le.Uint64(b[32:]), EndOfFile: le.Uint64(b[40:]), FileAttributes: le.Uint32(b[48:]),
		}
	}
	return c.closeNow(k.open, &res)
}

func (c *command) closeNow(o *open, res *smb2.CloseResponse) nt.Status {
	if o.persistence.Load() != nil { // its record goes from the disk before the client is told
		return c.elsewhere(func() nt.Status { return o.closeFor(c) }, func(c *command, r *request) nt.Status {
			if r.Status.IsError() {
				return r.Status
			}
			return c.reply(res.Append(c.begin(64)))
		})
	}
	if st := o.closeFor(c); st != nt.StatusSuccess {
		return st
	}
	return c.reply(res.Append(c.begin(64)))
}

// closeFor closes the open for a request.
func (o *open) closeFor(c *command) nt.Status {
	if !o.unregister() {
		return nt.StatusFileClosed
	}
	if st := nt.StatusOf(c.conn.srv.api.Close(o.handle)); st.IsError() && st != nt.StatusInvalidHandle {
		return st
	}
	return nt.StatusSuccess
}
