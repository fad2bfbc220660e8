package wkssvc

import (
	"context"

	gen "lwio/gen/wkssvc"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/services/state"
)

// remoteDisabled is RPC_E_REMOTE_DISABLED: what Windows answers callers of another machine to questions that it asks its own domain about.
const remoteDisabled = 0x8001011C

// isRemote reports a caller of another machine.
func isRemote(call *rpc.Call) bool { return call.Transport != rpc.TransportLocal }

// isMember reports whether the host is in a domain. Host names itself as its domain where it is in none.
func (s *Service) isMember() bool {
	h := s.cfg.Authority.Host()
	return h.Domain != "" && !nt.EqualFold(h.Domain, h.Name)
}

// NetrGetJoinInformation tells the domain that the host is in, or its workgroup (MS-WKST 3.2.4.12).
func (s *Service) NetrGetJoinInformation(_ context.Context, call *rpc.Call, in *gen.NetrGetJoinInformationRequest) (*gen.NetrGetJoinInformationResponse, error) {
	if !isAuthenticated(call) {
		return &gen.NetrGetJoinInformationResponse{NameBuffer: in.NameBuffer, Return: accessDenied}, nil
	}
	name, kind := s.langroup(), gen.NetSetupWorkgroupName
	if s.isMember() {
		kind = gen.NetSetupDomainName
	}
	return &gen.NetrGetJoinInformationResponse{NameBuffer: &name, BufferType: kind}, nil
}

// join is the answer to who would have the host join a domain: one that is in one has to leave it first, and joining is not done from afar.
func (s *Service) join(call *rpc.Call) uint32 {
	switch {
	case !call.Token.IsAdmin():
		return accessDenied
	case s.isMember():
		return uint32(nt.NErrSetupAlreadyJoined)
	}
	return notSupported
}

// unjoin is the answer to who would have it leave.
func (s *Service) unjoin(call *rpc.Call) uint32 {
	switch {
	case !call.Token.IsAdmin():
		return accessDenied
	case !s.isMember():
		return uint32(nt.NErrSetupNotJoined)
	}
	return notSupported
}

// NetrJoinDomain2 is refused (MS-WKST 3.2.4.13).
func (s *Service) NetrJoinDomain2(_ context.Context, call *rpc.Call, _ *gen.NetrJoinDomain2Request) (*gen.NetrJoinDomain2Response, error) {
	return &gen.NetrJoinDomain2Response{Return: s.join(call)}, nil
}

// NetrJoinDomain3 is refused (MS-WKST 3.2.4.22).
func (s *Service) NetrJoinDomain3(_ context.Context, call *rpc.Call, _ *gen.NetrJoinDomain3Request) (*gen.NetrJoinDomain3Response, error) {
	return &gen.NetrJoinDomain3Response{Return: s.join(call)}, nil
}

// NetrUnjoinDomain2 is refused (MS-WKST 3.2.4.14).
func (s *Service) NetrUnjoinDomain2(_ context.Context, call *rpc.Call, _ *gen.NetrUnjoinDomain2Request) (*gen.NetrUnjoinDomain2Response, error) {
	return &gen.NetrUnjoinDomain2Response{Return: s.unjoin(call)}, nil
}

// NetrUnjoinDomain3 is refused (MS-WKST 3.2.4.23).
func (s *Service) NetrUnjoinDomain3(_ context.Context, call *rpc.Call, _ *gen.NetrUnjoinDomain3Request) (*gen.NetrUnjoinDomain3Response, error) {
	return &gen.NetrUnjoinDomain3Response{Return: s.unjoin(call)}, nil
}

// validate says whether a name is one of its kind (MS-WKST 3.2.4.16). Only callers of this machine are told.
func (s *Service) validate(call *rpc.Call, name string, kind gen.NETSETUP_NAME_TYPE) uint32 {
	switch {
	case isRemote(call):
		return remoteDisabled
	case !isAuthenticated(call):
		return accessDenied
	}
	h := s.cfg.Authority.Host()
	flat := state.IsComputerName(name) && state.NetBIOSName(name) == nt.Upcase(name)
	own := nt.EqualFold(name, h.Name) || nt.EqualFold(name, h.DNSName)
	domain := s.isMember() && (nt.EqualFold(name, h.Domain) || nt.EqualFold(name, h.DNSDomain))
	switch kind {
	case gen.NetSetupMachine, gen.NetSetupDnsMachine:
		switch {
		case kind == gen.NetSetupMachine && !flat, !state.IsComputerName(name):
			return uint32(nt.WErrInvalidComputername)
		case domain:
			return uint32(nt.WErrDupName)
		}
		return success
	case gen.NetSetupWorkgroup:
		switch {
		case !flat:
			return uint32(nt.WErrInvalidName)
		case own:
			return uint32(nt.WErrDupName)
		}
		return success
	case gen.NetSetupDomain:
		if domain {
			return success
		}
		return uint32(nt.WErrNoSuchDomain)
	case gen.NetSetupNonExistentDomain:
		switch {
		case !state.IsComputerName(name):
			return uint32(nt.WErrInvalidName)
		case domain || own:
			return uint32(nt.WErrDupName)
		}
		return success
	}
	return invalidParameter
}

