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

// SamrQueryInformationGroup tells a class of information (MS-SAMR 3.1.5.5.3).
func (s *Service) SamrQueryInformationGroup(ctx context.Context, call *rpc.Call, in *gen.SamrQueryInformationGroupRequest) (*gen.SamrQueryInformationGroupResponse, error) {
	o, status, err := objectOf(call, in.GroupHandle, kindGroup, groupRead)
	if err != nil || status != nt.StatusSuccess {
		return &gen.SamrQueryInformationGroupResponse{Return: result(status)}, err
	}
	g, err := s.accounts.Group(ctx, o.rid)
	if err != nil {
		return &gen.SamrQueryInformationGroupResponse{Return: result(s.status(ctx, err))}, nil
	}
	general := gen.SAMPR_GROUP_GENERAL_INFORMATION{Name: dtyp.NewRPC_UNICODE_STRING(g.Name), Attributes: g.Attributes, AdminComment: dtyp.NewRPC_UNICODE_STRING(g.Comment)}
	out := &gen.SAMPR_GROUP_INFO_BUFFER{}
	switch in.GroupInformationClass {
	case gen.GroupGeneralInformation:
		members, err := s.accounts.GroupMembers(ctx, o.rid)
		if err != nil {
			return &gen.SamrQueryInformationGroupResponse{Return: result(s.status(ctx, err))}, nil
		}
		general.MemberCount = uint32(len(members))
		out.General = &general
	case gen.GroupNameInformation:
		out.Name = &gen.SAMPR_GROUP_NAME_INFORMATION{Name: general.Name}
	case gen.GroupAttributeInformation:
		out.Attribute = &gen.GROUP_ATTRIBUTE_INFORMATION{Attributes: g.Attributes}
	case gen.GroupAdminCommentInformation:
		out.AdminComment = &gen.SAMPR_GROUP_ADM_COMMENT_INFORMATION{AdminComment: general.AdminComment}
	case gen.GroupReplicationInformation: // as general, without counting
		out.DoNotUse = &general
	default:
		return &gen.SamrQueryInformationGroupResponse{Return: result(nt.StatusInvalidInfoClass)}, nil
	}
	return &gen.SamrQueryInformationGroupResponse{Buffer: out}, nil
}

// SamrSetInformationGroup sets a class of information (MS-SAMR 3.1.5.6.2).
func (s *Service) SamrSetInformationGroup(ctx context.Context, call *rpc.Call, in *gen.SamrSetInformationGroupRequest) (*gen.SamrSetInformationGroupResponse, error) {
	o, status, err := objectOf(call, in.GroupHandle, kindGroup, groupWrite)
	if err != nil || status != nt.StatusSuccess {
		return &gen.SamrSetInformationGroupResponse{Return: result(status)}, err
	}
	change := func(*state.Group) error { return nt.StatusInvalidInfoClass }
	switch in.GroupInformationClass {
	case gen.GroupNameInformation:
		change = func(g *state.Group) error { g.Name = in.Buffer.Name.Name.String(); return nil }
	case gen.GroupAttributeInformation:
		change = func(g *state.Group) error { g.Attributes = in.Buffer.Attribute.Attributes; return nil }
	case gen.GroupAdminCommentInformation:
		change = func(g *state.Group) error { g.Comment = in.Buffer.AdminComment.AdminComment.String(); return nil }
	}
	return &gen.SamrSetInformationGroupResponse{Return: result(s.changed(ctx, call, "group changed", o.sid(), s.accounts.UpdateGroup(ctx, o.rid, change)))}, nil
}

// groupError makes an error of membership what it is to callers of groups.
func groupError(err error) error {
	switch {
	case errors.Is(err, state.ErrIsMember):
		return nt.StatusMemberInGroup
	case errors.Is(err, state.ErrNotMember):
		return nt.StatusMemberNotInGroup
	}
	return err
}

// SamrAddMemberToGroup adds a user (MS-SAMR 3.1.5.8.1). Memberships have the attributes that all have.
func (s *Service) SamrAddMemberToGroup(ctx context.Context, call *rpc.Call, in *gen.SamrAddMemberToGroupRequest) (*gen.SamrAddMemberToGroupResponse, error) {
	o, status, err := objectOf(call, in.GroupHandle, kindGroup, groupAddMember)
	if err == nil && status == nt.StatusSuccess {
		status = s.changed(ctx, call, "member added to group", o.sid(), groupError(s.accounts.AddToGroup(ctx, o.rid, in.MemberId)))
	}
	return &gen.SamrAddMemberToGroupResponse{Return: result(status)}, err
}

