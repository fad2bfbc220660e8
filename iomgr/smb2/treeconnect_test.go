package smb2

import "testing"

var testTreeConnectRequests = []TreeConnectRequest{
	{Flags: TreeConnectFlagClusterReconnect, Path: []byte(`\` + "\x00" + `\` + "\x00s\x00")},
	{},
	{Flags: TreeConnectFlagExtension, Path: []byte("a\x00b\x00c\x00"), Contexts: []TreeConnectContext{
		{RemotedIdentityContext, seq(13)}, {7, nil}}},
	{Flags: TreeConnectFlagExtension, Path: []byte("a\x00")},
	{Flags: TreeConnectFlagExtension},
}

func TestTreeConnectRequest(t *testing.T) {
	testCodec(t, parseTreeConnectRequest311, 0, testTreeConnectRequests...)
	b := testTreeConnectRequests[0].Append(nil)
	testReject(t, parseTreeConnectRequest311, b, badOffsets(4, 2, 6, 2, 72, 64+len(b))...)
	testReject(t, parseTreeConnectRequest311, b, reject{"odd path", 6, []byte{5}, ErrValue})
	b = testTreeConnectRequests[2].Append(nil)
	testReject(t, parseTreeConnectRequest311, b, badOffsets(4, 2, 6, 2, 88, 64+len(b))...)
	testReject(t, parseTreeConnectRequest311, b,
		reject{"contexts in the fixed part", 8, []byte{87, 0, 0, 0}, ErrBounds},
		reject{"contexts in the header", 8, []byte{0, 0, 0, 0}, ErrBounds},
		reject{"contexts behind the end", 8, []byte{0xFF, 0xFF, 0xFF, 0xFF}, ErrBounds},
		reject{"count", 12, []byte{0xFF, 0xFF}, ErrBounds},
		reject{"one context too many", 12, []byte{3}, ErrTruncated},
		reject{"DataLength", 32 + 2, []byte{0xFF, 0xFF}, ErrBounds})
	if name := testTreeConnectRequests[0].PathName(); name != `\\s` {
		t.Errorf("path %q", name)
	}
}

// Below 3.1.1 the flags are reserved: an extension must not be looked for.
func TestTreeConnectRequestOldDialect(t *testing.T) {
	r := TreeConnectRequest{Path: []byte("a\x00b\x00")}
	b := r.Append(nil)
	b[2] = byte(TreeConnectFlagExtension)
	got, err := ParseTreeConnectRequest(b, false)
	if err != nil || got.Flags != 0 || string(got.Path) != "a\x00b\x00" {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := ParseTreeConnectRequest(b, true); err == nil {
		t.Error("with 3.1.1 the extension is missing, and yet it parses")
	}
}

var testTreeConnectResponse = TreeConnectResponse{ShareType: ShareTypePipe, ShareFlags: ShareFlagNoCaching,
	Capabilities: ShareCapDFS, MaximalAccess: 0x1F01FF}

func TestTreeConnectResponse(t *testing.T) {
	testCodec(t, ParseTreeConnectResponse, 0, testTreeConnectResponse)
}

func FuzzTreeConnectRequest(f *testing.F) {
	fuzzCodec(f, parseTreeConnectRequest311, testTreeConnectRequests...)
}
func FuzzTreeConnectResponse(f *testing.F) {
	fuzzCodec(f, ParseTreeConnectResponse, testTreeConnectResponse)
}