// NetrValidateName2 tells whether a name may be given (MS-WKST 3.2.4.16).
func (s *Service) NetrValidateName2(_ context.Context, call *rpc.Call, in *gen.NetrValidateName2Request) (*gen.NetrValidateName2Response, error) {
	return &gen.NetrValidateName2Response{Return: s.validate(call, in.NameToValidate, in.NameType)}, nil
}

// NetrValidateName3 tells whether a name may be given (MS-WKST 3.2.4.25).
func (s *Service) NetrValidateName3(_ context.Context, call *rpc.Call, in *gen.NetrValidateName3Request) (*gen.NetrValidateName3Response, error) {
	return &gen.NetrValidateName3Response{Return: s.validate(call, in.NameToValidate, in.NameType)}, nil
}

// NetrGetJoinableOUs2 finds no domain to ask (MS-WKST 3.2.4.17).
func (s *Service) NetrGetJoinableOUs2(_ context.Context, call *rpc.Call, in *gen.NetrGetJoinableOUs2Request) (*gen.NetrGetJoinableOUs2Response, error) {
	out := &gen.NetrGetJoinableOUs2Response{Return: uint32(nt.WErrNoSuchDomain)}
	if isRemote(call) {
		out.Return = remoteDisabled
	}
	return out, nil
}

// The operations before those took passwords in the clear. Servers of today support none of them.

// NetrLogonDomainNameAdd is not supported.
func (s *Service) NetrLogonDomainNameAdd(context.Context, *rpc.Call, *gen.NetrLogonDomainNameAddRequest) (*gen.NetrLogonDomainNameAddResponse, error) {
	return &gen.NetrLogonDomainNameAddResponse{Return: notSupported}, nil
}

// NetrLogonDomainNameDel is not supported.
func (s *Service) NetrLogonDomainNameDel(context.Context, *rpc.Call, *gen.NetrLogonDomainNameDelRequest) (*gen.NetrLogonDomainNameDelResponse, error) {
	return &gen.NetrLogonDomainNameDelResponse{Return: notSupported}, nil
}

// NetrJoinDomain is not supported.
func (s *Service) NetrJoinDomain(context.Context, *rpc.Call, *gen.NetrJoinDomainRequest) (*gen.NetrJoinDomainResponse, error) {
	return &gen.NetrJoinDomainResponse{Return: notSupported}, nil
}

// NetrUnjoinDomain is not supported.
func (s *Service) NetrUnjoinDomain(context.Context, *rpc.Call, *gen.NetrUnjoinDomainRequest) (*gen.NetrUnjoinDomainResponse, error) {
	return &gen.NetrUnjoinDomainResponse{Return: notSupported}, nil
}

// NetrRenameMachineInDomain is not supported.
func (s *Service) NetrRenameMachineInDomain(context.Context, *rpc.Call, *gen.NetrRenameMachineInDomainRequest) (*gen.NetrRenameMachineInDomainResponse, error) {
	return &gen.NetrRenameMachineInDomainResponse{Return: notSupported}, nil
}

// NetrValidateName is not supported.
func (s *Service) NetrValidateName(context.Context, *rpc.Call, *gen.NetrValidateNameRequest) (*gen.NetrValidateNameResponse, error) {
	return &gen.NetrValidateNameResponse{Return: notSupported}, nil
}

// NetrGetJoinableOUs is not supported.
func (s *Service) NetrGetJoinableOUs(context.Context, *rpc.Call, *gen.NetrGetJoinableOUsRequest) (*gen.NetrGetJoinableOUsResponse, error) {
	return &gen.NetrGetJoinableOUsResponse{Return: notSupported}, nil
}
