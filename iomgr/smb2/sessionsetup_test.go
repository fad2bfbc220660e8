package smb2

import "testing"

var testSessionSetupRequests = []SessionSetupRequest{
	{Flags: SessionSetupFlagBinding, SecurityMode: 1, Capabilities: 1, Channel: 0, PreviousSessionID: 0x1122334455667788, SecurityBuffer: seq(9)},
	{},
}

func TestSessionSetupRequest(t *testing.T) {
	testCodec(t, ParseSessionSetupRequest, 0, testSessionSetupRequests...)
	b := testSessionSetupRequests[0].Append(nil)
	testReject(t, ParseSessionSetupRequest, b, badOffsets(12, 2, 14, 2, 88, 64+len(b))...)
	testReject(t, ParseSessionSetupRequest, b, reject{"StructureSize", 0, []byte{24}, ErrStructureSize})
}

var testSessionSetupResponses = []SessionSetupResponse{
	{SessionFlags: SessionFlagEncryptData, SecurityBuffer: seq(9)},
	{},
}

func TestSessionSetupResponse(t *testing.T) {
	testCodec(t, ParseSessionSetupResponse, 0, testSessionSetupResponses...)
	b := testSessionSetupResponses[0].Append(nil)
	testReject(t, ParseSessionSetupResponse, b, badOffsets(4, 2, 6, 2, 72, 64+len(b))...)
}

func TestSessionSetupSucceeded(t *testing.T) {
	if !SessionSetupSucceeded(0) || !SessionSetupSucceeded(0xC0000016) || SessionSetupSucceeded(0xC000006D) {
		t.Error("STATUS_SUCCESS and STATUS_MORE_PROCESSING_REQUIRED carry a response, STATUS_LOGON_FAILURE does not")
	}
}

func FuzzSessionSetupRequest(f *testing.F) {
	fuzzCodec(f, ParseSessionSetupRequest, testSessionSetupRequests...)
}
func FuzzSessionSetupResponse(f *testing.F) {
	fuzzCodec(f, ParseSessionSetupResponse, testSessionSetupResponses...)
}
