package nt

import (
	"encoding/binary"
	"fmt"
)

// SecurityDescriptor is a security descriptor (MS-DTYP 2.4.6). A nil DACL with ControlDACLPresent set grants
// everything; a DACL with no ACE grants nothing.
//
// In memory ControlSelfRelative is never set: it says how the bytes are laid out, and Append always sets it.
// ControlDACLPresent and ControlSACLPresent need not be set where there is a list: Append sets them.
type SecurityDescriptor struct {
	Control uint16
	RMCtl   uint8 // the Sbz1 byte, meaningful with ControlRMValid
	Owner   SID
	Group   SID
	SACL    *ACL
	DACL    *ACL
}

// Control flags (MS-DTYP 2.4.6).
const (
	ControlOwnerDefaulted      = 0x0001
	ControlGroupDefaulted      = 0x0002
	ControlDACLPresent         = 0x0004
	ControlDACLDefaulted       = 0x0008
	ControlSACLPresent         = 0x0010
	ControlSACLDefaulted       = 0x0020
	ControlDACLTrusted         = 0x0040
	ControlServerSecurity      = 0x0080
	ControlDACLAutoInheritReq  = 0x0100
	ControlSACLAutoInheritReq  = 0x0200
	ControlDACLAutoInherited   = 0x0400
	ControlSACLAutoInherited   = 0x0800
	ControlDACLProtected       = 0x1000
	ControlSACLProtected       = 0x2000
	ControlRMValid             = 0x4000
	ControlSelfRelative        = 0x8000
	descriptorHeader           = 20
	securityDescriptorRevision = 1
)

// MaxSecurityDescriptorSize is the most bytes a descriptor can need: a header, two SIDs and two ACLs.
const MaxSecurityDescriptorSize = descriptorHeader + 2*MaxSIDSize + 2*MaxACLSize

// ParseSecurityDescriptor reads a self-relative descriptor. Every offset is checked, parts may lie in any order and
// even overlap, as Windows allows; a part whose offset is 0, or whose present flag is not set, is not there.
func ParseSecurityDescriptor(b []byte) (*SecurityDescriptor, error) {
	if len(b) < descriptorHeader {
		return nil, fmt.Errorf("security descriptor of %d bytes: %w", len(b), StatusInvalidSecurityDescr)
	}
	if b[0] != securityDescriptorRevision {
		return nil, fmt.Errorf("security descriptor of revision %d: %w", b[0], StatusUnknownRevision)
	}
	control := binary.LittleEndian.Uint16(b[2:])
	if control&ControlSelfRelative == 0 {
		return nil, fmt.Errorf("security descriptor with pointers, not offsets: %w", StatusBadDescriptorFormat)
	}
	sd := &SecurityDescriptor{Control: control &^ ControlSelfRelative, RMCtl: b[1]}
	part := func(at int) ([]byte, error) {
		off := binary.LittleEndian.Uint32(b[at:])
		if off == 0 {
			return nil, nil
		}
		if off < descriptorHeader || uint64(off) >= uint64(len(b)) {
			return nil, fmt.Errorf("offset %d in a security descriptor of %d bytes: %w", off, len(b), StatusInvalidSecurityDescr)
		}
		return b[off:], nil
	}
	for _, s := range [...]struct {
		at  int
		sid *SID
	}{{4, &sd.Owner}, {8, &sd.Group}} {
		p, err := part(s.at)
		if err != nil {
			return nil, err
		}
		if p != nil {
			if *s.sid, _, err = DecodeSID(p); err != nil {
				return nil, err
			}
		}
	}
	for _, a := range [...]struct {
		at      int
		present uint16
		acl     **ACL
	}{{12, ControlSACLPresent, &sd.SACL}, {16, ControlDACLPresent, &sd.DACL}} {
		if control&a.present == 0 {
			continue
		}
		p, err := part(a.at)
		if err != nil {
			return nil, err
		}
		if p != nil {
			if *a.acl, err = ParseACL(p); err != nil {
				return nil, err
			}
		}
	}
	return sd, nil
}

// Size is the number of bytes Append writes.
func (sd *SecurityDescriptor) Size() int {
	n := descriptorHeader + sd.Owner.Size() + sd.Group.Size()
	if sd.SACL != nil {
		n += sd.SACL.Size()
	}
	if sd.DACL != nil {
		n += sd.DACL.Size()
	}
	return n
}

