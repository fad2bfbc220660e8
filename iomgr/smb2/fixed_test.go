package smb2

import (
	"bytes"
	"testing"
)

// fixedParsers read structures of a fixed length, or nearly so, that are too small for a fuzz target each.
var fixedParsers = map[string]func([]byte) ([]byte, error){
	"DHnQ request":       reencode(ParseDurableHandleRequest),
	"DHnQ response":      reencode(ParseDurableHandleResponse),
	"DHnC":               reencode(ParseDurableHandleReconnect),
	"DH2Q response":      reencode(ParseDurableHandleResponseV2),
	"AlSi":               reencode(ParseAllocationSizeContext),
	"TWrp":               reencode(ParseTimewarpToken),
	"MxAc request":       reencode(ParseQueryMaximalAccessRequest),
	"MxAc response":      reencode(ParseQueryMaximalAccessResponse),
	"QFid response":      reencode(ParseQueryOnDiskIDResponse),
	"app instance id":    reencode(ParseAppInstanceID),
	"buffer too small":   reencode(ParseBufferTooSmallError),
	"copy chunk":         reencode(ParseCopyChunkResponse),
	"validate negotiate": reencode(ParseValidateNegotiateInfoResponse),
	"query directory":    reencode(ParseQueryDirectoryResponse),
	"change notify":      reencode(ParseChangeNotifyResponse),
	"set info":           reencode(ParseSetInfoResponse),
}

func FuzzFixedStructures(f *testing.F) {
	for _, n := range []int{0, 2, 4, 8, 12, 16, 20, 24, 32} {
		f.Add(seq(n))
	}
	f.Add((&AppInstanceID{}).Append(nil))
	f.Add((&ChangeNotifyResponse{seq(5)}).Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		for name, codec := range fixedParsers {
			once, err := codec(b)
			if err != nil {
				if !isFormatError(err) {
					t.Fatalf("%s: error wraps no sentinel: %v", name, err)
				}
				continue
			}
			twice, err := codec(once)
			if err != nil || !bytes.Equal(once, twice) {
				t.Fatalf("%s: %x becomes %x, %v", name, once, twice, err)
			}
		}
	})
}
