package iotest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"

	"lwio/iomgr/nt"
)

// The table of MS-FSA 2.1.5.1.
func filesDispositions(t *testing.T, x *Files) {
	for i, c := range []struct {
		disposition uint32
		exists      bool
		status      nt.Status
		action      uint32
		content     string
	}{
		{nt.FileOpen, true, 0, nt.FileOpened, "old"},
		{nt.FileOpen, false, nt.StatusObjectNameNotFound, 0, ""},
		{nt.FileCreate, true, nt.StatusObjectNameCollision, 0, "old"},
		{nt.FileCreate, false, 0, nt.FileCreated, ""},
		{nt.FileOpenIf, true, 0, nt.FileOpened, "old"},
		{nt.FileOpenIf, false, 0, nt.FileCreated, ""},
		{nt.FileOverwrite, true, 0, nt.FileOverwritten, ""},
		{nt.FileOverwrite, false, nt.StatusObjectNameNotFound, 0, ""},
		{nt.FileOverwriteIf, true, 0, nt.FileOverwritten, ""},
		{nt.FileOverwriteIf, false, 0, nt.FileCreated, ""},
		{nt.FileSupersede, false, 0, nt.FileCreated, ""},
	} {
		name := fmt.Sprint("f", i)
		if c.exists {
			x.file(t, name, "old")
		}
		h, action, err := x.create(t, name, c.disposition, 0)
		if c.status != 0 {
			if !errors.Is(err, c.status) {
				t.Errorf("disposition %d, exists %v: %v, want %v", c.disposition, c.exists, err, c.status)
			}
			continue
		}
		if err != nil || action != c.action {
			t.Errorf("disposition %d, exists %v: action %d, %v; want %d", c.disposition, c.exists, action, err, c.action)
			continue
		}
		x.API.Close(h)
		if got := x.content(t, name); got != c.content {
			t.Errorf("disposition %d, exists %v: content %q, want %q", c.disposition, c.exists, got, c.content)
		}
	}
}

