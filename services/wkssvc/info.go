package wkssvc

import (
	"context"

	gen "lwio/gen/wkssvc"
	"lwio/rpc"
)

// NetrWkstaGetInfo tells what the computer is (MS-WKST 3.2.4.1).
func (s *Service) NetrWkstaGetInfo(ctx context.Context, call *rpc.Call, in *gen.NetrWkstaGetInfoRequest) (*gen.NetrWkstaGetInfoResponse, error) {
	out := &gen.NetrWkstaGetInfoResponse{}
	name, group, root := s.cfg.Authority.Host().Name, s.langroup(), ""
	switch in.Level {
	case 100:
		out.WkstaInfo.WkstaInfo100 = &gen.WKSTA_INFO_100{
			Wki100PlatformId: platformIDNT, Wki100Computername: &name, Wki100Langroup: &group,
			Wki100VerMajor: s.cfg.VersionMajor, Wki100VerMinor: s.cfg.VersionMinor,
		}
	case 101:
		if !isAuthenticated(call) {
			out.Return = accessDenied
			return out, nil
		}
		out.WkstaInfo.WkstaInfo101 = &gen.WKSTA_INFO_101{
			Wki101PlatformId: platformIDNT, Wki101Computername: &name, Wki101Langroup: &group,
			Wki101VerMajor: s.cfg.VersionMajor, Wki101VerMinor: s.cfg.VersionMinor, Wki101Lanroot: &root,
		}
	case 102:
		if !call.Token.IsAdmin() {
			out.Return = accessDenied
			return out, nil
		}
		users, err := s.cfg.Users(ctx)
		if err != nil {
			out.Return = failed(err)
			return out, nil
		}
		out.WkstaInfo.WkstaInfo102 = &gen.WKSTA_INFO_102{
			Wki102PlatformId: platformIDNT, Wki102Computername: &name, Wki102Langroup: &group,
			Wki102VerMajor: s.cfg.VersionMajor, Wki102VerMinor: s.cfg.VersionMinor, Wki102Lanroot: &root,
			Wki102LoggedOnUsers: uint32(len(users)),
		}
	case 502:
		if !call.Token.IsAdmin() {
			out.Return = accessDenied
			return out, nil
		}
		out.WkstaInfo.WkstaInfo502 = s.info502()
	default:
		out.Return = invalidLevel
	}
	return out, nil
}
