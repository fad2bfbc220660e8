package winreg

import (
	"context"

	gen "lwio/gen/winreg"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

// parts are what of a descriptor can be asked for and set.
const parts = nt.OwnerSecurityInformation | nt.GroupSecurityInformation | nt.DACLSecurityInformation | nt.SACLSecurityInformation | nt.LabelSecurityInformation |
	nt.ProtectedDACLSecurityInformation | nt.UnprotectedDACLSecurityInformation | nt.ProtectedSACLSecurityInformation | nt.UnprotectedSACLSecurityInformation

// BaseRegGetKeySecurity reads parts of a key's descriptor (MS-RRP 3.1.5.13).
func (s *Service) BaseRegGetKeySecurity(_ context.Context, call *rpc.Call, in *gen.BaseRegGetKeySecurityRequest) (*gen.BaseRegGetKeySecurityResponse, error) {
	info := nt.SecurityInformation(in.SecurityInformation)
	k, code, err := s.keyOf(call, in.HKey, info.QueryAccess())
	if err != nil {
		return nil, err
	}
	room := in.PRpcSecurityDescriptorIn.CbInSecurityDescriptor
	out := &gen.BaseRegGetKeySecurityResponse{Return: code}
	out.PRpcSecurityDescriptorOut.CbInSecurityDescriptor = room
	switch {
	case code != success:
		return out, nil
	case k.perf:
		out.Return = notSupported
		return out, nil
	}
	sd, err := s.reg.Security(k.RegistryKey)
	if err != nil {
		out.Return = codeOf(err)
		return out, nil
	}
	b := sd.Select(info & parts).Append(nil)
	if uint32(len(b)) > room {
		out.PRpcSecurityDescriptorOut.CbInSecurityDescriptor = uint32(len(b))
		out.Return = uint32(nt.WErrInsufficientBuffer)
		return out, nil
	}
	out.PRpcSecurityDescriptorOut = gen.RPC_SECURITY_DESCRIPTOR{LpSecurityDescriptor: b, CbInSecurityDescriptor: room, CbOutSecurityDescriptor: uint32(len(b))}
	return out, nil
}

// BaseRegSetKeySecurity replaces parts of a key's descriptor (MS-RRP 3.1.5.22). Handles that are open keep what they were granted, and keys under it what
// they have.
func (s *Service) BaseRegSetKeySecurity(ctx context.Context, call *rpc.Call, in *gen.BaseRegSetKeySecurityRequest) (*gen.BaseRegSetKeySecurityResponse, error) {
	info := nt.SecurityInformation(in.SecurityInformation)
	k, code, err := s.keyOf(call, in.HKey, info.SetAccess())
	if err != nil {
		return nil, err
	}
	out := &gen.BaseRegSetKeySecurityResponse{Return: code}
	switch {
	case code != success:
		return out, nil
	case info&parts == 0 || info&^parts != 0 || k.perf:
		out.Return = invalidParameter
		return out, nil
	}
	sd, err := nt.ParseSecurityDescriptor(in.PRpcSecurityDescriptor.LpSecurityDescriptor)
	switch {
	case err != nil:
		out.Return = invalidParameter
		return out, nil
	case info&nt.OwnerSecurityInformation != 0 && sd.Owner.IsZero(), info&nt.GroupSecurityInformation != 0 && sd.Group.IsZero():
		out.Return = invalidParameter
		return out, nil
	case info&nt.OwnerSecurityInformation != 0 && !call.Token.CanOwn(sd.Owner) && !call.Token.HasPrivilege(nt.SeRestorePrivilege):
		out.Return = uint32(nt.WErrInvalidOwner)
		return out, nil
	}
	out.Return = codeOf(s.reg.SetSecurity(ctx, k.RegistryKey, func(have *nt.SecurityDescriptor) (*nt.SecurityDescriptor, error) {
		merged := have.Merge(sd, info)
		if merged.Valid() != nil {
			return nil, nt.WErrInvalidAcl
		}
		return merged, nil
	}))
	return out, nil
}
