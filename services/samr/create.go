package samr

import (
	"context"

	gen "lwio/gen/samr"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/services/state"
)

// in gives the domain in which an entry is to be made. BUILTIN takes none.
func creatable(call *rpc.Call, h rpc.ContextHandle, need nt.AccessMask) (*object, nt.Status, error) {
	d, status, err := objectOf(call, h, kindDomain, need)
	if status == nt.StatusSuccess && err == nil && d.builtin() {
		status = nt.StatusAccessDenied
	}
	return d, status, err
}

// createUser makes a user and opens it. The caller has made it: it may do with the handle what it asks for, up to all (MS-SAMR 3.1.5.4.4).
func (s *Service) createUser(ctx context.Context, call *rpc.Call, domain rpc.ContextHandle, name string, accountType, desired uint32) (h rpc.ContextHandle, o *object, status nt.Status, err error) {
	d, status, err := creatable(call, domain, domainCreateUser)
	if err != nil || status != nt.StatusSuccess {
		return h, nil, status, err
	}
	switch accountType {
	case gen.USER_NORMAL_ACCOUNT, gen.USER_WORKSTATION_TRUST_ACCOUNT, gen.USER_SERVER_TRUST_ACCOUNT:
	case gen.USER_INTERDOMAIN_TRUST_ACCOUNT:
		return h, nil, nt.StatusAccessDenied, nil // trusts are not made so
	default:
		return h, nil, nt.StatusInvalidParameter, nil
	}
	u, err := s.accounts.CreateUser(ctx, name, accountType)
	if err != nil {
		return h, nil, s.changed(ctx, call, "user created", d.domain, err), nil
	}
	o = &object{kind: kindUser, domain: d.domain, rid: u.RID}
	s.changed(ctx, call, "user created", o.sid(), nil)
	h, status, err = s.open(ctx, call, o, desired)
	return h, o, status, err
}

// SamrCreateUserInDomain makes a user (MS-SAMR 3.1.5.4.5).
func (s *Service) SamrCreateUserInDomain(ctx context.Context, call *rpc.Call, in *gen.SamrCreateUserInDomainRequest) (*gen.SamrCreateUserInDomainResponse, error) {
	h, o, status, err := s.createUser(ctx, call, in.DomainHandle, in.Name.String(), gen.USER_NORMAL_ACCOUNT, in.DesiredAccess)
	out := &gen.SamrCreateUserInDomainResponse{UserHandle: h, Return: result(status)}
	if o != nil {
		out.RelativeId = o.rid
	}
	return out, err
}

// SamrCreateUser2InDomain makes a user, or the account of a computer (MS-SAMR 3.1.5.4.4).
func (s *Service) SamrCreateUser2InDomain(ctx context.Context, call *rpc.Call, in *gen.SamrCreateUser2InDomainRequest) (*gen.SamrCreateUser2InDomainResponse, error) {
	h, o, status, err := s.createUser(ctx, call, in.DomainHandle, in.Name.String(), in.AccountType, in.DesiredAccess)
	out := &gen.SamrCreateUser2InDomainResponse{UserHandle: h, Return: result(status)}
	if o != nil {
		out.RelativeId, out.GrantedAccess = o.rid, uint32(o.granted)
	}
	return out, err
}

// SamrCreateGroupInDomain makes a group (MS-SAMR 3.1.5.4.2).
func (s *Service) SamrCreateGroupInDomain(ctx context.Context, call *rpc.Call, in *gen.SamrCreateGroupInDomainRequest) (*gen.SamrCreateGroupInDomainResponse, error) {
	d, status, err := creatable(call, in.DomainHandle, domainCreateGroup)
	if err != nil || status != nt.StatusSuccess {
		return &gen.SamrCreateGroupInDomainResponse{Return: result(status)}, err
	}
	g, err := s.accounts.CreateGroup(ctx, in.Name.String())
	if err != nil {
		return &gen.SamrCreateGroupInDomainResponse{Return: result(s.changed(ctx, call, "group created", d.domain, err))}, nil
	}
	o := &object{kind: kindGroup, domain: d.domain, rid: g.RID}
	s.changed(ctx, call, "group created", o.sid(), nil)
	h, status, err := s.open(ctx, call, o, in.DesiredAccess)
	return &gen.SamrCreateGroupInDomainResponse{GroupHandle: h, RelativeId: g.RID, Return: result(status)}, err
}

// SamrCreateAliasInDomain makes an alias (MS-SAMR 3.1.5.4.3).
func (s *Service) SamrCreateAliasInDomain(ctx context.Context, call *rpc.Call, in *gen.SamrCreateAliasInDomainRequest) (*gen.SamrCreateAliasInDomainResponse, error) {
	d, status, err := creatable(call, in.DomainHandle, domainCreateAlias)
	if err != nil || status != nt.StatusSuccess {
		return &gen.SamrCreateAliasInDomainResponse{Return: result(status)}, err
	}
	x, err := s.accounts.CreateAlias(ctx, in.AccountName.String())
	if err != nil {
		return &gen.SamrCreateAliasInDomainResponse{Return: result(s.changed(ctx, call, "alias created", d.domain, err))}, nil
	}
	o := &object{kind: kindAlias, domain: d.domain, rid: x.SID.RID()}
	s.changed(ctx, call, "alias created", x.SID, nil)
	h, status, err := s.open(ctx, call, o, in.DesiredAccess)
	return &gen.SamrCreateAliasInDomainResponse{AliasHandle: h, RelativeId: o.rid, Return: result(status)}, err
}

