package nt

// ACL is an access control list (MS-DTYP 2.4.5).
type ACL struct {
	Revision uint8
	ACEs     []ACE
}

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

// SecurityDescriptor is a security descriptor (MS-DTYP 2.4.6). A nil DACL with ControlDACLPresent set grants
// everything; a DACL with no ACE grants nothing.
type SecurityDescriptor struct {
	Control uint16
	RMCtl   uint8 // the Sbz1 byte, meaningful with ControlRMValid
	Owner   SID
	Group   SID
	SACL    *ACL
	DACL    *ACL
}
