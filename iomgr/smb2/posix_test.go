package smb2

import (
	"errors"
	"strings"
	"testing"

	"lwio/iomgr/nt"
)

var (
	testPOSIXCreate = POSIXCreateResponse{Links: 2, ReparseTag: 3, Mode: POSIXTypeDirectory | 0o755, Owner: nt.NewSID(22, 1, 1000), Group: nt.NewSID(22, 2, 100)}
	testPOSIXFile   = POSIXFileInformation{CreationTime: 1, LastAccessTime: 2, LastWriteTime: 3, ChangeTime: 4, EndOfFile: 5, AllocationSize: 4096, FileAttributes: 32,
		Inode: 1 << 40, Device: 7, POSIXCreateResponse: testPOSIXCreate}
)

func TestPOSIXExtensions(t *testing.T) {
	other := strings.Repeat("x", 16)
	for _, x := range []struct {
		data string
		ok   bool
		err  error
	}{
		{ContextPOSIXCreate, true, nil}, {other + ContextPOSIXCreate, true, nil}, {other, false, nil}, {"", false, nil}, {"01234", false, ErrValue},
		{ContextPOSIXCreate + "1", false, ErrValue}, {ContextPOSIXCreate[8:] + ContextPOSIXCreate[:8], false, nil},
	} {
		if ok, err := ParsePOSIXExtensions([]byte(x.data)); ok != x.ok || !errors.Is(err, x.err) {
			t.Errorf("%q: %v, %v", x.data, ok, err)
		}
	}
}

func TestPOSIXCodec(t *testing.T) {
	testCodec(t, ParsePOSIXCreateRequest, 0, POSIXCreateRequest{Mode: 0o644})
	testCodec(t, ParsePOSIXCreateResponse, 0, testPOSIXCreate)
	testCodec(t, ParsePOSIXFileInformation, 0, testPOSIXFile)
	// As Samba lays it out (librpc/idl/smb3posix.idl).
	want := "\x02\x00\x00\x00\x03\x00\x00\x00\xed\x11\x00\x00" +
		"\x01\x02\x00\x00\x00\x00\x00\x16\x01\x00\x00\x00\xe8\x03\x00\x00" + "\x01\x02\x00\x00\x00\x00\x00\x16\x02\x00\x00\x00\x64\x00\x00\x00"
	if got := testPOSIXCreate.Append(nil); string(got) != want {
		t.Errorf("%x", got)
	}
	testReject(t, ParsePOSIXCreateResponse, testPOSIXCreate.Append(nil), reject{"SID's revision", 12, []byte{9}, ErrValue},
		reject{"SubAuthorityCount", 13, []byte{99}, ErrValue})
	if _, err := ParsePOSIXCreateRequest([]byte("00000")); !errors.Is(err, ErrValue) {
		t.Error(err)
	}
}

func FuzzPOSIXFileInformation(f *testing.F) {
	fuzzCodec(f, ParsePOSIXFileInformation, testPOSIXFile)
}
