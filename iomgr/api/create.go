package api

import "lwio/iomgr/nt"

// CreateArgs are the parameters of CreateFile and CreateNamedPipeFile (MS-FSA 2.1.5.1).
type CreateArgs struct {
	Root Handle // Name is relative to it; nil for an absolute name
	Name string // `\device\path`, or relative without a leading backslash

	// Token is who opens. Nil means the process itself. From another process only that process's own identity is taken.
	Token *nt.Token

	DesiredAccess  nt.AccessMask
	ShareAccess    uint32
	Disposition    uint32
	Options        uint32
	FileAttributes uint32
	AllocationSize int64
	Impersonation  Impersonation

	SecurityDescriptor *nt.SecurityDescriptor
	EA                 []byte // FILE_FULL_EA_INFORMATION list
	CaseSensitive      bool

	Pipe *PipeArgs // CreateNamedPipeFile only

	Contexts []any // typed create contexts, found with Find

	Result CreateResult
}

// CreateResult is what a create answers.
type CreateResult struct {
	Handle   Handle
	Action   uint32 // FILE_OPENED, FILE_CREATED …
	Contexts []any
}

// Impersonation is SECURITY_IMPERSONATION_LEVEL (MS-SMB2 2.2.13).
type Impersonation uint32

// The impersonation levels.
const (
	ImpersonateAnonymous Impersonation = iota
	ImpersonateIdentification
	ImpersonateImpersonation
	ImpersonateDelegate
)

// PipeArgs are the parameters that only CreateNamedPipeFile has (NtCreateNamedPipeFile).
type PipeArgs struct {
	Type           uint32 // nt.FilePipeByteStreamType or nt.FilePipeMessageType, | nt.FilePipeRejectRemoteClients
	ReadMode       uint32 // nt.FilePipeByteStreamMode or nt.FilePipeMessageMode
	CompletionMode uint32 // nt.FilePipeQueueOperation or nt.FilePipeCompleteOperation
	MaxInstances   uint32 // nt.FilePipeUnlimitedInstances for no limit of its own
	InboundQuota   uint32 // bytes that the client may have written and the server not read
	OutboundQuota  uint32
	DefaultTimeout int64 // of WaitNamedPipe, in 100 ns, negative as relative times are
}

// DirArgs are the parameters of QueryDirectoryFile; the class is Request.Code.
type DirArgs struct {
	Pattern string // empty on a first call means all
	Restart bool
	Single  bool
	Index   uint32
	ByIndex bool
}

// LockArgs is one byte range.
type LockArgs struct {
	Offset, Length  uint64
	Key             uint32
	Exclusive       bool
	FailImmediately bool
}

// Find gives the first context of type T.
func Find[T any](contexts []any) (v T, ok bool) {
	for _, c := range contexts {
		if v, ok = c.(T); ok {
			return v, true
		}
	}
	return v, false
}

// Peer says from where a create comes if not from this machine's own programs. srv adds it, npfs keeps it for the pipe's server.
type Peer struct {
	Address    string // "192.0.2.1:49152"
	ClientName string // computer name that the client gave, if any
	SessionKey []byte // application key of the session, 16 bytes
}

// Process says which local process a create comes from. The manager's in-process callers need none; ipc adds it.
type Process struct {
	ID  uint32
	UID uint32
	GID uint32
}

// MaximalAccess asks for, and answers with, the most that the caller may do (MS-SMB2 2.2.13.2.5, 2.2.14.2.5).
type MaximalAccess struct {
	Status nt.Status
	Access nt.AccessMask
}

// DiskID answers the file's identity (MS-SMB2 2.2.14.2.9).
type DiskID struct {
	FileID   uint64
	VolumeID uint64
}
