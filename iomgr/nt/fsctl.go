package nt

import "fmt"

// A control code says which device it is for, which function, how its buffers travel and what the handle must have
// been granted: device<<16 | access<<14 | function<<2 | method (CTL_CODE of the NT headers).

// CtlCode composes a control code.
func CtlCode(device, function, method, access uint32) uint32 {
	return device<<16 | access<<14 | function<<2 | method
}

// ControlDevice is the device type a control code is for.
func ControlDevice(code uint32) uint32 { return code >> 16 }

// ControlFunction is the function number in a control code.
func ControlFunction(code uint32) uint32 { return code >> 2 & 0xFFF }

// ControlMethod is the transfer method of a control code, MethodBuffered to MethodNeither.
func ControlMethod(code uint32) uint32 { return code & 3 }

// ControlAccess is what the handle must have been granted: FileReadData, FileWriteData, both or nothing.
func ControlAccess(code uint32) AccessMask { return AccessMask(code >> 14 & 3) }

// Transfer methods.
const (
	MethodBuffered  = 0
	MethodInDirect  = 1
	MethodOutDirect = 2
	MethodNeither   = 3
)

// Access wanted by a control code.
const (
	FileAnyAccess     = 0
	FileSpecialAccess = 0
	FileReadAccess    = 1
	FileWriteAccess   = 2
)

// File system controls (MS-FSCC 2.3).
const (
	FsctlCreateOrGetObjectId             = 0x000900C0
	FsctlDeleteObjectId                  = 0x000900A0
	FsctlDeleteReparsePoint              = 0x000900AC
	FsctlDuplicateExtentsToFile          = 0x00098344
	FsctlDuplicateExtentsToFileEx        = 0x000983E8
	FsctlFilesystemGetStatistics         = 0x00090060
	FsctlFileLevelTrim                   = 0x00098208
	FsctlFindFilesBySid                  = 0x0009008F
	FsctlGetCompression                  = 0x0009003C
	FsctlGetIntegrityInformation         = 0x0009027C
	FsctlGetNtfsVolumeData               = 0x00090064
	FsctlGetRefsVolumeData               = 0x000902D8
	FsctlGetObjectId                     = 0x0009009C
	FsctlGetReparsePoint                 = 0x000900A8
	FsctlGetRetrievalPointerCount        = 0x0009042B
	FsctlGetRetrievalPointers            = 0x00090073
	FsctlGetRetrievalPointersAndRefcount = 0x000903D3
	FsctlIsPathnameValid                 = 0x0009002C
	FsctlIsVolumeMounted                 = 0x00090028
	FsctlLmrSetLinkTrackingInformation   = 0x001400EC
	FsctlMarkHandle                      = 0x000900FC
	FsctlOffloadRead                     = 0x00094264
	FsctlOffloadWrite                    = 0x00098268
	FsctlQueryAllocatedRanges            = 0x000940CF
	FsctlQueryFatBpb                     = 0x00090058
	FsctlQueryFileRegions                = 0x00090284
	FsctlQueryOnDiskVolumeInfo           = 0x0009013C
	FsctlQuerySparingInfo                = 0x00090138
	FsctlQueryUsnJournal                 = 0x000900F4
	FsctlReadFileUsnData                 = 0x000900EB
	FsctlReadUsnJournal                  = 0x000900BB
	FsctlEnumUsnData                     = 0x000900B3
	FsctlRecallFile                      = 0x00090117
	FsctlRefsStreamSnapshotManagement    = 0x00090440
	FsctlSetCompression                  = 0x0009C040
	FsctlSetDefectManagement             = 0x00098134
	FsctlSetEncryption                   = 0x000900D7
	FsctlSetIntegrityInformation         = 0x0009C280
	FsctlSetIntegrityInformationEx       = 0x00090380
	FsctlSetObjectId                     = 0x00090098
	FsctlSetObjectIdExtended             = 0x000900BC
	FsctlSetReparsePoint                 = 0x000900A4
	FsctlSetSparse                       = 0x000900C4
	FsctlSetZeroData                     = 0x000980C8
	FsctlSetZeroOnDeallocation           = 0x00090194
	FsctlSisCopyfile                     = 0x00090100
	FsctlWriteUsnCloseRecord             = 0x000900EF
	FsctlLockVolume                      = 0x00090018
	FsctlUnlockVolume                    = 0x0009001C
	FsctlDismountVolume                  = 0x00090020
)

