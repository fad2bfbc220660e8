package nt

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
)

// ACE is an access control entry (MS-DTYP 2.4.4).
type ACE struct {
	Type            uint8
	Flags           uint8
	Mask            AccessMask
	SID             SID
	ObjectFlags     uint32 // object ACEs only
	ObjectType      GUID
	InheritedObject GUID
	ApplicationData []byte // callback, resource attribute and unknown ACEs: the bytes that follow
}

// ACE types (MS-DTYP 2.4.4.1).
const (
	AccessAllowedACEType               = 0x00
	AccessDeniedACEType                = 0x01
	SystemAuditACEType                 = 0x02
	SystemAlarmACEType                 = 0x03
	AccessAllowedCompoundACEType       = 0x04
	AccessAllowedObjectACEType         = 0x05
	AccessDeniedObjectACEType          = 0x06
	SystemAuditObjectACEType           = 0x07
	SystemAlarmObjectACEType           = 0x08
	AccessAllowedCallbackACEType       = 0x09
	AccessDeniedCallbackACEType        = 0x0A
	AccessAllowedCallbackObjectACEType = 0x0B
	AccessDeniedCallbackObjectACEType  = 0x0C
	SystemAuditCallbackACEType         = 0x0D
	SystemAlarmCallbackACEType         = 0x0E
	SystemAuditCallbackObjectACEType   = 0x0F
	SystemAlarmCallbackObjectACEType   = 0x10
	SystemMandatoryLabelACEType        = 0x11
	SystemResourceAttributeACEType     = 0x12
	SystemScopedPolicyIDACEType        = 0x13
)

// ACE flags (MS-DTYP 2.4.4.1).
const (
	ObjectInheritACE        = 0x01
	ContainerInheritACE     = 0x02
	NoPropagateInheritACE   = 0x04
	InheritOnlyACE          = 0x08
	InheritedACE            = 0x10
	CriticalACEFlag         = 0x20
	SuccessfulAccessACEFlag = 0x40
	FailedAccessACEFlag     = 0x80

	inheritFlags = ObjectInheritACE | ContainerInheritACE | NoPropagateInheritACE | InheritOnlyACE
)

// Flags of an object ACE: which of its two GUIDs it has (MS-DTYP 2.4.4.3).
const (
	ACEObjectTypePresent          = 0x1
	ACEInheritedObjectTypePresent = 0x2
)

// What a mandatory label ACE forbids to callers of a lower level (MS-DTYP 2.4.4.13).
const (
	SystemMandatoryLabelNoWriteUp   AccessMask = 0x1
	SystemMandatoryLabelNoReadUp    AccessMask = 0x2
	SystemMandatoryLabelNoExecuteUp AccessMask = 0x4
)

const (
	aceHeader  = 4
	minACESize = aceHeader + 4 // header and mask; every defined type has more
)

// IsObject reports an ACE that can carry object type GUIDs.
func (e *ACE) IsObject() bool {
	switch e.Type {
	case AccessAllowedObjectACEType, AccessDeniedObjectACEType, SystemAuditObjectACEType, SystemAlarmObjectACEType,
		AccessAllowedCallbackObjectACEType, AccessDeniedCallbackObjectACEType,
		SystemAuditCallbackObjectACEType, SystemAlarmCallbackObjectACEType:
		return true
	}
	return false
}

// IsCallback reports an ACE whose ApplicationData is a condition (MS-DTYP 2.4.4.17).
func (e *ACE) IsCallback() bool {
	return e.Type >= AccessAllowedCallbackACEType && e.Type <= SystemAlarmCallbackObjectACEType
}

func (e *ACE) isDeny() bool {
	switch e.Type {
	case AccessDeniedACEType, AccessDeniedObjectACEType, AccessDeniedCallbackACEType, AccessDeniedCallbackObjectACEType:
		return true
	}
	return false
}

