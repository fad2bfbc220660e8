package lsarpc

import (
	"context"

	"lwio/gen/dtyp"
	gen "lwio/gen/lsarpc"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/services/state"
)

// Attributes of a privilege of an account (MS-LSAD 2.2.5.4).
const (
	privilegeByDefault = 0x1
	privilegeEnabled   = 0x2
)

// sidOf is a SID of a request, or StatusInvalidParameter where it is none: a wrong revision, more than 15 subauthorities, or fewer than it says.
func sidOf(x *dtyp.RPC_SID) (nt.SID, nt.Status) {
	sid, err := x.SID()
	if err != nil || sid.IsZero() || x.Revision != 1 {
		return nt.SID{}, nt.StatusInvalidParameter
	}
	return sid, nt.StatusSuccess
}

// LsarCreateAccount makes an account without rights and opens it (MS-LSAD 3.1.4.5.1).
func (s *Service) LsarCreateAccount(ctx context.Context, call *rpc.Call, in *gen.LsarCreateAccountRequest) (*gen.LsarCreateAccountResponse, error) {
	status, err := policyOf(call, in.PolicyHandle, nt.PolicyCreateAccount)
	if err != nil {
		return nil, err
	}
	out := &gen.LsarCreateAccountResponse{}
	var sid nt.SID
	if status == nt.StatusSuccess {
		sid, status = sidOf(&in.AccountSid)
	}
	var granted nt.AccessMask
	if status == nt.StatusSuccess {
		granted, status = grant(call, accountSecurity, in.DesiredAccess, nt.GenericMappingAccount)
	}
	if status == nt.StatusSuccess {
		status = statusOf(s.lsa.AddAccount(ctx, sid))
	}
	if status == nt.StatusSuccess {
		out.AccountHandle, err = call.Handles.Open(call, &account{sid, granted}, nil)
	}
	out.Return = result(status)
	return out, err
}

// LsarOpenAccount opens an account (MS-LSAD 3.1.4.5.3).
func (s *Service) LsarOpenAccount(_ context.Context, call *rpc.Call, in *gen.LsarOpenAccountRequest) (*gen.LsarOpenAccountResponse, error) {
	status, err := policyOf(call, in.PolicyHandle, 0)
	if err != nil {
		return nil, err
	}
	out := &gen.LsarOpenAccountResponse{}
	var sid nt.SID
	if status == nt.StatusSuccess {
		sid, status = sidOf(&in.AccountSid)
	}
	if status == nt.StatusSuccess {
		a, ok := s.lsa.Account(sid)
		var granted nt.AccessMask
		if !ok {
			status = nt.StatusObjectNameNotFound
		} else if granted, status = grant(call, or(a.Security, accountSecurity), in.DesiredAccess, nt.GenericMappingAccount); status == nt.StatusSuccess {
			out.AccountHandle, err = call.Handles.Open(call, &account{sid, granted}, nil)
		}
	}
	out.Return = result(status)
	return out, err
}

// LsarEnumerateAccounts lists the SIDs of accounts (MS-LSAD 3.1.4.5.2). A caller goes on until StatusNoMoreEntries.
func (s *Service) LsarEnumerateAccounts(_ context.Context, call *rpc.Call, in *gen.LsarEnumerateAccountsRequest) (*gen.LsarEnumerateAccountsResponse, error) {
	status, err := policyOf(call, in.PolicyHandle, nt.PolicyViewLocalInformation)
	if err != nil {
		return nil, err
	}
	out := &gen.LsarEnumerateAccountsResponse{EnumerationContext: in.EnumerationContext, Return: result(status)}
	if status != nt.StatusSuccess {
		return out, nil
	}
	list := s.lsa.Accounts(int(min(in.EnumerationContext, state.MaxLSAAccounts)), room(in.PreferedMaximumLength))
	if len(list) == 0 {
		out.Return = result(nt.StatusNoMoreEntries)
		return out, nil
	}
	out.EnumerationBuffer = sidList(list)
	out.EnumerationContext += uint32(len(list))
	return out, nil
}

func sidList(list []state.LSAAccount) gen.LSAPR_ACCOUNT_ENUM_BUFFER {
	out := make([]gen.LSAPR_ACCOUNT_INFORMATION, len(list))
	for i := range list {
		out[i].Sid = dtyp.NewRPC_SID(list[i].SID)
	}
	return gen.LSAPR_ACCOUNT_ENUM_BUFFER{Information: out}
}

// changeAccount changes the account of a handle.
func (s *Service) changeAccount(ctx context.Context, call *rpc.Call, h rpc.ContextHandle, need nt.AccessMask, change func(*state.LSAAccount) error) (nt.Status, error) {
	o, status, err := objectOf[*account](call, h, need)
	if err != nil || status != nt.StatusSuccess {
		return status, err
	}
	if status = statusOf(s.lsa.ChangeAccount(ctx, o.sid, false, change)); status == nt.StatusObjectNameNotFound {
		status = nt.StatusInvalidHandle
	}
	return status, nil
}

// accountOf is the account of a handle.
func (s *Service) accountOf(call *rpc.Call, h rpc.ContextHandle, need nt.AccessMask) (state.LSAAccount, nt.Status, error) {
	o, status, err := objectOf[*account](call, h, need)
	if err != nil || status != nt.StatusSuccess {
		return state.LSAAccount{}, status, err
	}
	a, ok := s.lsa.Account(o.sid)
	if !ok {
		status = nt.StatusInvalidHandle
	}
	return a, status, nil
}

