package smb2

import (
	"bytes"
	"testing"
)

var testReadRequests = []ReadRequest{
	{Padding: 0x50, Flags: ReadFlagUnbuffered, Length: 65536, Offset: 1 << 40, FileID: testID, MinimumCount: 1, Channel: ChannelRDMAV1,
		RemainingBytes: 7, ChannelInfo: seq(16)},
	{Length: 10, FileID: testID},
}

func TestReadRequest(t *testing.T) {
	testCodec(t, ParseReadRequest, 0, testReadRequests[0])
	testCodec(t, ParseReadRequest, 1, testReadRequests[1])
	b := testReadRequests[0].Append(nil)
	testReject(t, ParseReadRequest, b, badOffsets(44, 2, 46, 2, 112, 64+len(b))...)
}

var testReadResponses = []ReadResponse{{DataRemaining: 5, Flags: 1, Data: seq(300)}, {}}

func TestReadResponse(t *testing.T) {
	testCodec(t, ParseReadResponse, 0, testReadResponses...)
	b := testReadResponses[0].Append(nil)
	testReject(t, ParseReadResponse, b,
		reject{"offset in the fixed part", 2, []byte{79}, ErrBounds},
		reject{"offset", 2, []byte{255}, ErrBounds},
		reject{"length", 4, []byte{0x2D, 1, 0, 0}, ErrBounds},
		reject{"largest length", 4, []byte{0xFF, 0xFF, 0xFF, 0xFF}, ErrBounds})
	w := make([]byte, ReadResponseSize)
	PutReadResponse(w, 300, 5, 1)
	if !bytes.Equal(w, b[:ReadResponseSize]) {
		t.Errorf("PutReadResponse %x, Append %x", w, b[:ReadResponseSize])
	}
}

var testWriteRequests = []WriteRequest{
	{Offset: 1 << 40, FileID: testID, RemainingBytes: 1, Flags: WriteFlagWriteThrough, Data: seq(10)},
	{FileID: testID, Channel: ChannelRDMAV1, ChannelInfo: seq(16)},
	{FileID: testID, Channel: ChannelRDMAV1, ChannelInfo: seq(16), Data: seq(3)},
	{FileID: testID},
}

func TestWriteRequest(t *testing.T) {
	testCodec(t, ParseWriteRequest, 0, testWriteRequests[:3]...)
	testCodec(t, ParseWriteRequest, 1, testWriteRequests[3])
	b := testWriteRequests[0].Append(nil)
	testReject(t, ParseWriteRequest, b, badOffsets(2, 2, 4, 4, 112, 64+len(b))...)
	b = testWriteRequests[1].Append(nil)
	testReject(t, ParseWriteRequest, b, badOffsets(40, 2, 42, 2, 112, 64+len(b))...)
}

func TestWriteResponse(t *testing.T) {
	testCodec(t, ParseWriteResponse, 0, WriteResponse{Count: 65536, Remaining: 3})
}

func FuzzReadRequest(f *testing.F)   { fuzzCodec(f, ParseReadRequest, testReadRequests...) }
func FuzzReadResponse(f *testing.F)  { fuzzCodec(f, ParseReadResponse, testReadResponses...) }
func FuzzWriteRequest(f *testing.F)  { fuzzCodec(f, ParseWriteRequest, testWriteRequests...) }
func FuzzWriteResponse(f *testing.F) { fuzzCodec(f, ParseWriteResponse, WriteResponse{Count: 1}) }

func BenchmarkParseWriteRequest(b *testing.B) {
	r := WriteRequest{FileID: testID, Data: make([]byte, 65536)}
	body := r.Append(nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseWriteRequest(body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHeaderAndReadResponse(b *testing.B) {
	buf := make([]byte, 0, 70000)
	data := make([]byte, 4096)
	h := Header{Command: Read, Flags: FlagServerToRedir}
	b.ReportAllocs()
	for b.Loop() {
		r := ReadResponse{Data: data}
		r.Append(h.Append(buf[:0]))
	}
}
