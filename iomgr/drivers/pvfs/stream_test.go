package pvfs_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lwio/iomgr"
	"lwio/iomgr/api"
	"lwio/iomgr/drivers/pvfs"
	"lwio/iomgr/nt"
)

// streamsOf lists a file's streams with their sizes.
func streamsOf(t *testing.T, m *iomgr.Manager, h api.Handle) map[string]uint64 {
	t.Helper()
	buf := make([]byte, 4096)
	n, err := m.QueryInformationFile(t.Context(), h, nt.FileStreamInformation, buf)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]uint64{}
	for b := buf[:n]; len(b) > 0; {
		out[nt.DecodeUTF16(b[24:24+le.Uint32(b[4:])])] = le.Uint64(b[8:])
		next := le.Uint32(b)
		if next == 0 {
			break
		}
		b = b[next:]
	}
	return out
}

// sidecars counts the files that large streams have in a folder.
func sidecars(dir string) int {
	list, err := os.ReadDir(filepath.Join(dir, ".lwio.streams"))
	if errors.Is(err, fs.ErrNotExist) {
		return -1
	}
	return len(list)
}

func needXattr(t *testing.T, m *iomgr.Manager) {
	t.Helper()
	h, _, err := create(m, "xattr:probe", nt.FileCreate, 0)
	if err != nil {
		t.Skip("the file system has no extended attributes: ", err)
	}
	m.Close(h)
	if h, _, err = create(m, "xattr", nt.FileOpen, nt.FileDeleteOnClose); err != nil {
		t.Fatal(err)
	}
	m.Close(h)
}

func setName(m *iomgr.Manager, t *testing.T, h api.Handle, name string, replace bool) error {
	b := make([]byte, 20)
	if replace {
		b[0] = 1
	}
	b = nt.AppendUTF16(b, name)
	le.PutUint32(b[16:], uint32(len(b)-20))
	return m.SetInformationFile(t.Context(), h, nt.FileRenameInformation, b)
}

func content(t *testing.T, m *iomgr.Manager, name string) string {
	t.Helper()
	h := mustOpen(t, m, name, nt.FileOpen, 0)
	defer m.Close(h)
	buf := make([]byte, 1<<20)
	n, err := m.ReadFile(t.Context(), h, buf, 0)
	if err != nil && !errors.Is(err, nt.StatusEndOfFile) {
		t.Fatal(name, err)
	}
	return string(buf[:n])
}

func put(t *testing.T, m *iomgr.Manager, name, data string) {
	t.Helper()
	h := mustOpen(t, m, name, nt.FileOpenIf, 0)
	defer m.Close(h)
	if _, err := m.WriteFile(t.Context(), h, []byte(data), 0); err != nil {
		t.Fatal(name, err)
	}
}

