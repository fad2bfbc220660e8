package nt

// AccessCheck decides what a caller may do with an object (MS-DTYP 2.5.3.2, with no object tree and nothing put in the
// place of PRINCIPAL_SELF). The rights desired are granted all or not at all; with MaximumAllowed among them,
// everything the caller could have is granted, provided the others are in it. It does not allocate.
//
// StatusAccessDenied is the usual refusal, StatusPrivilegeNotHeld the one for AccessSystemSecurity without
// SeSecurityPrivilege. A nil descriptor or token grants nothing.
//
// What this decides beyond the DACL:
//   - The owner may always read and write the DACL, unless an ACE for OWNER RIGHTS says what the owner may do.
//   - SeTakeOwnershipPrivilege gives WriteOwner, SeSecurityPrivilege gives AccessSystemSecurity when it is asked for.
//     Backup and restore privileges count only where a file is opened for backup: see BackupAccess.
//   - No condition is evaluated: a conditional ACE that denies denies, one that allows does not allow. Without an
//     object tree the same holds of an object ACE with an object type.
//   - Mandatory labels are not enforced: tokens have no integrity level here.
func AccessCheck(sd *SecurityDescriptor, tok *Token, desired AccessMask, m GenericMapping) (AccessMask, Status) {
	if sd == nil || tok == nil {
		return 0, StatusAccessDenied
	}
	maximum := desired&MaximumAllowed != 0
	desired = m.Map(desired &^ MaximumAllowed)

	var granted AccessMask
	if desired&AccessSystemSecurity != 0 {
		if !tok.HasPrivilege(SeSecurityPrivilege) {
			return 0, StatusPrivilegeNotHeld
		}
		granted |= AccessSystemSecurity
	}
	if (maximum || desired&WriteOwner != 0) && tok.HasPrivilege(SeTakeOwnershipPrivilege) {
		granted |= WriteOwner
	}

	if sd.DACL == nil {
		granted |= desired
		if maximum {
			granted |= m.All
		}
		return granted, StatusSuccess
	}

	owner := tok.HasSID(sd.Owner)
	if owner && !sd.DACL.hasOwnerRights() {
		granted |= ReadControl | WriteDAC
	}
	// No ACE can give the bits that are not rights of objects: those asked for and not granted yet stay refused.
	const grantable = StandardRightsAll | SpecificRightsAll
	want := desired & grantable
	if maximum {
		want = grantable
	}
	granted |= sd.DACL.evaluate(tok, owner, want&^granted, m)
	if desired&^granted != 0 {
		return 0, StatusAccessDenied
	}
	if !maximum {
		return desired, StatusSuccess
	}
	if granted == 0 {
		return 0, StatusAccessDenied
	}
	return granted, StatusSuccess
}

// evaluate gives those of the rights wanted that the DACL allows. The first ACE that speaks of a right decides it.
func (a *ACL) evaluate(tok *Token, owner bool, want AccessMask, m GenericMapping) AccessMask {
	var granted AccessMask
	for i := range a.ACEs {
		if want == 0 {
			break
		}
		e := &a.ACEs[i]
		if e.Flags&InheritOnlyACE != 0 {
			continue
		}
		switch e.Type {
		case AccessAllowedACEType, AccessAllowedObjectACEType:
			if e.ObjectFlags&ACEObjectTypePresent != 0 {
				continue
			}
			if mask := m.Map(e.Mask) & want; mask != 0 && (tok.HasSID(e.SID) || owner && e.SID == SIDOwnerRights) {
				granted |= mask
				want &^= mask
			}
		case AccessDeniedACEType, AccessDeniedObjectACEType, AccessDeniedCallbackACEType, AccessDeniedCallbackObjectACEType:
			if mask := m.Map(e.Mask) & want; mask != 0 && (tok.HasSIDForDeny(e.SID) || owner && e.SID == SIDOwnerRights) {
				want &^= mask
			}
		}
	}
	return granted
}

// hasOwnerRights reports an ACE in force for OWNER RIGHTS: it takes the place of what the owner has unasked.
func (a *ACL) hasOwnerRights() bool {
	for i := range a.ACEs {
		if e := &a.ACEs[i]; e.SID == SIDOwnerRights && e.Flags&InheritOnlyACE == 0 {
			return true
		}
	}
	return false
}

// BackupAccess is what a caller has, whatever the descriptor says, on a file opened with FileOpenForBackupIntent
// (MS-FSA 2.1.5.1, HasBackupAccess and HasRestoreAccess).
func BackupAccess(tok *Token) AccessMask {
	var granted AccessMask
	if tok.HasPrivilege(SeBackupPrivilege) {
		granted |= FileGenericRead | FileTraverse | ReadControl | AccessSystemSecurity
	}
	if tok.HasPrivilege(SeRestorePrivilege) {
		granted |= FileGenericWrite | FileAddFile | FileAddSubdirectory | Delete | WriteDAC | WriteOwner | AccessSystemSecurity
	}
	return granted
}