// Append appends the self-relative form, its parts in the order Windows writes them: SACL, DACL, owner, group.
// The descriptor must be Valid.
func (sd *SecurityDescriptor) Append(b []byte) []byte {
	start := len(b)
	control := sd.Control | ControlSelfRelative
	if sd.SACL != nil {
		control |= ControlSACLPresent
	}
	if sd.DACL != nil {
		control |= ControlDACLPresent
	}
	b = append(b, securityDescriptorRevision, sd.RMCtl)
	b = binary.LittleEndian.AppendUint16(b, control)
	b = append(b, make([]byte, descriptorHeader-4)...)
	here := func(at int) { binary.LittleEndian.PutUint32(b[start+at:], uint32(len(b)-start)) }
	if sd.SACL != nil {
		here(12)
		b = sd.SACL.Append(b)
	}
	if sd.DACL != nil {
		here(16)
		b = sd.DACL.Append(b)
	}
	if !sd.Owner.IsZero() {
		here(4)
		b = sd.Owner.Append(b)
	}
	if !sd.Group.IsZero() {
		here(8)
		b = sd.Group.Append(b)
	}
	return b
}

// Valid tells what keeps sd from being put on the wire.
func (sd *SecurityDescriptor) Valid() error {
	for _, a := range [...]*ACL{sd.SACL, sd.DACL} {
		if a != nil {
			if err := a.Valid(); err != nil {
				return err
			}
		}
	}
	return nil
}

// Clone is a deep copy; nil of nil.
func (sd *SecurityDescriptor) Clone() *SecurityDescriptor {
	if sd == nil {
		return nil
	}
	out := *sd
	out.SACL, out.DACL = sd.SACL.Clone(), sd.DACL.Clone()
	return &out
}

// Equal reports that sd and o are the same descriptor.
func (sd *SecurityDescriptor) Equal(o *SecurityDescriptor) bool {
	if sd == nil || o == nil {
		return sd == o
	}
	return sd.control() == o.control() && sd.RMCtl == o.RMCtl && sd.Owner == o.Owner && sd.Group == o.Group &&
		sd.SACL.Equal(o.SACL) && sd.DACL.Equal(o.DACL)
}

// control is Control with the present flags that the lists imply.
func (sd *SecurityDescriptor) control() uint16 {
	c := sd.Control &^ ControlSelfRelative
	if sd.SACL != nil {
		c |= ControlSACLPresent
	}
	if sd.DACL != nil {
		c |= ControlDACLPresent
	}
	return c
}

// Select is a copy with only the parts that info names, as a query returns it (MS-FSA 2.1.5.14). The mandatory label,
// resource attributes and the central policy live in the SACL and come with their own bits; the audit ACEs come with
// SACLSecurityInformation.
func (sd *SecurityDescriptor) Select(info SecurityInformation) *SecurityDescriptor {
	if info&BackupSecurityInformation != 0 {
		return sd.Clone()
	}
	out := &SecurityDescriptor{Control: sd.Control & ControlRMValid, RMCtl: sd.RMCtl}
	if info&OwnerSecurityInformation != 0 {
		out.Owner = sd.Owner
		out.Control |= sd.Control & ControlOwnerDefaulted
	}
	if info&GroupSecurityInformation != 0 {
		out.Group = sd.Group
		out.Control |= sd.Control & ControlGroupDefaulted
	}
	if info&DACLSecurityInformation != 0 {
		out.DACL = sd.DACL.Clone()
		out.Control |= sd.control() & (ControlDACLPresent | ControlDACLDefaulted | ControlDACLAutoInheritReq |
			ControlDACLAutoInherited | ControlDACLProtected)
	}
	const sacl = SACLSecurityInformation | LabelSecurityInformation | AttributeSecurityInformation | ScopeSecurityInformation
	if info&sacl != 0 {
		out.Control |= sd.control() & (ControlSACLPresent | ControlSACLDefaulted | ControlSACLAutoInheritReq |
			ControlSACLAutoInherited | ControlSACLProtected)
		out.SACL = sd.SACL.selectSystem(info)
	}
	return out
}

// selectSystem keeps the ACEs of a SACL that info is about; nil of nil.
func (a *ACL) selectSystem(info SecurityInformation) *ACL {
	if a == nil {
		return nil
	}
	out := &ACL{Revision: a.Revision}
	for _, e := range a.Clone().ACEs {
		want := SACLSecurityInformation
		switch e.Type {
		case SystemMandatoryLabelACEType:
			want = LabelSecurityInformation
		case SystemResourceAttributeACEType:
			want = AttributeSecurityInformation
		case SystemScopedPolicyIDACEType:
			want = ScopeSecurityInformation
		}
		if info&want != 0 {
			out.ACEs = append(out.ACEs, e)
		}
	}
	return out
}
