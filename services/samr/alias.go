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

// SamrQueryInformationAlias tells a class of information (MS-SAMR 3.1.5.5.4).
func (s *Service) SamrQueryInformationAlias(ctx context.Context, call *rpc.Call, in *gen.SamrQueryInformationAliasRequest) (*gen.SamrQueryInformationAliasResponse, error) {
	o, status, err := objectOf(call, in.AliasHandle, kindAlias, aliasRead)
	if err != nil || status != nt.StatusSuccess {
		return &gen.SamrQueryInformationAliasResponse{Return: result(status)}, err
	}
	x, err := s.accounts.Alias(ctx, o.sid())
	if err != nil {
		return &gen.SamrQueryInformationAliasResponse{Return: result(s.status(ctx, err))}, nil
	}
	name, comment := dtyp.NewRPC_UNICODE_STRING(x.Name), dtyp.NewRPC_UNICODE_STRING(x.Comment)
	out := &gen.SAMPR_ALIAS_INFO_BUFFER{}
	switch in.AliasInformationClass {
	case gen.AliasGeneralInformation:
		members, err := s.accounts.AliasMembers(ctx, o.sid())
		if err != nil {
			return &gen.SamrQueryInformationAliasResponse{Return: result(s.status(ctx, err))}, nil
		}
		out.General = &gen.SAMPR_ALIAS_GENERAL_INFORMATION{Name: name, MemberCount: uint32(len(members)), AdminComment: comment}
	case gen.AliasNameInformation:
		out.Name = &gen.SAMPR_ALIAS_NAME_INFORMATION{Name: name}
	case gen.AliasAdminCommentInformation:
		out.AdminComment = &gen.SAMPR_ALIAS_ADM_COMMENT_INFORMATION{AdminComment: comment}
	default:
		return &gen.SamrQueryInformationAliasResponse{Return: result(nt.StatusInvalidInfoClass)}, nil
	}
	return &gen.SamrQueryInformationAliasResponse{Buffer: out}, nil
}

// SamrSetInformationAlias sets a class of information (MS-SAMR 3.1.5.6.3).
func (s *Service) SamrSetInformationAlias(ctx context.Context, call *rpc.Call, in *gen.SamrSetInformationAliasRequest) (*gen.SamrSetInformationAliasResponse, error) {
	o, status, err := objectOf(call, in.AliasHandle, kindAlias, aliasWrite)
	if err != nil || status != nt.StatusSuccess {
		return &gen.SamrSetInformationAliasResponse{Return: result(status)}, err
	}
	change := func(*state.Alias) error { return nt.StatusInvalidInfoClass }
	switch in.AliasInformationClass {
	case gen.AliasNameInformation:
		change = func(x *state.Alias) error { x.Name = in.Buffer.Name.Name.String(); return nil }
	case gen.AliasAdminCommentInformation:
		change = func(x *state.Alias) error { x.Comment = in.Buffer.AdminComment.AdminComment.String(); return nil }
	}
	return &gen.SamrSetInformationAliasResponse{Return: result(s.changed(ctx, call, "alias changed", o.sid(), s.accounts.UpdateAlias(ctx, o.sid(), change)))}, nil
}

// aliasError makes an error of membership what it is to callers of aliases.
func aliasError(err error) error {
	switch {
	case errors.Is(err, state.ErrIsMember):
		return nt.StatusMemberInAlias
	case errors.Is(err, state.ErrNotMember):
		return nt.StatusMemberNotInAlias
	}
	return err
}

// SamrAddMemberToAlias adds a SID (MS-SAMR 3.1.5.8.4). Whether somebody has it is not asked: its domain may be away.
func (s *Service) SamrAddMemberToAlias(ctx context.Context, call *rpc.Call, in *gen.SamrAddMemberToAliasRequest) (*gen.SamrAddMemberToAliasResponse, error) {
	o, status, err := objectOf(call, in.AliasHandle, kindAlias, aliasAddMember)
	if err == nil && status == nt.StatusSuccess {
		var sid nt.SID
		if sid, status = sidOf(&in.MemberId); status == nt.StatusSuccess {
			status = s.changed(ctx, call, "member added to alias", o.sid(), aliasError(s.accounts.AddToAlias(ctx, o.sid(), sid)))
		}
	}
	return &gen.SamrAddMemberToAliasResponse{Return: result(status)}, err
}

// SamrRemoveMemberFromAlias takes a SID out (MS-SAMR 3.1.5.8.5).
func (s *Service) SamrRemoveMemberFromAlias(ctx context.Context, call *rpc.Call, in *gen.SamrRemoveMemberFromAliasRequest) (*gen.SamrRemoveMemberFromAliasResponse, error) {
	o, status, err := objectOf(call, in.AliasHandle, kindAlias, aliasRemoveMember)
	if err == nil && status == nt.StatusSuccess {
		var sid nt.SID
		if sid, status = sidOf(&in.MemberId); status == nt.StatusSuccess {
			status = s.changed(ctx, call, "member removed from alias", o.sid(), aliasError(s.accounts.RemoveFromAlias(ctx, o.sid(), sid)))
		}
	}
	return &gen.SamrRemoveMemberFromAliasResponse{Return: result(status)}, err
}

