package samr

import (
	"context"

	"lwio/gen/dtyp"
	gen "lwio/gen/samr"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/services/state"
)

// domainNeeds is what reading and setting a class of information wants (MS-SAMR 3.1.5.5.1 and 3.1.5.6.1). No set right is one that is not set.
var domainNeeds = map[gen.DOMAIN_INFORMATION_CLASS]struct{ query, set nt.AccessMask }{
	gen.DomainPasswordInformation:    {domainReadPassword, domainWritePassword},
	gen.DomainGeneralInformation:     {domainReadOther, 0},
	gen.DomainLogoffInformation:      {domainReadOther, domainWriteOther},
	gen.DomainOemInformation:         {domainReadOther, domainWriteOther},
	gen.DomainNameInformation:        {domainReadOther, 0},
	gen.DomainReplicationInformation: {domainReadOther, domainAdminister},
	gen.DomainServerRoleInformation:  {domainReadOther, domainAdminister},
	gen.DomainModifiedInformation:    {domainReadOther, 0},
	gen.DomainStateInformation:       {domainReadOther, domainAdminister},
	gen.DomainGeneralInformation2:    {domainReadPassword | domainReadOther, 0},
	gen.DomainLockoutInformation:     {domainReadPassword, domainWritePassword},
	gen.DomainModifiedInformation2:   {domainReadOther, 0},
}

// old is a number of 64 bits in the form of the older structures.
func old(v int64) gen.OLD_LARGE_INTEGER {
	return gen.OLD_LARGE_INTEGER{LowPart: uint32(v), HighPart: int32(v >> 32)}
}

func oldTime(t nt.Time) gen.OLD_LARGE_INTEGER { return old(int64(t)) }

// number is the reverse of old.
func number(v gen.OLD_LARGE_INTEGER) int64 { return int64(v.HighPart)<<32 | int64(v.LowPart) }

// domainName is what a domain is called.
func (s *Service) domainName(d *object) string {
	if d.builtin() {
		return "Builtin"
	}
	return s.machine.Name
}

func (s *Service) queryDomain(ctx context.Context, call *rpc.Call, h rpc.ContextHandle, class gen.DOMAIN_INFORMATION_CLASS) (*gen.SAMPR_DOMAIN_INFO_BUFFER, nt.Status, error) {
	need, known := domainNeeds[class]
	d, status, err := objectOf(call, h, kindDomain, need.query)
	if err != nil || status != nt.StatusSuccess {
		return nil, status, err
	}
	if !known {
		return nil, nt.StatusInvalidInfoClass, nil
	}
	p, err := s.accounts.Policy(ctx, d.domain)
	if err != nil {
		return nil, s.status(ctx, err), nil
	}
	out := &gen.SAMPR_DOMAIN_INFO_BUFFER{}
	modified := gen.DOMAIN_MODIFIED_INFORMATION{DomainModifiedCount: old(int64(p.Changes)), CreationTime: oldTime(s.machine.Created)}
	switch class {
	case gen.DomainPasswordInformation:
		out.Password = passwordInformation(p)
	case gen.DomainGeneralInformation:
		out.General, err = s.generalDomain(ctx, d, p)
	case gen.DomainLogoffInformation:
		out.Logoff = &gen.DOMAIN_LOGOFF_INFORMATION{ForceLogoff: old(p.ForceLogoff)}
	case gen.DomainOemInformation:
		out.Oem = &gen.SAMPR_DOMAIN_OEM_INFORMATION{OemInformation: dtyp.NewRPC_UNICODE_STRING(p.Comment)}
	case gen.DomainNameInformation:
		out.Name = &gen.SAMPR_DOMAIN_NAME_INFORMATION{DomainName: dtyp.NewRPC_UNICODE_STRING(s.domainName(d))}
	case gen.DomainReplicationInformation:
		out.Replication = &gen.SAMPR_DOMAIN_REPLICATION_INFORMATION{ReplicaSourceNodeName: dtyp.NewRPC_UNICODE_STRING(p.ReplicaSource)}
	case gen.DomainServerRoleInformation:
		out.Role = &gen.DOMAIN_SERVER_ROLE_INFORMATION{DomainServerRole: gen.DomainServerRolePrimary}
	case gen.DomainModifiedInformation:
		out.Modified = &modified
	case gen.DomainStateInformation:
		out.State = &gen.DOMAIN_STATE_INFORMATION{DomainServerState: gen.DomainServerEnabled}
	case gen.DomainGeneralInformation2:
		var g *gen.SAMPR_DOMAIN_GENERAL_INFORMATION
		if g, err = s.generalDomain(ctx, d, p); err == nil {
			out.General2 = &gen.SAMPR_DOMAIN_GENERAL_INFORMATION2{I1: *g, LockoutDuration: dtyp.LARGE_INTEGER{QuadPart: p.LockoutDuration},
				LockoutObservationWindow: dtyp.LARGE_INTEGER{QuadPart: p.LockoutWindow}, LockoutThreshold: p.LockoutThreshold}
		}
	case gen.DomainLockoutInformation:
		out.Lockout = &gen.SAMPR_DOMAIN_LOCKOUT_INFORMATION{LockoutDuration: dtyp.LARGE_INTEGER{QuadPart: p.LockoutDuration},
			LockoutObservationWindow: dtyp.LARGE_INTEGER{QuadPart: p.LockoutWindow}, LockoutThreshold: p.LockoutThreshold}
	case gen.DomainModifiedInformation2:
		out.Modified2 = &gen.DOMAIN_MODIFIED_INFORMATION2{DomainModifiedCount: modified.DomainModifiedCount, CreationTime: modified.CreationTime}
	}
	if err != nil {
		return nil, s.status(ctx, err), nil
	}
	return out, nt.StatusSuccess, nil
}