// SamrOpenUser opens a user (MS-SAMR 3.1.5.1.9).
func (s *Service) SamrOpenUser(ctx context.Context, call *rpc.Call, in *gen.SamrOpenUserRequest) (*gen.SamrOpenUserResponse, error) {
	d, status, err := objectOf(call, in.DomainHandle, kindDomain, domainLookup)
	if err != nil || status != nt.StatusSuccess {
		return &gen.SamrOpenUserResponse{Return: result(status)}, err
	}
	err = state.ErrNoAccount
	if !d.builtin() {
		_, err = s.accounts.User(ctx, in.UserId)
	}
	if err != nil {
		return &gen.SamrOpenUserResponse{Return: result(s.status(ctx, err))}, nil
	}
	h, status, err := s.open(ctx, call, &object{kind: kindUser, domain: d.domain, rid: in.UserId}, in.DesiredAccess)
	return &gen.SamrOpenUserResponse{UserHandle: h, Return: result(status)}, err
}

// SamrOpenGroup opens a group (MS-SAMR 3.1.5.1.7).
func (s *Service) SamrOpenGroup(ctx context.Context, call *rpc.Call, in *gen.SamrOpenGroupRequest) (*gen.SamrOpenGroupResponse, error) {
	d, status, err := objectOf(call, in.DomainHandle, kindDomain, domainLookup)
	if err != nil || status != nt.StatusSuccess {
		return &gen.SamrOpenGroupResponse{Return: result(status)}, err
	}
	err = state.ErrNoGroup
	if !d.builtin() {
		_, err = s.accounts.Group(ctx, in.GroupId)
	}
	if err != nil {
		return &gen.SamrOpenGroupResponse{Return: result(s.status(ctx, err))}, nil
	}
	h, status, err := s.open(ctx, call, &object{kind: kindGroup, domain: d.domain, rid: in.GroupId}, in.DesiredAccess)
	return &gen.SamrOpenGroupResponse{GroupHandle: h, Return: result(status)}, err
}

// SamrOpenAlias opens an alias (MS-SAMR 3.1.5.1.8).
func (s *Service) SamrOpenAlias(ctx context.Context, call *rpc.Call, in *gen.SamrOpenAliasRequest) (*gen.SamrOpenAliasResponse, error) {
	d, status, err := objectOf(call, in.DomainHandle, kindDomain, domainLookup)
	if err != nil || status != nt.StatusSuccess {
		return &gen.SamrOpenAliasResponse{Return: result(status)}, err
	}
	if _, err := s.accounts.Alias(ctx, d.domain.Child(in.AliasId)); err != nil {
		return &gen.SamrOpenAliasResponse{Return: result(s.status(ctx, err))}, nil
	}
	h, status, err := s.open(ctx, call, &object{kind: kindAlias, domain: d.domain, rid: in.AliasId}, in.DesiredAccess)
	return &gen.SamrOpenAliasResponse{AliasHandle: h, Return: result(status)}, err
}

// remove ends an entry, and with it the handle.
func (s *Service) remove(ctx context.Context, call *rpc.Call, h rpc.ContextHandle, k kind, what string, del func(*object) error) (rpc.ContextHandle, nt.Status, error) {
	o, status, err := objectOf(call, h, k, nt.Delete)
	if err != nil || status != nt.StatusSuccess {
		return h, status, err
	}
	if status = s.changed(ctx, call, what, o.sid(), del(o)); status != nt.StatusSuccess {
		return h, status, nil
	}
	return rpc.ContextHandle{}, status, call.Handles.Close(h)
}

// SamrDeleteUser deletes a user (MS-SAMR 3.1.5.7.3).
func (s *Service) SamrDeleteUser(ctx context.Context, call *rpc.Call, in *gen.SamrDeleteUserRequest) (*gen.SamrDeleteUserResponse, error) {
	h, status, err := s.remove(ctx, call, in.UserHandle, kindUser, "user deleted", func(o *object) error { return s.accounts.DeleteUser(ctx, o.rid) })
	return &gen.SamrDeleteUserResponse{UserHandle: h, Return: result(status)}, err
}

// SamrDeleteGroup deletes a group (MS-SAMR 3.1.5.7.1).
func (s *Service) SamrDeleteGroup(ctx context.Context, call *rpc.Call, in *gen.SamrDeleteGroupRequest) (*gen.SamrDeleteGroupResponse, error) {
	h, status, err := s.remove(ctx, call, in.GroupHandle, kindGroup, "group deleted", func(o *object) error { return s.accounts.DeleteGroup(ctx, o.rid) })
	return &gen.SamrDeleteGroupResponse{GroupHandle: h, Return: result(status)}, err
}

// SamrDeleteAlias deletes an alias (MS-SAMR 3.1.5.7.2).
func (s *Service) SamrDeleteAlias(ctx context.Context, call *rpc.Call, in *gen.SamrDeleteAliasRequest) (*gen.SamrDeleteAliasResponse, error) {
	h, status, err := s.remove(ctx, call, in.AliasHandle, kindAlias, "alias deleted", func(o *object) error { return s.accounts.DeleteAlias(ctx, o.sid()) })
	return &gen.SamrDeleteAliasResponse{AliasHandle: h, Return: result(status)}, err
}
