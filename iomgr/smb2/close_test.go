package smb2

import "testing"

var testCloseResponse = CloseResponse{Flags: CloseFlagPostQueryAttrib, CreationTime: 1, LastAccessTime: 2, LastWriteTime: 3, ChangeTime: 4,
	AllocationSize: 4096, EndOfFile: 7, FileAttributes: 0x20}

func TestCloseAndFlush(t *testing.T) {
	testCodec(t, ParseCloseRequest, 0, CloseRequest{Flags: CloseFlagPostQueryAttrib, FileID: testID})
	testCodec(t, ParseCloseResponse, 0, testCloseResponse)
	testCodec(t, ParseFlushRequest, 0, FlushRequest{FileID: testID})
}

func FuzzCloseRequest(f *testing.F)  { fuzzCodec(f, ParseCloseRequest, CloseRequest{FileID: testID}) }
func FuzzCloseResponse(f *testing.F) { fuzzCodec(f, ParseCloseResponse, testCloseResponse) }
func FuzzFlushRequest(f *testing.F)  { fuzzCodec(f, ParseFlushRequest, FlushRequest{FileID: testID}) }