func filesTypes(t *testing.T, x *Files) {
	x.file(t, "f", "")
	x.directory(t, "d")
	for _, c := range []struct {
		name                 string
		disposition, options uint32
		status               nt.Status
	}{
		{"f", nt.FileOpen, nt.FileDirectoryFile, nt.StatusNotADirectory},
		{"d", nt.FileOpen, nt.FileNonDirectoryFile, nt.StatusFileIsADirectory},
		{"d", nt.FileCreate, nt.FileDirectoryFile, nt.StatusObjectNameCollision},
		{"f", nt.FileCreate, nt.FileDirectoryFile, nt.StatusObjectNameCollision},
		{`f\x`, nt.FileOpen, 0, nt.StatusObjectPathNotFound},
		{`none\x`, nt.FileCreate, 0, nt.StatusObjectPathNotFound},
		{"d", nt.FileOpen, nt.FileDirectoryFile | nt.FileNonDirectoryFile, nt.StatusInvalidParameter},
	} {
		h, _, err := x.create(t, c.name, c.disposition, c.options)
		if err == nil {
			x.API.Close(h)
		}
		if !errors.Is(err, c.status) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	d := x.open(t, "d", nt.FileOpen, 0)
	if _, err := x.API.ReadFile(t.Context(), d, make([]byte, 1), 0); !errors.Is(err, nt.StatusInvalidDeviceRequest) {
		t.Errorf("read of a directory: %v", err)
	}
}

func filesNames(t *testing.T, x *Files) {
	for _, name := range []string{"Größe", "共有", "a b", "😀", "x.y.z", "~!@#$%^&()_+{}[]'`;,.=-x"} {
		x.file(t, name, name)
		if got := x.content(t, name); got != name {
			t.Errorf("%q holds %q", name, got)
		}
	}
	for _, name := range []string{`a*b`, `a?b`, `a<b`, `a>b`, `a"b`, `a|b`} {
		if h, _, err := x.create(t, name, nt.FileCreate, 0); !errors.Is(err, nt.StatusObjectNameInvalid) {
			t.Errorf("%q: %v", name, err)
			if err == nil {
				x.API.Close(h)
			}
		}
	}
}

func filesCase(t *testing.T, x *Files) {
	x.file(t, "MixedÄ", "1")
	if got := x.content(t, "mIXEDä"); got != "1" {
		t.Errorf("another case: %q", got)
	}
	if _, _, err := x.create(t, "MIXEDÄ", nt.FileCreate, 0); !errors.Is(err, nt.StatusObjectNameCollision) {
		t.Errorf("create in another case: %v", err)
	}
	if got := x.list(t, "*"); !slices.Equal(got, []string{".", "..", "MixedÄ"}) {
		t.Errorf("the case that was given is kept: %q", got)
	}
}

// renameTo is FileRenameInformation for a name in the same directory.
func renameTo(name string, replace bool) []byte {
	b := make([]byte, 20)
	if replace {
		b[0] = 1
	}
	binary.LittleEndian.PutUint32(b[16:], uint32(2*nt.UTF16Len(name)))
	return nt.AppendUTF16(b, name)
}

func filesRename(t *testing.T, x *Files) {
	x.file(t, "a", "A")
	x.file(t, "b", "B")
	h, _, err := x.create(t, "a", nt.FileOpen, 0)
	want(t, err, nt.StatusSuccess)
	want(t, x.set(t, h, nt.FileRenameInformation, renameTo("b", false)), nt.StatusObjectNameCollision)
	want(t, x.set(t, h, nt.FileRenameInformation, renameTo("c", false)), nt.StatusSuccess)
	if x.exists(t, "a") {
		t.Error("the old name is there")
	}
	want(t, x.set(t, h, nt.FileRenameInformation, renameTo("b", true)), nt.StatusSuccess)
	x.API.Close(h)
	if got := x.content(t, "b"); got != "A" {
		t.Errorf("%q", got)
	}
	if x.exists(t, "c") {
		t.Error("the name between is there")
	}
	h = x.open(t, "b", nt.FileOpen, 0, access(nt.GenericRead))
	want(t, x.set(t, h, nt.FileRenameInformation, renameTo("d", false)), nt.StatusAccessDenied)
}

func filesRenameDirectory(t *testing.T, x *Files) {
	x.directory(t, "d")
	x.file(t, `d\f`, "F")
	h, _, err := x.create(t, "d", nt.FileOpen, nt.FileDirectoryFile)
	want(t, err, nt.StatusSuccess)
	want(t, x.set(t, h, nt.FileRenameInformation, renameTo("e", false)), nt.StatusSuccess)
	x.API.Close(h)
	if got := x.content(t, `e\f`); got != "F" {
		t.Errorf("%q", got)
	}
}

func filesDelete(t *testing.T, x *Files) {
	x.file(t, "f", "")
	x.directory(t, "d")
	x.file(t, `d\f`, "")
	h, _, err := x.create(t, "f", nt.FileOpen, 0)
	want(t, err, nt.StatusSuccess)
	want(t, x.set(t, h, nt.FileDispositionInformation, []byte{1}), nt.StatusSuccess)
	if _, _, err := x.create(t, "f", nt.FileOpen, 0); !errors.Is(err, nt.StatusDeletePending) {
		t.Errorf("open of what is about to go: %v", err)
	}
	want(t, x.set(t, h, nt.FileDispositionInformation, []byte{0}), nt.StatusSuccess)
	if !x.exists(t, "f") {
		t.Error("a deletion that was taken back")
	}
	want(t, x.set(t, h, nt.FileDispositionInformation, []byte{1}), nt.StatusSuccess)
	x.API.Close(h)
	if x.exists(t, "f") {
		t.Error("what was deleted is there")
	}
	d, _, err := x.create(t, "d", nt.FileOpen, nt.FileDirectoryFile)
	want(t, err, nt.StatusSuccess)
	want(t, x.set(t, d, nt.FileDispositionInformation, []byte{1}), nt.StatusDirectoryNotEmpty)
	h, _, err = x.create(t, `d\f`, nt.FileOpen, nt.FileDeleteOnClose)
	want(t, err, nt.StatusSuccess)
	x.API.Close(h)
	want(t, x.set(t, d, nt.FileDispositionInformation, []byte{1}), nt.StatusSuccess)
	x.API.Close(d)
	if x.exists(t, "d") {
		t.Error("the directory that was deleted is there")
	}
}

func filesDeleteOnClose(t *testing.T, x *Files) {
	h, _, err := x.create(t, "f", nt.FileCreate, nt.FileDeleteOnClose)
	want(t, err, nt.StatusSuccess)
	second, _, err := x.create(t, "f", nt.FileOpen, 0)
	want(t, err, nt.StatusSuccess)
	x.API.Close(h)
	if _, _, err := x.create(t, "f", nt.FileOpen, 0); !errors.Is(err, nt.StatusDeletePending) {
		t.Errorf("between the closes: %v", err)
	}
	x.API.Close(second)
	if x.exists(t, "f") {
		t.Error("it is there after the last close")
	}
	if _, _, err := x.create(t, "g", nt.FileCreate, nt.FileDeleteOnClose, access(nt.GenericRead)); err == nil {
		t.Error("delete on close without the right to delete")
	}
}

func filesShare(t *testing.T, x *Files) {
	x.file(t, "f", "")
	h, _, err := x.create(t, "f", nt.FileOpen, 0, access(nt.GenericRead), share(nt.FileShareRead))
	want(t, err, nt.StatusSuccess)
	for _, c := range []struct {
		access nt.AccessMask
		share  uint32
		status nt.Status
	}{
		{nt.GenericRead, shareAll, 0}, {nt.GenericRead, nt.FileShareRead, 0}, {nt.GenericRead, 0, nt.StatusSharingViolation},
		{nt.GenericWrite, shareAll, nt.StatusSharingViolation}, {nt.Delete, shareAll, nt.StatusSharingViolation}, {nt.FileReadAttributes, 0, 0},
	} {
		h, _, err := x.create(t, "f", nt.FileOpen, 0, access(c.access), share(c.share))
		if err == nil {
			x.API.Close(h)
		}
		if nt.StatusOf(err) != c.status {
			t.Errorf("%+v: %v", c, err)
		}
	}
	x.API.Close(h)
	h, _, err = x.create(t, "f", nt.FileOpen, 0, share(0))
	want(t, err, nt.StatusSuccess)
	x.API.Close(h)
}

func filesAccess(t *testing.T, x *Files) {
	x.file(t, "f", "12345")
	r := x.open(t, "f", nt.FileOpen, 0, access(nt.FileReadData|nt.Synchronize))
	if _, err := x.API.WriteFile(t.Context(), r, []byte("x"), 0); !errors.Is(err, nt.StatusAccessDenied) {
		t.Errorf("write without the right: %v", err)
	}
	want(t, x.set(t, r, nt.FileEndOfFileInformation, uint64Bytes(1)), nt.StatusAccessDenied)
	want(t, x.set(t, r, nt.FileDispositionInformation, []byte{1}), nt.StatusAccessDenied)
	w := x.open(t, "f", nt.FileOpen, 0, access(nt.FileWriteData|nt.Synchronize))
	if _, err := x.API.ReadFile(t.Context(), w, make([]byte, 1), 0); !errors.Is(err, nt.StatusAccessDenied) {
		t.Errorf("read without the right: %v", err)
	}
}
