package wkssvc

import (
	"context"
	"strings"
	"sync"

	gen "lwio/gen/wkssvc"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

// maxUses bounds the uses of one user, and maxUsers how many users have some.
const (
	maxUses  = 64
	maxUsers = 1024
	maxUse   = 1024 // bytes of a name
)

// Values of uses (MS-WKST 2.2.5.22, 3.2.4.9).
const (
	useDisconnected = 2 // the redirector connects when somebody opens a file
	useDisk         = 0
	useIPC          = 3
	useWildcard     = 0xFFFFFFFF
	useLotsOfForce  = 2
)

// use is a share of another server that a user has given a local device, or none.
type use struct {
	local, remote, user, domain string
	kind                        uint32
}

// uses are those of all users, by who they are. They are remembered, not connected: passwords are not kept, and the redirector has connections of its own.
type uses struct {
	mu sync.Mutex
	of map[nt.SID][]use // guarded by mu
}

func (u *uses) list(who nt.SID) []use {
	u.mu.Lock()
	defer u.mu.Unlock()
	return append([]use(nil), u.of[who]...)
}

// is reports whether a name means the use: its device, or the share where it has no device.
func (x *use) is(name string) bool {
	if x.local != "" {
		return nt.EqualFold(x.local, name)
	}
	return nt.EqualFold(x.remote, name)
}

func (u *uses) add(who nt.SID, x use) uint32 {
	u.mu.Lock()
	defer u.mu.Unlock()
	have := u.of[who]
	for i := range have {
		if x.local != "" && nt.EqualFold(have[i].local, x.local) {
			return uint32(nt.WErrAlreadyAssigned)
		}
		if x.local == "" && have[i].is(x.remote) {
			return success
		}
	}
	if len(have) >= maxUses || have == nil && len(u.of) >= maxUsers {
		return uint32(nt.NErrTooManyItems)
	}
	if u.of == nil {
		u.of = make(map[nt.SID][]use)
	}
	u.of[who] = append(have, x)
	return success
}

func (u *uses) del(who nt.SID, name string) uint32 {
	u.mu.Lock()
	defer u.mu.Unlock()
	have := u.of[who]
	for i := range have {
		if have[i].is(name) {
			if have = append(have[:i:i], have[i+1:]...); len(have) == 0 {
				delete(u.of, who)
			} else {
				u.of[who] = have
			}
			return success
		}
	}
	return uint32(nt.NErrUseNotFound)
}

// isDevice reports a drive, a printer or another local device.
func isDevice(name string) bool {
	upper := nt.Upcase(name)
	if len(upper) == 2 {
		return upper[1] == ':' && upper[0] >= 'A' && upper[0] <= 'Z'
	}
	for _, prefix := range []string{"LPT", "COM"} {
		if n, ok := strings.CutPrefix(strings.TrimSuffix(upper, ":"), prefix); ok {
			return len(n) == 1 && n[0] >= '1' && n[0] <= '9'
		}
	}
	return false
}

// isShare reports \\server\share.
func isShare(name string) bool {
	rest, ok := strings.CutPrefix(name, `\\`)
	server, share, two := strings.Cut(rest, `\`)
	return ok && two && server != "" && share != "" && !strings.ContainsAny(share, "\\/\x00") && len(name) <= maxUse
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// NetrUseAdd remembers a use of the caller's (MS-WKST 3.2.4.7).
func (s *Service) NetrUseAdd(_ context.Context, call *rpc.Call, in *gen.NetrUseAddRequest) (*gen.NetrUseAddResponse, error) {
	out := &gen.NetrUseAddResponse{ErrorParameter: in.ErrorParameter}
	var x use
	info := in.InfoStruct.UseInfo1
	if two := in.InfoStruct.UseInfo2; two != nil {
		info, x.user, x.domain = &two.Ui2Useinfo, text(two.Ui2Username), text(two.Ui2Domainname)
	}
	if three := in.InfoStruct.UseInfo3; three != nil {
		info, x.user, x.domain = &three.Ui3Ui2.Ui2Useinfo, text(three.Ui3Ui2.Ui2Username), text(three.Ui3Ui2.Ui2Domainname)
	}
	wrong := func(parameter, result uint32) {
		if out.Return = result; out.ErrorParameter != nil {
			*out.ErrorParameter = parameter
		}
	}
	switch {
	case !isAuthenticated(call):
		out.Return = accessDenied
	case in.Level == 0 || in.Level > 3:
		out.Return = invalidLevel
	case info == nil:
		out.Return = invalidParameter
	case text(info.Ui1Local) != "" && !isDevice(*info.Ui1Local):
		wrong(1, invalidParameter)
	case !isShare(text(info.Ui1Remote)):
		wrong(2, uint32(nt.WErrBadNetName))
	case info.Ui1AsgType > useIPC && info.Ui1AsgType != useWildcard:
		wrong(5, uint32(nt.NErrBadAsgType))
	case len(x.user) > maxUse || len(x.domain) > maxUse:
		wrong(8, invalidParameter)
	default:
		x.local, x.remote, x.kind = text(info.Ui1Local), *info.Ui1Remote, info.Ui1AsgType
		out.Return = s.uses.add(call.Token.User, x)
	}
	return out, nil
}

// NetrUseDel forgets one (MS-WKST 3.2.4.9).
func (s *Service) NetrUseDel(_ context.Context, call *rpc.Call, in *gen.NetrUseDelRequest) (*gen.NetrUseDelResponse, error) {
	out := &gen.NetrUseDelResponse{}
	switch {
	case !isAuthenticated(call):
		out.Return = accessDenied
	case in.ForceLevel > useLotsOfForce:
		out.Return = invalidLevel
	default:
		out.Return = s.uses.del(call.Token.User, in.UseName)
	}
	return out, nil
}

func (x *use) info0() gen.USE_INFO_0 { return gen.USE_INFO_0{Ui0Local: &x.local, Ui0Remote: &x.remote} }

func (x *use) info1() gen.USE_INFO_1 {
	kind := x.kind
	if kind == useWildcard {
		if kind = useDisk; strings.HasSuffix(nt.Upcase(x.remote), `\IPC$`) {
			kind = useIPC
		}
	}
	return gen.USE_INFO_1{Ui1Local: &x.local, Ui1Remote: &x.remote, Ui1Status: useDisconnected, Ui1AsgType: kind, Ui1Refcount: 0, Ui1Usecount: 1}
}

func (x *use) info2() gen.USE_INFO_2 {
	return gen.USE_INFO_2{Ui2Useinfo: x.info1(), Ui2Username: &x.user, Ui2Domainname: &x.domain}
}

// NetrUseGetInfo tells of one of the caller's uses (MS-WKST 3.2.4.8).
func (s *Service) NetrUseGetInfo(_ context.Context, call *rpc.Call, in *gen.NetrUseGetInfoRequest) (*gen.NetrUseGetInfoResponse, error) {
	out := &gen.NetrUseGetInfoResponse{}
	switch {
	case !isAuthenticated(call):
		out.Return = accessDenied
		return out, nil
	case in.Level > 3:
		out.Return = invalidLevel
		return out, nil
	}
	for _, x := range s.uses.list(call.Token.User) {
		if !x.is(in.UseName) {
			continue
		}
		switch in.Level {
		case 0:
			i := x.info0()
			out.InfoStruct.UseInfo0 = &i
		case 1:
			i := x.info1()
			out.InfoStruct.UseInfo1 = &i
		case 2:
			i := x.info2()
			out.InfoStruct.UseInfo2 = &i
		case 3:
			out.InfoStruct.UseInfo3 = &gen.USE_INFO_3{Ui3Ui2: x.info2()}
		}
		return out, nil
	}
	out.Return = uint32(nt.NErrUseNotFound)
	return out, nil
}

// NetrUseEnum lists the caller's uses (MS-WKST 3.2.4.10).
func (s *Service) NetrUseEnum(_ context.Context, call *rpc.Call, in *gen.NetrUseEnumRequest) (*gen.NetrUseEnumResponse, error) {
	out := &gen.NetrUseEnumResponse{InfoStruct: gen.USE_ENUM_STRUCT{Level: in.InfoStruct.Level}, ResumeHandle: in.ResumeHandle}
	switch {
	case in.InfoStruct.Level > 2:
		out.Return = invalidLevel
		return out, nil
	case !isAuthenticated(call):
		out.Return = accessDenied
		return out, nil
	}
	all := s.uses.list(call.Token.User)
	p := pageOf(len(all), in.ResumeHandle, in.PreferredMaximumLength, func(i int) int {
		return sizeOf(40, all[i].local, all[i].remote, all[i].user, all[i].domain)
	})
	out.TotalEntries, out.ResumeHandle, out.Return = p.total, p.resume, p.result
	shown := all[p.from:p.to]
	switch in.InfoStruct.Level {
	case 0:
		list := make([]gen.USE_INFO_0, len(shown))
		for i := range shown {
			list[i] = shown[i].info0()
		}
		out.InfoStruct.UseInfo.Level0 = &gen.USE_INFO_0_CONTAINER{Buffer: list}
	case 1:
		list := make([]gen.USE_INFO_1, len(shown))
		for i := range shown {
			list[i] = shown[i].info1()
		}
		out.InfoStruct.UseInfo.Level1 = &gen.USE_INFO_1_CONTAINER{Buffer: list}
	case 2:
		list := make([]gen.USE_INFO_2, len(shown))
		for i := range shown {
			list[i] = shown[i].info2()
		}
		out.InfoStruct.UseInfo.Level2 = &gen.USE_INFO_2_CONTAINER{Buffer: list}
	}
	return out, nil
}
