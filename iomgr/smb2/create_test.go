package smb2

import "testing"

func testChain() CreateContexts {
	var c CreateContexts
	c = c.Append(ContextQueryMaximalAccess, nil)
	c = c.Append(ContextRequestLease, (&Lease{Version: 1, LeaseState: 7}).Append(nil))
	c = c.Append(ContextAppInstanceID, (&AppInstanceID{seq16()}).Append(nil))
	return c.Append(ContextAppleExtensions, seq(3))
}

var testCreateRequests = []CreateRequest{
	{RequestedOplockLevel: OplockLevelLease, ImpersonationLevel: Impersonation, SmbCreateFlags: 3, DesiredAccess: 0x2019f,
		FileAttributes: 0x80, ShareAccess: 3, CreateDisposition: 1, CreateOptions: 0x40, Name: []byte("s\x00r\x00v\x00"), Contexts: testChain()},
	{Name: []byte("s\x00")},
	{Contexts: testChain()},
	{},
}

func TestCreateRequest(t *testing.T) {
	testCodec(t, ParseCreateRequest, 0, testCreateRequests[0], testCreateRequests[2])
	// A name takes the place of the byte that the structure wants at least; an empty request has it as padding.
	testCodec(t, ParseCreateRequest, 0, testCreateRequests[1])
	testCodec(t, ParseCreateRequest, 1, testCreateRequests[3])
	b := testCreateRequests[0].Append(nil)
	testReject(t, ParseCreateRequest, b, badOffsets(44, 2, 46, 2, 120, 64+len(b))...)
	testReject(t, ParseCreateRequest, b, badOffsets(48, 4, 52, 4, 120, 64+len(b))...)
	testReject(t, ParseCreateRequest, b, reject{"odd name", 46, []byte{5}, ErrValue},
		reject{"StructureSize", 0, []byte{56}, ErrStructureSize})
	if off := le.Uint32(b[48:]); off != 128 {
		t.Errorf("contexts at %d, want the next multiple of eight behind 126", off)
	}
	if got := testCreateRequests[0].FileName(); got != "srv" {
		t.Errorf("name %q", got)
	}
}

var testCreateResponses = []CreateResponse{
	{OplockLevel: OplockLevelBatch, Flags: CreateFlagReparsePoint, CreateAction: FileCreated, CreationTime: 1, LastAccessTime: 2,
		LastWriteTime: 3, ChangeTime: 4, AllocationSize: 4096, EndOfFile: 17, FileAttributes: 0x20, FileID: testID, Contexts: testChain()},
	{FileID: testID},
}

func TestCreateResponse(t *testing.T) {
	testCodec(t, ParseCreateResponse, 0, testCreateResponses...)
	b := testCreateResponses[0].Append(nil)
	testReject(t, ParseCreateResponse, b, badOffsets(80, 4, 84, 4, 152, 64+len(b))...)
}

func FuzzCreateRequest(f *testing.F)  { fuzzCodec(f, ParseCreateRequest, testCreateRequests...) }
func FuzzCreateResponse(f *testing.F) { fuzzCodec(f, ParseCreateResponse, testCreateResponses...) }
