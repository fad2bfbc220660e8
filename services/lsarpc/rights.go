package lsarpc

import (
	"context"

	"lwio/gen/dtyp"
	gen "lwio/gen/lsarpc"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/services/state"
)

// rights are privileges and logon rights, which the operations on rights name alike.
type rights struct {
	privileges nt.Privileges
	access     uint32
}

// rightsOf finds the rights of names, of which every one has to be known.
func rightsOf(names []dtyp.RPC_UNICODE_STRING) (r rights, status nt.Status) {
	for i := range names {
		name := names[i].String()
		if p, ok := nt.LookupPrivilegeName(name); ok {
			r.privileges |= p.Privilege()
		} else if l, ok := state.LookupLogonRight(name); ok {
			r.access |= l.Access
		} else {
			return rights{}, nt.StatusNoSuchPrivilege
		}
	}
	return r, nt.StatusSuccess
}

// names are those of the rights that have one.
func (r rights) names() []dtyp.RPC_UNICODE_STRING {
	var out []dtyp.RPC_UNICODE_STRING
	for id := range r.privileges.All() {
		if p, ok := nt.LookupPrivilege(id); ok {
			out = append(out, dtyp.NewRPC_UNICODE_STRING(p.Name))
		}
	}
	for _, l := range state.LogonRights() {
		if r.access&l.Access != 0 {
			out = append(out, dtyp.NewRPC_UNICODE_STRING(l.Name))
		}
	}
	return out
}

// mayAccount is whether an account's descriptor lets the caller do something to it.
func mayAccount(call *rpc.Call, a *state.LSAAccount, need nt.AccessMask) nt.Status {
	_, status := grant(call, or(a.Security, accountSecurity), uint32(need), nt.GenericMappingAccount)
	return status
}

// LsarEnumerateAccountsWithUserRight lists the accounts that hold a right, or all of them (MS-LSAD 3.1.4.5.9).
func (s *Service) LsarEnumerateAccountsWithUserRight(_ context.Context, call *rpc.Call, in *gen.LsarEnumerateAccountsWithUserRightRequest) (*gen.LsarEnumerateAccountsWithUserRightResponse, error) {
	status, err := policyOf(call, in.PolicyHandle, nt.PolicyViewLocalInformation|nt.PolicyLookupNames)
	if err != nil {
		return nil, err
	}
	out := &gen.LsarEnumerateAccountsWithUserRightResponse{}
	var wanted rights
	if status == nt.StatusSuccess && in.UserRight != nil {
		wanted, status = rightsOf([]dtyp.RPC_UNICODE_STRING{*in.UserRight})
	}
	if status != nt.StatusSuccess {
		out.Return = result(status)
		return out, nil
	}
	var found []state.LSAAccount
	for _, a := range s.lsa.Accounts(0, state.MaxLSAAccounts) {
		if !a.Privileges.Has(wanted.privileges) || a.SystemAccess&wanted.access != wanted.access {
			continue
		}
		if status := mayAccount(call, &a, nt.AccountView); status != nt.StatusSuccess {
			out.Return = result(status)
			return out, nil
		}
		found = append(found, a)
	}
	if len(found) == 0 {
		out.Return = result(nt.StatusNoMoreEntries)
		return out, nil
	}
	out.EnumerationBuffer = sidList(found)
	return out, nil
}

// LsarEnumerateAccountRights lists the rights of an account (MS-LSAD 3.1.4.5.10).
func (s *Service) LsarEnumerateAccountRights(_ context.Context, call *rpc.Call, in *gen.LsarEnumerateAccountRightsRequest) (*gen.LsarEnumerateAccountRightsResponse, error) {
	status, err := policyOf(call, in.PolicyHandle, 0)
	if err != nil {
		return nil, err
	}
	out := &gen.LsarEnumerateAccountRightsResponse{}
	var sid nt.SID
	if status == nt.StatusSuccess {
		sid, status = sidOf(&in.AccountSid)
	}
	if status == nt.StatusSuccess {
		if a, ok := s.lsa.Account(sid); !ok {
			status = nt.StatusObjectNameNotFound
		} else if status = mayAccount(call, &a, nt.AccountView); status == nt.StatusSuccess {
			out.UserRights.UserRights = rights{a.Privileges, a.SystemAccess}.names()
		}
	}
	out.Return = result(status)
	return out, nil
}

