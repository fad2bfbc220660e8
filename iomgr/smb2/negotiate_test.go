package smb2

import (
	"errors"
	"testing"

	"lwio/iomgr/nt"
)

var testNegotiateRequests = []NegotiateRequest{
	{SecurityMode: 1, Capabilities: 0x7f, ClientGUID: nt.GUID(seq16()), ClientStartTime: 77, Dialects: []Dialect{Dialect202, Dialect210, Dialect300}},
	{SecurityMode: 2, ClientGUID: nt.GUID(seq16()), Dialects: []Dialect{Dialect311}},
	{Dialects: []Dialect{Dialect302, Dialect311}, Contexts: []NegotiateContext{
		{ContextPreauthIntegrity, (&PreauthIntegrityCapabilities{[]uint16{HashSHA512}, seq(32)}).Append(nil)},
		{ContextEncryption, (&EncryptionCapabilities{[]CipherID{CipherAES256GCM, CipherAES128CCM}}).Append(nil)},
		{ContextNetname, []byte("s\x00")},
		{0x7777, []byte{1, 2, 3}},
		{ContextTransport, nil},
		{ContextSigning, (&SigningCapabilities{[]SigningAlgorithm{SigningAESGMAC}}).Append(nil)},
	}},
}

func TestNegotiateRequest(t *testing.T) {
	testCodec(t, ParseNegotiateRequest, 0, testNegotiateRequests...)
	old := testNegotiateRequests[0].Append(nil)
	testReject(t, ParseNegotiateRequest, old,
		reject{"StructureSize", 0, []byte{37}, ErrStructureSize},
		reject{"DialectCount", 2, []byte{4}, ErrBounds},
		reject{"DialectCount", 2, []byte{0xFF, 0xFF}, ErrBounds})
	b := testNegotiateRequests[2].Append(nil)
	testReject(t, ParseNegotiateRequest, b,
		reject{"context offset in the fixed part", 28, []byte{100, 0, 0, 0}, ErrBounds},
		reject{"context offset in the header", 28, []byte{0, 0, 0, 0}, ErrBounds},
		reject{"context offset in the dialects", 28, []byte{103, 0, 0, 0}, ErrBounds},
		reject{"context offset", 28, []byte{0xFF, 0xFF, 0xFF, 0xFF}, ErrBounds},
		reject{"context count", 32, []byte{0xFF, 0xFF}, ErrBounds},
		reject{"one context too many", 32, []byte{7}, ErrTruncated},
		reject{"DataLength", 40 + 2, []byte{0xFF, 0xFF}, ErrBounds})
	// The contexts start at a multiple of eight behind two dialects: 100 + 4 = 104.
	if off := le.Uint32(b[28:]); off != 104 || le.Uint16(b[32:]) != 6 {
		t.Errorf("contexts at %d", off)
	}
}

func TestDialects(t *testing.T) {
	r := testNegotiateRequests[2]
	if !r.HasDialect(Dialect302) || r.HasDialect(Dialect300) {
		t.Errorf("%v: HasDialect is wrong", r.Dialects)
	}
	for d, want := range map[Dialect]string{Dialect202: "2.0.2", Dialect210: "2.1", Dialect300: "3.0", Dialect302: "3.0.2",
		Dialect311: "3.1.1", DialectWildcard: "2.???", 0x0222: "dialect 0x0222"} {
		if got := d.String(); got != want {
			t.Errorf("%#x: %s, want %s", uint16(d), got, want)
		}
	}
}

var testNegotiateResponses = []NegotiateResponse{
	{SecurityMode: 3, Dialect: Dialect210, ServerGUID: nt.GUID(seq16()), Capabilities: 7, MaxTransactSize: 1 << 20, MaxReadSize: 1 << 21,
		MaxWriteSize: 1 << 22, SystemTime: 130000000000000000, ServerStartTime: 5, SecurityBuffer: seq(13)},
	{Dialect: DialectWildcard},
	{Dialect: Dialect311, SecurityBuffer: seq(5), Contexts: []NegotiateContext{
		{ContextPreauthIntegrity, (&PreauthIntegrityCapabilities{[]uint16{HashSHA512}, seq(32)}).Append(nil)},
		{ContextEncryption, (&EncryptionCapabilities{[]CipherID{CipherAES128GCM}}).Append(nil)},
	}},
}

