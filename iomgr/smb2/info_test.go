package smb2

import "testing"

var testQueryInfoRequests = []QueryInfoRequest{
	{InfoType: InfoQuota, FileInfoClass: 4, OutputBufferLength: 65536, AdditionalInformation: 7, Flags: QueryInfoRestartScan, FileID: testID, Input: seq(13)},
	{InfoType: InfoFile, FileInfoClass: 5, FileID: testID},
}

func TestQueryInfoRequest(t *testing.T) {
	testCodec(t, ParseQueryInfoRequest, 0, testQueryInfoRequests[0])
	testCodec(t, ParseQueryInfoRequest, 1, testQueryInfoRequests[1])
	b := testQueryInfoRequests[0].Append(nil)
	testReject(t, ParseQueryInfoRequest, b, badOffsets(8, 2, 12, 4, 104, 64+len(b))...)
}

var testQuota = QueryQuotaInfo{ReturnSingle: true, StartSidLength: 12, StartSidOffset: 4, SidBuffer: seq(16)}

func TestQueryQuotaInfo(t *testing.T) {
	testCodec(t, ParseQueryQuotaInfo, 0, testQuota, QueryQuotaInfo{RestartScan: true, SidListLength: 5, SidBuffer: seq(5)})
	testReject(t, ParseQueryQuotaInfo, testQuota.Append(nil),
		reject{"SidListLength", 4, []byte{17}, ErrBounds},
		reject{"StartSidLength", 8, []byte{13}, ErrBounds},
		reject{"StartSidOffset", 12, []byte{0xFF, 0xFF, 0xFF, 0xFF}, ErrBounds})
}

func TestOutputResponses(t *testing.T) {
	testCodec(t, ParseQueryInfoResponse, 0, QueryInfoResponse{seq(13)}, QueryInfoResponse{})
	testCodec(t, ParseQueryDirectoryResponse, 0, QueryDirectoryResponse{seq(13)}, QueryDirectoryResponse{})
	testCodec(t, ParseChangeNotifyResponse, 0, ChangeNotifyResponse{seq(13)}, ChangeNotifyResponse{})
	b := (&QueryInfoResponse{seq(13)}).Append(nil)
	testReject(t, ParseQueryInfoResponse, b, badOffsets(2, 2, 4, 4, 72, 64+len(b))...)
}

var testSetInfoRequests = []SetInfoRequest{
	{InfoType: InfoSecurity, AdditionalInformation: 4, FileID: testID, Buffer: seq(13)},
	{InfoType: InfoFile, FileInfoClass: 4, FileID: testID},
}

func TestSetInfoRequest(t *testing.T) {
	testCodec(t, ParseSetInfoRequest, 0, testSetInfoRequests[0])
	testCodec(t, ParseSetInfoRequest, 1, testSetInfoRequests[1])
	b := testSetInfoRequests[0].Append(nil)
	testReject(t, ParseSetInfoRequest, b, badOffsets(8, 2, 4, 4, 96, 64+len(b))...)
}

var testQueryDirectoryRequests = []QueryDirectoryRequest{
	{FileInformationClass: 37, Flags: QueryDirectoryRestartScans, FileIndex: 9, FileID: testID, OutputBufferLength: 65536, Pattern: []byte("*\x00.\x00")},
	{FileID: testID},
}

func TestQueryDirectoryRequest(t *testing.T) {
	testCodec(t, ParseQueryDirectoryRequest, 0, testQueryDirectoryRequests[0])
	testCodec(t, ParseQueryDirectoryRequest, 1, testQueryDirectoryRequests[1])
	b := testQueryDirectoryRequests[0].Append(nil)
	testReject(t, ParseQueryDirectoryRequest, b, badOffsets(24, 2, 26, 2, 96, 64+len(b))...)
	testReject(t, ParseQueryDirectoryRequest, b, reject{"odd pattern", 26, []byte{3}, ErrValue})
	if p := testQueryDirectoryRequests[0].SearchPattern(); p != "*." {
		t.Errorf("pattern %q", p)
	}
}

var testChangeNotifyRequest = ChangeNotifyRequest{Flags: ChangeNotifyWatchTree, OutputBufferLength: 4096, FileID: testID, CompletionFilter: 0xFFF}

func TestChangeNotifyRequest(t *testing.T) {
	testCodec(t, ParseChangeNotifyRequest, 0, testChangeNotifyRequest)
}

func FuzzQueryInfoRequest(f *testing.F) {
	fuzzCodec(f, ParseQueryInfoRequest, testQueryInfoRequests...)
}
func FuzzQueryQuotaInfo(f *testing.F) { fuzzCodec(f, ParseQueryQuotaInfo, testQuota) }
func FuzzQueryInfoResponse(f *testing.F) {
	fuzzCodec(f, ParseQueryInfoResponse, QueryInfoResponse{seq(13)})
}
func FuzzSetInfoRequest(f *testing.F) { fuzzCodec(f, ParseSetInfoRequest, testSetInfoRequests...) }
func FuzzQueryDirectoryRequest(f *testing.F) {
	fuzzCodec(f, ParseQueryDirectoryRequest, testQueryDirectoryRequests...)
}
func FuzzChangeNotifyRequest(f *testing.F) {
	fuzzCodec(f, ParseChangeNotifyRequest, testChangeNotifyRequest)
}
