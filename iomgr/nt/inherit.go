package nt

import "fmt"

// AutoInheritFlags steer CreateSecurityDescriptor (MS-DTYP 2.5.3.4.1).
type AutoInheritFlags uint32

// Flags of CreateSecurityDescriptor. A file system creates with DACLAutoInherit|SACLAutoInherit.
const (
	DACLAutoInherit            AutoInheritFlags = 0x01 // merge what the parent's DACL passes on into an explicit one
	SACLAutoInherit            AutoInheritFlags = 0x02 // the same for the SACL
	DefaultDescriptorForObject AutoInheritFlags = 0x04 // the creator's lists count only where nothing is inherited
	AvoidPrivilegeCheck        AutoInheritFlags = 0x08 // an explicit SACL needs no SeSecurityPrivilege
	AvoidOwnerCheck            AutoInheritFlags = 0x10 // an explicit owner may be anybody
	DefaultOwnerFromParent     AutoInheritFlags = 0x20
	DefaultGroupFromParent     AutoInheritFlags = 0x40
)

// CreateSecurityDescriptor makes the descriptor of a new object (MS-DTYP 2.5.3.4.1) from that of its parent, that which
// the creator asked for, and the creator's token. Parent and creator may be nil; objectTypes are the classes of a
// directory object, nil for a file. The lists come out concrete: CREATOR OWNER, CREATOR GROUP and generic rights are
// replaced in the ACEs that hold here, and kept in inherit-only ones beside them for the objects below.
//
// Where the specification's text and Windows differ, this is what Windows does: a parent that passes nothing on to
// this kind of object counts as one without inheritable ACEs; ACEs marked as inherited in a protected list of
// the creator become explicit instead of being dropped; an ACE that needs no replacing is not split in two.
//
// Errors are StatusInvalidOwner, StatusPrivilegeNotHeld, and StatusInvalidAcl where a list grows out of its 64 KiB.
func CreateSecurityDescriptor(parent, creator *SecurityDescriptor, isContainer bool, objectTypes []GUID,
	flags AutoInheritFlags, tok *Token, m GenericMapping) (*SecurityDescriptor, error) {
	if parent == nil {
		parent = &SecurityDescriptor{}
	}
	if creator == nil {
		creator = &SecurityDescriptor{}
	}
	sd := &SecurityDescriptor{Owner: creator.Owner, Group: creator.Group}
	if creator.Control&ControlRMValid != 0 {
		sd.Control, sd.RMCtl = ControlRMValid, creator.RMCtl
	}
	switch {
	case !sd.Owner.IsZero():
		if flags&AvoidOwnerCheck == 0 && !tok.CanOwn(sd.Owner) && !tok.HasPrivilege(SeRestorePrivilege) {
			return nil, fmt.Errorf("%s may not make %s the owner: %w", tok.QualifiedName(), sd.Owner, StatusInvalidOwner)
		}
	case flags&DefaultOwnerFromParent != 0:
		sd.Owner = parent.Owner
	default:
		sd.Owner = tok.OwnerSID()
	}
	if sd.Group.IsZero() {
		if sd.Group = tok.PrimaryGroup; flags&DefaultGroupFromParent != 0 {
			sd.Group = parent.Group
		}
	}
	if flags&AvoidPrivilegeCheck == 0 && creator.SACL.needsSecurityPrivilege() && !tok.HasPrivilege(SeSecurityPrivilege) {
		return nil, fmt.Errorf("%s may not set a SACL: %w", tok.QualifiedName(), StatusPrivilegeNotHeld)
	}

	h := inheritance{isContainer: isContainer, objectTypes: objectTypes, owner: sd.Owner, group: sd.Group, mapping: m}
	defaults := flags&DefaultDescriptorForObject != 0
	control := creator.control()

	dacl := h.compute(parent.DACL, creator.DACL, control&ControlDACLPresent != 0, defaults,
		control&ControlDACLProtected != 0, flags&DACLAutoInherit != 0)
	if !dacl.present {
		dacl.acl, dacl.present = h.resolve(tok.defaultDACL(sd.Owner)), true
	}
	sd.DACL = dacl.acl
	sd.Control |= ControlDACLPresent | dacl.control

	sacl := h.compute(parent.SACL, creator.SACL, control&ControlSACLPresent != 0, defaults,
		control&ControlSACLProtected != 0, flags&SACLAutoInherit != 0)
	if sacl.present {
		sd.SACL = sacl.acl
		sd.Control |= ControlSACLPresent | sacl.control<<1 // each flag of the SACL is the bit above the DACL's
	}
	if err := sd.Valid(); err != nil {
		return nil, err
	}
	return sd, nil
}

// defaultDACL is the DACL of an object that gets none from elsewhere.
func (t *Token) defaultDACL(owner SID) *ACL {
	if t.DefaultDACL != nil {
		return t.DefaultDACL
	}
	return &ACL{Revision: ACLRevision, ACEs: []ACE{
		{Type: AccessAllowedACEType, Mask: GenericAll, SID: owner},
		{Type: AccessAllowedACEType, Mask: GenericAll, SID: SIDLocalSystem},
	}}
}

