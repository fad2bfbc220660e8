package nt

import "testing"

func TestGenericMappings(t *testing.T) {
	for _, c := range []struct {
		name                      string
		m                         GenericMapping
		read, write, execute, all AccessMask
	}{
		{"file", GenericMappingFile, 0x00120089, 0x00120116, 0x001200A0, 0x001F01FF},
		{"pipe", GenericMappingPipe, 0x00120089, 0x00120116, 0x001200A0, 0x001F01FF},
		{"service manager", GenericMappingSCManager, 0x00020014, 0x00020022, 0x00020009, 0x000F003F},
		{"service", GenericMappingService, 0x0002008D, 0x00020002, 0x00020170, 0x000F01FF},
		{"key", GenericMappingKey, 0x00020019, 0x00020006, 0x00020019, 0x000F003F},
		{"policy", GenericMappingPolicy, 0x00020006, 0x000207F8, 0x00020801, 0x000F0FFF},
		{"SAM server", GenericMappingSamServer, 0x00020010, 0x0002000E, 0x00020021, 0x000F003F},
		{"SAM domain", GenericMappingDomain, 0x00020084, 0x0002047A, 0x00020301, 0x000F07FF},
		{"SAM user", GenericMappingUser, 0x0002031A, 0x00020044, 0x00020041, 0x000F07FF},
	} {
		if got := (GenericMapping{c.read, c.write, c.execute, c.all}); got != c.m {
			t.Errorf("%s is %+v, want %+v", c.name, c.m, got)
		}
		for _, g := range []struct{ in, want AccessMask }{
			{GenericRead, c.read}, {GenericWrite, c.write}, {GenericExecute, c.execute}, {GenericAll, c.all},
			{GenericRead | GenericWrite | MaximumAllowed, c.read | c.write | MaximumAllowed}, {0x1, 0x1}, {0, 0},
		} {
			if got := c.m.Map(g.in); got != g.want {
				t.Errorf("%s maps 0x%08X to 0x%08X, want 0x%08X", c.name, uint32(g.in), uint32(got), uint32(g.want))
			}
		}
	}
	if ShareAccessFull != 0x1F01FF || ShareAccessChange != 0x1301BF || ShareAccessRead != 0x1200A9 {
		t.Error("share permissions")
	}
}

func TestSecurityInformationAccess(t *testing.T) {
	for _, c := range []struct {
		info       SecurityInformation
		query, set AccessMask
	}{
		{OwnerSecurityInformation, ReadControl, WriteOwner},
		{GroupSecurityInformation, ReadControl, WriteOwner},
		{DACLSecurityInformation, ReadControl, WriteDAC},
		{DACLSecurityInformation | ProtectedDACLSecurityInformation, ReadControl, WriteDAC},
		{SACLSecurityInformation, AccessSystemSecurity, AccessSystemSecurity},
		{LabelSecurityInformation, ReadControl, WriteOwner},
		{AttributeSecurityInformation, ReadControl, WriteDAC},
		{ScopeSecurityInformation, ReadControl, AccessSystemSecurity},
		{BackupSecurityInformation, ReadControl | AccessSystemSecurity, WriteOwner | WriteDAC | AccessSystemSecurity},
		{0, 0, 0},
	} {
		if q, s := c.info.QueryAccess(), c.info.SetAccess(); q != c.query || s != c.set {
			t.Errorf("0x%08X: query 0x%08X, set 0x%08X", uint32(c.info), uint32(q), uint32(s))
		}
	}
}

