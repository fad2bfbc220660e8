package srvsvc

import (
	"context"

	"lwio/gen/srvctl"
	gen "lwio/gen/srvsvc"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/rpc/ndr"
)

type share = srvctl.SRVCTL_SHARE

// notScoped is shi503_servername of a share that every name of the server has (MS-SRVS 2.2.4.27).
const notScoped = "*"

func shareInfo0(s *share) gen.SHARE_INFO_0 { return gen.SHARE_INFO_0{Shi0Netname: present(s.Name)} }

func shareInfo1(s *share) gen.SHARE_INFO_1 {
	return gen.SHARE_INFO_1{Shi1Netname: present(s.Name), Shi1Type: s.Type, Shi1Remark: present(s.Comment)}
}

func shareInfo2(s *share) gen.SHARE_INFO_2 {
	return gen.SHARE_INFO_2{
		Shi2Netname: present(s.Name), Shi2Type: s.Type, Shi2Remark: present(s.Comment), Shi2MaxUses: s.MaxUses, Shi2CurrentUses: s.CurrentUses,
		Shi2Path: present(s.Path),
	}
}

func shareInfo501(s *share) gen.SHARE_INFO_501 {
	return gen.SHARE_INFO_501{Shi501Netname: present(s.Name), Shi501Type: s.Type, Shi501Remark: present(s.Comment), Shi501Flags: s.Flags}
}

func shareInfo502(s *share) gen.SHARE_INFO_502_I {
	return gen.SHARE_INFO_502_I{
		Shi502Netname: present(s.Name), Shi502Type: s.Type, Shi502Remark: present(s.Comment), Shi502MaxUses: s.MaxUses, Shi502CurrentUses: s.CurrentUses,
		Shi502Path: present(s.Path), Shi502Reserved: uint32(len(s.Sd)), Shi502SecurityDescriptor: s.Sd,
	}
}

func shareInfo503(s *share) gen.SHARE_INFO_503_I {
	return gen.SHARE_INFO_503_I{
		Shi503Netname: present(s.Name), Shi503Type: s.Type, Shi503Remark: present(s.Comment), Shi503MaxUses: s.MaxUses, Shi503CurrentUses: s.CurrentUses,
		Shi503Path: present(s.Path), Shi503Servername: ndr.String(notScoped), Shi503Reserved: uint32(len(s.Sd)), Shi503SecurityDescriptor: s.Sd,
	}
}

// Structures on the wire without what they point to.
const (
	size0   = 4
	size1   = 12
	size2   = 32
	size501 = 16
	size502 = 40
	size503 = 44
)

func shareSize(level uint32, s *share) int {
	switch level {
	case 0:
		return entrySize(size0, present(s.Name))
	case 1:
		return entrySize(size1, present(s.Name), present(s.Comment))
	case 2:
		return entrySize(size2, present(s.Name), present(s.Comment), present(s.Path))
	case 501:
		return entrySize(size501, present(s.Name), present(s.Comment))
	case 502:
		return entrySize(size502, present(s.Name), present(s.Comment), present(s.Path)) + 4 + len(s.Sd)
	}
	return entrySize(size503, present(s.Name), present(s.Comment), present(s.Path), ndr.String(notScoped)) + 4 + len(s.Sd)
}

// enumLevel says who may list shares at a level. The sticky list has no level 501 (MS-SRVS 3.1.4.9).
func (s *Server) enumLevel(level uint32, sticky bool) who {
	switch level {
	case 0, 1:
		if s.cfg.Anonymous {
			return anonymous
		}
		return user
	case 501:
		if sticky {
			return nobody
		}
		return user
	case 2, 502, 503:
		return administrator
	}
	return nobody
}

// least is who may ask about shares at all.
func (s *Server) least() who {
	if s.cfg.Anonymous {
		return anonymous
	}
	return user
}

type shareEnum struct {
	info   gen.SHARE_ENUM_STRUCT
	total  uint32
	resume *uint32
	result uint32
}

func (s *Server) shareEnum(ctx context.Context, call *rpc.Call, level, prefer uint32, resume *uint32, sticky bool) (out shareEnum, err error) {
	out.info.Level, out.resume = level, resume
	if out.result = admit(call, s.least(), s.enumLevel(level, sticky)); out.result != success {
		return out, nil
	}
	res, err := s.client.SrvShareEnum(ctx, &srvctl.SrvShareEnumRequest{})
	if err != nil {
		out.result, err = s.failed(ctx, err)
		return out, err
	}
	if out.result = res.Return; out.result != success {
		return out, nil
	}
	list := res.Shares.Shares
	if sticky {
		list = persistent(list)
	}
	w := windowOf(len(list), resume, prefer, func(i int) int { return shareSize(level, &list[i]) })
	out.total, out.resume, out.result = w.total, w.resume, w.result
	n, u := uint32(w.to-w.from), &out.info.ShareInfo
	switch level {
	case 0:
		u.Level0 = &gen.SHARE_INFO_0_CONTAINER{EntriesRead: n, Buffer: entries(list, w, shareInfo0)}
	case 1:
		u.Level1 = &gen.SHARE_INFO_1_CONTAINER{EntriesRead: n, Buffer: entries(list, w, shareInfo1)}
	case 2:
		u.Level2 = &gen.SHARE_INFO_2_CONTAINER{EntriesRead: n, Buffer: entries(list, w, shareInfo2)}
	case 501:
		u.Level501 = &gen.SHARE_INFO_501_CONTAINER{EntriesRead: n, Buffer: entries(list, w, shareInfo501)}
	case 502:
		u.Level502 = &gen.SHARE_INFO_502_CONTAINER{EntriesRead: n, Buffer: entries(list, w, shareInfo502)}
	case 503:
		u.Level503 = &gen.SHARE_INFO_503_CONTAINER{EntriesRead: n, Buffer: entries(list, w, shareInfo503)}
	}
	return out, nil
}