func TestStreams(t *testing.T) {
	m, dir := mount(t)
	needXattr(t, m)
	put(t, m, "f", "main")
	put(t, m, "f:small", "a little")
	big := strings.Repeat("0123456789abcdef", 8192)
	put(t, m, "f:Big:$DATA", big)
	for name, want := range map[string]string{"f": "main", "f::$DATA": "main", "f:SMALL": "a little", "F:big": big} {
		if got := content(t, m, name); got != want {
			t.Errorf("%s: %d bytes", name, len(got))
		}
	}
	h := mustOpen(t, m, "f", nt.FileOpen, 0)
	if got := streamsOf(t, m, h); len(got) != 3 || got["::$DATA"] != 4 || got[":small:$DATA"] != 8 || got[":Big:$DATA"] != uint64(len(big)) {
		t.Errorf("%v", got)
	}
	m.Close(h)
	if n := sidecars(dir); n != 1 {
		t.Errorf("%d files beside", n)
	}
	// Nobody sees the folder, and nobody opens it.
	if _, _, err := create(m, ".LWIO.streams", nt.FileOpen, 0); !errors.Is(err, nt.StatusObjectNameInvalid) {
		t.Errorf("the folder: %v", err)
	}
	if _, _, err := create(m, pvfs.ShortName(".lwio.streams"), nt.FileOpen, 0); !errors.Is(err, nt.StatusObjectNameNotFound) {
		t.Errorf("the folder by its short name: %v", err)
	}
	// A file keeps them through a rename into another directory.
	m.Close(mustOpen(t, m, "sub", nt.FileCreate, nt.FileDirectoryFile))
	h = mustOpen(t, m, "f", nt.FileOpen, 0)
	if err := setName(m, t, h, `\sub\g`, false); err != nil {
		t.Fatal(err)
	}
	m.Close(h)
	if got := content(t, m, `sub\g:big`); got != big || sidecars(dir) != -1 || sidecars(filepath.Join(dir, "sub")) != 1 {
		t.Errorf("after the rename: %d bytes, %d and %d files", len(got), sidecars(dir), sidecars(filepath.Join(dir, "sub")))
	}
	// A stream gets another name, over another stream if that is wanted.
	h = mustOpen(t, m, `sub\g:big`, nt.FileOpen, 0)
	for _, c := range []struct {
		name    string
		replace bool
		status  nt.Status
	}{{":small", false, nt.StatusObjectNameCollision}, {"::$DATA", true, nt.StatusInvalidParameter}, {"plain", true, nt.StatusInvalidParameter}, {":small:$DATA", true, 0}} {
		if err := setName(m, t, h, c.name, c.replace); nt.StatusOf(err) != c.status {
			t.Errorf("rename to %s: %v", c.name, err)
		}
	}
	m.Close(h)
	if got := content(t, m, `sub\g:small`); got != big {
		t.Errorf("renamed: %d bytes", len(got))
	}
	// An overwritten file has none.
	m.Close(mustOpen(t, m, `sub\g`, nt.FileOverwrite, 0))
	if _, _, err := create(m, `sub\g:small`, nt.FileOpen, 0); !errors.Is(err, nt.StatusObjectNameNotFound) || sidecars(filepath.Join(dir, "sub")) != -1 {
		t.Errorf("after the overwriting: %v", err)
	}
	// They go with the file.
	put(t, m, `sub\g:again`, big)
	m.Close(mustOpen(t, m, `sub\g`, nt.FileOpen, nt.FileDeleteOnClose))
	if n := sidecars(filepath.Join(dir, "sub")); n != -1 {
		t.Errorf("after the deletion: %d", n)
	}
	m.Close(mustOpen(t, m, "sub", nt.FileOpen, nt.FileDeleteOnClose|nt.FileDirectoryFile))
	if _, err := os.Stat(filepath.Join(dir, "sub")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory: %v", err)
	}
}

// TestStreamGrows writes across the size at which a stream gets a file of its own, and cuts it again.
func TestStreamGrows(t *testing.T) {
	m, dir := mount(t)
	needXattr(t, m)
	h := mustOpen(t, m, "f:s", nt.FileCreate, 0)
	other := mustOpen(t, m, "f:S", nt.FileOpen, 0)
	var want []byte
	for at := 0; at < 10000; at += 700 {
		piece := bytes.Repeat([]byte{byte(at / 700)}, 700)
		if _, err := m.WriteFile(t.Context(), h, piece, int64(at)); err != nil {
			t.Fatal(err)
		}
		want = append(want, piece...)
		buf := make([]byte, 20000)
		if n, err := m.ReadFile(t.Context(), other, buf, 0); err != nil || !bytes.Equal(buf[:n], want) {
			t.Fatalf("at %d: %d bytes, %v", at, n, err)
		}
	}
	if n := sidecars(dir); n != 1 {
		t.Errorf("%d files beside", n)
	}
	if err := m.SetInformationFile(t.Context(), h, nt.FileEndOfFileInformation, le.AppendUint64(nil, 3)); err != nil {
		t.Error(err)
	}
	m.Close(h)
	m.Close(other)
	if got := content(t, m, "f:s"); got != "\x00\x00\x00" {
		t.Errorf("cut: %q", got)
	}
}