// hasSID reports a type whose layout is known: mask, SID and what comes between and after. The others are kept as
// they are, in ApplicationData.
func (e *ACE) hasSID() bool {
	return e.Type <= SystemScopedPolicyIDACEType && e.Type != AccessAllowedCompoundACEType
}

// Equal reports that e and f are the same bytes on the wire.
func (e ACE) Equal(f ACE) bool {
	return e.Type == f.Type && e.Flags == f.Flags && e.Mask == f.Mask && e.SID == f.SID && e.ObjectFlags == f.ObjectFlags &&
		e.ObjectType == f.ObjectType && e.InheritedObject == f.InheritedObject && bytes.Equal(e.ApplicationData, f.ApplicationData)
}

// parse reads the ACE at the front of b and says how many bytes it took.
func (e *ACE) parse(b []byte) (int, error) {
	if len(b) < minACESize {
		return 0, fmt.Errorf("%d bytes: %w", len(b), StatusInvalidAcl)
	}
	size := int(binary.LittleEndian.Uint16(b[2:]))
	if size < minACESize || size > len(b) || size%4 != 0 {
		return 0, fmt.Errorf("size %d of %d bytes: %w", size, len(b), StatusInvalidAcl)
	}
	e.Type, e.Flags = b[0], b[1]
	body := b[aceHeader:size]
	if !e.hasSID() {
		e.ApplicationData = slices.Clone(body)
		return size, nil
	}
	e.Mask = AccessMask(binary.LittleEndian.Uint32(body))
	body = body[4:]
	if e.IsObject() {
		if len(body) < 4 {
			return 0, fmt.Errorf("object ACE of %d bytes: %w", size, StatusInvalidAcl)
		}
		e.ObjectFlags = binary.LittleEndian.Uint32(body)
		body = body[4:]
		for _, g := range [...]struct {
			flag uint32
			guid *GUID
		}{{ACEObjectTypePresent, &e.ObjectType}, {ACEInheritedObjectTypePresent, &e.InheritedObject}} {
			if e.ObjectFlags&g.flag == 0 {
				continue
			}
			if len(body) < len(g.guid) {
				return 0, fmt.Errorf("object ACE of %d bytes: %w", size, StatusInvalidAcl)
			}
			body = body[copy(g.guid[:], body):]
		}
	}
	sid, n, err := DecodeSID(body)
	if err != nil {
		return 0, err
	}
	e.SID = sid
	if n < len(body) {
		e.ApplicationData = slices.Clone(body[n:])
	}
	return size, nil
}

// Size is the number of bytes Append writes, a multiple of 4.
func (e *ACE) Size() int {
	n := aceHeader + (len(e.ApplicationData)+3)&^3
	if !e.hasSID() {
		return max(n, minACESize)
	}
	n += 4 + e.SID.Size()
	if e.IsObject() {
		n += 4
		if e.ObjectFlags&ACEObjectTypePresent != 0 {
			n += 16
		}
		if e.ObjectFlags&ACEInheritedObjectTypePresent != 0 {
			n += 16
		}
	}
	return n
}

// Append appends the ACE, padded with zeros to a multiple of 4.
func (e *ACE) Append(b []byte) []byte {
	size := e.Size()
	end := len(b) + size
	b = append(b, e.Type, e.Flags)
	b = binary.LittleEndian.AppendUint16(b, uint16(size))
	if e.hasSID() {
		b = binary.LittleEndian.AppendUint32(b, uint32(e.Mask))
		if e.IsObject() {
			b = binary.LittleEndian.AppendUint32(b, e.ObjectFlags)
			if e.ObjectFlags&ACEObjectTypePresent != 0 {
				b = append(b, e.ObjectType[:]...)
			}
			if e.ObjectFlags&ACEInheritedObjectTypePresent != 0 {
				b = append(b, e.InheritedObject[:]...)
			}
		}
		b = e.SID.Append(b)
	}
	b = append(b, e.ApplicationData...)
	for len(b) < end {
		b = append(b, 0)
	}
	return b
}
