package smb2

import "testing"

var testTransform = TransformHeader{Signature: seq16(), Nonce: [16]byte{5, 6}, OriginalMessageSize: 135, Flags: 1, SessionID: 0x100000000025}

func TestTransformHeader(t *testing.T) {
	testCodec(t, ParseTransformHeader, 0, testTransform)
	testReject(t, ParseTransformHeader, testTransform.Append(nil), reject{"protocol", 0, []byte{0xFE}, ErrProtocol})
}

var (
	testUnchained = []CompressionTransform{
		{OriginalCompressedSegmentSize: 4096, CompressionAlgorithm: CompressionLZ77, Uncompressed: seq(80), Compressed: seq(13)},
		{CompressionAlgorithm: CompressionLZNT1},
	}
	testChained = ChainedCompressionTransform{OriginalCompressedSegmentSize: 4096, Payloads: []CompressionPayload{
		{CompressionAlgorithm: CompressionNone, Data: seq(80)},
		{CompressionAlgorithm: CompressionPatternV1, Data: (&PatternV1Payload{'x', 4000}).Append(nil)},
		{CompressionAlgorithm: CompressionLZ77Huffman, OriginalPayloadSize: 4096, Data: seq(13)},
		{CompressionAlgorithm: CompressionLZ4, OriginalPayloadSize: 7},
	}}
)

func TestCompressionTransform(t *testing.T) {
	testCodec(t, ParseCompressionTransform, 13, testUnchained...)
	testReject(t, ParseCompressionTransform, testUnchained[0].Append(nil),
		reject{"protocol", 0, []byte{0xFE}, ErrProtocol},
		reject{"chained", 10, []byte{1}, ErrValue},
		reject{"Offset", 12, []byte{94}, ErrBounds},
		reject{"largest Offset", 12, []byte{0xFF, 0xFF, 0xFF, 0xFF}, ErrBounds})
}

func TestChainedCompressionTransform(t *testing.T) {
	b := testChained.Append(nil)
	if !IsChainedCompression(b) || IsChainedCompression(testUnchained[0].Append(nil)) || IsChainedCompression(nil) {
		t.Error("the forms are mixed up")
	}
	one := ChainedCompressionTransform{OriginalCompressedSegmentSize: 9, Payloads: testChained.Payloads[2:3]}
	testCodec(t, ParseChainedCompressionTransform, 0, one)
	again, err := ParseChainedCompressionTransform(b)
	if err != nil || len(again.Payloads) != 4 || again.Payloads[2].OriginalPayloadSize != 4096 || len(again.Payloads[0].Data) != 80 {
		t.Fatalf("got %+v, %v", again, err)
	}
	testReject(t, ParseChainedCompressionTransform, b,
		reject{"protocol", 0, []byte{0xFE}, ErrProtocol},
		reject{"first flag", 10, []byte{0}, ErrValue},
		reject{"second flag", 8 + 88 + 2, []byte{1}, ErrValue},
		reject{"Length", 12, []byte{0xFF, 0xFF, 0xFF, 0xFF}, ErrBounds},
		reject{"no room for OriginalPayloadSize", 8 + 88 + 16 + 4, []byte{3}, ErrTruncated})
	for n := range b {
		if got, err := ParseChainedCompressionTransform(b[:n:n]); err == nil && n != 8+88 && n != 8+88+16 && n != 8+88+16+8+4+13 {
			t.Errorf("%d bytes, not the end of a payload, parse as %d payloads", n, len(got.Payloads))
		}
	}
	p := PatternV1Payload{'x', 4000}
	exact(t, ParsePatternV1Payload, p)
}

func FuzzTransformHeader(f *testing.F) { fuzzCodec(f, ParseTransformHeader, testTransform) }
func FuzzCompressionTransform(f *testing.F) {
	fuzzCodec(f, ParseCompressionTransform, testUnchained...)
}
func FuzzChainedCompressionTransform(f *testing.F) {
	fuzzCodec(f, ParseChainedCompressionTransform, testChained)
}
func FuzzPatternV1Payload(f *testing.F) {
	fuzzCodec(f, ParsePatternV1Payload, PatternV1Payload{'x', 4000})
}