// LsarEnumeratePrivilegesAccount lists the privileges of an account (MS-LSAD 3.1.4.5.4).
func (s *Service) LsarEnumeratePrivilegesAccount(_ context.Context, call *rpc.Call, in *gen.LsarEnumeratePrivilegesAccountRequest) (*gen.LsarEnumeratePrivilegesAccountResponse, error) {
	a, status, err := s.accountOf(call, in.AccountHandle, nt.AccountView)
	if err != nil || status != nt.StatusSuccess {
		return &gen.LsarEnumeratePrivilegesAccountResponse{Return: result(status)}, err
	}
	out := &gen.LSAPR_PRIVILEGE_SET{}
	for id := range a.Privileges.All() {
		x := gen.LSAPR_LUID_AND_ATTRIBUTES{Luid: luid(id)}
		if a.ByDefault.Has(nt.PrivilegeOf(id)) {
			x.Attributes |= privilegeByDefault
		}
		if a.Enabled.Has(nt.PrivilegeOf(id)) {
			x.Attributes |= privilegeEnabled
		}
		out.Privilege = append(out.Privilege, x)
	}
	out.PrivilegeCount = uint32(len(out.Privilege))
	return &gen.LsarEnumeratePrivilegesAccountResponse{Privileges: out}, nil
}

// privilegeSet is the privileges of a request, with those of them that the attributes say are enabled, by default or at all.
func privilegeSet(set *gen.LSAPR_PRIVILEGE_SET) (all, byDefault, enabled nt.Privileges, status nt.Status) {
	for _, x := range set.Privilege {
		p := nt.PrivilegeOf(luidOf(x.Luid))
		if p == 0 || x.Attributes&^(privilegeByDefault|privilegeEnabled) != 0 {
			return 0, 0, 0, nt.StatusInvalidParameter
		}
		all |= p
		if x.Attributes&privilegeByDefault != 0 {
			byDefault |= p
		}
		if x.Attributes&privilegeEnabled != 0 {
			enabled |= p
		}
	}
	return all, byDefault, enabled, nt.StatusSuccess
}

// LsarAddPrivilegesToAccount gives an account privileges; of one that it has already the attributes are replaced (MS-LSAD 3.1.4.5.5).
func (s *Service) LsarAddPrivilegesToAccount(ctx context.Context, call *rpc.Call, in *gen.LsarAddPrivilegesToAccountRequest) (*gen.LsarAddPrivilegesToAccountResponse, error) {
	all, byDefault, enabled, bad := privilegeSet(&in.Privileges)
	status, err := s.changeAccount(ctx, call, in.AccountHandle, nt.AccountAdjustPrivileges, func(a *state.LSAAccount) error {
		if bad != nt.StatusSuccess {
			return bad
		}
		a.Privileges |= all
		a.ByDefault = a.ByDefault&^all | byDefault
		a.Enabled = a.Enabled&^all | enabled
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &gen.LsarAddPrivilegesToAccountResponse{Return: result(status)}, nil
}

// LsarRemovePrivilegesFromAccount takes privileges from an account, or all that it has (MS-LSAD 3.1.4.5.6).
func (s *Service) LsarRemovePrivilegesFromAccount(ctx context.Context, call *rpc.Call, in *gen.LsarRemovePrivilegesFromAccountRequest) (*gen.LsarRemovePrivilegesFromAccountResponse, error) {
	status, err := s.changeAccount(ctx, call, in.AccountHandle, nt.AccountAdjustPrivileges, func(a *state.LSAAccount) error {
		if (in.AllPrivileges != 0) == (in.Privileges != nil) {
			return nt.StatusInvalidParameter
		}
		if in.AllPrivileges != 0 {
			a.Privileges = 0
			return nil
		}
		all, _, _, bad := privilegeSet(in.Privileges)
		if bad != nt.StatusSuccess {
			return bad
		}
		a.Privileges &^= all
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &gen.LsarRemovePrivilegesFromAccountResponse{Return: result(status)}, nil
}

// LsarGetSystemAccessAccount tells the logon rights of an account (MS-LSAD 3.1.4.5.7).
func (s *Service) LsarGetSystemAccessAccount(_ context.Context, call *rpc.Call, in *gen.LsarGetSystemAccessAccountRequest) (*gen.LsarGetSystemAccessAccountResponse, error) {
	a, status, err := s.accountOf(call, in.AccountHandle, nt.AccountView)
	if err != nil {
		return nil, err
	}
	return &gen.LsarGetSystemAccessAccountResponse{SystemAccess: a.SystemAccess, Return: result(status)}, nil
}

// LsarSetSystemAccessAccount replaces them (MS-LSAD 3.1.4.5.8).
func (s *Service) LsarSetSystemAccessAccount(ctx context.Context, call *rpc.Call, in *gen.LsarSetSystemAccessAccountRequest) (*gen.LsarSetSystemAccessAccountResponse, error) {
	status, err := s.changeAccount(ctx, call, in.AccountHandle, nt.AccountAdjustSystemAccess, func(a *state.LSAAccount) error {
		if in.SystemAccess&^state.AccessAll != 0 {
			return nt.StatusInvalidParameter
		}
		a.SystemAccess = in.SystemAccess
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &gen.LsarSetSystemAccessAccountResponse{Return: result(status)}, nil
}
