package srv

import (
	"math"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// gone maps the status of a handle that was closed from elsewhere.
func gone(st nt.Status) nt.Status {
	if st == nt.StatusInvalidHandle {
		return nt.StatusFileClosed
	}
	return st
}

// read is READ (3.3.5.12).
func (c *command) read() nt.Status {
	req, err := smb2.ParseReadRequest(c.body)
	if err != nil {
		return nt.StatusInvalidParameter
	}
	o, st := c.file(req.FileID)
	if st != nt.StatusSuccess {
		return st
	}
	switch {
	case uint64(req.Length) > uint64(c.conn.maxTransact), !c.charged(0, int(req.Length)):
		return nt.StatusInvalidParameter
	case c.conn.dialect >= smb2.Dialect300 && req.Channel != smb2.ChannelNone:
		return nt.StatusInvalidParameter // there is no RDMA here
	case req.Offset > math.MaxInt64-uint64(req.Length) && !o.share.pipe:
		return nt.StatusInvalidParameter
	case o.granted&(nt.FileReadData|nt.FileExecute) == 0:
		return nt.StatusAccessDenied
	}
	out, st := c.prepare(smb2.ReadResponseSize, int(req.Length))
	if st != nt.StatusSuccess {
		return st
	}
	c.code, c.pack = req.MinimumCount, c.wantsCompressed(&req)
	offset := int64(req.Offset)
	if o.share.pipe {
		offset = 0
	}
	if c.compound == nil {
		c.forget()
	}
	r := &request{Op: api.OpRead, Handle: o.handle, Out: out, Offset: offset}
	if c.outflows(len(out)) {
		c.from = &outflow{c: c.conn}
		r.Source = c.from
	}
	return c.submit(r, (*command).readDone)
}

func (c *command) readDone(r *request) nt.Status {
	st := c.cancelled(gone(r.Status))
	if st.IsError() {
		return st
	}
	if st.IsWarning() && st != nt.StatusBufferOverflow {
		return st
	}
	if uint32(r.N) < c.code && !c.tree.share.pipe {
		return nt.StatusEndOfFile
	}
	if f := c.from; f != nil {
		if flows := f.n == r.N; flows != c.open.flows.Load() {
			c.open.flows.Store(flows)
		}
	}
	smb2.PutReadResponse(c.fixed(smb2.ReadResponseSize, r.N), uint32(r.N), 0, 0)
	c.keep = true
	return st
}

// write is WRITE (3.3.5.13).
func (c *command) write() nt.Status {
	req, err := smb2.ParseWriteRequest(c.body)
	if err != nil {
		return nt.StatusInvalidParameter
	}
	n := len(req.Data)
	if c.flow != nil {
		n = c.flow.size
	}
	o, st := c.file(req.FileID)
	if st != nt.StatusSuccess {
		return st
	}
	switch {
	case n > c.conn.maxTransact, !c.charged(n, 0):
		return nt.StatusInvalidParameter
	case c.conn.dialect >= smb2.Dialect300 && req.Channel != smb2.ChannelNone:
		return nt.StatusInvalidParameter
	case req.Offset > math.MaxInt64-uint64(n) && !o.share.pipe && !o.appends(req.Offset):
		return nt.StatusInvalidParameter
	case o.granted&(nt.FileWriteData|nt.FileAppendData) == 0:
		return nt.StatusAccessDenied
	}
	offset := int64(req.Offset)
	if o.share.pipe {
		offset = 0
	}
	var flags uint32
	if req.Flags&smb2.WriteFlagWriteThrough != 0 && c.conn.dialect != smb2.Dialect202 {
		flags |= api.FlagWriteThrough
	}
	r := c.request()
	r.Op, r.In, r.Offset, r.Flags = api.OpWrite, req.Data, offset, flags
	if c.flow != nil {
		r.Source = c.flow
	}
	return c.submit(r, (*command).writeDone)
}

func (c *command) writeDone(r *request) nt.Status {
	if st := c.cancelled(gone(r.Status)); !st.IsSuccess() {
		return st
	}
	return c.reply((&smb2.WriteResponse{Count: uint32(r.N)}).Append(c.begin(16)))
}

// flush is FLUSH (3.3.5.11).
func (c *command) flush() nt.Status {
	req, err := smb2.ParseFlushRequest(c.body)
	if err != nil {
		return nt.StatusInvalidParameter
	}
	o, st := c.file(req.FileID)
	if st != nt.StatusSuccess {
		return st
	}
	if !o.share.pipe && o.granted&(nt.FileWriteData|nt.FileAppendData) == 0 {
		return nt.StatusAccessDenied
	}
	return c.submit(&request{Op: api.OpFlush, Handle: o.handle}, (*command).flushDone)
}

func (c *command) flushDone(r *request) nt.Status {
	if st := c.cancelled(gone(r.Status)); !st.IsSuccess() {
		return st
	}
	return c.reply((&smb2.FlushResponse{}).Append(c.begin(8)))
}
