package nt

// FileSystemControlFlags of FileFsControlInformation (MS-FSCC 2.5.2).
const (
	FileVcQuotaNone                  = 0x00000000
	FileVcQuotaTrack                 = 0x00000001
	FileVcQuotaEnforce               = 0x00000002
	FileVcContentIndexDisabled       = 0x00000008
	FileVcLogQuotaThreshold          = 0x00000010
	FileVcLogQuotaLimit              = 0x00000020
	FileVcLogVolumeThreshold         = 0x00000040
	FileVcLogVolumeLimit             = 0x00000080
	FileVcQuotasIncomplete           = 0x00000100
	FileVcQuotasRebuilding           = 0x00000200
	FileVcQuotaMask                  = FileVcQuotaTrack | FileVcQuotaEnforce
	FileVcSettable                   = FileVcQuotaMask | FileVcContentIndexDisabled | FileVcLogQuotaThreshold | FileVcLogQuotaLimit | FileVcLogVolumeThreshold | FileVcLogVolumeLimit
	QuotaUnlimited             int64 = -1 // of a threshold or limit (MS-FSCC 2.4.40)
	QuotaDelete                int64 = -2 // a limit that takes the entry out
)
