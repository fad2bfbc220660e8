package api

import "lwio/iomgr/nt"

// Op is the major function of a request.
type Op uint8

// The operations. Their order is part of the ipc protocol: new ones are added at the end.
const (
	OpCreate Op = iota
	OpCreateNamedPipe
	OpClose
	OpRead
	OpWrite
	OpFsControl
	OpDeviceControl
	OpQueryInformation
	OpSetInformation
	OpQueryDirectory
	OpNotifyChange
	OpLock
	OpUnlock
	OpQuerySecurity
	OpSetSecurity
	OpQueryEA
	OpSetEA
	OpQueryVolume
	OpSetVolume
	OpQueryQuota
	OpSetQuota
	OpFlush
	OpCancel
	NumOps // not an operation
)

var opNames = [NumOps]string{
	"create", "create-named-pipe", "close", "read", "write", "fsctl", "ioctl", "query-information", "set-information",
	"query-directory", "notify-change", "lock", "unlock", "query-security", "set-security", "query-ea", "set-ea",
	"query-volume", "set-volume", "query-quota", "set-quota", "flush", "cancel",
}

func (o Op) String() string {
	if o < NumOps {
		return opNames[o]
	}
	return "op?"
}

// opAccess is what a handle must have been granted for an operation; any one bit is enough. Controls and security
// depend on the request: see allowed.
var opAccess = [NumOps]nt.AccessMask{
	OpRead:           nt.FileReadData | nt.FileExecute,
	OpWrite:          nt.FileWriteData | nt.FileAppendData,
	OpLock:           nt.FileReadData | nt.FileWriteData,
	OpQueryDirectory: nt.FileReadData, // FILE_LIST_DIRECTORY
	OpNotifyChange:   nt.FileReadData,
	OpQueryEA:        nt.FileReadEA,
	OpSetEA:          nt.FileWriteEA,
	OpSetVolume:      nt.FileWriteData,
	OpSetQuota:       nt.FileWriteData,
}
