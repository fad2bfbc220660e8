package nt

// AccessMask is an ACCESS_MASK (MS-DTYP 2.4.3).
type AccessMask uint32

// Rights that every object has.
const (
	Delete               AccessMask = 0x00010000
	ReadControl          AccessMask = 0x00020000
	WriteDAC             AccessMask = 0x00040000
	WriteOwner           AccessMask = 0x00080000
	Synchronize          AccessMask = 0x00100000
	AccessSystemSecurity AccessMask = 0x01000000
	MaximumAllowed       AccessMask = 0x02000000
	GenericAll           AccessMask = 0x10000000
	GenericExecute       AccessMask = 0x20000000
	GenericWrite         AccessMask = 0x40000000
	GenericRead          AccessMask = 0x80000000

	StandardRightsRequired = Delete | ReadControl | WriteDAC | WriteOwner
	StandardRightsRead     = ReadControl
	StandardRightsWrite    = ReadControl
	StandardRightsExecute  = ReadControl
	StandardRightsAll      = StandardRightsRequired | Synchronize
	SpecificRightsAll      = AccessMask(0x0000FFFF)
	genericRights          = GenericAll | GenericExecute | GenericWrite | GenericRead
)

// Rights of files, directories and pipes (MS-SMB2 2.2.13.1, MS-FSA 2.1.5.1). One bit has several names by what the
// object is.
const (
	FileReadData           AccessMask = 0x0001
	FileListDirectory      AccessMask = 0x0001
	FileWriteData          AccessMask = 0x0002
	FileAddFile            AccessMask = 0x0002
	FileAppendData         AccessMask = 0x0004
	FileAddSubdirectory    AccessMask = 0x0004
	FileCreatePipeInstance AccessMask = 0x0004
	FileReadEA             AccessMask = 0x0008
	FileWriteEA            AccessMask = 0x0010
	FileExecute            AccessMask = 0x0020
	FileTraverse           AccessMask = 0x0020
	FileDeleteChild        AccessMask = 0x0040
	FileReadAttributes     AccessMask = 0x0080
	FileWriteAttributes    AccessMask = 0x0100

	FileAllAccess      = StandardRightsAll | AccessMask(0x01FF)
	FileGenericRead    = StandardRightsRead | FileReadData | FileReadAttributes | FileReadEA | Synchronize
	FileGenericWrite   = StandardRightsWrite | FileWriteData | FileWriteAttributes | FileWriteEA | FileAppendData | Synchronize
	FileGenericExecute = StandardRightsExecute | FileReadAttributes | FileExecute | Synchronize
)

// The three levels that share permissions are shown and set as.
const (
	ShareAccessFull   = FileAllAccess
	ShareAccessChange = FileGenericRead | FileGenericWrite | FileGenericExecute | Delete
	ShareAccessRead   = FileGenericRead | FileGenericExecute
)

// Directory service rights, which object ACEs carry (MS-ADTS 5.1.3.2).
const (
	ADSRightDSCreateChild   AccessMask = 0x0001
	ADSRightDSDeleteChild   AccessMask = 0x0002
	ADSRightACTRLDSList     AccessMask = 0x0004
	ADSRightDSSelf          AccessMask = 0x0008
	ADSRightDSReadProp      AccessMask = 0x0010
	ADSRightDSWriteProp     AccessMask = 0x0020
	ADSRightDSDeleteTree    AccessMask = 0x0040
	ADSRightDSListObject    AccessMask = 0x0080
	ADSRightDSControlAccess AccessMask = 0x0100
)

// GenericMapping says which rights of one kind of object the four generic rights stand for.
type GenericMapping struct {
	Read, Write, Execute, All AccessMask
}

// Map replaces the generic rights in mask.
func (m GenericMapping) Map(mask AccessMask) AccessMask {
	out := mask &^ genericRights
	if mask&GenericRead != 0 {
		out |= m.Read
	}
	if mask&GenericWrite != 0 {
		out |= m.Write
	}
	if mask&GenericExecute != 0 {
		out |= m.Execute
	}
	if mask&GenericAll != 0 {
		out |= m.All
	}
	return out
}

// Generic mappings. Files, directories, pipes, devices and the rights that a share grants are all file rights.
var (
	GenericMappingFile = GenericMapping{
		Read: FileGenericRead, Write: FileGenericWrite, Execute: FileGenericExecute, All: FileAllAccess}
	GenericMappingDirectory = GenericMappingFile
	GenericMappingPipe      = GenericMappingFile
	GenericMappingDevice    = GenericMappingFile
	GenericMappingShare     = GenericMappingFile
)

// SecurityInformation says which parts of a descriptor a query or a set is about (MS-DTYP 2.4.7).
type SecurityInformation uint32

// SECURITY_INFORMATION bits.
const (
	OwnerSecurityInformation           SecurityInformation = 0x00000001
	GroupSecurityInformation           SecurityInformation = 0x00000002
	DACLSecurityInformation            SecurityInformation = 0x00000004
	SACLSecurityInformation            SecurityInformation = 0x00000008
	LabelSecurityInformation           SecurityInformation = 0x00000010
	AttributeSecurityInformation       SecurityInformation = 0x00000020
	ScopeSecurityInformation           SecurityInformation = 0x00000040
	BackupSecurityInformation          SecurityInformation = 0x00010000
	UnprotectedSACLSecurityInformation SecurityInformation = 0x10000000
	UnprotectedDACLSecurityInformation SecurityInformation = 0x20000000
	ProtectedSACLSecurityInformation   SecurityInformation = 0x40000000
	ProtectedDACLSecurityInformation   SecurityInformation = 0x80000000
)

// QueryAccess is what a handle must have been granted to read these parts (MS-FSA 2.1.5.14).
func (i SecurityInformation) QueryAccess() AccessMask {
	var m AccessMask
	if i&(OwnerSecurityInformation|GroupSecurityInformation|DACLSecurityInformation|LabelSecurityInformation|
		AttributeSecurityInformation|ScopeSecurityInformation|BackupSecurityInformation) != 0 {
		m |= ReadControl
	}
	if i&(SACLSecurityInformation|BackupSecurityInformation) != 0 {
		m |= AccessSystemSecurity
	}
	return m
}

// SetAccess is what a handle must have been granted to replace these parts (MS-FSA 2.1.5.17).
func (i SecurityInformation) SetAccess() AccessMask {
	var m AccessMask
	if i&(OwnerSecurityInformation|GroupSecurityInformation|LabelSecurityInformation|BackupSecurityInformation) != 0 {
		m |= WriteOwner
	}
	if i&(DACLSecurityInformation|AttributeSecurityInformation|BackupSecurityInformation|
		ProtectedDACLSecurityInformation|UnprotectedDACLSecurityInformation) != 0 {
		m |= WriteDAC
	}
	if i&(SACLSecurityInformation|ScopeSecurityInformation|BackupSecurityInformation|
		ProtectedSACLSecurityInformation|UnprotectedSACLSecurityInformation) != 0 {
		m |= AccessSystemSecurity
	}
	return m
}
