package rdr

import (
	"bytes"
	"fmt"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

// Connection attributes that every handle of the redirector answers by FSCTL_PIPE_GET_CONNECTION_ATTRIBUTE, a name with a NUL in and the
// value out. The server is not asked.
const (
	AttrSessionKey = "SessionKey" // application key of the session, 16 bytes; in SMB 2 the session key
	AttrServerName = "ServerName" // name of the server as the path has it, text
	// AttrWriteError is the status, 4 bytes little-endian, of writes that were done before the server had them. It is answered when the server has them all,
	// and tells of an error once: who closes a file without asking hears of none.
	AttrWriteError = "WriteError"
)

// opIoctl is IOCTL (MS-SMB2 3.2.4.20, 3.2.5.14). Input and output of a control lie in one message each.
var opIoctl = operation{
	cmd:  smb2.Ioctl,
	size: func(x *exchange) int { return 64 + len(x.in) },
	encode: func(x *exchange, b []byte) []byte {
		return (&smb2.IoctlRequest{CtlCode: x.r.Code, FileID: x.fid, MaxOutputResponse: uint32(len(x.out)),
			Flags: smb2.IoctlFlagIsFSCTL, Input: x.in}).Append(b)
	},
	decode: func(x *exchange, st nt.Status, body []byte) (nt.Status, int, error) {
		res, err := smb2.ParseIoctlResponse(body)
		if err != nil {
			return 0, 0, err
		}
		if res.CtlCode != x.r.Code {
			return 0, 0, fmt.Errorf("ioctl response: control %#x, not %#x", res.CtlCode, x.r.Code)
		}
		n, err := x.give(res.Output)
		return st, n, err
	},
	overflow: true,
	// FSCTL_SRV_COPYCHUNK tells the server's limits together with an error (3.2.5.14.3).
	failed: func(x *exchange, st nt.Status, body []byte) (nt.Status, int) {
		if res, err := smb2.ParseIoctlResponse(body); err == nil && st == nt.StatusInvalidParameter && len(res.Output) <= len(x.out) {
			return st, copy(x.out, res.Output)
		}
		return st, 0
	},
}

// FsControl sends a file system control. What it means is the server's business, but for the attributes of the connection.
func (f *file) FsControl(r *api.Request) {
	if f.settles(r) {
		return
	}
	switch r.Code {
	case nt.FsctlPipeGetConnectionAttribute:
		f.attribute(r)
		return
	case nt.FsctlPipeSetConnectionAttribute:
		r.Complete(nt.StatusNotSupported, 0)
		return
	case nt.FsctlValidateNegotiateInfo: // the redirector's own
		r.Complete(nt.StatusAccessDenied, 0)
		return
	}
	x := f.exchange(&opIoctl, r)
	c := x.conn
	if len(r.In) > creditSize && len(r.In) > c.fit(len(r.In), c.maxTransact) {
		x.recycle()
		r.Complete(nt.StatusInvalidBufferSize, 0)
		return
	}
	switch r.Code {
	case nt.FsctlPipeWait, nt.FsctlDfsGetReferrals, nt.FsctlDfsGetReferralsEx, nt.FsctlQueryNetworkInterfaceInfo:
		x.fid = smb2.RelatedFileID // of no file (3.2.4.20.2, .5, .10)
	default:
		if f.share {
			x.recycle()
			r.Complete(nt.StatusInvalidDeviceRequest, 0)
			return
		}
	}
	x.out = r.Out[:c.fit(len(r.Out), c.maxTransact)]
	x.charge = c.chargeFor(max(len(x.in), len(x.out)))
	if f.lease != nil {
		f.sendChange(x)
		return
	}
	x.waited = r.Waited
	c.start(x)
}

// DeviceControl is refused: servers take nothing but file system controls (MS-SMB2 3.3.5.15).
func (f *file) DeviceControl(r *api.Request) { r.Complete(nt.StatusNotSupported, 0) }

// attribute answers FSCTL_PIPE_GET_CONNECTION_ATTRIBUTE.
func (f *file) attribute(r *api.Request) {
	i := bytes.IndexByte(r.In, 0)
	if i <= 0 {
		r.Complete(nt.StatusInvalidParameter, 0)
		return
	}
	switch string(r.In[:i]) {
	case AttrSessionKey:
		r.Reply(f.tree().sess.appKey)
	case AttrWriteError:
		r.Reply(le.AppendUint32(nil, uint32(f.takeLate())))
	case AttrServerName:
		r.Reply([]byte(f.to.host))
	default:
		r.Complete(nt.StatusNotFound, 0)
	}
}
