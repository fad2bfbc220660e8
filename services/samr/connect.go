package samr

import (
	"context"

	"lwio/gen/dtyp"
	gen "lwio/gen/samr"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

// connect opens the server (MS-SAMR 3.1.5.1). Who comes over the network has to be let in besides.
func (s *Service) connect(ctx context.Context, call *rpc.Call, desired uint32) (rpc.ContextHandle, nt.Status, error) {
	if call.Transport != rpc.TransportLocal {
		if _, status := nt.AccessCheck(s.remote, call.Token, nt.ReadControl, nt.GenericMapping{}); status != nt.StatusSuccess {
			s.log.Info("account manager refused", "by", call.Token.QualifiedName(), "address", call.ClientAddress)
			return rpc.ContextHandle{}, nt.StatusAccessDenied, nil
		}
	} else if call.Token.Anonymous {
		return rpc.ContextHandle{}, nt.StatusAccessDenied, nil // not even with a handle that may nothing
	}
	return s.open(ctx, call, &object{kind: kindServer}, desired)
}

// SamrConnect opens the server (MS-SAMR 3.1.5.1.4).
func (s *Service) SamrConnect(ctx context.Context, call *rpc.Call, in *gen.SamrConnectRequest) (*gen.SamrConnectResponse, error) {
	h, status, err := s.connect(ctx, call, in.DesiredAccess)
	return &gen.SamrConnectResponse{ServerHandle: h, Return: result(status)}, err
}

// SamrConnect2 opens the server (MS-SAMR 3.1.5.1.3).
func (s *Service) SamrConnect2(ctx context.Context, call *rpc.Call, in *gen.SamrConnect2Request) (*gen.SamrConnect2Response, error) {
	h, status, err := s.connect(ctx, call, in.DesiredAccess)
	return &gen.SamrConnect2Response{ServerHandle: h, Return: result(status)}, err
}

// SamrConnect3 opens the server.
func (s *Service) SamrConnect3(ctx context.Context, call *rpc.Call, in *gen.SamrConnect3Request) (*gen.SamrConnect3Response, error) {
	h, status, err := s.connect(ctx, call, in.DesiredAccess)
	return &gen.SamrConnect3Response{ServerHandle: h, Return: result(status)}, err
}

// SamrConnect4 opens the server (MS-SAMR 3.1.5.1.2).
func (s *Service) SamrConnect4(ctx context.Context, call *rpc.Call, in *gen.SamrConnect4Request) (*gen.SamrConnect4Response, error) {
	h, status, err := s.connect(ctx, call, in.DesiredAccess)
	return &gen.SamrConnect4Response{ServerHandle: h, Return: result(status)}, err
}

// What SamrConnect5 tells of the server (MS-SAMR 2.2.7.15).
const (
	revision    = 3
	featuresAES = 0x10 // passwords may come encrypted with AES
)

// SamrConnect5 opens the server and tells what it can (MS-SAMR 3.1.5.1.1).
func (s *Service) SamrConnect5(ctx context.Context, call *rpc.Call, in *gen.SamrConnect5Request) (*gen.SamrConnect5Response, error) {
	out := &gen.SamrConnect5Response{OutVersion: 1, OutRevisionInfo: gen.SAMPR_REVISION_INFO{V1: &gen.SAMPR_REVISION_INFO_V1{Revision: revision, SupportedFeatures: featuresAES}}}
	if in.InVersion != 1 {
		out.Return = result(nt.StatusNotSupported)
		return out, nil
	}
	h, status, err := s.connect(ctx, call, in.DesiredAccess)
	out.ServerHandle, out.Return = h, result(status)
	return out, err
}

// SamrCloseHandle gives a handle of any kind back (MS-SAMR 3.1.5.13.1).
func (s *Service) SamrCloseHandle(_ context.Context, call *rpc.Call, in *gen.SamrCloseHandleRequest) (*gen.SamrCloseHandleResponse, error) {
	if _, err := anyObject(call, in.SamHandle); err != nil {
		return nil, err
	}
	if err := call.Handles.Close(in.SamHandle); err != nil {
		return nil, err
	}
	return &gen.SamrCloseHandleResponse{}, nil
}

// SamrShutdownSamServer brings to disk what is counted in memory. The server itself is stopped by who started its daemon, not by its clients.
func (s *Service) SamrShutdownSamServer(ctx context.Context, call *rpc.Call, in *gen.SamrShutdownSamServerRequest) (*gen.SamrShutdownSamServerResponse, error) {
	_, status, err := objectOf(call, in.ServerHandle, kindServer, serverShutdown)
	if err == nil && status == nt.StatusSuccess {
		status = s.status(ctx, s.accounts.Flush(ctx))
	}
	return &gen.SamrShutdownSamServerResponse{Return: result(status)}, err
}

// domains are the two there are, in the order in which they are listed.
func (s *Service) domains() []struct {
	name string
	sid  nt.SID
} {
	return []struct {
		name string
		sid  nt.SID
	}{{s.machine.Name, s.machine.SID}, {"Builtin", nt.SIDBuiltin}}
}

// SamrLookupDomainInSamServer tells the SID of a domain (MS-SAMR 3.1.5.11.1).
func (s *Service) SamrLookupDomainInSamServer(_ context.Context, call *rpc.Call, in *gen.SamrLookupDomainInSamServerRequest) (*gen.SamrLookupDomainInSamServerResponse, error) {
	out := &gen.SamrLookupDomainInSamServerResponse{}
	_, status, err := objectOf(call, in.ServerHandle, kindServer, serverLookupDomain)
	switch name := in.Name.String(); {
	case err != nil:
		return nil, err
	case status != nt.StatusSuccess:
	case name == "":
		status = nt.StatusInvalidParameter
	default:
		status = nt.StatusNoSuchDomain
		for _, d := range s.domains() {
			if nt.EqualFold(d.name, name) {
				out.DomainId, status = dtyp.NewRPC_SID(d.sid), nt.StatusSuccess
			}
		}
	}
	out.Return = result(status)
	return out, nil
}

// SamrEnumerateDomainsInSamServer lists the domains (MS-SAMR 3.1.5.2.1).
func (s *Service) SamrEnumerateDomainsInSamServer(_ context.Context, call *rpc.Call, in *gen.SamrEnumerateDomainsInSamServerRequest) (*gen.SamrEnumerateDomainsInSamServerResponse, error) {
	if _, status, err := objectOf(call, in.ServerHandle, kindServer, serverEnumerateDomains); err != nil || status != nt.StatusSuccess {
		return &gen.SamrEnumerateDomainsInSamServerResponse{EnumerationContext: in.EnumerationContext, Return: result(status)}, err
	}
	p := newPage(in.PreferedMaximumLength)
	for i, d := range s.domains() {
		if uint32(i) >= in.EnumerationContext && !p.add(uint32(i), d.name) {
			break
		}
	}
	out := &gen.SamrEnumerateDomainsInSamServerResponse{}
	out.EnumerationContext, out.Buffer, out.CountReturned, out.Return = p.finish()
	for i := range out.Buffer.Buffer {
		out.Buffer.Buffer[i].RelativeId = 0 // domains have none
	}
	return out, nil
}

// SamrOpenDomain opens a domain (MS-SAMR 3.1.5.1.5). A handle that was granted SAM_SERVER_CONNECT alone will do: clients ask for that and come with a
// SID that they know, and the domain's own descriptor decides.
func (s *Service) SamrOpenDomain(ctx context.Context, call *rpc.Call, in *gen.SamrOpenDomainRequest) (*gen.SamrOpenDomainResponse, error) {
	o, status, err := objectOf(call, in.ServerHandle, kindServer, 0)
	if err == nil && status == nt.StatusSuccess && o.granted&(serverConnect|serverLookupDomain) == 0 {
		status = nt.StatusAccessDenied
	}
	if err != nil || status != nt.StatusSuccess {
		return &gen.SamrOpenDomainResponse{Return: result(status)}, err
	}
	sid, err := in.DomainId.SID()
	if err != nil || in.DomainId.Revision != 1 {
		return &gen.SamrOpenDomainResponse{Return: result(nt.StatusInvalidParameter)}, nil
	}
	for _, d := range s.domains() {
		if d.sid == sid {
			h, status, err := s.open(ctx, call, &object{kind: kindDomain, domain: sid, list: &place{}}, in.DesiredAccess)
			return &gen.SamrOpenDomainResponse{DomainHandle: h, Return: result(status)}, err
		}
	}
	return &gen.SamrOpenDomainResponse{Return: result(nt.StatusNoSuchDomain)}, nil
}

// SamrSetDSRMPassword is a domain controller's (MS-SAMR 3.1.5.13.6).
func (s *Service) SamrSetDSRMPassword(context.Context, *rpc.Call, *gen.SamrSetDSRMPasswordRequest) (*gen.SamrSetDSRMPasswordResponse, error) {
	return &gen.SamrSetDSRMPasswordResponse{Return: result(nt.StatusNotSupported)}, nil
}

// SamrValidateComputerAccountReuseAttempt is a domain controller's (MS-SAMR 3.1.5.13.8).
func (s *Service) SamrValidateComputerAccountReuseAttempt(_ context.Context, call *rpc.Call, in *gen.SamrValidateComputerAccountReuseAttemptRequest) (*gen.SamrValidateComputerAccountReuseAttemptResponse, error) {
	_, status, err := objectOf(call, in.ServerHandle, kindServer, 0)
	if status == nt.StatusSuccess {
		status = nt.StatusNotSupported
	}
	return &gen.SamrValidateComputerAccountReuseAttemptResponse{Return: result(status)}, err
}

// SamrAccountIsDelegatedManagedServiceAccount is a domain controller's (MS-SAMR 3.1.5.13.9).
func (s *Service) SamrAccountIsDelegatedManagedServiceAccount(_ context.Context, call *rpc.Call, in *gen.SamrAccountIsDelegatedManagedServiceAccountRequest) (*gen.SamrAccountIsDelegatedManagedServiceAccountResponse, error) {
	_, status, err := objectOf(call, in.ServerHandle, kindServer, 0)
	if status == nt.StatusSuccess {
		status = nt.StatusNotSupported
	}
	return &gen.SamrAccountIsDelegatedManagedServiceAccountResponse{Return: result(status)}, err
}

// SamrTestPrivateFunctionsDomain is for tests of Windows itself.
func (s *Service) SamrTestPrivateFunctionsDomain(_ context.Context, call *rpc.Call, in *gen.SamrTestPrivateFunctionsDomainRequest) (*gen.SamrTestPrivateFunctionsDomainResponse, error) {
	_, status, err := objectOf(call, in.DomainHandle, kindDomain, 0)
	if status == nt.StatusSuccess {
		status = nt.StatusNotImplemented
	}
	return &gen.SamrTestPrivateFunctionsDomainResponse{Return: result(status)}, err
}

// SamrTestPrivateFunctionsUser is for tests of Windows itself.
func (s *Service) SamrTestPrivateFunctionsUser(_ context.Context, call *rpc.Call, in *gen.SamrTestPrivateFunctionsUserRequest) (*gen.SamrTestPrivateFunctionsUserResponse, error) {
	_, status, err := objectOf(call, in.UserHandle, kindUser, 0)
	if status == nt.StatusSuccess {
		status = nt.StatusNotImplemented
	}
	return &gen.SamrTestPrivateFunctionsUserResponse{Return: result(status)}, err
}