// TestStreamSharing follows MS-FSA 2.1.5.1.2.2: each stream has share modes of its own, but one that is not shared for deletion keeps the file.
func TestStreamSharing(t *testing.T) {
	m, _ := mount(t)
	needXattr(t, m)
	open := func(name string, access nt.AccessMask, share, disposition uint32) (api.Handle, error) {
		return m.CreateFile(t.Context(), &api.CreateArgs{Name: `\pvfs\` + name, DesiredAccess: access, ShareAccess: share, Disposition: disposition})
	}
	h, err := open("f:s", nt.FileWriteData, 0, nt.FileCreate)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name        string
		access      nt.AccessMask
		disposition uint32
		status      nt.Status
	}{
		{"f:s", nt.FileReadData, nt.FileOpen, nt.StatusSharingViolation},
		{"f:S:$data", nt.FileReadData, nt.FileOpen, nt.StatusSharingViolation},
		{"f:s", nt.FileReadData, nt.FileCreate, nt.StatusObjectNameCollision},
		{"f:other", nt.FileWriteData, nt.FileOpenIf, 0},
		{"f", nt.FileWriteData, nt.FileOpen, 0},
		{"f", nt.Delete, nt.FileOpen, nt.StatusSharingViolation},
		{"f", nt.FileWriteData, nt.FileOverwrite, nt.StatusSharingViolation},
	} {
		x, err := open(c.name, c.access, 0, c.disposition)
		if nt.StatusOf(err) != c.status {
			t.Errorf("%s %#x: %v", c.name, c.access, err)
		}
		if err == nil {
			m.Close(x)
		}
	}
	m.Close(h)
	// Shared for deletion it lives on, unnamed, until it is closed.
	if h, err = open("f:s", nt.FileReadData|nt.FileWriteData, 7, nt.FileOpen); err != nil {
		t.Fatal(err)
	}
	m.Close(mustOpen(t, m, "f", nt.FileOpen, nt.FileDeleteOnClose))
	if _, err := m.WriteFile(t.Context(), h, []byte("x"), 0); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"f", "f:s"} {
		if _, err := open(name, nt.FileReadData, 7, nt.FileOpen); !errors.Is(err, nt.StatusDeletePending) {
			t.Errorf("%s: %v", name, err)
		}
	}
	m.Close(h)
	if _, err := open("f", nt.FileReadData, 7, nt.FileOpen); !errors.Is(err, nt.StatusObjectNameNotFound) {
		t.Errorf("at the end: %v", err)
	}
}

func TestStreamsOfDirectories(t *testing.T) {
	m, _ := mount(t)
	needXattr(t, m)
	d := mustOpen(t, m, "d", nt.FileCreate, nt.FileDirectoryFile)
	defer m.Close(d)
	put(t, m, "d:s", "of a directory")
	if got := streamsOf(t, m, d); len(got) != 1 || got[":s:$DATA"] != 14 {
		t.Errorf("%v", got)
	}
	for _, c := range []struct {
		name    string
		options uint32
		status  nt.Status
	}{
		{"d:s", nt.FileDirectoryFile, nt.StatusNotADirectory},
		{"d::$DATA", nt.FileDirectoryFile, nt.StatusNotADirectory},
		{"d::$DATA", 0, nt.StatusFileIsADirectory},
		{"d::$INDEX_ALLOCATION", nt.FileDirectoryFile, 0},
		{"d:none", 0, nt.StatusObjectNameNotFound},
	} {
		h, _, err := create(m, c.name, nt.FileOpen, c.options)
		if nt.StatusOf(err) != c.status {
			t.Errorf("%s %#x: %v", c.name, c.options, err)
		}
		if err == nil {
			m.Close(h)
		}
	}
	m.Close(mustOpen(t, m, "d:s", nt.FileOpen, nt.FileDeleteOnClose))
	if got := streamsOf(t, m, d); len(got) != 0 {
		t.Errorf("deleted: %v", got)
	}
}

// TestStreamLongName has a name that is too long for an extended attribute.
func TestStreamLongName(t *testing.T) {
	m, _ := mount(t)
	needXattr(t, m)
	name := strings.Repeat("n", 250)
	put(t, m, "f:"+name, "long")
	h := mustOpen(t, m, "f", nt.FileOpen, 0)
	defer m.Close(h)
	if got := streamsOf(t, m, h); got[":"+name+":$DATA"] != 4 {
		t.Errorf("%v", got)
	}
	if got := content(t, m, "F:"+strings.ToUpper(name)); got != "long" {
		t.Errorf("%q", got)
	}
}

func TestExtendedAttributes(t *testing.T) {
	m, _ := mount(t)
	needXattr(t, m)
	ctx := t.Context()
	one := func(name, value string) []byte {
		b := append([]byte{0, 0, 0, 0, 0, byte(len(name)), byte(len(value)), 0}, name...)
		return append(append(b, 0), value...)
	}
	a := &api.CreateArgs{Name: `\pvfs\f`, DesiredAccess: nt.MaximumAllowed, ShareAccess: 7, Disposition: nt.FileCreate, EA: one("First", "1")}
	h, err := m.CreateFile(ctx, a)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(h)
	list := func() []string {
		buf := make([]byte, 1000)
		n, err := m.QueryEaFile(ctx, h, nil, buf)
		if errors.Is(err, nt.StatusNoEasOnFile) {
			return nil
		}
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for b := buf[:n]; ; {
			name, value := int(b[5]), int(le.Uint16(b[6:]))
			out = append(out, string(b[8:8+name])+"="+string(b[9+name:9+name+value]))
			next := le.Uint32(b)
			if next == 0 {
				break
			}
			b = b[next:]
		}
		slices.Sort(out)
		return out
	}
	size := func() uint32 {
		buf := make([]byte, 4)
		if _, err := m.QueryInformationFile(ctx, h, nt.FileEaInformation, buf); err != nil {
			t.Fatal(err)
		}
		return le.Uint32(buf)
	}
	for _, c := range []struct {
		set  []byte
		want string
		size uint32
	}{
		{nil, "FIRST=1", 15},
		{one("second", "two"), "FIRST=1 SECOND=two", 29},
		{one("FIRST", "one"), "FIRST=one SECOND=two", 31},
		{one("SECOND", ""), "FIRST=one", 17},
		{one("first", ""), "", 0},
		{one("never", ""), "", 0},
	} {
		if c.set != nil {
			if err := m.SetEaFile(ctx, h, c.set); err != nil {
				t.Fatal(err)
			}
		}
		if got := strings.Join(list(), " "); got != c.want || size() != c.size {
			t.Errorf("%q, size %d, want %q, %d", got, size(), c.want, c.size)
		}
	}
}

// TestStreamCopied has a local program copy a file with its attributes: the copy and the file have a stream each.
func TestStreamCopied(t *testing.T) {
	m, dir := mount(t)
	needXattr(t, m)
	big := strings.Repeat("x", 10000)
	put(t, m, "f:s", big)
	copyWithXattrs(t, filepath.Join(dir, "f"), filepath.Join(dir, "copy"))
	if got := content(t, m, "copy:s"); got != big || sidecars(dir) != 2 {
		t.Errorf("the copy has %d bytes, %d files beside", len(got), sidecars(dir))
	}
	put(t, m, "copy:s", "y")
	if got := content(t, m, "f:s"); got != big {
		t.Error("the copy's stream is the file's")
	}
	copyWithXattrs(t, filepath.Join(dir, "f"), filepath.Join(dir, "other"))
	m.Close(mustOpen(t, m, "other", nt.FileOpen, nt.FileDeleteOnClose)) // with what it took from the file
	if got := content(t, m, "f:s"); got != big {
		t.Error("the deletion of a copy takes the file's stream")
	}
	m.Close(mustOpen(t, m, "f", nt.FileOpen, nt.FileDeleteOnClose))
	m.Close(mustOpen(t, m, "copy", nt.FileOpen, nt.FileDeleteOnClose))
	if n := sidecars(dir); n != -1 {
		t.Errorf("%d files are left", n)
	}
}
