package srv

import (
	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// duplicateExtents is FSCTL_DUPLICATE_EXTENTS_TO_FILE and its extended form (3.3.5.15.17, 3.3.5.15.18): the file system does it, with the open that the
// id in the input names.
func (c *command) duplicateExtents(req *smb2.IoctlRequest, o *open) nt.Status {
	id, ok := api.DuplicateSource(req.CtlCode, req.Input)
	if !ok {
		return nt.StatusInvalidParameter
	}
	from, ok := c.conn.srv.opens.get(le.Uint64(id))
	if !ok || from.id.Volatile != le.Uint64(id[8:]) {
		return nt.StatusInvalidHandle
	}
	if t := from.tree.Load(); t == nil || t.sess != c.sess || t.share.pipe {
		return nt.StatusInvalidHandle
	}
	if o.granted&nt.FileWriteData == 0 || from.granted&(nt.FileReadData|nt.FileExecute) == 0 {
		return nt.StatusAccessDenied
	}
	buf, st := c.prepare(smb2.IoctlResponseSize, 0)
	if st != nt.StatusSuccess {
		return st
	}
	return c.submit(&request{Op: api.OpFsControl, Handle: o.handle, Source: from.handle, Code: req.CtlCode, In: req.Input, Out: buf}, (*command).ioctlDone)
}
