package lsarpc

import (
	"context"
	"fmt"

	"lwio/gen/dtyp"
	gen "lwio/gen/lsarpc"
	"lwio/iomgr/auth"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

// noRID is the RID of a domain, which has none.
const noRID = 0xFFFFFFFF

// resolve checks the request and asks the authority. The identities are nil where the status says that there are no results.
func (s *Service) resolve(ctx context.Context, call *rpc.Call, h rpc.ContextHandle, names []dtyp.RPC_UNICODE_STRING, level gen.LSAP_LOOKUP_LEVEL) ([]auth.Identity, nt.Status, error) {
	status, err := policyOf(call, h, nt.PolicyLookupNames)
	if err != nil || status != nt.StatusSuccess {
		return nil, status, err
	}
	if !isLevel(level) {
		return nil, nt.StatusInvalidParameter, nil
	}
	ids := make([]auth.Identity, len(names))
	if len(names) == 0 || level != gen.LsapLookupWksta {
		return ids, nt.StatusSuccess, nil
	}
	text := make([]string, len(names))
	for i := range names {
		// No name at all is BUILTIN, as Windows has had it since Server 2008.
		if text[i] = names[i].String(); text[i] == "" {
			text[i] = "BUILTIN"
		}
	}
	found, err := s.cfg.Authority.LookupNames(ctx, text)
	if err == nil && len(found) != len(names) {
		err = fmt.Errorf("authority: %d answers for %d names", len(found), len(names))
	}
	if err != nil {
		return nil, nt.StatusOf(err), nil
	}
	return found, nt.StatusSuccess, nil
}

// rids are the answers in the form that says a domain and a RID in it, one for each name: what is not known has neither.
func rids(ids []auth.Identity) (out []gen.LSAPR_TRANSLATED_SID_EX, d domains, mapped int) {
	out = make([]gen.LSAPR_TRANSLATED_SID_EX, len(ids))
	for i := range ids {
		id, x := &ids[i], &out[i]
		switch {
		case !isMapped(id):
			x.Use, x.DomainIndex = gen.SidTypeUnknown, noDomain
			continue
		case id.Type == auth.SIDTypeDomain:
			x.RelativeId, x.DomainIndex = noRID, d.index(id.SID, id.Domain)
		default:
			// The SID's own prefix, whatever the authority calls the domain's: the client puts the two together.
			x.RelativeId, x.DomainIndex = id.SID.RID(), d.index(id.SID.Domain(), id.Domain)
		}
		x.Use = gen.SID_NAME_USE(id.Type)
		mapped++
	}
	return out, d, mapped
}

// sids are the answers in the form that says whole SIDs.
func sids(ids []auth.Identity) (out []gen.LSAPR_TRANSLATED_SID_EX2, d domains, mapped int) {
	out = make([]gen.LSAPR_TRANSLATED_SID_EX2, len(ids))
	for i := range ids {
		id, x := &ids[i], &out[i]
		if !isMapped(id) {
			x.Use, x.DomainIndex = gen.SidTypeUnknown, noDomain
			continue
		}
		x.Use, x.Sid, x.DomainIndex = gen.SID_NAME_USE(id.Type), dtyp.NewRPC_SID(id.SID), d.index(domainOf(id), id.Domain)
		mapped++
	}
	return out, d, mapped
}

// domainOf is the SID of the domain of a known identity.
func domainOf(id *auth.Identity) nt.SID {
	switch {
	case id.Type == auth.SIDTypeDomain:
		return id.SID
	case id.DomainSID.IsZero():
		return id.SID.Domain()
	}
	return id.DomainSID
}

// LsarLookupNames translates names (MS-LSAT 3.1.4.8).
func (s *Service) LsarLookupNames(ctx context.Context, call *rpc.Call, in *gen.LsarLookupNamesRequest) (*gen.LsarLookupNamesResponse, error) {
	ids, status, err := s.resolve(ctx, call, in.PolicyHandle, in.Names, in.LookupLevel)
	if err != nil {
		return nil, err
	}
	if ids == nil {
		return &gen.LsarLookupNamesResponse{Return: result(status)}, nil
	}
	ex, d, mapped := rids(ids)
	out := make([]gen.LSA_TRANSLATED_SID, len(ex))
	for i := range ex {
		out[i] = gen.LSA_TRANSLATED_SID{Use: ex[i].Use, RelativeId: ex[i].RelativeId, DomainIndex: ex[i].DomainIndex}
	}
	return &gen.LsarLookupNamesResponse{
		ReferencedDomains: d.finish(),
		TranslatedSids:    gen.LSAPR_TRANSLATED_SIDS{Sids: out},
		MappedCount:       uint32(mapped),
		Return:            result(outcome(mapped, len(ids))),
	}, nil
}

// LsarLookupNames2 translates names (MS-LSAT 3.1.4.7). Isolated names are looked for on this host only, whether LookupOptions ask for that or not.
func (s *Service) LsarLookupNames2(ctx context.Context, call *rpc.Call, in *gen.LsarLookupNames2Request) (*gen.LsarLookupNames2Response, error) {
	ids, status, err := s.resolve(ctx, call, in.PolicyHandle, in.Names, in.LookupLevel)
	if err != nil {
		return nil, err
	}
	if ids == nil {
		return &gen.LsarLookupNames2Response{Return: result(status)}, nil
	}
	out, d, mapped := rids(ids)
	return &gen.LsarLookupNames2Response{
		ReferencedDomains: d.finish(),
		TranslatedSids:    gen.LSAPR_TRANSLATED_SIDS_EX{Sids: out},
		MappedCount:       uint32(mapped),
		Return:            result(outcome(mapped, len(ids))),
	}, nil
}

// LsarLookupNames3 translates names (MS-LSAT 3.1.4.6).
func (s *Service) LsarLookupNames3(ctx context.Context, call *rpc.Call, in *gen.LsarLookupNames3Request) (*gen.LsarLookupNames3Response, error) {
	ids, status, err := s.resolve(ctx, call, in.PolicyHandle, in.Names, in.LookupLevel)
	if err != nil {
		return nil, err
	}
	if ids == nil {
		return &gen.LsarLookupNames3Response{Return: result(status)}, nil
	}
	out, d, mapped := sids(ids)
	return &gen.LsarLookupNames3Response{
		ReferencedDomains: d.finish(),
		TranslatedSids:    gen.LSAPR_TRANSLATED_SIDS_EX2{Sids: out},
		MappedCount:       uint32(mapped),
		Return:            result(outcome(mapped, len(ids))),
	}, nil
}

// LsarLookupNames4 is refused (MS-LSAT 3.1.4.5).
func (s *Service) LsarLookupNames4(_ context.Context, call *rpc.Call, _ *gen.LsarLookupNames4Request) (*gen.LsarLookupNames4Response, error) {
	return &gen.LsarLookupNames4Response{Return: result(onChannel(call))}, nil
}