func passwordInformation(p *state.Policy) *gen.DOMAIN_PASSWORD_INFORMATION {
	return &gen.DOMAIN_PASSWORD_INFORMATION{MinPasswordLength: p.MinLength, PasswordHistoryLength: p.History, PasswordProperties: p.Properties,
		MaxPasswordAge: old(p.MaxAge), MinPasswordAge: old(p.MinAge)}
}

// generalDomain tells most of a domain, with the numbers of its entries. The accounts of this machine are replicated from nowhere.
func (s *Service) generalDomain(ctx context.Context, d *object, p *state.Policy) (*gen.SAMPR_DOMAIN_GENERAL_INFORMATION, error) {
	n, err := s.accounts.Counts(ctx, d.domain)
	return &gen.SAMPR_DOMAIN_GENERAL_INFORMATION{
		ForceLogoff: old(p.ForceLogoff), OemInformation: dtyp.NewRPC_UNICODE_STRING(p.Comment), DomainName: dtyp.NewRPC_UNICODE_STRING(s.domainName(d)),
		ReplicaSourceNodeName: dtyp.NewRPC_UNICODE_STRING(p.ReplicaSource), DomainModifiedCount: old(int64(p.Changes)),
		DomainServerState: uint32(gen.DomainServerEnabled), DomainServerRole: uint32(gen.DomainServerRolePrimary), UasCompatibilityRequired: 1,
		UserCount: uint32(n.Users), GroupCount: uint32(n.Groups), AliasCount: uint32(n.Aliases),
	}, err
}

// SamrQueryInformationDomain tells a class of information (MS-SAMR 3.1.5.5.2).
func (s *Service) SamrQueryInformationDomain(ctx context.Context, call *rpc.Call, in *gen.SamrQueryInformationDomainRequest) (*gen.SamrQueryInformationDomainResponse, error) {
	buffer, status, err := s.queryDomain(ctx, call, in.DomainHandle, in.DomainInformationClass)
	return &gen.SamrQueryInformationDomainResponse{Buffer: buffer, Return: result(status)}, err
}

// SamrQueryInformationDomain2 tells a class of information (MS-SAMR 3.1.5.5.1).
func (s *Service) SamrQueryInformationDomain2(ctx context.Context, call *rpc.Call, in *gen.SamrQueryInformationDomain2Request) (*gen.SamrQueryInformationDomain2Response, error) {
	buffer, status, err := s.queryDomain(ctx, call, in.DomainHandle, in.DomainInformationClass)
	return &gen.SamrQueryInformationDomain2Response{Buffer: buffer, Return: result(status)}, err
}

