package smb2

import (
	"bytes"
	"testing"
)

var testIoctlRequests = []IoctlRequest{
	{CtlCode: 0x0011C017, FileID: testID, MaxInputResponse: 1, MaxOutputResponse: 4280, Flags: IoctlFlagIsFSCTL, Input: seq(13)},
	{CtlCode: 0x0011C017, FileID: testID, Input: seq(13), Output: seq(5)},
	{CtlCode: 0x0011C017, FileID: testID, Output: seq(5)},
	{},
}

func TestIoctlRequest(t *testing.T) {
	testCodec(t, ParseIoctlRequest, 0, testIoctlRequests[:3]...)
	testCodec(t, ParseIoctlRequest, 1, testIoctlRequests[3])
	b := testIoctlRequests[1].Append(nil)
	testReject(t, ParseIoctlRequest, b, badOffsets(24, 4, 28, 4, 120, 64+len(b))...)
	testReject(t, ParseIoctlRequest, b, badOffsets(36, 4, 40, 4, 120, 64+len(b))...)
}

var testIoctlResponses = []IoctlResponse{
	{CtlCode: 0x0011C017, FileID: testID, Output: seq(13)},
	{CtlCode: 0x0011C017, FileID: testID, Flags: 1, Input: seq(5), Output: seq(13)},
	{},
}

func TestIoctlResponse(t *testing.T) {
	testCodec(t, ParseIoctlResponse, 0, testIoctlResponses...)
	b := testIoctlResponses[1].Append(nil)
	testReject(t, ParseIoctlResponse, b, badOffsets(24, 4, 28, 4, 112, 64+len(b))...)
	testReject(t, ParseIoctlResponse, b, badOffsets(32, 4, 36, 4, 112, 64+len(b))...)
	w := make([]byte, IoctlResponseSize)
	PutIoctlResponse(w, 0x0011C017, testID, 13)
	if b = testIoctlResponses[0].Append(nil); !bytes.Equal(w, b[:IoctlResponseSize]) {
		t.Errorf("PutIoctlResponse %x, Append %x", w, b[:IoctlResponseSize])
	}
}

func FuzzIoctlRequest(f *testing.F)  { fuzzCodec(f, ParseIoctlRequest, testIoctlRequests...) }
func FuzzIoctlResponse(f *testing.F) { fuzzCodec(f, ParseIoctlResponse, testIoctlResponses...) }
