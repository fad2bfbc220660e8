package netlogon

import (
	"context"

	gen "lwio/gen/netlogon"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

const (
	denied         = nt.StatusAccessDenied
	noLogonServers = nt.StatusNoLogonServers
)

// Function codes of the controls (MS-NRPC 3.5.4.9.1).
const (
	controlQuery          = 1
	controlRediscover     = 5
	controlTCQuery        = 6
	controlFindUser       = 8
	controlChangePassword = 9
	controlTCVerify       = 10
)

// control answers the three operations that ask the service how it is. It is the same for all but that the eldest knows nothing but the query. Of the
// state there is to tell that no controller is connected to; a trusted domain, or the domain of a user, is none that is known.
func control(call *rpc.Call, function, level uint32, eldest bool) (gen.NETLOGON_CONTROL_QUERY_INFORMATION, uint32) {
	var out gen.NETLOGON_CONTROL_QUERY_INFORMATION
	trust := function == controlRediscover || function == controlTCQuery || function == controlTCVerify || function == controlChangePassword
	switch {
	case !call.Token.IsAdmin():
		return out, accessDenied
	case level < 1 || level > 4:
		return out, invalidLevel
	case function == controlQuery && level == 1:
		out.NetlogonInfo1 = &gen.NETLOGON_INFO_1{Netlog1PdcConnectionStatus: noServers}
		return out, 0
	case function == controlQuery && level == 3:
		out.NetlogonInfo3 = &gen.NETLOGON_INFO_3{} // no logon was verified for another server
		return out, 0
	case function == controlQuery:
		return out, uint32(nt.WErrInvalidParameter)
	case trust && !eldest:
		if level != 2 {
			return out, uint32(nt.WErrInvalidParameter)
		}
		return out, noDomain
	case function == controlFindUser && !eldest:
		if level != 4 {
			return out, uint32(nt.WErrInvalidParameter)
		}
		return out, uint32(nt.WErrNoSuchUser)
	}
	return out, notSupported
}

// NetrLogonControl tells how the service is (MS-NRPC 3.5.4.9.3).
func (s *Service) NetrLogonControl(_ context.Context, call *rpc.Call, in *gen.NetrLogonControlRequest) (*gen.NetrLogonControlResponse, error) {
	info, result := control(call, in.FunctionCode, in.QueryLevel, true)
	return &gen.NetrLogonControlResponse{Buffer: info, Return: result}, nil
}

// NetrLogonControl2 tells how the service is (MS-NRPC 3.5.4.9.2).
func (s *Service) NetrLogonControl2(_ context.Context, call *rpc.Call, in *gen.NetrLogonControl2Request) (*gen.NetrLogonControl2Response, error) {
	info, result := control(call, in.FunctionCode, in.QueryLevel, false)
	return &gen.NetrLogonControl2Response{Buffer: info, Return: result}, nil
}

// NetrLogonControl2Ex tells how the service is (MS-NRPC 3.5.4.9.1).
func (s *Service) NetrLogonControl2Ex(_ context.Context, call *rpc.Call, in *gen.NetrLogonControl2ExRequest) (*gen.NetrLogonControl2ExResponse, error) {
	info, result := control(call, in.FunctionCode, in.QueryLevel, false)
	return &gen.NetrLogonControl2ExResponse{Buffer: info, Return: result}, nil
}