// needsSecurityPrivilege reports a SACL that audits. A label alone may be set by who may write the owner.
func (a *ACL) needsSecurityPrivilege() bool {
	if a == nil {
		return false
	}
	for i := range a.ACEs {
		if a.ACEs[i].Type != SystemMandatoryLabelACEType {
			return true
		}
	}
	return false
}

// inheritance is one object being made.
type inheritance struct {
	isContainer  bool
	objectTypes  []GUID
	owner, group SID
	mapping      GenericMapping
}

type computedACL struct {
	acl     *ACL
	present bool
	control uint16 // as of a DACL: ControlDACLProtected, ControlDACLAutoInherited
}

// compute is ComputeACL (MS-DTYP 2.5.3.4.2) up to the token's default.
func (h *inheritance) compute(parent, creator *ACL, given, defaults, protected, autoInherit bool) computedACL {
	var control uint16
	if protected {
		control = ControlDACLProtected
	}
	if !given || defaults {
		if inherited := h.fromParent(parent); len(inherited) > 0 {
			if control = 0; autoInherit {
				control = ControlDACLAutoInherited
			}
			return computedACL{newACL(inherited), true, control}
		}
		if !given {
			return computedACL{}
		}
		return computedACL{h.resolve(creator), true, control}
	}
	if creator == nil {
		return computedACL{nil, true, control} // a NULL list grants everything, and no merging changes that
	}
	out := h.fromCreator(creator, protected)
	if protected || !autoInherit {
		return computedACL{newACL(out), true, control}
	}
	return computedACL{newACL(append(out, h.fromParent(parent)...)), true, ControlDACLAutoInherited}
}

func newACL(aces []ACE) *ACL {
	a := &ACL{ACEs: aces}
	a.Revision = a.NeededRevision()
	return a.Clone()
}

// resolve makes every ACE of a list concrete; nil of nil.
func (h *inheritance) resolve(a *ACL) *ACL {
	if a == nil {
		return nil
	}
	var out []ACE
	for _, e := range a.ACEs {
		out = h.expand(out, e)
	}
	return newACL(out)
}

// fromCreator is PreProcessACLFromCreator and ComputeInheritedACLFromCreator (MS-DTYP 2.5.3.4.4, 2.5.3.4.6).
func (h *inheritance) fromCreator(a *ACL, protected bool) []ACE {
	var out []ACE
	for _, e := range a.ACEs {
		if e.Flags&InheritedACE != 0 {
			if !protected {
				continue
			}
			e.Flags &^= InheritedACE
		}
		out = h.expand(out, e)
	}
	return out
}

// fromParent is ComputeInheritedACLFromParent (MS-DTYP 2.5.3.4.5): what the parent's list passes on.
func (h *inheritance) fromParent(a *ACL) []ACE {
	if a == nil {
		return nil
	}
	var out []ACE
	for _, e := range a.ACEs {
		object, container := e.Flags&ObjectInheritACE != 0, e.Flags&ContainerInheritACE != 0
		applies := h.matches(&e) && (h.isContainer && container || !h.isContainer && object)
		onward := h.isContainer && (object || container) && e.Flags&NoPropagateInheritACE == 0
		switch {
		case applies && onward:
			e.Flags &^= InheritOnlyACE
		case applies:
			e.Flags &^= inheritFlags
		case onward:
			e.Flags |= InheritOnlyACE
		default:
			continue
		}
		e.Flags |= InheritedACE
		out = h.expand(out, e)
	}
	return out
}

// matches reports an ACE that is for every class of object or for one of this object's.
func (h *inheritance) matches(e *ACE) bool {
	if e.ObjectFlags&ACEInheritedObjectTypePresent == 0 {
		return true
	}
	for _, t := range h.objectTypes {
		if t == e.InheritedObject {
			return true
		}
	}
	return false
}

// expand appends e as the object shall have it (PostProcessACL, MS-DTYP 2.5.3.4.7): concrete where it holds here, as it
// is where it is for the objects below, and as two ACEs where these differ.
func (h *inheritance) expand(out []ACE, e ACE) []ACE {
	concrete := e
	concrete.Flags &^= inheritFlags
	concrete.Mask = h.mapping.Map(e.Mask)
	switch e.SID {
	case SIDCreatorOwner:
		concrete.SID = h.owner
	case SIDCreatorGroup:
		concrete.SID = h.group
	}
	holds := e.Flags&InheritOnlyACE == 0
	passes := h.isContainer && e.Flags&(ObjectInheritACE|ContainerInheritACE) != 0
	if holds && passes && concrete.Mask == e.Mask && concrete.SID == e.SID {
		return append(out, e)
	}
	if holds && (!concrete.SID.IsZero() || !e.hasSID()) {
		out = append(out, concrete)
	}
	if passes {
		e.Flags |= InheritOnlyACE
		out = append(out, e)
	}
	return out
}