// SamrGetMembersInAlias lists the members (MS-SAMR 3.1.5.8.6).
func (s *Service) SamrGetMembersInAlias(ctx context.Context, call *rpc.Call, in *gen.SamrGetMembersInAliasRequest) (*gen.SamrGetMembersInAliasResponse, error) {
	o, status, err := objectOf(call, in.AliasHandle, kindAlias, aliasListMembers)
	if err != nil || status != nt.StatusSuccess {
		return &gen.SamrGetMembersInAliasResponse{Return: result(status)}, err
	}
	members, err := s.accounts.AliasMembers(ctx, o.sid())
	if err != nil {
		return &gen.SamrGetMembersInAliasResponse{Return: result(s.status(ctx, err))}, nil
	}
	out := make([]gen.SAMPR_SID_INFORMATION, len(members))
	for i, m := range members {
		out[i].SidPointer = dtyp.NewRPC_SID(m)
	}
	return &gen.SamrGetMembersInAliasResponse{Members: gen.SAMPR_PSID_ARRAY_OUT{Count: uint32(len(out)), Sids: out}}, nil
}

// several applies a change of many members. None at all changes nothing.
func (s *Service) several(ctx context.Context, call *rpc.Call, h rpc.ContextHandle, need nt.AccessMask, list *gen.SAMPR_PSID_ARRAY, what string, change func(context.Context, nt.SID, ...nt.SID) error) (nt.Status, error) {
	o, status, err := objectOf(call, h, kindAlias, need)
	if err != nil || status != nt.StatusSuccess {
		return status, err
	}
	sids, status := sidsOf(list)
	if status != nt.StatusSuccess {
		return status, nil
	}
	switch err := change(ctx, o.sid(), sids...); {
	case errors.Is(err, state.ErrIsMember), errors.Is(err, state.ErrNotMember): // of several, as it is anyway
		return nt.StatusSuccess, nil
	default:
		return s.changed(ctx, call, what, o.sid(), err), nil
	}
}

// SamrAddMultipleMembersToAlias adds SIDs (MS-SAMR 3.1.5.8.8).
func (s *Service) SamrAddMultipleMembersToAlias(ctx context.Context, call *rpc.Call, in *gen.SamrAddMultipleMembersToAliasRequest) (*gen.SamrAddMultipleMembersToAliasResponse, error) {
	status, err := s.several(ctx, call, in.AliasHandle, aliasAddMember, &in.MembersBuffer, "members added to alias", s.accounts.AddToAlias)
	return &gen.SamrAddMultipleMembersToAliasResponse{Return: result(status)}, err
}

// SamrRemoveMultipleMembersFromAlias takes SIDs out (MS-SAMR 3.1.5.8.9).
func (s *Service) SamrRemoveMultipleMembersFromAlias(ctx context.Context, call *rpc.Call, in *gen.SamrRemoveMultipleMembersFromAliasRequest) (*gen.SamrRemoveMultipleMembersFromAliasResponse, error) {
	status, err := s.several(ctx, call, in.AliasHandle, aliasRemoveMember, &in.MembersBuffer, "members removed from alias", s.accounts.RemoveFromAlias)
	return &gen.SamrRemoveMultipleMembersFromAliasResponse{Return: result(status)}, err
}

// SamrRemoveMemberFromForeignDomain takes a SID out of all aliases of the domain, each of which has to let the caller (MS-SAMR 3.1.5.8.7).
func (s *Service) SamrRemoveMemberFromForeignDomain(ctx context.Context, call *rpc.Call, in *gen.SamrRemoveMemberFromForeignDomainRequest) (*gen.SamrRemoveMemberFromForeignDomainResponse, error) {
	d, status, err := objectOf(call, in.DomainHandle, kindDomain, domainLookup)
	if err != nil || status != nt.StatusSuccess {
		return &gen.SamrRemoveMemberFromForeignDomainResponse{Return: result(status)}, err
	}
	sid, status := sidOf(&in.MemberSid)
	if status != nt.StatusSuccess {
		return &gen.SamrRemoveMemberFromForeignDomainResponse{Return: result(status)}, nil
	}
	aliases, err := s.accounts.AliasesOf(ctx, []nt.SID{sid})
	for _, alias := range aliases {
		if err != nil || !alias.IsChildOf(d.domain) {
			continue
		}
		var sd *nt.SecurityDescriptor
		if sd, err = s.descriptor(ctx, &object{kind: kindAlias, domain: d.domain, rid: alias.RID()}); err != nil {
			break
		}
		if _, denied := nt.AccessCheck(sd, call.Token, aliasRemoveMember, mappings[kindAlias]); denied != nt.StatusSuccess {
			return &gen.SamrRemoveMemberFromForeignDomainResponse{Return: result(nt.StatusAccessDenied)}, nil
		}
	}
	if err == nil {
		err = s.accounts.RemoveFromAliases(ctx, d.domain, sid)
	}
	return &gen.SamrRemoveMemberFromForeignDomainResponse{Return: result(s.changed(ctx, call, "member removed from all aliases", sid, err))}, nil
}
