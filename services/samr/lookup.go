package samr

import (
	"context"
	"errors"

	"lwio/gen/dtyp"
	gen "lwio/gen/samr"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/services/state"
)

// useOf is what an entry of the account domain is to clients.
func useOf(k state.Kind) uint32 {
	switch k {
	case state.KindGroup:
		return uint32(gen.SidTypeGroup)
	case state.KindAlias:
		return uint32(gen.SidTypeAlias)
	}
	return uint32(gen.SidTypeUser)
}

// mapped is the status of a translation of n of which so many were found (MS-SAMR 3.1.5.11.2).
func mapped(found, n int) nt.Status {
	switch {
	case found == n:
		return nt.StatusSuccess
	case found == 0:
		return nt.StatusNoneMapped
	}
	return nt.StatusSomeNotMapped
}

// ridOf finds an entry of a domain by its name.
func (s *Service) ridOf(ctx context.Context, domain nt.SID, name string) (rid, use uint32, ok bool, err error) {
	if domain == nt.SIDBuiltin {
		sid, err := s.accounts.LookupBuiltin(name)
		return sid.RID(), uint32(gen.SidTypeAlias), err == nil, nil
	}
	rid, k, err := s.accounts.LookupName(ctx, name)
	if errors.Is(err, state.ErrNoAccount) {
		return 0, 0, false, nil
	}
	return rid, useOf(k), err == nil, err
}

// nameOf finds an entry of a domain by its RID.
func (s *Service) nameOf(ctx context.Context, domain nt.SID, rid uint32) (name string, use uint32, ok bool, err error) {
	if domain != nt.SIDBuiltin {
		u, err := s.accounts.User(ctx, rid)
		if err == nil {
			return u.Name, uint32(gen.SidTypeUser), true, nil
		} else if !errors.Is(err, state.ErrNoAccount) {
			return "", 0, false, err
		}
		g, err := s.accounts.Group(ctx, rid)
		if err == nil {
			return g.Name, uint32(gen.SidTypeGroup), true, nil
		} else if !errors.Is(err, state.ErrNoGroup) {
			return "", 0, false, err
		}
	}
	x, err := s.accounts.Alias(ctx, domain.Child(rid))
	if errors.Is(err, state.ErrNoAlias) {
		return "", 0, false, nil
	} else if err != nil {
		return "", 0, false, err
	}
	return x.Name, uint32(gen.SidTypeAlias), true, nil
}

// SamrLookupNamesInDomain gives the RIDs of names (MS-SAMR 3.1.5.11.2).
func (s *Service) SamrLookupNamesInDomain(ctx context.Context, call *rpc.Call, in *gen.SamrLookupNamesInDomainRequest) (*gen.SamrLookupNamesInDomainResponse, error) {
	d, status, err := objectOf(call, in.DomainHandle, kindDomain, domainLookup)
	if err != nil || status != nt.StatusSuccess {
		return &gen.SamrLookupNamesInDomainResponse{Return: result(status)}, err
	}
	n, found := len(in.Names), 0
	rids, uses := make([]uint32, n), make([]uint32, n)
	for i := range in.Names {
		rid, use, ok, err := s.ridOf(ctx, d.domain, in.Names[i].String())
		if err != nil {
			return &gen.SamrLookupNamesInDomainResponse{Return: result(s.status(ctx, err))}, nil
		}
		if !ok {
			uses[i] = uint32(gen.SidTypeUnknown)
			continue
		}
		rids[i], uses[i] = rid, use
		found++
	}
	return &gen.SamrLookupNamesInDomainResponse{
		RelativeIds: gen.SAMPR_ULONG_ARRAY{Count: uint32(n), Element: rids},
		Use:         gen.SAMPR_ULONG_ARRAY{Count: uint32(n), Element: uses},
		Return:      result(mapped(found, n)),
	}, nil
}

