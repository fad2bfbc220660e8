package smb2

import (
	"bytes"
	"testing"
)

var (
	testAppleQuery = AppleQuery{Command: AppleServerQuery, Wanted: 7, ClientCapabilities: 15}
	testAppleReply = AppleReply{Command: AppleServerQuery, Given: AppleServerCapabilities | AppleVolumeCapabilities | AppleModelInfo,
		ServerCapabilities: AppleUnixBased, VolumeCapabilities: AppleFullSync, Model: "Größe"}
)

func TestApple(t *testing.T) {
	testCodec(t, ParseAppleQuery, 0, testAppleQuery)
	testCodec(t, ParseAppleReply, 0, testAppleReply, AppleReply{Command: 1, Given: AppleModelInfo, Model: "x"},
		AppleReply{Command: 1, Given: AppleVolumeCapabilities, VolumeCapabilities: AppleCaseSensitive}, AppleReply{Command: 1})
	b := testAppleReply.Append(nil)
	testReject(t, ParseAppleReply, b, reject{"Model", 36, []byte{0xFF, 0xFF, 0xFF, 0xFF}, ErrBounds}, reject{"odd Model", 36, []byte{9}, ErrBounds})
	if !bytes.Equal(b[:44], append([]byte{1, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0},
		'G', 0, 'r', 0)) {
		t.Errorf("wire form %x", b)
	}
}

func TestResiliency(t *testing.T) {
	testCodec(t, ParseResiliencyRequest, 0, ResiliencyRequest{}, ResiliencyRequest{Timeout: 30000})
}

func FuzzAppleQuery(f *testing.F) { fuzzCodec(f, ParseAppleQuery, testAppleQuery) }
func FuzzAppleReply(f *testing.F) { fuzzCodec(f, ParseAppleReply, testAppleReply) }
func FuzzResiliencyRequest(f *testing.F) {
	fuzzCodec(f, ParseResiliencyRequest, ResiliencyRequest{Timeout: 5})
}
