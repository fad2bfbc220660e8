package samr

import (
	"context"

	gen "lwio/gen/samr"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

// SamrQuerySecurityObject tells parts of an object's descriptor (MS-SAMR 3.1.5.12.2).
func (s *Service) SamrQuerySecurityObject(ctx context.Context, call *rpc.Call, in *gen.SamrQuerySecurityObjectRequest) (*gen.SamrQuerySecurityObjectResponse, error) {
	o, err := anyObject(call, in.ObjectHandle)
	if err != nil {
		return nil, err
	}
	info := nt.SecurityInformation(in.SecurityInformation)
	if o.granted&info.QueryAccess() != info.QueryAccess() {
		return &gen.SamrQuerySecurityObjectResponse{Return: result(nt.StatusAccessDenied)}, nil
	}
	sd, err := s.descriptor(ctx, o)
	if err != nil {
		return &gen.SamrQuerySecurityObjectResponse{Return: result(s.status(ctx, err))}, nil
	}
	b := sd.Select(info).Append(nil)
	return &gen.SamrQuerySecurityObjectResponse{SecurityDescriptor: &gen.SAMPR_SR_SECURITY_DESCRIPTOR{Length: uint32(len(b)), SecurityDescriptor: b}}, nil
}

// SamrSetSecurityObject replaces parts of an object's descriptor; handles that are open keep what they were granted (MS-SAMR 3.1.5.12.1).
func (s *Service) SamrSetSecurityObject(ctx context.Context, call *rpc.Call, in *gen.SamrSetSecurityObjectRequest) (*gen.SamrSetSecurityObjectResponse, error) {
	o, err := anyObject(call, in.ObjectHandle)
	if err != nil {
		return nil, err
	}
	const known = nt.OwnerSecurityInformation | nt.GroupSecurityInformation | nt.DACLSecurityInformation | nt.SACLSecurityInformation
	info := nt.SecurityInformation(in.SecurityInformation)
	if info&known == 0 {
		return &gen.SamrSetSecurityObjectResponse{Return: result(nt.StatusInvalidParameter)}, nil
	}
	if o.granted&info.SetAccess() != info.SetAccess() {
		return &gen.SamrSetSecurityObjectResponse{Return: result(nt.StatusAccessDenied)}, nil
	}
	given, err := nt.ParseSecurityDescriptor(in.SecurityDescriptor.SecurityDescriptor)
	if err != nil {
		return &gen.SamrSetSecurityObjectResponse{Return: result(nt.StatusInvalidSecurityDescr)}, nil
	}
	have, err := s.descriptor(ctx, o)
	if err == nil {
		next := have.Merge(given, info&known)
		if info&nt.OwnerSecurityInformation != 0 && !call.Token.CanOwn(next.Owner) && !call.Token.HasPrivilege(nt.SeRestorePrivilege) {
			return &gen.SamrSetSecurityObjectResponse{Return: result(nt.StatusInvalidOwner)}, nil
		}
		k, n := o.key()
		err = s.accounts.SetSecurity(ctx, k, n, next)
	}
	return &gen.SamrSetSecurityObjectResponse{Return: result(s.changed(ctx, call, "descriptor changed", o.sid(), err))}, nil
}
