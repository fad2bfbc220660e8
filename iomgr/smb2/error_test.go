package smb2

import (
	"bytes"
	"reflect"
	"testing"
)

var (
	testSymlink  = SymbolicLinkError{UnparsedPathLength: 6, Flags: SymlinkFlagRelative, SubstituteName: []byte("a\x00b\x00"), PrintName: []byte("c\x00")}
	testRedirect = ShareRedirectError{TargetType: 1, Destinations: []MoveDestination{{MoveDestinationIPv4, [16]byte{10, 0, 0, 1}},
		{MoveDestinationIPv6, seq16()}}, ResourceName: []byte("s\x00")}
)

func TestErrorResponse(t *testing.T) {
	testCodec(t, ParseErrorResponse, 0, ErrorResponse{ErrorData: seq(4)},
		NewErrorResponse(ErrorContext{ErrorIDDefault, seq(4)}, ErrorContext{ErrorIDShareRedirect, testRedirect.Append(nil)}))
	testCodec(t, ParseErrorResponse, 1, ErrorResponse{})
	if b := (&ErrorResponse{}).Append(nil); !bytes.Equal(b, []byte{9, 0, 0, 0, 0, 0, 0, 0, 0}) {
		t.Errorf("empty error %x", b)
	}
	testReject(t, ParseErrorResponse, (&ErrorResponse{ErrorData: seq(4)}).Append(nil),
		reject{"ByteCount", 4, []byte{5}, ErrBounds},
		reject{"largest ByteCount", 4, []byte{0xFF, 0xFF, 0xFF, 0xFF}, ErrBounds})
}

func TestErrorContexts(t *testing.T) {
	want := []ErrorContext{{ErrorIDDefault, seq(4)}, {ErrorIDShareRedirect, seq(9)}, {ErrorIDDefault, nil}}
	r := NewErrorResponse(want...)
	got, err := r.Contexts()
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	if le.Uint32(r.ErrorData[16:]) != 9 {
		t.Error("the second context is not at a multiple of eight")
	}
	for _, bad := range []ErrorResponse{
		{ErrorContextCount: 255, ErrorData: r.ErrorData},
		{ErrorContextCount: 4, ErrorData: r.ErrorData},
		{ErrorContextCount: 1, ErrorData: seq(7)},
		{ErrorContextCount: 1, ErrorData: []byte{1, 0, 0, 0, 0, 0, 0, 0}},
		{ErrorContextCount: 1, ErrorData: []byte{255, 255, 255, 255, 0, 0, 0, 0}},
		{ErrorContextCount: 1},
	} {
		if _, err := bad.Contexts(); !isFormatError(err) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

func TestErrorData(t *testing.T) {
	testCodec(t, ParseBufferTooSmallError, 0, BufferTooSmallError{Required: 4096})
	testCodec(t, ParseSymbolicLinkError, 0, testSymlink)
	testCodec(t, ParseShareRedirectError, 0, testRedirect)
	b := testSymlink.Append(nil)
	if n := le.Uint32(b); int(n) != len(b)-4 {
		t.Errorf("SymLinkLength %d of %d bytes", n, len(b))
	}
	if n := le.Uint16(b[12:]); int(n) != len(b)-16 {
		t.Errorf("ReparseDataLength %d, %d bytes follow UnparsedPathLength", n, len(b)-16)
	}
	testReject(t, ParseSymbolicLinkError, b,
		reject{"SymLinkErrorTag", 4, []byte{0}, ErrValue},
		reject{"ReparseTag", 8, []byte{1}, ErrValue},
		reject{"SubstituteNameOffset", 16, []byte{0xFF, 0xFF}, ErrBounds},
		reject{"SubstituteNameLength", 18, []byte{7}, ErrBounds},
		reject{"PrintNameOffset", 20, []byte{5}, ErrBounds},
		reject{"PrintNameLength", 22, []byte{0xFF, 0xFF}, ErrBounds})
	if testSymlink.Target() != "ab" {
		t.Errorf("target %q", testSymlink.Target())
	}
	testReject(t, ParseShareRedirectError, testRedirect.Append(nil),
		reject{"NotificationType", 4, []byte{2}, ErrValue},
		reject{"ResourceNameOffset in the list", 8, []byte{71}, ErrBounds},
		reject{"ResourceNameOffset", 8, []byte{0xFF, 0xFF, 0xFF, 0xFF}, ErrBounds},
		reject{"ResourceNameLength", 12, []byte{3}, ErrBounds},
		reject{"IPAddrCount", 20, []byte{3}, ErrBounds},
		reject{"largest IPAddrCount", 20, []byte{0xFF, 0xFF, 0xFF, 0xFF}, ErrBounds})
}

// The count of addresses is bounded by itself, not only by the name behind them.
func TestShareRedirectWithoutName(t *testing.T) {
	r := ShareRedirectError{Destinations: testRedirect.Destinations}
	testCodec(t, ParseShareRedirectError, 0, r)
	testReject(t, ParseShareRedirectError, r.Append(nil), reject{"IPAddrCount", 20, []byte{3}, ErrBounds})
}

func FuzzErrorResponse(f *testing.F) {
	f.Add((&ErrorResponse{}).Append(nil))
	r := NewErrorResponse(ErrorContext{ErrorIDDefault, seq(4)}, ErrorContext{ErrorIDShareRedirect, seq(9)})
	f.Add(r.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ParseErrorResponse(b)
		if err != nil {
			return
		}
		list, err := r.Contexts()
		if err != nil || r.ErrorContextCount == 0 {
			return
		}
		again := NewErrorResponse(list...)
		if got, err := again.Contexts(); err != nil || !reflect.DeepEqual(got, list) {
			t.Fatalf("got %+v, %v\nwant %+v", got, err, list)
		}
	})
}
func FuzzSymbolicLinkError(f *testing.F)  { fuzzCodec(f, ParseSymbolicLinkError, testSymlink) }
func FuzzShareRedirectError(f *testing.F) { fuzzCodec(f, ParseShareRedirectError, testRedirect) }
