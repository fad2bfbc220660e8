package nt

import (
	"encoding/hex"
	"strconv"
)

// SDDL writes sd in the security descriptor definition language (MS-DTYP 2.5.1): O:BAG:SYD:PAI(A;OICI;FA;;;BA).
// ParseSDDL reads it back to an equal descriptor, whatever the domain, with these exceptions: flags that the language
// has no word for are lost (defaulted, RM control), and an ACE that it cannot say is written so that it is shown
// and refused when read: a condition or attribute as # and its bytes, an unknown type by its number.
func (sd *SecurityDescriptor) SDDL() string {
	b := make([]byte, 0, 128)
	if !sd.Owner.IsZero() {
		b = appendSDDLSID(append(b, "O:"...), sd.Owner)
	}
	if !sd.Group.IsZero() {
		b = appendSDDLSID(append(b, "G:"...), sd.Group)
	}
	c := sd.control()
	if c&ControlDACLPresent != 0 {
		b = append(b, "D:"...)
		for _, f := range aclFlagNames {
			if c&f.dacl != 0 {
				b = append(b, f.name...)
			}
		}
		b = sd.DACL.appendSDDL(b)
	}
	if c&ControlSACLPresent != 0 {
		b = append(b, "S:"...)
		for _, f := range aclFlagNames {
			if c&f.sacl != 0 {
				b = append(b, f.name...)
			}
		}
		b = sd.SACL.appendSDDL(b)
	}
	return string(b)
}

func (a *ACL) appendSDDL(b []byte) []byte {
	if a == nil {
		return append(b, noAccessControl...)
	}
	for i := range a.ACEs {
		b = a.ACEs[i].appendSDDL(b)
	}
	return b
}

// SDDL writes one ACE, parentheses included.
func (e *ACE) SDDL() string { return string(e.appendSDDL(nil)) }

func (e *ACE) appendSDDL(b []byte) []byte {
	b = append(b, '(')
	name := "0x" + strconv.FormatUint(uint64(e.Type), 16)
	for _, t := range aceTypeNames {
		if t.typ == e.Type {
			name = t.name
		}
	}
	b = append(append(b, name...), ';')
	for _, f := range aceFlagNames {
		if e.Flags&f.flag != 0 {
			b = append(b, f.name...)
		}
	}
	b = append(b, ';')
	b = append(e.appendSDDLMask(b), ';')
	if e.ObjectFlags&ACEObjectTypePresent != 0 {
		b = append(b, e.ObjectType.String()...)
	}
	b = append(b, ';')
	if e.ObjectFlags&ACEInheritedObjectTypePresent != 0 {
		b = append(b, e.InheritedObject.String()...)
	}
	b = append(b, ';')
	b = appendSDDLSID(b, e.SID)
	if len(e.ApplicationData) > 0 {
		b = hex.AppendEncode(append(b, ";#"...), e.ApplicationData)
	}
	return append(b, ')')
}

func (e *ACE) appendSDDLMask(b []byte) []byte {
	names := rightNames[:]
	if e.Type == SystemMandatoryLabelACEType {
		names = labelRights[:]
	} else {
		for _, s := range rightSets {
			if s.mask == e.Mask {
				return append(b, s.name...)
			}
		}
	}
	var known AccessMask
	for _, r := range names {
		known |= r.mask
	}
	if e.Mask&^known != 0 {
		return strconv.AppendUint(append(b, "0x"...), uint64(e.Mask), 16)
	}
	for _, r := range names {
		if e.Mask&r.mask != 0 {
			b = append(b, r.name...)
		}
	}
	return b
}

func appendSDDLSID(b []byte, sid SID) []byte {
	for i := range sidAliases {
		if a := &sidAliases[i]; a.sid == sid && a.rid == 0 {
			return append(b, a.name...)
		}
	}
	return append(b, sid.String()...)
}
