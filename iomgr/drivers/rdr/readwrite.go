package rdr

import (
	"fmt"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// opRead is READ (MS-SMB2 3.2.4.6, 3.2.5.11).
var opRead = operation{
	cmd:  smb2.Read,
	size: func(*exchange) int { return 49 },
	encode: func(x *exchange, b []byte) []byte {
		req := smb2.ReadRequest{Padding: smb2.HeaderSize + smb2.ReadResponseSize, Length: uint32(len(x.out)), Offset: x.offset, FileID: x.fid}
		if x.compresses() {
			req.Flags = smb2.ReadFlagRequestCompressed
		}
		return req.Append(b)
	},
	decode: func(x *exchange, st nt.Status, body []byte) (nt.Status, int, error) {
		res, err := smb2.ParseReadResponse(body)
		if err != nil {
			return 0, 0, err
		}
		n, err := x.give(res.Data)
		return st, n, err
	},
	overflow: true,
}

// give copies what the server sent to where it is wanted. More than was asked for is a breach.
func (x *exchange) give(data []byte) (int, error) {
	if len(data) > len(x.out) {
		return 0, fmt.Errorf("%d bytes where %d were asked for", len(data), len(x.out))
	}
	return copy(x.out, data), nil
}

// opWrite is WRITE (MS-SMB2 3.2.4.7, 3.2.5.12).
var opWrite = operation{
	cmd:  smb2.Write,
	size: func(x *exchange) int { return 49 + len(x.in) },
	encode: func(x *exchange, b []byte) []byte {
		return (&smb2.WriteRequest{Offset: x.offset, FileID: x.fid, Data: x.in}).Append(b)
	},
	decode: func(x *exchange, st nt.Status, body []byte) (nt.Status, int, error) {
		res, err := smb2.ParseWriteResponse(body)
		if err != nil {
			return 0, 0, err
		}
		if uint64(res.Count) > uint64(len(x.in)) {
			return 0, 0, fmt.Errorf("write response: %d bytes of %d", res.Count, len(x.in))
		}
		return st, int(res.Count), nil
	},
}

// Read reads from a file or a pipe.
func (f *file) Read(r *api.Request) {
	switch {
	case f.share:
		r.Complete(nt.StatusInvalidDeviceRequest, 0)
	case f.pipe(): // one message is read by one request; what it leaves stays
		x := f.exchange(&opRead, r)
		c := x.conn
		x.out = r.Out[:c.fit(len(r.Out), c.maxRead)]
		x.charge = c.chargeFor(len(x.out))
		x.waited = r.Waited
		c.start(x)
	case r.Offset < 0:
		r.Complete(nt.StatusInvalidParameter, 0)
	case f.barred(r, len(r.Out), false):
	case f.readBehind(r), f.settles(r):
	case f.keeps() && f.readKept(r):
	default:
		f.transfer(&opRead, r, len(r.Out), f.conn().maxRead)
	}
}

// Write writes to a file or a pipe. What is longer than the server takes at once goes to a file in parts; a pipe's message cannot be cut.
func (f *file) Write(r *api.Request) {
	c := f.conn()
	switch {
	case f.share:
		r.Complete(nt.StatusInvalidDeviceRequest, 0)
	case f.pipe():
		if len(r.In) > creditSize && len(r.In) > c.fit(len(r.In), c.maxWrite) {
			r.Complete(nt.StatusInvalidBufferSize, 0)
			return
		}
		x := f.exchange(&opWrite, r)
		x.charge = c.chargeFor(len(x.in))
		x.waited = r.Waited
		c.start(x)
	case r.Offset < -1: // -1 appends (MS-FSA 2.1.5.3); there is no position on the server
		r.Complete(nt.StatusInvalidParameter, 0)
	case f.barred(r, len(r.In), true):
	case f.writeBehind(r), f.settles(r), f.refused(r):
	default:
		if f.lease != nil {
			f.lease.changing(r.Offset, len(r.In))
		}
		f.transfer(&opWrite, r, len(r.In), c.maxWrite)
	}
}
