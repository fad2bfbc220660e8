package smb2

import (
	"bytes"
	"reflect"
	"testing"

	"lwio/iomgr/nt"
)

var (
	testValidate   = ValidateNegotiateInfoRequest{Capabilities: 0x7f, GUID: nt.GUID(seq16()), SecurityMode: 1, Dialects: []Dialect{Dialect202, Dialect300}}
	testInterfaces = []NetworkInterfaceInfo{
		{IfIndex: 2, Capability: InterfaceRSSCapable, LinkSpeed: 1e10, Port: 445, IP: [16]byte{127, 0, 0, 1}},
		{IfIndex: 3, LinkSpeed: 1e9, IPv6: true, IP: seq16(), FlowInfo: 9, ScopeID: 3},
	}
	testPipeWait = PipeWaitRequest{Timeout: 5e7, TimeoutSpecified: true, Name: []byte("s\x00r\x00v\x00")}
	testPeek     = PipePeekReply{NamedPipeState: 3, ReadDataAvailable: 9, NumberOfMessages: 1, MessageLength: 9, Data: seq(5)}
	testChunks   = CopyChunkRequest{SourceKey: ResumeKey(seq(24)), Chunks: []CopyChunk{{1 << 40, 2, 3}, {4, 5, 6}}}
)

func TestValidateNegotiateInfo(t *testing.T) {
	testCodec(t, ParseValidateNegotiateInfoRequest, 0, testValidate)
	testReject(t, ParseValidateNegotiateInfoRequest, testValidate.Append(nil), reject{"DialectCount", 22, []byte{3}, ErrBounds})
	testCodec(t, ParseValidateNegotiateInfoResponse, 0,
		ValidateNegotiateInfoResponse{Capabilities: 0x7f, GUID: nt.GUID(seq16()), SecurityMode: 1, Dialect: Dialect302})
}

func TestNetworkInterfaces(t *testing.T) {
	b := AppendNetworkInterfaces(nil, testInterfaces)
	got, err := ParseNetworkInterfaces(b)
	if err != nil || !reflect.DeepEqual(got, testInterfaces) {
		t.Errorf("got %+v, %v", got, err)
	}
	if len(b) != 2*152 || le.Uint32(b) != 152 || !bytes.Equal(b[24:32], []byte{2, 0, 1, 0xBD, 127, 0, 0, 1}) {
		t.Errorf("wire form %x", b)
	}
	for n := 1; n < len(b); n++ {
		if _, err := ParseNetworkInterfaces(b[:n:n]); err == nil {
			t.Errorf("%d of %d bytes parse", n, len(b))
		}
	}
	testReject(t, ParseNetworkInterfaces, b,
		reject{"Family", 24, []byte{3}, ErrValue},
		reject{"Next in the structure", 0, []byte{151}, ErrBounds},
		reject{"Next", 0, []byte{0xFF, 0xFF, 0xFF, 0xFF}, ErrBounds})
}

func TestPipeControls(t *testing.T) {
	testCodec(t, ParsePipeWaitRequest, 0, testPipeWait, PipeWaitRequest{})
	testCodec(t, ParsePipePeekReply, 5, testPeek)
	testReject(t, ParsePipeWaitRequest, testPipeWait.Append(nil),
		reject{"NameLength", 8, []byte{8}, ErrBounds},
		reject{"largest NameLength", 8, []byte{0xFF, 0xFF, 0xFF, 0xFF}, ErrBounds},
		reject{"odd NameLength", 8, []byte{5}, ErrValue})
	if testPipeWait.PipeName() != "srv" {
		t.Errorf("name %q", testPipeWait.PipeName())
	}
}

func TestCopyChunk(t *testing.T) {
	testCodec(t, ParseCopyChunkRequest, 0, testChunks)
	testReject(t, ParseCopyChunkRequest, testChunks.Append(nil),
		reject{"ChunkCount", 24, []byte{3}, ErrBounds},
		reject{"largest ChunkCount", 24, []byte{0xFF, 0xFF, 0xFF, 0xFF}, ErrBounds})
	testCodec(t, ParseCopyChunkResponse, 0, CopyChunkResponse{1, 2, 3})
	testCodec(t, ParseResumeKeyResponse, 0, ResumeKeyResponse{ResumeKey: ResumeKey(seq(24)), Context: seq(4)})
	testCodec(t, ParseResumeKeyResponse, 4, ResumeKeyResponse{ResumeKey: ResumeKey(seq(24))})
	r := ResumeKeyResponse{ResumeKey: ResumeKey(seq(24)), Context: seq(4)}
	testReject(t, ParseResumeKeyResponse, r.Append(nil), reject{"ContextLength", 24, []byte{5}, ErrBounds})
	if n := len((&ResumeKeyResponse{}).Append(nil)); n != 32 {
		t.Errorf("%d bytes, want 32", n)
	}
}

func FuzzValidateNegotiateInfoRequest(f *testing.F) {
	fuzzCodec(f, ParseValidateNegotiateInfoRequest, testValidate)
}
func FuzzNetworkInterfaces(f *testing.F) {
	f.Add(AppendNetworkInterfaces(nil, testInterfaces))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := ParseNetworkInterfaces(b)
		if err != nil {
			return
		}
		again, err := ParseNetworkInterfaces(AppendNetworkInterfaces(nil, list))
		if err != nil || !reflect.DeepEqual(again, list) {
			t.Fatalf("got %+v, %v\nwant %+v", again, err, list)
		}
	})
}
func FuzzPipeWaitRequest(f *testing.F)   { fuzzCodec(f, ParsePipeWaitRequest, testPipeWait) }
func FuzzPipePeekReply(f *testing.F)     { fuzzCodec(f, ParsePipePeekReply, testPeek) }
func FuzzCopyChunkRequest(f *testing.F)  { fuzzCodec(f, ParseCopyChunkRequest, testChunks) }
func FuzzResumeKeyResponse(f *testing.F) { fuzzCodec(f, ParseResumeKeyResponse, ResumeKeyResponse{}) }