// SamrSetInformationDomain sets a class of information (MS-SAMR 3.1.5.6.1).
func (s *Service) SamrSetInformationDomain(ctx context.Context, call *rpc.Call, in *gen.SamrSetInformationDomainRequest) (*gen.SamrSetInformationDomainResponse, error) {
	need := domainNeeds[in.DomainInformationClass]
	d, status, err := objectOf(call, in.DomainHandle, kindDomain, need.set)
	if err == nil && status == nt.StatusSuccess {
		if need.set == 0 {
			status = nt.StatusInvalidInfoClass
		} else {
			status = s.changed(ctx, call, "policy changed", d.domain, s.accounts.UpdatePolicy(ctx, d.domain, func(p *state.Policy) error {
				return setDomain(p, in.DomainInformationClass, &in.DomainInformation)
			}))
		}
	}
	return &gen.SamrSetInformationDomainResponse{Return: result(status)}, err
}

func setDomain(p *state.Policy, class gen.DOMAIN_INFORMATION_CLASS, in *gen.SAMPR_DOMAIN_INFO_BUFFER) error {
	switch class {
	case gen.DomainPasswordInformation:
		x := in.Password
		p.MinLength, p.History, p.Properties, p.MaxAge, p.MinAge = x.MinPasswordLength, x.PasswordHistoryLength, x.PasswordProperties, number(x.MaxPasswordAge), number(x.MinPasswordAge)
	case gen.DomainLogoffInformation:
		p.ForceLogoff = number(in.Logoff.ForceLogoff)
	case gen.DomainOemInformation:
		p.Comment = in.Oem.OemInformation.String()
	case gen.DomainReplicationInformation:
		p.ReplicaSource = in.Replication.ReplicaSourceNodeName.String()
	case gen.DomainServerRoleInformation:
		if in.Role.DomainServerRole != gen.DomainServerRolePrimary {
			return nt.StatusInvalidDomainRole
		}
	case gen.DomainStateInformation:
		if in.State.DomainServerState != gen.DomainServerEnabled {
			return nt.StatusInvalidDomainState
		}
	case gen.DomainLockoutInformation:
		p.LockoutDuration, p.LockoutWindow, p.LockoutThreshold = in.Lockout.LockoutDuration.QuadPart, in.Lockout.LockoutObservationWindow.QuadPart, in.Lockout.LockoutThreshold
	}
	return nil
}

// SamrGetDomainPasswordInformation tells the policy to who is authenticated: what asks for a new password needs it before it has a handle (MS-SAMR 3.1.5.13.4).
func (s *Service) SamrGetDomainPasswordInformation(ctx context.Context, call *rpc.Call, _ *gen.SamrGetDomainPasswordInformationRequest) (*gen.SamrGetDomainPasswordInformationResponse, error) {
	if call.Token.Anonymous {
		return &gen.SamrGetDomainPasswordInformationResponse{Return: result(nt.StatusAccessDenied)}, nil
	}
	p, err := s.accounts.Policy(ctx, s.machine.SID)
	if err != nil {
		return &gen.SamrGetDomainPasswordInformationResponse{Return: result(s.status(ctx, err))}, nil
	}
	return &gen.SamrGetDomainPasswordInformationResponse{PasswordInformation: gen.USER_DOMAIN_PASSWORD_INFORMATION{MinPasswordLength: p.MinLength, PasswordProperties: p.Properties}}, nil
}

// SamrGetUserDomainPasswordInformation tells the policy for a user. That for computers is none (MS-SAMR 3.1.5.13.3).
func (s *Service) SamrGetUserDomainPasswordInformation(ctx context.Context, call *rpc.Call, in *gen.SamrGetUserDomainPasswordInformationRequest) (*gen.SamrGetUserDomainPasswordInformationResponse, error) {
	o, status, err := objectOf(call, in.UserHandle, kindUser, 0)
	if err != nil || status != nt.StatusSuccess {
		return &gen.SamrGetUserDomainPasswordInformationResponse{Return: result(status)}, err
	}
	u, err := s.accounts.User(ctx, o.rid)
	if err != nil {
		return &gen.SamrGetUserDomainPasswordInformationResponse{Return: result(s.status(ctx, err))}, nil
	}
	p, err := s.accounts.Policy(ctx, s.machine.SID)
	if err != nil {
		return &gen.SamrGetUserDomainPasswordInformationResponse{Return: result(s.status(ctx, err))}, nil
	}
	out := &gen.SamrGetUserDomainPasswordInformationResponse{}
	if !u.IsMachine() {
		out.PasswordInformation = gen.USER_DOMAIN_PASSWORD_INFORMATION{MinPasswordLength: p.MinLength, PasswordProperties: p.Properties}
	}
	return out, nil
}
