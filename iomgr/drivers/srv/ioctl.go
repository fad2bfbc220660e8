package srv

import (
	"errors"
	"net"

	"lwio/iomgr/api"
	"lwio/iomgr/nt"
	"lwio/iomgr/smb2"
)

var errDowngrade = errors.New("what was negotiated is not what the client sent")

// ioctl is IOCTL (3.3.5.15). The server does a few controls itself; the others are the file system's.
func (c *command) ioctl() nt.Status {
	req, err := smb2.ParseIoctlRequest(c.body)
	if err != nil {
		return nt.StatusInvalidParameter
	}
	conn := c.conn
	if req.Flags != smb2.IoctlFlagIsFSCTL {
		return nt.StatusNotSupported
	}
	limit := uint32(conn.maxTransact)
	in, out := len(req.Input), int(min(uint64(req.MaxInputResponse)+uint64(req.MaxOutputResponse), 1<<32))
	if uint32(in) > limit || req.MaxInputResponse > limit || req.MaxOutputResponse > limit || !c.charged(in, out) {
		return nt.StatusInvalidParameter
	}
	c.code = req.CtlCode
	switch req.CtlCode {
	case nt.FsctlDfsGetReferrals, nt.FsctlDfsGetReferralsEx:
		if req.FileID != smb2.RelatedFileID {
			return nt.StatusInvalidParameter
		}
		return nt.StatusFsDriverRequired // 3.3.5.15.2: there is no DFS here
	case nt.FsctlValidateNegotiateInfo:
		return c.validateNegotiate(&req)
	case nt.FsctlQueryNetworkInterfaceInfo:
		return c.networkInterfaces(&req)
	case nt.FsctlPipeWait:
		return c.pipeWait(&req)
	case nt.FsctlLmrRequestResiliency:
		return c.resiliency(&req)
	}
	o, st := c.file(req.FileID)
	if st != nt.StatusSuccess {
		return st
	}
	if o.share.pipe {
		switch req.CtlCode {
		case nt.FsctlPipeTransceive, nt.FsctlPipePeek:
		default: // the others are for the server's end, or of programs of this machine
			return nt.StatusInvalidDeviceRequest
		}
	} else if st, done := c.serverControl(&req, o); done {
		return st
	} else if need := nt.ControlAccess(req.CtlCode); need&^o.granted != 0 && o.granted&need == 0 {
		return nt.StatusAccessDenied
	}
	buf, st := c.prepare(smb2.IoctlResponseSize, int(req.MaxOutputResponse))
	if st != nt.StatusSuccess {
		return st
	}
	r := c.request()
	r.Op, r.Code, r.In, r.Out = api.OpFsControl, req.CtlCode, req.Input, buf
	return c.submit(r, (*command).ioctlDone)
}

// serverControl does those controls of a file that are the server's.
func (c *command) serverControl(req *smb2.IoctlRequest, o *open) (nt.Status, bool) {
	switch req.CtlCode {
	case nt.FsctlSrvRequestResumeKey:
		return c.resumeKey(req, o), true
	case nt.FsctlSrvCopychunk, nt.FsctlSrvCopychunkWrite:
		return c.copyChunk(req, o), true
	case nt.FsctlSrvEnumerateSnapshots:
		return c.enumerateSnapshots(req, o), true
	case nt.FsctlDuplicateExtentsToFile, nt.FsctlDuplicateExtentsToFileEx:
		return c.duplicateExtents(req, o), true
	case nt.FsctlOplockBreakNotify, nt.FsctlOplockBreakAcknowledge: // between this server and the file system
		return nt.StatusInvalidDeviceRequest, true
	}
	return nt.StatusSuccess, false
}

func (c *command) ioctlDone(r *request) nt.Status {
	st := c.cancelled(gone(r.Status))
	if st == nt.StatusBufferTooSmall {
		return nt.StatusBufferTooSmall
	}
	if !st.IsSuccess() && st != nt.StatusBufferOverflow {
		return st
	}
	smb2.PutIoctlResponse(c.fixed(smb2.IoctlResponseSize, r.N), c.code, c.open.id, uint32(r.N))
	c.keep = true
	return st
}

// ioctlReply answers a control of the server's own.
func (c *command) ioctlReply(req *smb2.IoctlRequest, output []byte) nt.Status {
	if len(output) > int(req.MaxOutputResponse) {
		return nt.StatusBufferTooSmall
	}
	res := smb2.IoctlResponse{CtlCode: req.CtlCode, FileID: req.FileID, Output: output}
	return c.reply(res.Append(c.begin(smb2.IoctlResponseSize + len(output))))
}