// Control codes are composed: device, function, method and access of each are known from the headers.
func TestControlCodes(t *testing.T) {
	const fileSystem, pipe, network, dfs = FileDeviceFileSystem, FileDeviceNamedPipe, FileDeviceNetworkFileSystem, FileDeviceDfs
	for _, c := range []struct {
		code                             uint32
		device, function, method, access uint32
		name                             string
	}{
		{FsctlPipeDisconnect, pipe, 1, MethodBuffered, 0, "FSCTL_PIPE_DISCONNECT"},
		{FsctlPipeListen, pipe, 2, MethodBuffered, 0, "FSCTL_PIPE_LISTEN"},
		{FsctlPipePeek, pipe, 3, MethodBuffered, FileReadAccess, "FSCTL_PIPE_PEEK"},
		{FsctlPipeTransceive, pipe, 5, MethodNeither, FileReadAccess | FileWriteAccess, "FSCTL_PIPE_TRANSCEIVE"},
		{FsctlPipeWait, pipe, 6, MethodBuffered, 0, "FSCTL_PIPE_WAIT"},
		{FsctlPipeImpersonate, pipe, 7, MethodBuffered, 0, "FSCTL_PIPE_IMPERSONATE"},
		{FsctlPipeSetClientProcess, pipe, 8, MethodBuffered, 0, "FSCTL_PIPE_SET_CLIENT_PROCESS"},
		{FsctlPipeQueryClientProcess, pipe, 9, MethodBuffered, 0, "FSCTL_PIPE_QUERY_CLIENT_PROCESS"},
		{FsctlPipeGetPipeAttribute, pipe, 10, MethodBuffered, 0, "FSCTL_PIPE_GET_PIPE_ATTRIBUTE"},
		{FsctlPipeGetConnectionAttribute, pipe, 12, MethodBuffered, 0, "FSCTL_PIPE_GET_CONNECTION_ATTRIBUTE"},
		{FsctlPipeFlush, pipe, 16, MethodBuffered, FileWriteAccess, "FSCTL_PIPE_FLUSH"},
		{FsctlPipeInternalRead, pipe, 2045, MethodBuffered, FileReadAccess, "FSCTL_PIPE_INTERNAL_READ"},
		{FsctlPipeInternalWrite, pipe, 2046, MethodBuffered, FileWriteAccess, "FSCTL_PIPE_INTERNAL_WRITE"},
		{FsctlPipeInternalTransceive, pipe, 2047, MethodNeither, 3, "FSCTL_PIPE_INTERNAL_TRANSCEIVE"},
		{FsctlGetReparsePoint, fileSystem, 42, MethodBuffered, 0, "FSCTL_GET_REPARSE_POINT"},
		{FsctlSetReparsePoint, fileSystem, 41, MethodBuffered, 0, "FSCTL_SET_REPARSE_POINT"},
		{FsctlSetSparse, fileSystem, 49, MethodBuffered, 0, "FSCTL_SET_SPARSE"},
		{FsctlSetZeroData, fileSystem, 50, MethodBuffered, FileWriteAccess, "FSCTL_SET_ZERO_DATA"},
		{FsctlQueryAllocatedRanges, fileSystem, 51, MethodNeither, FileReadAccess, "FSCTL_QUERY_ALLOCATED_RANGES"},
		{FsctlSetCompression, fileSystem, 16, MethodBuffered, 3, "FSCTL_SET_COMPRESSION"},
		{FsctlDfsGetReferrals, dfs, 101, MethodBuffered, 0, "FSCTL_DFS_GET_REFERRALS"},
		{FsctlSrvEnumerateSnapshots, network, 25, MethodBuffered, FileReadAccess, "FSCTL_SRV_ENUMERATE_SNAPSHOTS"},
		{FsctlSrvRequestResumeKey, network, 30, MethodBuffered, 0, "FSCTL_SRV_REQUEST_RESUME_KEY"},
		{FsctlSrvCopychunk, network, 60, MethodOutDirect, FileReadAccess, "FSCTL_SRV_COPYCHUNK"},
		{FsctlSrvCopychunkWrite, network, 60, MethodOutDirect, FileWriteAccess, "FSCTL_SRV_COPYCHUNK_WRITE"},
		{FsctlQueryNetworkInterfaceInfo, network, 127, MethodBuffered, 0, "FSCTL_QUERY_NETWORK_INTERFACE_INFO"},
		{FsctlValidateNegotiateInfo, network, 129, MethodBuffered, 0, "FSCTL_VALIDATE_NEGOTIATE_INFO"},
	} {
		if got := CtlCode(c.device, c.function, c.method, c.access); got != c.code {
			t.Errorf("%s is 0x%08X, want 0x%08X", c.name, c.code, got)
		}
		if ControlDevice(c.code) != c.device || ControlFunction(c.code) != c.function || ControlMethod(c.code) != c.method ||
			ControlAccess(c.code) != AccessMask(c.access) || ControlName(c.code) != c.name {
			t.Errorf("%s comes apart as %s %d %d %d %d", c.name, ControlName(c.code), ControlDevice(c.code),
				ControlFunction(c.code), ControlMethod(c.code), ControlAccess(c.code))
		}
	}
	if got := ControlName(0x12345678); got != "0x12345678" {
		t.Errorf("an unknown code shows as %s", got)
	}
}

func TestInfoClasses(t *testing.T) {
	for _, c := range []struct {
		class FileInfoClass
		value uint8
		name  string
	}{
		{FileDirectoryInformation, 1, "FileDirectoryInformation"}, {FileBasicInformation, 4, "FileBasicInformation"},
		{FileStandardInformation, 5, "FileStandardInformation"}, {FileEndOfFileInformation, 20, "FileEndOfFileInformation"},
		{FilePipeLocalInformation, 24, "FilePipeLocalInformation"}, {FileNetworkOpenInformation, 34, "FileNetworkOpenInformation"},
		{FileIdBothDirectoryInformation, 37, "FileIdBothDirectoryInformation"}, {FileIdInformation, 59, "FileIdInformation"},
		{FileRenameInformationEx, 65, "FileRenameInformationEx"}, {FileNormalizedNameInformation, 48, "FileNormalizedNameInformation"},
		{200, 200, "FileInfoClass(200)"}, {0, 0, "FileInfoClass(0)"},
	} {
		if uint8(c.class) != c.value || c.class.String() != c.name {
			t.Errorf("%s is %d, want %s %d", c.class, uint8(c.class), c.name, c.value)
		}
	}
	if FileFsFullSizeInformation != 7 || FileFsSectorSizeInformation.String() != "FileFsSectorSizeInformation" || FsInfoClass(99).String() != "FsInfoClass(99)" {
		t.Error("volume information classes")
	}
}

func TestGUID(t *testing.T) {
	const text = "4b324fc8-1670-01d3-1278-5a47bf6ee188"
	want := GUID{0xc8, 0x4f, 0x32, 0x4b, 0x70, 0x16, 0xd3, 0x01, 0x12, 0x78, 0x5a, 0x47, 0xbf, 0x6e, 0xe1, 0x88}
	for _, s := range []string{text, "{" + text + "}"} {
		if g, err := ParseGUID(s); err != nil || g != want || g.String() != text || MustGUID(s) != g || g.IsZero() {
			t.Errorf("ParseGUID(%s) = %s, %v", s, g, err)
		}
	}
	for _, s := range []string{"", text[1:], text + "0", "{" + text, "4b324fc8x1670-01d3-1278-5a47bf6ee188", "gb324fc8-1670-01d3-1278-5a47bf6ee188"} {
		if g, err := ParseGUID(s); err == nil {
			t.Errorf("ParseGUID(%q) = %s", s, g)
		}
	}
}