// persistent leaves out what does not outlive the server: temporary shares and those that it makes itself.
func persistent(list []share) []share {
	out := list[:0]
	for _, s := range list {
		if s.Type&(gen.STYPE_TEMPORARY|gen.STYPE_SPECIAL) == 0 {
			out = append(out, s)
		}
	}
	return out
}

// NetrShareEnum lists shares (MS-SRVS 3.1.4.8).
func (s *Server) NetrShareEnum(ctx context.Context, call *rpc.Call, in *gen.NetrShareEnumRequest) (*gen.NetrShareEnumResponse, error) {
	e, err := s.shareEnum(ctx, call, in.InfoStruct.Level, in.PreferedMaximumLength, in.ResumeHandle, false)
	return &gen.NetrShareEnumResponse{InfoStruct: e.info, TotalEntries: e.total, ResumeHandle: e.resume, Return: e.result}, err
}

// NetrShareEnumSticky lists the shares that are there after a restart (MS-SRVS 3.1.4.9).
func (s *Server) NetrShareEnumSticky(ctx context.Context, call *rpc.Call, in *gen.NetrShareEnumStickyRequest) (*gen.NetrShareEnumStickyResponse, error) {
	e, err := s.shareEnum(ctx, call, in.InfoStruct.Level, in.PreferedMaximumLength, in.ResumeHandle, true)
	return &gen.NetrShareEnumStickyResponse{InfoStruct: e.info, TotalEntries: e.total, ResumeHandle: e.resume, Return: e.result}, err
}

// infoLevel says who may read one share at a level.
func (s *Server) infoLevel(level uint32) who {
	switch level {
	case 0, 1, 501, 1004, 1005:
		return s.least()
	case 2, 502, 503, 1006, 1007, 1501:
		return administrator
	}
	return nobody
}

// shareNamed reads one share from the device.
func (s *Server) shareNamed(ctx context.Context, name string) (*share, uint32, error) {
	res, err := s.client.SrvShareGet(ctx, &srvctl.SrvShareGetRequest{Name: name})
	if err != nil {
		result, err := s.failed(ctx, err)
		return nil, result, err
	}
	return &res.Share, res.Return, nil
}

// NetrShareGetInfo describes a share (MS-SRVS 3.1.4.10).
func (s *Server) NetrShareGetInfo(ctx context.Context, call *rpc.Call, in *gen.NetrShareGetInfoRequest) (*gen.NetrShareGetInfoResponse, error) {
	out := &gen.NetrShareGetInfoResponse{Return: admit(call, s.least(), s.infoLevel(in.Level))}
	if out.Return != success {
		return out, nil
	}
	sh, result, err := s.shareNamed(ctx, in.NetName)
	if out.Return = result; err != nil || result != success {
		return out, err
	}
	u := &out.InfoStruct
	switch in.Level {
	case 0:
		u.ShareInfo0 = ptr(shareInfo0(sh))
	case 1:
		u.ShareInfo1 = ptr(shareInfo1(sh))
	case 2:
		u.ShareInfo2 = ptr(shareInfo2(sh))
	case 501:
		u.ShareInfo501 = ptr(shareInfo501(sh))
	case 502:
		u.ShareInfo502 = ptr(shareInfo502(sh))
	case 503:
		u.ShareInfo503 = ptr(shareInfo503(sh))
	case 1007:
		u.ShareInfo1007 = &gen.SHARE_INFO_1007{Shi1007Flags: sh.Flags, Shi1007AlternateDirectoryName: ndr.String("")}
	case 1004:
		u.ShareInfo1004 = &gen.SHARE_INFO_1004{Shi1004Remark: present(sh.Comment)}
	case 1005:
		u.ShareInfo1005 = &gen.SHARE_INFO_1005{Shi1005Flags: sh.Flags}
	case 1006:
		u.ShareInfo1006 = &gen.SHARE_INFO_1006{Shi1006MaxUses: sh.MaxUses}
	case 1501:
		u.ShareInfo1501 = &gen.SHARE_INFO_1501_I{Shi1501Reserved: uint32(len(sh.Sd)), Shi1501SecurityDescriptor: sh.Sd}
	}
	return out, nil
}

func ptr[T any](v T) *T { return &v }

// NetrShareCheck tells whether a path is shared, and as what (MS-SRVS 3.1.4.16).
func (s *Server) NetrShareCheck(ctx context.Context, call *rpc.Call, in *gen.NetrShareCheckRequest) (*gen.NetrShareCheckResponse, error) {
	out := &gen.NetrShareCheckResponse{Return: admit(call, user, user)}
	if out.Return != success {
		return out, nil
	}
	res, err := s.client.SrvShareEnum(ctx, &srvctl.SrvShareEnumRequest{})
	if err != nil {
		out.Return, err = s.failed(ctx, err)
		return out, err
	}
	for i := range res.Shares.Shares {
		sh := &res.Shares.Shares[i]
		if nt.EqualFold(trimPath(ndr.Text(sh.Path)), trimPath(in.Device)) {
			out.Type = sh.Type & 0xFF
			return out, nil
		}
	}
	out.Return = uint32(nt.NErrDeviceNotShared)
	return out, nil
}

// trimPath takes the separator off a path's end, as two spellings of a folder differ by it.
func trimPath(p string) string {
	for len(p) > 1 && (p[len(p)-1] == '\\' || p[len(p)-1] == '/') {
		p = p[:len(p)-1]
	}
	return p
}
