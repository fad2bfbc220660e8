package lsarpc

import (
	"context"

	"lwio/gen/dtyp"
	gen "lwio/gen/lsarpc"
	"lwio/iomgr/nt"
	"lwio/rpc"
)

// english is the only language that display names are in.
const english = 0x0409

// room is how many entries of an array an enumeration may return. A length that clients prefer is taken for that of the array alone, and one entry
// always goes: Samba's clients call once with some hundred bytes and take what they get for everything.
func room(preferred uint32) int {
	const entry = 8 // bytes of a pointer and what stands beside it
	return min(max(int(preferred/entry), 1), maxEntries)
}

// maxEntries bounds an answer, whatever length the client prefers.
const maxEntries = 4096

// LsarEnumeratePrivileges lists the privileges there are (MS-LSAD 3.1.4.8.1). It is the same list on every host.
func (s *Service) LsarEnumeratePrivileges(_ context.Context, call *rpc.Call, in *gen.LsarEnumeratePrivilegesRequest) (*gen.LsarEnumeratePrivilegesResponse, error) {
	status, err := policyOf(call, in.PolicyHandle, nt.PolicyViewLocalInformation)
	if err != nil {
		return nil, err
	}
	out := &gen.LsarEnumeratePrivilegesResponse{EnumerationContext: in.EnumerationContext, Return: result(status)}
	if status != nt.StatusSuccess {
		return out, nil
	}
	all := nt.PrivilegeNames()
	if uint64(in.EnumerationContext) >= uint64(len(all)) {
		out.Return = result(nt.StatusNoMoreEntries)
		return out, nil
	}
	rest := all[in.EnumerationContext:]
	for _, p := range rest[:min(len(rest), room(in.PreferedMaximumLength))] {
		out.EnumerationBuffer.Privileges = append(out.EnumerationBuffer.Privileges, gen.LSAPR_POLICY_PRIVILEGE_DEF{Name: dtyp.NewRPC_UNICODE_STRING(p.Name), LocalValue: luid(p.LUID)})
	}
	out.EnumerationContext += uint32(len(out.EnumerationBuffer.Privileges))
	return out, nil
}

func luid(id nt.LUID) dtyp.LUID { return dtyp.LUID{LowPart: uint32(id), HighPart: int32(id >> 32)} }

func luidOf(x dtyp.LUID) nt.LUID {
	return nt.LUID(x.LowPart) | nt.LUID(uint32(x.HighPart))<<32
}

// LsarLookupPrivilegeValue finds a privilege by its name (MS-LSAD 3.1.4.8.2).
func (s *Service) LsarLookupPrivilegeValue(_ context.Context, call *rpc.Call, in *gen.LsarLookupPrivilegeValueRequest) (*gen.LsarLookupPrivilegeValueResponse, error) {
	status, err := policyOf(call, in.PolicyHandle, nt.PolicyLookupNames)
	if err != nil {
		return nil, err
	}
	out := &gen.LsarLookupPrivilegeValueResponse{}
	if status == nt.StatusSuccess {
		p, ok := nt.LookupPrivilegeName(in.Name.String())
		if out.Value = luid(p.LUID); !ok {
			status = nt.StatusNoSuchPrivilege
		}
	}
	out.Return = result(status)
	return out, nil
}

// LsarLookupPrivilegeName names a privilege (MS-LSAD 3.1.4.8.3).
func (s *Service) LsarLookupPrivilegeName(_ context.Context, call *rpc.Call, in *gen.LsarLookupPrivilegeNameRequest) (*gen.LsarLookupPrivilegeNameResponse, error) {
	status, err := policyOf(call, in.PolicyHandle, nt.PolicyLookupNames)
	if err != nil {
		return nil, err
	}
	out := &gen.LsarLookupPrivilegeNameResponse{}
	if status == nt.StatusSuccess {
		if p, ok := nt.LookupPrivilege(luidOf(in.Value)); ok {
			name := dtyp.NewRPC_UNICODE_STRING(p.Name)
			out.Name = &name
		} else {
			status = nt.StatusNoSuchPrivilege
		}
	}
	out.Return = result(status)
	return out, nil
}

// LsarLookupPrivilegeDisplayName says what a privilege is for, in English, whichever languages the client asks for (MS-LSAD 3.1.4.8.4).
func (s *Service) LsarLookupPrivilegeDisplayName(_ context.Context, call *rpc.Call, in *gen.LsarLookupPrivilegeDisplayNameRequest) (*gen.LsarLookupPrivilegeDisplayNameResponse, error) {
	status, err := policyOf(call, in.PolicyHandle, nt.PolicyLookupNames)
	if err != nil {
		return nil, err
	}
	out := &gen.LsarLookupPrivilegeDisplayNameResponse{}
	if status == nt.StatusSuccess {
		if p, ok := nt.LookupPrivilegeName(in.Name.String()); ok {
			text := dtyp.NewRPC_UNICODE_STRING(p.DisplayName)
			out.DisplayName, out.LanguageReturned = &text, english
		} else {
			status = nt.StatusNoSuchPrivilege
		}
	}
	out.Return = result(status)
	return out, nil
}