// SamrRemoveMemberFromGroup takes a user out (MS-SAMR 3.1.5.8.2).
func (s *Service) SamrRemoveMemberFromGroup(ctx context.Context, call *rpc.Call, in *gen.SamrRemoveMemberFromGroupRequest) (*gen.SamrRemoveMemberFromGroupResponse, error) {
	o, status, err := objectOf(call, in.GroupHandle, kindGroup, groupRemoveMember)
	if err == nil && status == nt.StatusSuccess {
		status = s.changed(ctx, call, "member removed from group", o.sid(), groupError(s.accounts.RemoveFromGroup(ctx, o.rid, in.MemberId)))
	}
	return &gen.SamrRemoveMemberFromGroupResponse{Return: result(status)}, err
}

// SamrSetMemberAttributesOfGroup changes nothing: all memberships have the same attributes, and clients that set others are told that all is well
// (MS-SAMR 3.1.5.13.2).
func (s *Service) SamrSetMemberAttributesOfGroup(_ context.Context, call *rpc.Call, in *gen.SamrSetMemberAttributesOfGroupRequest) (*gen.SamrSetMemberAttributesOfGroupResponse, error) {
	_, status, err := objectOf(call, in.GroupHandle, kindGroup, groupAddMember)
	return &gen.SamrSetMemberAttributesOfGroupResponse{Return: result(status)}, err
}

// SamrGetMembersInGroup lists the members (MS-SAMR 3.1.5.8.3).
func (s *Service) SamrGetMembersInGroup(ctx context.Context, call *rpc.Call, in *gen.SamrGetMembersInGroupRequest) (*gen.SamrGetMembersInGroupResponse, error) {
	o, status, err := objectOf(call, in.GroupHandle, kindGroup, groupListMembers)
	if err != nil || status != nt.StatusSuccess {
		return &gen.SamrGetMembersInGroupResponse{Return: result(status)}, err
	}
	members, err := s.accounts.GroupMembers(ctx, o.rid)
	if err != nil {
		return &gen.SamrGetMembersInGroupResponse{Return: result(s.status(ctx, err))}, nil
	}
	attributes := make([]uint32, len(members))
	for i := range attributes {
		attributes[i] = uint32(nt.SEGroupDefault)
	}
	if members == nil {
		members = []uint32{}
	}
	return &gen.SamrGetMembersInGroupResponse{Members: &gen.SAMPR_GET_MEMBERS_BUFFER{MemberCount: uint32(len(members)), Members: members, Attributes: attributes}}, nil
}

// SamrGetGroupsForUser lists the groups of a user, its primary one first (MS-SAMR 3.1.5.9.1).
func (s *Service) SamrGetGroupsForUser(ctx context.Context, call *rpc.Call, in *gen.SamrGetGroupsForUserRequest) (*gen.SamrGetGroupsForUserResponse, error) {
	o, status, err := objectOf(call, in.UserHandle, kindUser, userListGroups)
	if err != nil || status != nt.StatusSuccess {
		return &gen.SamrGetGroupsForUserResponse{Return: result(status)}, err
	}
	u, err := s.accounts.User(ctx, o.rid)
	if err != nil {
		return &gen.SamrGetGroupsForUserResponse{Return: result(s.status(ctx, err))}, nil
	}
	groups, err := s.accounts.GroupsOf(ctx, u)
	if err != nil {
		return &gen.SamrGetGroupsForUserResponse{Return: result(s.status(ctx, err))}, nil
	}
	out := &gen.SAMPR_GET_GROUPS_BUFFER{MembershipCount: uint32(len(groups)), Groups: make([]gen.GROUP_MEMBERSHIP, len(groups))}
	for i, g := range groups {
		out.Groups[i] = gen.GROUP_MEMBERSHIP{RelativeId: g, Attributes: uint32(nt.SEGroupDefault)}
	}
	return &gen.SamrGetGroupsForUserResponse{Groups: out}, nil
}