const adjustRights = nt.AccountView | nt.AccountAdjustPrivileges | nt.AccountAdjustSystemAccess

// LsarAddAccountRights gives an account rights, and makes it where there is none (MS-LSAD 3.1.4.5.11).
func (s *Service) LsarAddAccountRights(ctx context.Context, call *rpc.Call, in *gen.LsarAddAccountRightsRequest) (*gen.LsarAddAccountRightsResponse, error) {
	p, status, err := objectOf[*policy](call, in.PolicyHandle, 0)
	if err != nil {
		return nil, err
	}
	var sid nt.SID
	if status == nt.StatusSuccess {
		sid, status = sidOf(&in.AccountSid)
	}
	if status == nt.StatusSuccess {
		more, bad := rightsOf(in.UserRights.UserRights)
		status = statusOf(s.lsa.ChangeAccount(ctx, sid, p.granted&nt.PolicyCreateAccount != 0, func(a *state.LSAAccount) error {
			if may := mayAccount(call, a, adjustRights); may != nt.StatusSuccess {
				return may
			}
			if bad != nt.StatusSuccess {
				return bad
			}
			a.Privileges |= more.privileges
			a.SystemAccess |= more.access
			return nil
		}))
		if status == nt.StatusObjectNameNotFound {
			status = nt.StatusAccessDenied // it would have to be made, which the handle was not opened for
		}
	}
	return &gen.LsarAddAccountRightsResponse{Return: result(status)}, nil
}

// LsarRemoveAccountRights takes rights from an account, or all that it has; one that has none left is deleted (MS-LSAD 3.1.4.5.12).
func (s *Service) LsarRemoveAccountRights(ctx context.Context, call *rpc.Call, in *gen.LsarRemoveAccountRightsRequest) (*gen.LsarRemoveAccountRightsResponse, error) {
	status, err := policyOf(call, in.PolicyHandle, 0)
	if err != nil {
		return nil, err
	}
	var sid nt.SID
	if status == nt.StatusSuccess {
		sid, status = sidOf(&in.AccountSid)
	}
	if status == nt.StatusSuccess {
		status = s.removeRights(ctx, call, sid, in)
	}
	return &gen.LsarRemoveAccountRightsResponse{Return: result(status)}, nil
}

func (s *Service) removeRights(ctx context.Context, call *rpc.Call, sid nt.SID, in *gen.LsarRemoveAccountRightsRequest) nt.Status {
	less, bad := rightsOf(in.UserRights.UserRights)
	if in.AllRights != 0 {
		less, bad = rights{nt.AllPrivileges, state.AccessAll}, nt.StatusSuccess
	}
	empty := false
	status := statusOf(s.lsa.ChangeAccount(ctx, sid, false, func(a *state.LSAAccount) error {
		need := adjustRights
		if in.AllRights != 0 {
			need |= nt.Delete
		}
		if may := mayAccount(call, a, need); may != nt.StatusSuccess {
			return may
		}
		if bad != nt.StatusSuccess {
			return bad
		}
		a.Privileges &^= less.privileges
		a.SystemAccess &^= less.access
		empty = a.Privileges == 0 && a.SystemAccess == 0
		return nil
	}))
	if status == nt.StatusSuccess && empty {
		if status = statusOf(s.lsa.DeleteAccount(ctx, sid)); status == nt.StatusObjectNameNotFound {
			status = nt.StatusSuccess // by somebody else at the same time
		}
	}
	return status
}