// validateNegotiate is FSCTL_VALIDATE_NEGOTIATE_INFO (3.3.5.15.12): the client says again, signed, what it negotiated.
func (c *command) validateNegotiate(req *smb2.IoctlRequest) nt.Status {
	conn := c.conn
	info, err := smb2.ParseValidateNegotiateInfoRequest(req.Input)
	if err != nil || req.FileID != smb2.RelatedFileID {
		return nt.StatusInvalidParameter
	}
	if conn.srv.commonDialect(info.Dialects) != conn.dialect || info.GUID != conn.clientGUID ||
		info.SecurityMode != conn.clientMode || info.Capabilities != conn.clientCaps {
		conn.cut(errDowngrade)
		return nt.StatusAccessDenied
	}
	res := smb2.ValidateNegotiateInfoResponse{Capabilities: conn.serverCaps, GUID: conn.srv.cfg.ServerGUID,
		SecurityMode: conn.srv.securityMode(), Dialect: conn.dialect}
	return c.ioctlReply(req, res.Append(nil))
}

// networkInterfaces is FSCTL_QUERY_NETWORK_INTERFACE_INFO (3.3.5.15.11): where else this server can be reached for another channel.
func (c *command) networkInterfaces(req *smb2.IoctlRequest) nt.Status {
	if c.conn.dialect < smb2.Dialect300 {
		return nt.StatusNotSupported
	}
	if req.FileID != smb2.RelatedFileID {
		return nt.StatusInvalidParameter
	}
	of := interfaces
	if own := c.conn.srv.cfg.Interfaces; own != nil {
		of = own
	}
	list := of(c.conn.nc.LocalAddr())
	if n := int(req.MaxOutputResponse) / 152; len(list) > n {
		if n == 0 {
			return nt.StatusBufferTooSmall
		}
		list = list[:n]
	}
	return c.ioctlReply(req, smb2.AppendNetworkInterfaces(nil, list))
}

// linkSpeed is what is said of every interface: a gigabit. Clients compare, and a host seldom can say.
const linkSpeed = 1_000_000_000

// interfaces lists the addresses of the host. A server reached by loopback says only that: nothing else leads to it from there for certain.
func interfaces(local net.Addr) []smb2.NetworkInterfaceInfo {
	tcp, ok := local.(*net.TCPAddr)
	if !ok {
		return nil
	}
	ifs, err := net.Interfaces()
	if err != nil {
		return nil
	}
	var list []smb2.NetworkInterfaceInfo
	for _, i := range ifs {
		if i.Flags&net.FlagUp == 0 || (i.Flags&net.FlagLoopback != 0) != tcp.IP.IsLoopback() {
			continue
		}
		addrs, err := i.Addrs()
		if err != nil {
			continue
		}
		for _, a := range addrs {
			ipn, ok := a.(*net.IPNet)
			if !ok || ipn.IP.IsLinkLocalUnicast() || tcp.IP.IsLoopback() && !ipn.Contains(tcp.IP) {
				continue
			}
			n := smb2.NetworkInterfaceInfo{IfIndex: uint32(i.Index), LinkSpeed: linkSpeed}
			if v4 := ipn.IP.To4(); v4 != nil {
				copy(n.IP[:], v4)
			} else {
				n.IPv6 = true
				copy(n.IP[:], ipn.IP.To16())
			}
			list = append(list, n)
		}
	}
	return list
}

// waiting is what FSCTL_PIPE_WAIT keeps: a handle of the file system's root.
type waiting struct {
	args   api.CreateArgs
	input  []byte
	fileID smb2.FileID
}

// pipeWait is FSCTL_PIPE_WAIT (3.3.5.15.4), which names its pipe in the input.
func (c *command) pipeWait(req *smb2.IoctlRequest) nt.Status {
	if !c.tree.share.pipe {
		return nt.StatusInvalidDeviceRequest
	}
	if req.FileID != smb2.RelatedFileID {
		return nt.StatusInvalidParameter
	}
	if _, err := smb2.ParsePipeWaitRequest(req.Input); err != nil {
		return nt.StatusInvalidParameter
	}
	k := &waiting{input: req.Input, fileID: req.FileID}
	k.args = api.CreateArgs{Name: c.tree.device + `\`, Token: c.sess.token.Load(), DesiredAccess: nt.FileReadAttributes | nt.Synchronize,
		ShareAccess: nt.FileShareRead | nt.FileShareWrite, Disposition: nt.FileOpen, Impersonation: api.ImpersonateImpersonation}
	c.extra = k
	return c.submit(&request{Op: api.OpCreate, Create: &k.args}, (*command).pipeWaitOpened)
}

func (c *command) pipeWaitOpened(r *request) nt.Status {
	if !r.Status.IsSuccess() {
		return c.cancelled(r.Status)
	}
	k := c.extra.(*waiting)
	return c.submit(&request{Op: api.OpFsControl, Handle: k.args.Result.Handle, Code: nt.FsctlPipeWait, In: k.input}, (*command).pipeWaited)
}

func (c *command) pipeWaited(r *request) nt.Status {
	k := c.extra.(*waiting)
	_ = c.conn.srv.api.Close(k.args.Result.Handle)
	if st := c.cancelled(r.Status); !st.IsSuccess() {
		return st
	}
	res := smb2.IoctlResponse{CtlCode: nt.FsctlPipeWait, FileID: k.fileID}
	return c.reply(res.Append(c.begin(smb2.IoctlResponseSize)))
}
