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

// identify checks the request and asks the authority. The identities are nil where the status says that there are no results. Each has
// the SID that was asked for.
func (s *Service) identify(ctx context.Context, call *rpc.Call, h rpc.ContextHandle, in []gen.LSAPR_SID_INFORMATION, level gen.LSAP_LOOKUP_LEVEL) ([]auth.Identity, nt.Status, error) {
	status, err := policyOf(call, h, nt.PolicyLookupNames)
	if err != nil || status != nt.StatusSuccess {
		return nil, status, err
	}
	if !isLevel(level) {
		return nil, nt.StatusInvalidParameter, nil
	}
	wanted := make([]nt.SID, len(in))
	ids := make([]auth.Identity, len(in))
	for i := range in {
		if in[i].Sid == nil || in[i].Sid.Revision != 1 {
			return nil, nt.StatusInvalidParameter, nil
		}
		if wanted[i], err = in[i].Sid.SID(); err != nil {
			return nil, nt.StatusInvalidParameter, nil
		}
		ids[i].SID = wanted[i]
	}
	if len(in) == 0 || level != gen.LsapLookupWksta {
		return ids, nt.StatusSuccess, nil
	}
	found, err := s.cfg.Authority.LookupSIDs(ctx, wanted)
	if err == nil && len(found) != len(in) {
		err = fmt.Errorf("authority: %d answers for %d SIDs", len(found), len(in))
	}
	if err != nil {
		return nil, nt.StatusOf(err), nil
	}
	copy(ids, found)
	for i := range ids {
		ids[i].SID = wanted[i]
	}
	return ids, nt.StatusSuccess, nil
}

// names are the answers, one for each SID. What is not known has its SID for a name, or, where its domain is known, its RID in eight
// hexadecimal digits.
func names(ids []auth.Identity) (out []gen.LSAPR_TRANSLATED_NAME_EX, d domains, mapped int) {
	out = make([]gen.LSAPR_TRANSLATED_NAME_EX, len(ids))
	for i := range ids {
		id, x := &ids[i], &out[i]
		switch {
		case isMapped(id):
			x.Use, x.Name, x.DomainIndex = gen.SID_NAME_USE(id.Type), dtyp.NewRPC_UNICODE_STRING(id.Name), d.index(domainOf(id), id.Domain)
			mapped++
		case id.SID.IsChildOf(id.DomainSID):
			x.Use, x.Name = gen.SidTypeUnknown, dtyp.NewRPC_UNICODE_STRING(fmt.Sprintf("%08x", id.SID.RID()))
			x.DomainIndex = d.index(id.DomainSID, id.Domain)
		default:
			x.Use, x.Name, x.DomainIndex = gen.SidTypeUnknown, dtyp.NewRPC_UNICODE_STRING(id.SID.String()), noDomain
		}
	}
	return out, d, mapped
}

// LsarLookupSids translates SIDs (MS-LSAT 3.1.4.11).
func (s *Service) LsarLookupSids(ctx context.Context, call *rpc.Call, in *gen.LsarLookupSidsRequest) (*gen.LsarLookupSidsResponse, error) {
	ids, status, err := s.identify(ctx, call, in.PolicyHandle, in.SidEnumBuffer.SidInfo, in.LookupLevel)
	if err != nil {
		return nil, err
	}
	if ids == nil {
		return &gen.LsarLookupSidsResponse{Return: result(status)}, nil
	}
	ex, d, mapped := names(ids)
	out := make([]gen.LSAPR_TRANSLATED_NAME, len(ex))
	for i := range ex {
		out[i] = gen.LSAPR_TRANSLATED_NAME{Use: ex[i].Use, Name: ex[i].Name, DomainIndex: ex[i].DomainIndex}
	}
	return &gen.LsarLookupSidsResponse{
		ReferencedDomains: d.finish(),
		TranslatedNames:   gen.LSAPR_TRANSLATED_NAMES{Names: out},
		MappedCount:       uint32(mapped),
		Return:            result(outcome(mapped, len(ids))),
	}, nil
}

// LsarLookupSids2 translates SIDs (MS-LSAT 3.1.4.10).
func (s *Service) LsarLookupSids2(ctx context.Context, call *rpc.Call, in *gen.LsarLookupSids2Request) (*gen.LsarLookupSids2Response, error) {
	ids, status, err := s.identify(ctx, call, in.PolicyHandle, in.SidEnumBuffer.SidInfo, in.LookupLevel)
	if err != nil {
		return nil, err
	}
	if ids == nil {
		return &gen.LsarLookupSids2Response{Return: result(status)}, nil
	}
	out, d, mapped := names(ids)
	return &gen.LsarLookupSids2Response{
		ReferencedDomains: d.finish(),
		TranslatedNames:   gen.LSAPR_TRANSLATED_NAMES_EX{Names: out},
		MappedCount:       uint32(mapped),
		Return:            result(outcome(mapped, len(ids))),
	}, nil
}

// LsarLookupSids3 is refused (MS-LSAT 3.1.4.9).
func (s *Service) LsarLookupSids3(_ context.Context, call *rpc.Call, _ *gen.LsarLookupSids3Request) (*gen.LsarLookupSids3Response, error) {
	return &gen.LsarLookupSids3Response{Return: result(onChannel(call))}, nil
}
