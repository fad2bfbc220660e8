package wkssvc

import (
	"context"

	gen "lwio/gen/wkssvc"
	"lwio/rpc"
	"lwio/services/state"
)

// Parameters that a caller is told of (MS-WKST 2.2.1.2), and their limits (2.2.5.4 to 2.2.5.7).
const (
	parmKeepConn     = 13
	parmSessTimeout  = 18
	parmDormantFiles = 46
	maxSetting       = 65535
	minSessTimeout   = 60
)

// info502 is the redirector as it is configured. All but three of its members are what Windows has them by default and nobody looks at.
func (s *Service) info502() *gen.WKSTA_INFO_502 {
	c := s.cfg.Workstation.Settings()
	return &gen.WKSTA_INFO_502{
		Wki502CharWait: 3600, Wki502CollectionTime: 250, Wki502MaximumCollectionCount: 16, Wki502KeepConn: c.KeepConnection, Wki502MaxCmds: 50,
		Wki502SessTimeout: c.SessionTimeout, Wki502SizCharBuf: 512, Wki502MaxThreads: 17, Wki502LockQuota: 6144, Wki502LockIncrement: 10, Wki502LockMaximum: 500,
		Wki502PipeIncrement: 10, Wki502PipeMaximum: 500, Wki502CacheFileTimeout: 40, Wki502DormantFileLimit: c.DormantFileLimit, Wki502ReadAheadThroughput: 0xFFFFFFFF,
		Wki502NumMailslotBuffers: 3, Wki502NumSrvAnnounceBuffers: 20, Wki502MaxIllegalDatagramEvents: 5, Wki502IllegalDatagramEventResetFrequency: 60,
		Wki502UseOpportunisticLocking: 1, Wki502UseUnlockBehind: 1, Wki502UseCloseBehind: 1, Wki502BufNamedPipes: 1, Wki502UseLockReadUnlock: 1,
		Wki502UtilizeNtCaching: 1, Wki502UseRawRead: 1, Wki502UseRawWrite: 1, Wki502UseWriteRawData: 1, Wki502UseEncryption: 1, Wki502BufFilesDenyWrite: 1,
		Wki502BufReadOnlyFiles: 1, Wki502ForceCoreCreateMode: 1,
	}
}

// NetrWkstaSetInfo sets the three members of the configuration that can be set, or one of them (MS-WKST 3.2.4.2).
func (s *Service) NetrWkstaSetInfo(ctx context.Context, call *rpc.Call, in *gen.NetrWkstaSetInfoRequest) (*gen.NetrWkstaSetInfoResponse, error) {
	out := &gen.NetrWkstaSetInfoResponse{ErrorParameter: in.ErrorParameter}
	var keep, session, dormant *uint32
	known := true
	switch x := &in.WkstaInfo; in.Level {
	case 502:
		if x.WkstaInfo502 != nil {
			keep, session, dormant = &x.WkstaInfo502.Wki502KeepConn, &x.WkstaInfo502.Wki502SessTimeout, &x.WkstaInfo502.Wki502DormantFileLimit
		}
	case 1013:
		if x.WkstaInfo1013 != nil {
			keep = &x.WkstaInfo1013.Wki1013KeepConn
		}
	case 1018:
		if x.WkstaInfo1018 != nil {
			session = &x.WkstaInfo1018.Wki1018SessTimeout
		}
	case 1046:
		if x.WkstaInfo1046 != nil {
			dormant = &x.WkstaInfo1046.Wki1046DormantFileLimit
		}
	default:
		known = false
	}
	wrong := func(parameter uint32) {
		if out.Return = invalidParameter; out.ErrorParameter != nil {
			*out.ErrorParameter = parameter
		}
	}
	switch {
	case !known:
		out.Return = invalidLevel
	case !call.Token.IsAdmin():
		out.Return = accessDenied
	case keep == nil && session == nil && dormant == nil:
		out.Return = invalidParameter
	case keep != nil && (*keep == 0 || *keep > maxSetting):
		wrong(parmKeepConn)
	case session != nil && (*session < minSessTimeout || *session > maxSetting):
		wrong(parmSessTimeout)
	case dormant != nil && *dormant == 0:
		wrong(parmDormantFiles)
	default:
		err := s.cfg.Workstation.Change(ctx, func(c *state.WorkstationSettings) error {
			for to, v := range map[*uint32]*uint32{&c.KeepConnection: keep, &c.SessionTimeout: session, &c.DormantFileLimit: dormant} {
				if v != nil {
					*to = *v
				}
			}
			return nil
		})
		if err != nil {
			out.Return = failed(err)
		}
	}
	return out, nil
}

// NetrWkstaTransportAdd cannot add one: where the host is reached is configured (MS-WKST 3.2.4.5, where a server that does not support it refuses names
// that it does not know).
func (s *Service) NetrWkstaTransportAdd(ctx context.Context, call *rpc.Call, in *gen.NetrWkstaTransportAddRequest) (*gen.NetrWkstaTransportAddResponse, error) {
	out := &gen.NetrWkstaTransportAddResponse{ErrorParameter: in.ErrorParameter}
	switch {
	case in.Level != 0:
		out.Return = invalidLevel
	case !call.Token.IsAdmin():
		out.Return = accessDenied
	default:
		all, err := s.cfg.Transports(ctx)
		if err != nil {
			out.Return = failed(err)
			return out, nil
		}
		out.Return = invalidParameter
		for _, t := range all {
			if in.TransportInfo.Wkti0TransportName != nil && t.Name == *in.TransportInfo.Wkti0TransportName {
				out.Return = success // it is there
			}
		}
	}
	return out, nil
}

// NetrWkstaTransportDel does nothing and says that it has, as a server that does not support it (MS-WKST 3.2.4.6).
func (s *Service) NetrWkstaTransportDel(_ context.Context, call *rpc.Call, in *gen.NetrWkstaTransportDelRequest) (*gen.NetrWkstaTransportDelResponse, error) {
	out := &gen.NetrWkstaTransportDelResponse{}
	switch {
	case !call.Token.IsAdmin():
		out.Return = accessDenied
	case in.TransportName == nil || in.ForceLevel > useLotsOfForce:
		out.Return = invalidParameter
	}
	return out, nil
}