func TestNegotiateResponse(t *testing.T) {
	testCodec(t, ParseNegotiateResponse, 0, testNegotiateResponses...)
	b := testNegotiateResponses[0].Append(nil)
	testReject(t, ParseNegotiateResponse, b, badOffsets(56, 2, 58, 2, 128, 64+len(b))...)
	b = testNegotiateResponses[2].Append(nil)
	testReject(t, ParseNegotiateResponse, b,
		reject{"context offset in the fixed part", 60, []byte{127, 0, 0, 0}, ErrBounds},
		reject{"context offset", 60, []byte{0, 0, 1, 0}, ErrBounds},
		reject{"context count", 6, []byte{0xFF}, ErrBounds})
}

func FuzzNegotiateRequest(f *testing.F) {
	fuzzCodec(f, ParseNegotiateRequest, testNegotiateRequests...)
}
func FuzzNegotiateResponse(f *testing.F) {
	fuzzCodec(f, ParseNegotiateResponse, testNegotiateResponses...)
}

var (
	testPreauth     = PreauthIntegrityCapabilities{HashAlgorithms: []uint16{1, 9}, Salt: seq(3)}
	testEncryption  = EncryptionCapabilities{Ciphers: []CipherID{CipherAES128GCM, CipherAES128CCM}}
	testCompression = CompressionCapabilities{Flags: CompressionFlagChained, Algorithms: []CompressionAlgorithm{CompressionLZ77, CompressionPatternV1}}
	testNetname     = NetnameContext{NetName: []byte("s\x00r\x00v\x00")}
	testTransport   = TransportCapabilities{Flags: AcceptTransportLevelSecurity}
	testRDMA        = RDMATransformCapabilities{TransformIDs: []uint16{1, 2}}
	testSigning     = SigningCapabilities{Algorithms: []SigningAlgorithm{SigningAESGMAC, SigningAESCMAC}}
)

func TestNegotiateContexts(t *testing.T) {
	testCodec(t, ParsePreauthIntegrityCapabilities, 0, testPreauth, PreauthIntegrityCapabilities{})
	testCodec(t, ParseEncryptionCapabilities, 0, testEncryption, EncryptionCapabilities{})
	testCodec(t, ParseCompressionCapabilities, 0, testCompression)
	testCodec(t, ParseTransportCapabilities, 0, testTransport)
	testCodec(t, ParseRDMATransformCapabilities, 0, testRDMA)
	testCodec(t, ParseSigningCapabilities, 0, testSigning)
	testCodec(t, ParseNetnameContext, 6, testNetname, NetnameContext{})
	if got := testNetname.Name(); got != "srv" {
		t.Errorf("netname %q", got)
	}
	if _, err := ParseNetnameContext(seq(5)); !errors.Is(err, ErrValue) {
		t.Errorf("odd netname: %v", err)
	}
	testReject(t, ParsePreauthIntegrityCapabilities, testPreauth.Append(nil),
		reject{"HashAlgorithmCount", 0, []byte{5}, ErrBounds}, reject{"SaltLength", 2, []byte{4}, ErrBounds})
	testReject(t, ParseEncryptionCapabilities, testEncryption.Append(nil), reject{"CipherCount", 0, []byte{3}, ErrBounds})
	testReject(t, ParseCompressionCapabilities, testCompression.Append(nil), reject{"count", 0, []byte{3}, ErrBounds})
	testReject(t, ParseRDMATransformCapabilities, testRDMA.Append(nil), reject{"count", 0, []byte{3}, ErrBounds})
	testReject(t, ParseSigningCapabilities, testSigning.Append(nil), reject{"count", 0, []byte{3}, ErrBounds})
}

func FuzzPreauthIntegrityCapabilities(f *testing.F) {
	fuzzCodec(f, ParsePreauthIntegrityCapabilities, testPreauth)
}
func FuzzEncryptionCapabilities(f *testing.F) {
	fuzzCodec(f, ParseEncryptionCapabilities, testEncryption)
}
func FuzzCompressionCapabilities(f *testing.F) {
	fuzzCodec(f, ParseCompressionCapabilities, testCompression)
}
func FuzzNetnameContext(f *testing.F)        { fuzzCodec(f, ParseNetnameContext, testNetname) }
func FuzzTransportCapabilities(f *testing.F) { fuzzCodec(f, ParseTransportCapabilities, testTransport) }
func FuzzRDMATransformCapabilities(f *testing.F) {
	fuzzCodec(f, ParseRDMATransformCapabilities, testRDMA)
}
func FuzzSigningCapabilities(f *testing.F) { fuzzCodec(f, ParseSigningCapabilities, testSigning) }