// Oplock controls: how a local opener asks for an oplock and answers its break.
const (
	FsctlRequestOplockLevel1    = 0x00090000
	FsctlRequestOplockLevel2    = 0x00090004
	FsctlRequestBatchOplock     = 0x00090008
	FsctlOplockBreakAcknowledge = 0x0009000C
	FsctlOpbatchAckClosePending = 0x00090010
	FsctlOplockBreakNotify      = 0x00090014
	FsctlOplockBreakAckNo2      = 0x00090050
	FsctlRequestFilterOplock    = 0x0009005C
	FsctlRequestOplock          = 0x00090240
)

// Controls that an SMB2 server answers itself (MS-SMB2 2.2.31).
const (
	FsctlDfsGetReferrals           = 0x00060194
	FsctlDfsGetReferralsEx         = 0x000601B0
	FsctlSrvEnumerateSnapshots     = 0x00144064
	FsctlSrvRequestResumeKey       = 0x00140078
	FsctlSrvCopychunk              = 0x001440F2
	FsctlSrvCopychunkWrite         = 0x001480F2
	FsctlSrvReadHash               = 0x001441BB
	FsctlLmrRequestResiliency      = 0x001401D4
	FsctlQueryNetworkInterfaceInfo = 0x001401FC
	FsctlValidateNegotiateInfo     = 0x00140204
)

// Named pipe controls (MS-FSCC 2.3 for those a client may send, the NT native API for the rest).
const (
	FsctlPipeAssignEvent            = 0x00110000
	FsctlPipeDisconnect             = 0x00110004
	FsctlPipeListen                 = 0x00110008
	FsctlPipePeek                   = 0x0011400C
	FsctlPipeQueryEvent             = 0x00110010
	FsctlPipeTransceive             = 0x0011C017
	FsctlPipeWait                   = 0x00110018
	FsctlPipeImpersonate            = 0x0011001C
	FsctlPipeSetClientProcess       = 0x00110020
	FsctlPipeQueryClientProcess     = 0x00110024
	FsctlPipeGetPipeAttribute       = 0x00110028
	FsctlPipeSetPipeAttribute       = 0x0011002C
	FsctlPipeGetConnectionAttribute = 0x00110030
	FsctlPipeSetConnectionAttribute = 0x00110034
	FsctlPipeGetHandleAttribute     = 0x00110038
	FsctlPipeSetHandleAttribute     = 0x0011003C
	FsctlPipeFlush                  = 0x00118040
	FsctlPipeDisableImpersonate     = 0x00110044
	FsctlPipeQueryClientProcessV2   = 0x00110054
	FsctlPipeInternalRead           = 0x00115FF4
	FsctlPipeInternalWrite          = 0x00119FF8
	FsctlPipeInternalTransceive     = 0x0011DFFF
	FsctlPipeInternalReadOvflow     = 0x00116000
)

