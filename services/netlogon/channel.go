package netlogon

import (
	"context"

	gen "lwio/gen/netlogon"
	"lwio/rpc"
)

// Secure channels and logons are for controllers.

// NetrServerReqChallenge is refused (MS-NRPC 3.5.4.4.1).
func (s *Service) NetrServerReqChallenge(context.Context, *rpc.Call, *gen.NetrServerReqChallengeRequest) (*gen.NetrServerReqChallengeResponse, error) {
	return &gen.NetrServerReqChallengeResponse{Return: refused()}, nil
}

// NetrServerAuthenticate is refused (MS-NRPC 3.5.4.4.5).
func (s *Service) NetrServerAuthenticate(context.Context, *rpc.Call, *gen.NetrServerAuthenticateRequest) (*gen.NetrServerAuthenticateResponse, error) {
	return &gen.NetrServerAuthenticateResponse{Return: refused()}, nil
}

// NetrServerAuthenticate2 is refused (MS-NRPC 3.5.4.4.4).
func (s *Service) NetrServerAuthenticate2(context.Context, *rpc.Call, *gen.NetrServerAuthenticate2Request) (*gen.NetrServerAuthenticate2Response, error) {
	return &gen.NetrServerAuthenticate2Response{Return: refused()}, nil
}

// NetrServerAuthenticate3 is refused (MS-NRPC 3.5.4.4.2).
func (s *Service) NetrServerAuthenticate3(context.Context, *rpc.Call, *gen.NetrServerAuthenticate3Request) (*gen.NetrServerAuthenticate3Response, error) {
	return &gen.NetrServerAuthenticate3Response{Return: refused()}, nil
}

// NetrServerPasswordSet2 is refused (MS-NRPC 3.5.4.4.6).
func (s *Service) NetrServerPasswordSet2(context.Context, *rpc.Call, *gen.NetrServerPasswordSet2Request) (*gen.NetrServerPasswordSet2Response, error) {
	return &gen.NetrServerPasswordSet2Response{Return: refused()}, nil
}

// NetrEnumerateTrustedDomains has no controller to ask (MS-NRPC 3.5.4.7.3).
func (s *Service) NetrEnumerateTrustedDomains(_ context.Context, call *rpc.Call, _ *gen.NetrEnumerateTrustedDomainsRequest) (*gen.NetrEnumerateTrustedDomainsResponse, error) {
	if answer(call, 0) != 0 {
		return &gen.NetrEnumerateTrustedDomainsResponse{Return: status(denied)}, nil
	}
	return &gen.NetrEnumerateTrustedDomainsResponse{Return: status(noLogonServers)}, nil
}

// NetrEnumerateTrustedDomainsEx has no controller to ask (MS-NRPC 3.5.4.7.2).
func (s *Service) NetrEnumerateTrustedDomainsEx(_ context.Context, call *rpc.Call, _ *gen.NetrEnumerateTrustedDomainsExRequest) (*gen.NetrEnumerateTrustedDomainsExResponse, error) {
	return &gen.NetrEnumerateTrustedDomainsExResponse{Return: answer(call, noServers)}, nil
}

// DsrEnumerateDomainTrusts has no controller to ask (MS-NRPC 3.5.4.7.1).
func (s *Service) DsrEnumerateDomainTrusts(_ context.Context, call *rpc.Call, _ *gen.DsrEnumerateDomainTrustsRequest) (*gen.DsrEnumerateDomainTrustsResponse, error) {
	return &gen.DsrEnumerateDomainTrustsResponse{Return: answer(call, noServers)}, nil
}
