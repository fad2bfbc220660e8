package nt

// Merge is a copy of sd with the parts that info names taken from in, as a set stores it (MS-FSA 2.1.5.17). The parts
// that share the SACL (audit, label, attributes, policy) are replaced each on its own. An owner or group that in does
// not have is left as it is.
// Two SACLs put together may be too large for the wire: whoever stores the result calls Valid first.
func (sd *SecurityDescriptor) Merge(in *SecurityDescriptor, info SecurityInformation) *SecurityDescriptor {
	out := sd.Clone()
	if out == nil {
		out = &SecurityDescriptor{}
	}
	if info&BackupSecurityInformation != 0 {
		info |= OwnerSecurityInformation | GroupSecurityInformation | DACLSecurityInformation | SACLSecurityInformation |
			LabelSecurityInformation | AttributeSecurityInformation | ScopeSecurityInformation
	}
	if info&OwnerSecurityInformation != 0 && !in.Owner.IsZero() {
		out.Owner = in.Owner
		out.Control = out.Control&^ControlOwnerDefaulted | in.Control&ControlOwnerDefaulted
	}
	if info&GroupSecurityInformation != 0 && !in.Group.IsZero() {
		out.Group = in.Group
		out.Control = out.Control&^ControlGroupDefaulted | in.Control&ControlGroupDefaulted
	}
	if info&DACLSecurityInformation != 0 {
		const flags = ControlDACLPresent | ControlDACLDefaulted | ControlDACLAutoInherited | ControlDACLProtected
		out.DACL = in.DACL.Clone()
		out.Control = out.Control&^flags | in.control()&flags
	}
	switch {
	case info&ProtectedDACLSecurityInformation != 0:
		out.Control |= ControlDACLProtected
	case info&UnprotectedDACLSecurityInformation != 0:
		out.Control &^= ControlDACLProtected
	}
	const system = SACLSecurityInformation | LabelSecurityInformation | AttributeSecurityInformation | ScopeSecurityInformation
	if info&system != 0 {
		keep, take := out.SACL.selectSystem(system&^info), in.SACL.selectSystem(info)
		switch {
		case keep == nil || len(keep.ACEs) == 0:
			out.SACL = take
		case take != nil:
			keep.ACEs = append(keep.ACEs, take.ACEs...)
			keep.Revision = max(keep.Revision, take.Revision)
			out.SACL = keep
		default:
			out.SACL = keep
		}
		const flags = ControlSACLDefaulted | ControlSACLAutoInherited | ControlSACLProtected
		if info&SACLSecurityInformation != 0 {
			out.Control = out.Control&^flags | in.Control&flags
		}
		out.Control &^= ControlSACLPresent
		if out.SACL != nil {
			out.Control |= ControlSACLPresent
		}
	}
	switch {
	case info&ProtectedSACLSecurityInformation != 0:
		out.Control |= ControlSACLProtected
	case info&UnprotectedSACLSecurityInformation != 0:
		out.Control &^= ControlSACLProtected
	}
	return out
}
