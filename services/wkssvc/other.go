package wkssvc

import (
	"context"

	"lwio/gen/dtyp"
	gen "lwio/gen/wkssvc"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

// maxMessage bounds a message to whoever sits at the computer, in bytes.
const maxMessage = 2048

// NetrWorkstationStatisticsGet tells since when the service counts, and what it counts (MS-WKST 3.2.4.11).
func (s *Service) NetrWorkstationStatisticsGet(ctx context.Context, call *rpc.Call, in *gen.NetrWorkstationStatisticsGetRequest) (*gen.NetrWorkstationStatisticsGetResponse, error) {
	out := &gen.NetrWorkstationStatisticsGetResponse{}
	switch {
	case !isAuthenticated(call):
		out.Return = accessDenied
	case in.Level != 0:
		out.Return = invalidLevel
	case in.Options != 0:
		out.Return = invalidParameter
	default:
		out.Buffer = &gen.STAT_WORKSTATION_0{StatisticsStartTime: dtyp.LARGE_INTEGER{QuadPart: int64(s.started)}, UseCount: uint32(len(s.uses.list(call.Token.User)))}
	}
	return out, nil
}

// NetrWkstaUserGetInfo tells of the logon session in which a process of this computer runs. Callers over RPC have none; what they may see is which other
// domains are searched, and there are none.
func (s *Service) NetrWkstaUserGetInfo(_ context.Context, call *rpc.Call, in *gen.NetrWkstaUserGetInfoRequest) (*gen.NetrWkstaUserGetInfoResponse, error) {
	out := &gen.NetrWkstaUserGetInfoResponse{}
	switch {
	case !isAuthenticated(call):
		out.Return = accessDenied
	case in.Reserved != nil:
		out.Return = invalidParameter
	case in.Level == 0 || in.Level == 1:
		out.Return = uint32(nt.WErrNoSuchLogonSession)
	case in.Level == 1101:
		none := ""
		out.UserInfo.UserInfo1101 = &gen.WKSTA_USER_INFO_1101{Wkui1101OthDomains: &none}
	default:
		out.Return = invalidLevel
	}
	return out, nil
}

// NetrMessageBufferSend leaves a message for whoever sits at the computer. Nobody does: it goes to the log, if an administrator sends it.
func (s *Service) NetrMessageBufferSend(_ context.Context, call *rpc.Call, in *gen.NetrMessageBufferSendRequest) (*gen.NetrMessageBufferSendResponse, error) {
	out := &gen.NetrMessageBufferSendResponse{}
	switch {
	case !call.Token.IsAdmin():
		out.Return = accessDenied
	case len(in.Message) > maxMessage || len(in.Message)%2 != 0 || len(in.MessageName) > maxMessage:
		out.Return = invalidParameter
	default:
		s.cfg.Log.Info("message", "text", nt.DecodeUTF16(in.Message), "to", in.MessageName, "from", call.Token.QualifiedName(), "address", call.ClientAddress)
	}
	return out, nil
}