// ControlName is the name of a control code for traces: FSCTL_PIPE_WAIT, or 0x and eight digits.
func ControlName(code uint32) string {
	switch code {
	case FsctlDfsGetReferrals:
		return "FSCTL_DFS_GET_REFERRALS"
	case FsctlDfsGetReferralsEx:
		return "FSCTL_DFS_GET_REFERRALS_EX"
	case FsctlRequestOplockLevel1:
		return "FSCTL_REQUEST_OPLOCK_LEVEL_1"
	case FsctlRequestOplockLevel2:
		return "FSCTL_REQUEST_OPLOCK_LEVEL_2"
	case FsctlRequestBatchOplock:
		return "FSCTL_REQUEST_BATCH_OPLOCK"
	case FsctlOplockBreakAcknowledge:
		return "FSCTL_OPLOCK_BREAK_ACKNOWLEDGE"
	case FsctlOpbatchAckClosePending:
		return "FSCTL_OPBATCH_ACK_CLOSE_PENDING"
	case FsctlOplockBreakNotify:
		return "FSCTL_OPLOCK_BREAK_NOTIFY"
	case FsctlLockVolume:
		return "FSCTL_LOCK_VOLUME"
	case FsctlUnlockVolume:
		return "FSCTL_UNLOCK_VOLUME"
	case FsctlDismountVolume:
		return "FSCTL_DISMOUNT_VOLUME"
	case FsctlIsVolumeMounted:
		return "FSCTL_IS_VOLUME_MOUNTED"
	case FsctlIsPathnameValid:
		return "FSCTL_IS_PATHNAME_VALID"
	case FsctlGetCompression:
		return "FSCTL_GET_COMPRESSION"
	case FsctlOplockBreakAckNo2:
		return "FSCTL_OPLOCK_BREAK_ACK_NO_2"
	case FsctlQueryFatBpb:
		return "FSCTL_QUERY_FAT_BPB"
	case FsctlRequestFilterOplock:
		return "FSCTL_REQUEST_FILTER_OPLOCK"
	case FsctlFilesystemGetStatistics:
		return "FSCTL_FILESYSTEM_GET_STATISTICS"
	case FsctlGetNtfsVolumeData:
		return "FSCTL_GET_NTFS_VOLUME_DATA"
	case FsctlGetRetrievalPointers:
		return "FSCTL_GET_RETRIEVAL_POINTERS"
	case FsctlFindFilesBySid:
		return "FSCTL_FIND_FILES_BY_SID"
	case FsctlSetObjectId:
		return "FSCTL_SET_OBJECT_ID"
	case FsctlGetObjectId:
		return "FSCTL_GET_OBJECT_ID"
	case FsctlDeleteObjectId:
		return "FSCTL_DELETE_OBJECT_ID"
	case FsctlSetReparsePoint:
		return "FSCTL_SET_REPARSE_POINT"
	case FsctlGetReparsePoint:
		return "FSCTL_GET_REPARSE_POINT"
	case FsctlDeleteReparsePoint:
		return "FSCTL_DELETE_REPARSE_POINT"
	case FsctlEnumUsnData:
		return "FSCTL_ENUM_USN_DATA"
	case FsctlReadUsnJournal:
		return "FSCTL_READ_USN_JOURNAL"
	case FsctlSetObjectIdExtended:
		return "FSCTL_SET_OBJECT_ID_EXTENDED"
	case FsctlCreateOrGetObjectId:
		return "FSCTL_CREATE_OR_GET_OBJECT_ID"
	case FsctlSetSparse:
		return "FSCTL_SET_SPARSE"
	case FsctlSetEncryption:
		return "FSCTL_SET_ENCRYPTION"
	case FsctlReadFileUsnData:
		return "FSCTL_READ_FILE_USN_DATA"
	case FsctlWriteUsnCloseRecord:
		return "FSCTL_WRITE_USN_CLOSE_RECORD"
	case FsctlQueryUsnJournal:
		return "FSCTL_QUERY_USN_JOURNAL"
	case FsctlMarkHandle:
		return "FSCTL_MARK_HANDLE"
	case FsctlSisCopyfile:
		return "FSCTL_SIS_COPYFILE"
	case FsctlRecallFile:
		return "FSCTL_RECALL_FILE"
	case FsctlQuerySparingInfo:
		return "FSCTL_QUERY_SPARING_INFO"
	case FsctlQueryOnDiskVolumeInfo:
		return "FSCTL_QUERY_ON_DISK_VOLUME_INFO"
	case FsctlSetZeroOnDeallocation:
		return "FSCTL_SET_ZERO_ON_DEALLOCATION"
	case FsctlRequestOplock:
		return "FSCTL_REQUEST_OPLOCK"
	case FsctlGetIntegrityInformation:
		return "FSCTL_GET_INTEGRITY_INFORMATION"
	case FsctlQueryFileRegions:
		return "FSCTL_QUERY_FILE_REGIONS"
	case FsctlGetRefsVolumeData:
		return "FSCTL_GET_REFS_VOLUME_DATA"
	case FsctlSetIntegrityInformationEx:
		return "FSCTL_SET_INTEGRITY_INFORMATION_EX"
	case FsctlGetRetrievalPointersAndRefcount:
		return "FSCTL_GET_RETRIEVAL_POINTERS_AND_REFCOUNT"
	case FsctlGetRetrievalPointerCount:
		return "FSCTL_GET_RETRIEVAL_POINTER_COUNT"
	case FsctlRefsStreamSnapshotManagement:
		return "FSCTL_REFS_STREAM_SNAPSHOT_MANAGEMENT"
	case FsctlQueryAllocatedRanges:
		return "FSCTL_QUERY_ALLOCATED_RANGES"
	case FsctlOffloadRead:
		return "FSCTL_OFFLOAD_READ"
	case FsctlSetZeroData:
		return "FSCTL_SET_ZERO_DATA"
	case FsctlSetDefectManagement:
		return "FSCTL_SET_DEFECT_MANAGEMENT"
	case FsctlFileLevelTrim:
		return "FSCTL_FILE_LEVEL_TRIM"
	case FsctlOffloadWrite:
		return "FSCTL_OFFLOAD_WRITE"
	case FsctlDuplicateExtentsToFile:
		return "FSCTL_DUPLICATE_EXTENTS_TO_FILE"
	case FsctlDuplicateExtentsToFileEx:
		return "FSCTL_DUPLICATE_EXTENTS_TO_FILE_EX"
	case FsctlSetCompression:
		return "FSCTL_SET_COMPRESSION"
	case FsctlSetIntegrityInformation:
		return "FSCTL_SET_INTEGRITY_INFORMATION"
	case FsctlPipeAssignEvent:
		return "FSCTL_PIPE_ASSIGN_EVENT"
	case FsctlPipeDisconnect:
		return "FSCTL_PIPE_DISCONNECT"
	case FsctlPipeListen:
		return "FSCTL_PIPE_LISTEN"
	case FsctlPipeQueryEvent:
		return "FSCTL_PIPE_QUERY_EVENT"
	case FsctlPipeWait:
		return "FSCTL_PIPE_WAIT"
	case FsctlPipeImpersonate:
		return "FSCTL_PIPE_IMPERSONATE"
	case FsctlPipeSetClientProcess:
		return "FSCTL_PIPE_SET_CLIENT_PROCESS"
	case FsctlPipeQueryClientProcess:
		return "FSCTL_PIPE_QUERY_CLIENT_PROCESS"
	case FsctlPipeGetPipeAttribute:
		return "FSCTL_PIPE_GET_PIPE_ATTRIBUTE"
	case FsctlPipeSetPipeAttribute:
		return "FSCTL_PIPE_SET_PIPE_ATTRIBUTE"
	case FsctlPipeGetConnectionAttribute:
		return "FSCTL_PIPE_GET_CONNECTION_ATTRIBUTE"
	case FsctlPipeSetConnectionAttribute:
		return "FSCTL_PIPE_SET_CONNECTION_ATTRIBUTE"
	case FsctlPipeGetHandleAttribute:
		return "FSCTL_PIPE_GET_HANDLE_ATTRIBUTE"
	case FsctlPipeSetHandleAttribute:
		return "FSCTL_PIPE_SET_HANDLE_ATTRIBUTE"
	case FsctlPipeDisableImpersonate:
		return "FSCTL_PIPE_DISABLE_IMPERSONATE"
	case FsctlPipeQueryClientProcessV2:
		return "FSCTL_PIPE_QUERY_CLIENT_PROCESS_V2"
	case FsctlPipePeek:
		return "FSCTL_PIPE_PEEK"
	case FsctlPipeInternalRead:
		return "FSCTL_PIPE_INTERNAL_READ"
	case FsctlPipeInternalReadOvflow:
		return "FSCTL_PIPE_INTERNAL_READ_OVFLOW"
	case FsctlPipeFlush:
		return "FSCTL_PIPE_FLUSH"
	case FsctlPipeInternalWrite:
		return "FSCTL_PIPE_INTERNAL_WRITE"
	case FsctlPipeTransceive:
		return "FSCTL_PIPE_TRANSCEIVE"
	case FsctlPipeInternalTransceive:
		return "FSCTL_PIPE_INTERNAL_TRANSCEIVE"
	case FsctlSrvRequestResumeKey:
		return "FSCTL_SRV_REQUEST_RESUME_KEY"
	case FsctlLmrSetLinkTrackingInformation:
		return "FSCTL_LMR_SET_LINK_TRACKING_INFORMATION"
	case FsctlLmrRequestResiliency:
		return "FSCTL_LMR_REQUEST_RESILIENCY"
	case FsctlQueryNetworkInterfaceInfo:
		return "FSCTL_QUERY_NETWORK_INTERFACE_INFO"
	case FsctlValidateNegotiateInfo:
		return "FSCTL_VALIDATE_NEGOTIATE_INFO"
	case FsctlSrvEnumerateSnapshots:
		return "FSCTL_SRV_ENUMERATE_SNAPSHOTS"
	case FsctlSrvCopychunk:
		return "FSCTL_SRV_COPYCHUNK"
	case FsctlSrvReadHash:
		return "FSCTL_SRV_READ_HASH"
	case FsctlSrvCopychunkWrite:
		return "FSCTL_SRV_COPYCHUNK_WRITE"
	}
	return fmt.Sprintf("0x%08X", code)
}
