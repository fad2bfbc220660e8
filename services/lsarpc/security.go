package lsarpc

import (
	"context"

	gen "lwio/gen/lsarpc"
	"lwio/iomgr/nt"
	"lwio/rpc"
	"lwio/services/state"
)

// The descriptors of new objects: administrators and the system may do everything, everybody may see the descriptor.
var (
	accountSecurity = mustSDDL("O:BAG:SYD:(A;;0xF000F;;;BA)(A;;0xF000F;;;SY)(A;;RC;;;WD)")
	secretSecurity  = mustSDDL("O:BAG:SYD:(A;;0xF0003;;;BA)(A;;0xF0003;;;SY)(A;;RC;;;WD)")
)

func mustSDDL(text string) *nt.SecurityDescriptor {
	sd, err := nt.ParseSDDL(text, nt.SID{})
	if err != nil {
		panic(err) // a constant
	}
	return sd
}

// or is a descriptor, or that of new objects where it is nil.
func or(sd, fresh *nt.SecurityDescriptor) *nt.SecurityDescriptor {
	if sd == nil {
		return fresh
	}
	return sd
}

const systemSecurity = nt.SACLSecurityInformation | nt.LabelSecurityInformation | nt.AttributeSecurityInformation | nt.ScopeSecurityInformation

// descriptorOf is the descriptor of an object.
func (s *Service) descriptorOf(ctx context.Context, o object) (*nt.SecurityDescriptor, nt.Status) {
	switch o := o.(type) {
	case *account:
		a, ok := s.lsa.Account(o.sid)
		if !ok {
			return nil, nt.StatusInvalidHandle
		}
		return or(a.Security, accountSecurity), nt.StatusSuccess
	case *secret:
		x, status := s.secretOf(ctx, o)
		return or(x.Security, secretSecurity), status
	}
	return s.lsa.Policy().Security, nt.StatusSuccess
}

// LsarQuerySecurityObject tells the parts of an object's descriptor that are asked for (MS-LSAD 3.1.4.9.1).
func (s *Service) LsarQuerySecurityObject(ctx context.Context, call *rpc.Call, in *gen.LsarQuerySecurityObjectRequest) (*gen.LsarQuerySecurityObjectResponse, error) {
	info := nt.SecurityInformation(in.SecurityInformation)
	need := nt.AccessMask(0)
	if info&(nt.OwnerSecurityInformation|nt.GroupSecurityInformation|nt.DACLSecurityInformation) != 0 {
		need |= nt.ReadControl
	}
	if info&systemSecurity != 0 {
		need |= nt.AccessSystemSecurity
	}
	o, status, err := objectOf[object](call, in.ObjectHandle, need)
	if err != nil {
		return nil, err
	}
	out := &gen.LsarQuerySecurityObjectResponse{}
	if status == nt.StatusSuccess {
		var sd *nt.SecurityDescriptor
		if sd, status = s.descriptorOf(ctx, o); status == nt.StatusSuccess {
			out.SecurityDescriptor = &gen.LSAPR_SR_SECURITY_DESCRIPTOR{SecurityDescriptor: sd.Select(info &^ nt.BackupSecurityInformation).Append(nil)}
		}
	}
	out.Return = result(status)
	return out, nil
}

// LsarSetSecurityObject replaces parts of an object's descriptor (MS-LSAD 3.1.4.9.2). Handles that are open keep what they were granted.
func (s *Service) LsarSetSecurityObject(ctx context.Context, call *rpc.Call, in *gen.LsarSetSecurityObjectRequest) (*gen.LsarSetSecurityObjectResponse, error) {
	status, err := s.setSecurity(ctx, call, in)
	if err != nil {
		return nil, err
	}
	return &gen.LsarSetSecurityObjectResponse{Return: result(status)}, nil
}

func (s *Service) setSecurity(ctx context.Context, call *rpc.Call, in *gen.LsarSetSecurityObjectRequest) (nt.Status, error) {
	info := nt.SecurityInformation(in.SecurityInformation)
	need := nt.AccessMask(0)
	if info&(nt.OwnerSecurityInformation|nt.GroupSecurityInformation) != 0 {
		need |= nt.WriteOwner
	}
	if info&(nt.DACLSecurityInformation|nt.ProtectedDACLSecurityInformation|nt.UnprotectedDACLSecurityInformation) != 0 {
		need |= nt.WriteDAC
	}
	if info&(systemSecurity|nt.ProtectedSACLSecurityInformation|nt.UnprotectedSACLSecurityInformation) != 0 {
		need |= nt.AccessSystemSecurity
	}
	o, status, err := objectOf[object](call, in.ObjectHandle, need)
	if err != nil || status != nt.StatusSuccess {
		return status, err
	}
	if info&nt.BackupSecurityInformation != 0 || need == 0 {
		return nt.StatusInvalidParameter, nil
	}
	sd, err := nt.ParseSecurityDescriptor(in.SecurityDescriptor.SecurityDescriptor)
	if err != nil {
		return nt.StatusInvalidSecurityDescr, nil
	}
	if info&nt.OwnerSecurityInformation != 0 && !call.Token.CanOwn(sd.Owner) && !call.Token.HasPrivilege(nt.SeRestorePrivilege) {
		return nt.StatusInvalidOwner, nil
	}
	merge := func(have *nt.SecurityDescriptor) (*nt.SecurityDescriptor, error) {
		merged := have.Merge(sd, info)
		if merged.Valid() != nil {
			return nil, nt.StatusInvalidAcl
		}
		return merged, nil
	}
	switch o := o.(type) {
	case *account:
		err = s.lsa.ChangeAccount(ctx, o.sid, false, func(a *state.LSAAccount) (err error) {
			a.Security, err = merge(or(a.Security, accountSecurity))
			return err
		})
	case *secret:
		err = s.lsa.ChangeSecret(ctx, o.name, false, func(x *state.LSASecret) (err error) {
			x.Security, err = merge(or(x.Security, secretSecurity))
			return err
		})
	default:
		err = s.lsa.ChangePolicy(ctx, func(p *state.LSAPolicy) (err error) {
			p.Security, err = merge(p.Security)
			return err
		})
	}
	if status = statusOf(err); status == nt.StatusObjectNameNotFound {
		status = nt.StatusInvalidHandle
	}
	return status, nil
}