// SamrLookupIdsInDomain gives the names of RIDs (MS-SAMR 3.1.5.11.3).
func (s *Service) SamrLookupIdsInDomain(ctx context.Context, call *rpc.Call, in *gen.SamrLookupIdsInDomainRequest) (*gen.SamrLookupIdsInDomainResponse, error) {
	d, status, err := objectOf(call, in.DomainHandle, kindDomain, domainLookup)
	if err != nil || status != nt.StatusSuccess {
		return &gen.SamrLookupIdsInDomainResponse{Return: result(status)}, err
	}
	n, found := len(in.RelativeIds), 0
	names, uses := make([]dtyp.RPC_UNICODE_STRING, n), make([]uint32, n)
	for i, rid := range in.RelativeIds {
		name, use, ok, err := s.nameOf(ctx, d.domain, rid)
		if err != nil {
			return &gen.SamrLookupIdsInDomainResponse{Return: result(s.status(ctx, err))}, nil
		}
		if !ok {
			uses[i] = uint32(gen.SidTypeUnknown)
			continue
		}
		names[i], uses[i] = dtyp.NewRPC_UNICODE_STRING(name), use
		found++
	}
	return &gen.SamrLookupIdsInDomainResponse{
		Names:  gen.SAMPR_RETURNED_USTRING_ARRAY{Count: uint32(n), Element: names},
		Use:    gen.SAMPR_ULONG_ARRAY{Count: uint32(n), Element: uses},
		Return: result(mapped(found, n)),
	}, nil
}

// SamrRidToSid gives the SID of a RID in the domain of the handle, whether there is such an entry or not (MS-SAMR 3.1.5.13.5).
func (s *Service) SamrRidToSid(_ context.Context, call *rpc.Call, in *gen.SamrRidToSidRequest) (*gen.SamrRidToSidResponse, error) {
	o, err := anyObject(call, in.ObjectHandle)
	if err != nil {
		return nil, err
	}
	if o.kind == kindServer {
		return &gen.SamrRidToSidResponse{Return: result(nt.StatusObjectTypeMismatch)}, nil
	}
	return &gen.SamrRidToSidResponse{Sid: dtyp.NewRPC_SID(o.domain.Child(in.Rid))}, nil
}

// SamrGetAliasMembership tells the aliases of the domain that any of the SIDs is in (MS-SAMR 3.1.5.9.2).
func (s *Service) SamrGetAliasMembership(ctx context.Context, call *rpc.Call, in *gen.SamrGetAliasMembershipRequest) (*gen.SamrGetAliasMembershipResponse, error) {
	d, status, err := objectOf(call, in.DomainHandle, kindDomain, domainGetAliasMembership)
	if err != nil || status != nt.StatusSuccess {
		return &gen.SamrGetAliasMembershipResponse{Return: result(status)}, err
	}
	sids, status := sidsOf(&in.SidArray)
	if status != nt.StatusSuccess {
		return &gen.SamrGetAliasMembershipResponse{Return: result(status)}, nil
	}
	aliases, err := s.accounts.AliasesOf(ctx, sids)
	if err != nil {
		return &gen.SamrGetAliasMembershipResponse{Return: result(s.status(ctx, err))}, nil
	}
	rids := []uint32{}
	for _, alias := range aliases {
		if alias.IsChildOf(d.domain) {
			rids = append(rids, alias.RID())
		}
	}
	return &gen.SamrGetAliasMembershipResponse{Membership: gen.SAMPR_ULONG_ARRAY{Count: uint32(len(rids)), Element: rids}}, nil
}

// sidOf is a SID of a request.
func sidOf(x *dtyp.RPC_SID) (nt.SID, nt.Status) {
	if x == nil || x.Revision != 1 {
		return nt.SID{}, nt.StatusInvalidParameter
	}
	sid, err := x.SID()
	if err != nil {
		return nt.SID{}, nt.StatusInvalidParameter
	}
	return sid, nt.StatusSuccess
}

func sidsOf(list *gen.SAMPR_PSID_ARRAY) ([]nt.SID, nt.Status) {
	out := make([]nt.SID, len(list.Sids))
	for i := range list.Sids {
		var status nt.Status
		if out[i], status = sidOf(list.Sids[i].SidPointer); status != nt.StatusSuccess {
			return nil, status
		}
	}
	return out, nt.StatusSuccess
}
